//! From Accounts to everything that they need: IP Groups, Proxy Sets, their addresses, SIP
//! Interfaces, network interfaces.
//!
//! It takes cells by the table of options and leaves it to the check of the configuration to say
//! what is wrong with a value.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use super::draft::{DraftRow, Entry};
use super::ini::{At, Cell};
use super::table::{Line, Said, toml_text};
use super::take::Credentials;
use super::{CellOutcome, Import, RowOutcome, choices, derived, ini_name};
use crate::config::options::*;
use crate::config::suggest::quoted;

/// The lines of the tables that matter.
pub(super) struct Lines<'t> {
    accounts: Vec<Line<'t>>,
    groups: Named<'t>,
    sets: Named<'t>,
    proxies: Vec<Line<'t>>,
    interfaces: Named<'t>,
    networks: Vec<Line<'t>>,
    realms: Vec<Line<'t>>,
}

/// Rows that others refer to by name, or in old files by index.
struct Named<'t> {
    lines: Vec<Line<'t>>,
    names: Vec<String>,
    by_index: BTreeMap<u32, usize>,
}

impl<'t> Named<'t> {
    fn new(table: Table, name: &Opt, lines: Vec<Line<'t>>) -> Self {
        let named = |line: &Line<'t>| match line.said(name.ini) {
            Said::Given(cell, _, _) => cell.text.to_owned(),
            Said::Default(..) | Said::Absent => derived(table.info(), line.id.index),
        };
        let names: Vec<String> = lines.iter().map(named).collect();
        let by_index = lines.iter().enumerate();
        let by_index = by_index
            .map(|(place, line)| (line.id.index, place))
            .collect();
        Self {
            lines,
            names,
            by_index,
        }
    }

    /// The name of the row that a cell refers to. A column other than the newest one holds
    /// indexes.
    fn find(&self, text: &str, age: usize) -> String {
        let index = text.parse::<u32>().ok().filter(|_| age > 0);
        let place = index.and_then(|index| self.by_index.get(&index).copied());
        place.map_or_else(|| text.to_owned(), |place| self.names[place].clone())
    }

    /// Those of some names, with all that share a name: which of them is meant is not known.
    fn wanted(&self, names: &BTreeSet<(Table, String)>, table: Table) -> BTreeSet<usize> {
        let places = 0..self.lines.len();
        let is_wanted = |place: &usize| names.contains(&(table, self.names[*place].clone()));
        places.filter(is_wanted).collect()
    }

    fn all(&self) -> Vec<&str> {
        self.names.iter().map(String::as_str).collect()
    }
}

impl<'t> Import<'_, 't> {
    /// Takes the Accounts, and what they lead to.
    pub(super) fn follow(&mut self) {
        let lines = Lines {
            accounts: self.lines(ini_name(Table::Account)),
            groups: Named::new(Table::IpGroup, &GROUP_NAME, self.lines("IPGroup")),
            sets: Named::new(Table::ProxySet, &SET_NAME, self.lines("ProxySet")),
            proxies: self.lines("ProxyIp"),
            interfaces: Named::new(
                Table::SipInterface,
                &INTERFACE_NAME,
                self.lines("SIPInterface"),
            ),
            networks: self.lines("InterfaceTable"),
            realms: self.lines("CpMediaRealm"),
        };
        for line in &lines.accounts {
            self.account(line, &lines);
        }
        let wanted = lines.groups.wanted(&self.wanted, Table::IpGroup);
        for (place, line) in lines.groups.lines.iter().enumerate() {
            match wanted.contains(&place) {
                true => self.group(line, &lines, place),
                false => self.unneeded(line, Some(&lines.groups.names[place])),
            }
        }
        let wanted = lines.sets.wanted(&self.wanted, Table::ProxySet);
        let mut proxies = self.proxies_by_set(&lines);
        for (place, line) in lines.sets.lines.iter().enumerate() {
            let own = proxies.remove(&line.id.index).unwrap_or_default();
            if wanted.contains(&place) {
                self.set(line, &lines, place, &own);
            } else {
                self.unneeded(line, Some(&lines.sets.names[place]));
                own.into_iter().for_each(|proxy| self.unneeded(proxy, None));
            }
        }
        for proxy in proxies.into_values().flatten() {
            self.dangling_proxy(proxy);
        }
        let mut networks = BTreeSet::new();
        let wanted = lines.interfaces.wanted(&self.wanted, Table::SipInterface);
        for (place, line) in lines.interfaces.lines.iter().enumerate() {
            if wanted.contains(&place) {
                self.interface(line, &lines, place);
                networks.extend(line.text("NetworkInterface"));
            } else {
                self.unneeded(line, Some(&lines.interfaces.names[place]));
            }
        }
        for line in &lines.networks {
            let name = line.text("InterfaceName");
            if name.is_some_and(|name| networks.contains(name)) {
                let row = self.report_row(line.id, name, RowOutcome::Taken);
                self.networks
                    .push((row, name.unwrap_or_default().to_owned()));
            } else {
                self.unneeded(line, name);
            }
        }
        for line in &lines.realms {
            self.unneeded(line, line.text("MediaRealmName"));
        }
        self.look_for_unused(&lines);
    }

    fn unneeded(&mut self, line: &Line<'t>, name: Option<&str>) {
        let row = self.report_row(line.id, name, RowOutcome::NotNeeded);
        self.report.rows[row].why = Some("no Account leads to it".to_owned());
    }

    /// Begins a row of the configuration.
    fn begin(&mut self, table: Table, line: &Line<'t>, name: Option<&str>) -> usize {
        let report = self.report_row(line.id, name, RowOutcome::Taken);
        self.draft.rows.push(DraftRow {
            table,
            at: line.id.at,
            index: line.id.index,
            entries: Vec::new(),
            parent: None,
            report: Some(report),
            is_in: true,
        });
        self.draft.rows.len() - 1
    }

    fn account(&mut self, line: &Line<'t>, lines: &Lines<'t>) {
        let name = line.text("AccountName");
        if !self.is_applicable(line, name) {
            return;
        }
        let shown = name.map_or_else(
            || derived(Table::Account.info(), line.id.index),
            str::to_owned,
        );
        let row = self.begin(Table::Account, line, Some(&shown));
        let index = Entry::new(
            &ACCOUNT_INDEX,
            line.id.index.to_string(),
            line.id.at,
            "Index",
        );
        self.put(row, index, CellOutcome::Taken, None);
        self.name(row, line, &ACCOUNT_NAME, &shown);
        for option in [&ACCOUNT_SERVED, &ACCOUNT_SERVING] {
            if let Some(group) =
                self.refer(row, line, option, |text, age| lines.groups.find(text, age))
            {
                self.wanted.insert((Table::IpGroup, group));
            }
        }
        for option in Table::Account.options() {
            let is_done = self.draft.rows[row].entry(option.key).is_some();
            let is_special = [
                ACCOUNT_SERVED.key,
                ACCOUNT_SERVING.key,
                ACCOUNT_PASSWORD.key,
            ];
            if !is_done && !option.ini.is_empty() && !is_special.contains(&option.key) {
                self.take(row, line, option);
            }
        }
        let keys = Credentials {
            user_name: &ACCOUNT_USER_NAME,
            password: &ACCOUNT_PASSWORD,
            file: &ACCOUNT_PASSWORD_FILE,
        };
        self.password(row, line, &keys, &shown);
        if let Some(cell) = line.cell("ServedTrunkGroup").filter(Cell::is_given)
            && cell.text != "-1"
        {
            self.drop_cell(
                row,
                cell,
                "ServedTrunkGroup",
                "trunk groups are of the Gateway",
            );
        }
    }

    /// Whether an Account is of the SBC application. In a file that has no such column it is taken
    /// for one unless it names a trunk group, since only those of the Gateway do.
    fn is_applicable(&mut self, line: &Line<'t>, name: Option<&str>) -> bool {
        let cell = line.cell("ApplicationType");
        let text = cell.map(|cell| if cell.is_given() { cell.text } else { "0" });
        let is_gateway = match text {
            Some("2") => return true,
            Some(_) => true,
            None => line.text("ServedTrunkGroup").is_some_and(|it| it != "-1"),
        };
        if !is_gateway {
            return true;
        }
        let why = match (text, cell) {
            (Some("0"), Some(cell)) if cell.is_given() => {
                "ApplicationType 0 is the Gateway application"
            }
            (Some("0"), _) => {
                "ApplicationType is not given, which stands for 0, the Gateway application"
            }
            (Some(_), _) => "its ApplicationType is neither 0 (Gateway) nor 2 (SBC)",
            (None, _) => "it serves a trunk group of the Gateway application",
        };
        let at = cell.map_or(line.id.at, |cell| cell.at);
        let row = self.report_row(line.id, name, RowOutcome::NotApplicable);
        let column = self.ini.column(at);
        let report = &mut self.report.rows[row];
        report.column = column;
        report.why = Some(why.to_owned());
        let is_known = matches!(text, None | Some("0"));
        if !is_known {
            let label = line.label(name);
            let text = quoted(text.unwrap_or_default());
            let message =
                format!("{label}: ApplicationType is {text}, which stands for nothing known");
            self.warn(at, "", message, Some("known are 0 (Gateway) and 2 (SBC)"));
        }
        false
    }

    fn group(&mut self, line: &Line<'t>, lines: &Lines<'t>, place: usize) {
        let name = &lines.groups.names[place];
        let row = self.begin(Table::IpGroup, line, Some(name));
        self.name(row, line, &GROUP_NAME, name);
        if let Some(set) = self.refer(row, line, &GROUP_PROXY_SET, |text, age| {
            lines.sets.find(text, age)
        }) {
            self.wanted.insert((Table::ProxySet, set));
        }
        for option in [
            &GROUP_SIP_GROUP_NAME,
            &GROUP_CONTACT_USER,
            &GROUP_AUTHENTICATION_MODE,
            &GROUP_USER_NAME_AS_CLIENT,
        ] {
            self.take(row, line, option);
        }
        let keys = Credentials {
            user_name: &GROUP_USER_NAME_AS_CLIENT,
            password: &GROUP_PASSWORD_AS_CLIENT,
            file: &GROUP_PASSWORD_AS_CLIENT_FILE,
        };
        self.password(row, line, &keys, name);
    }

    /// The addresses of each Proxy Set by its index, in the set's order.
    fn proxies_by_set<'l>(&mut self, lines: &'l Lines<'t>) -> BTreeMap<u32, Vec<&'l Line<'t>>> {
        let mut sets: BTreeMap<u32, Vec<(u32, &'l Line<'t>)>> = BTreeMap::new();
        for line in &lines.proxies {
            let set = line.text("ProxySetId").unwrap_or("0");
            let Ok(set) = set.parse() else {
                let at = line.cell("ProxySetId").map_or(line.id.at, |cell| cell.at);
                let set = quoted(set);
                let why = format!("ProxySetId is {set}, which is no index of a Proxy Set");
                let hint = "addresses refer to their Proxy Set by its index";
                self.fail_row(line.id, at, why, Some(hint));
                continue;
            };
            let order = line.text("ProxyIpIndex").and_then(|it| it.parse().ok());
            let order = order.unwrap_or(line.id.index);
            sets.entry(set).or_default().push((order, line));
        }
        let sorted = |mut list: Vec<(u32, &'l Line<'t>)>| {
            list.sort_by_key(|(order, line)| (*order, line.id.index));
            list.into_iter().map(|(_, line)| line).collect()
        };
        sets.into_iter()
            .map(|(set, list)| (set, sorted(list)))
            .collect()
    }

    fn dangling_proxy(&mut self, line: &Line<'t>) {
        let cell = line.cell("ProxySetId");
        let set = line.text("ProxySetId").unwrap_or("0");
        let why = format!("there is no Proxy Set {set}");
        let at = cell.map_or(line.id.at, |cell| cell.at);
        let hint = "ProxySetId is the index of a row of table ProxySet";
        self.fail_row(line.id, at, why, Some(hint));
    }

    fn set(&mut self, line: &Line<'t>, lines: &Lines<'t>, place: usize, proxies: &[&Line<'t>]) {
        let name = &lines.sets.names[place];
        let row = self.begin(Table::ProxySet, line, Some(name));
        self.name(row, line, &SET_NAME, name);
        if let Some(interface) = self.set_interface(row, line, lines, proxies) {
            self.wanted.insert((Table::SipInterface, interface));
        }
        for option in Table::ProxySet.options() {
            let is_done = self.draft.rows[row].entry(option.key).is_some();
            if is_done || option.ini.is_empty() || option.key == SET_SIP_INTERFACE.key {
                continue;
            }
            match GLOBAL_DEFAULTS.iter().find(|(key, _)| *key == option.key) {
                Some((_, parameter)) => self.take_or_global(row, line, option, parameter),
                None => self.take(row, line, option),
            }
        }
        for proxy in proxies {
            let number = self.begin(Table::Proxy, proxy, None);
            self.draft.rows[number].parent = Some(row);
            for option in Table::Proxy.options() {
                if option.key == PROXY_TRANSPORT.key {
                    self.take_or_global(number, proxy, option, "SIPTransportType");
                } else {
                    self.take(number, proxy, option);
                }
            }
        }
    }

    /// The SIP Interface of a Proxy Set: the one for IPv4, unless only the one for IPv6 is given or
    /// all addresses are IPv6.
    fn set_interface(
        &mut self,
        row: usize,
        line: &Line<'t>,
        lines: &Lines<'t>,
        proxies: &[&Line<'t>],
    ) -> Option<String> {
        let [v4, v6] = [SET_SIP_INTERFACE.ini[0], SET_SIP_INTERFACE.ini[1]];
        let given = |column| line.cell(column).filter(Cell::is_given);
        let is_v6 = |proxy: &&Line<'t>| proxy.text("IpAddress").is_some_and(is_ipv6);
        let all_v6 = !proxies.is_empty() && proxies.iter().all(is_v6);
        let (cell, column, other) = match (given(v4), given(v6)) {
            (Some(_), Some(six)) if all_v6 => (six, v6, given(v4).map(|cell| (cell, v4))),
            (Some(four), six) => (four, v4, six.map(|cell| (cell, v6))),
            (None, Some(six)) => (six, v6, None),
            (None, None) => return self.only_interface(row, line, lines),
        };
        if let Some((cell, column)) = other {
            self.drop_cell(row, cell, column, "a Proxy Set has one SIP Interface here");
        }
        let literal = toml_text(cell.text);
        let entry = Entry::new(&SET_SIP_INTERFACE, literal, cell.at, column);
        self.put(row, entry, CellOutcome::Taken, None);
        Some(cell.text.to_owned())
    }

    /// A Proxy Set that names no SIP Interface gets the one that there is.
    fn only_interface(&mut self, row: usize, line: &Line<'t>, lines: &Lines<'t>) -> Option<String> {
        let column = SET_SIP_INTERFACE.ini[0];
        let at = line.cell(column).map_or(line.id.at, |cell| cell.at);
        if let [only] = &lines.interfaces.names[..] {
            let why = "it names none, and there is only this one";
            let entry = Entry::new(&SET_SIP_INTERFACE, toml_text(only), at, column);
            self.put(row, entry, CellOutcome::Defaulted, Some(why));
            return Some(only.clone());
        }
        let message = format!(
            "{}: no SIP Interface for SBC",
            line.label(Some(&lines.sets.names[self.place_of(line, &lines.sets)]))
        );
        let hint = format!("{column} names it; {}", choices(&lines.interfaces.all()));
        self.error(at, SET_SIP_INTERFACE.key, message, Some(&hint));
        self.fail(row, "it names no SIP Interface");
        None
    }

    fn place_of(&self, line: &Line<'t>, named: &Named<'t>) -> usize {
        named
            .by_index
            .get(&line.id.index)
            .copied()
            .unwrap_or_default()
    }

    fn interface(&mut self, line: &Line<'t>, lines: &Lines<'t>, place: usize) {
        let name = &lines.interfaces.names[place];
        let row = self.begin(Table::SipInterface, line, Some(name));
        self.name(row, line, &INTERFACE_NAME, name);
        if let Some(network) = line.text("NetworkInterface") {
            self.network_users.push((row, network.to_owned()));
        }
        self.address(row, line, name, lines);
        for option in Table::SipInterface.options() {
            let is_done = self.draft.rows[row].entry(option.key).is_some();
            if !is_done && !option.ini.is_empty() && option.key != INTERFACE_ADDRESS.key {
                self.take(row, line, option);
            }
        }
        self.look_at_media(row, line, lines);
        if self.draft.literal(row, &INTERFACE_UDP_PORT) == Some("0") {
            let label = line.label(Some(name));
            let at = line.cell("UDPPort").map_or(line.id.at, |cell| cell.at);
            let message = format!("{label}: UDPPort is 0, which closes it for UDP");
            let hint = "Accounts register over UDP: give it a port";
            self.error(at, INTERFACE_UDP_PORT.key, message, Some(hint));
            self.fail(row, "it is closed for UDP");
        }
    }

    /// The device forbids ports for Accounts that are ports for media too, on the same network
    /// interface.
    fn look_at_media(&mut self, row: usize, line: &Line<'t>, lines: &Lines<'t>) {
        let Said::Given(cell, column, _) = line.said(INTERFACE_ADDITIONAL_UDP_PORTS.ini) else {
            return;
        };
        let range = cell.text.split_once('-');
        let range = range.and_then(|(first, last)| {
            let port = |text: &str| text.trim().parse::<u32>().ok();
            port(first).zip(port(last))
        });
        let (Some((first, last)), Some(network)) = (range, line.text("NetworkInterface")) else {
            return;
        };
        for realm in &lines.realms {
            let is_here = ["IPv4IF", "IPv6IF"]
                .iter()
                .any(|it| realm.text(it) == Some(network));
            let port = |name: &str| realm.text(name).and_then(|it| it.parse::<u32>().ok());
            let ports = port("PortRangeStart").zip(port("PortRangeEnd"));
            if let Some((start, end)) =
                ports.filter(|(start, end)| is_here && *start <= last && first <= *end)
            {
                let label = self.label_of(row);
                let name = quoted(realm.text("MediaRealmName").unwrap_or_default());
                let message = format!(
                    "{label}: {column} {first}-{last} overlaps ports {start}-{end} of media realm \
                     {name} in line {}",
                    realm.id.at.line
                );
                let hint = "the device allows it for none of its Accounts; regent has no media";
                self.warn(
                    cell.at,
                    INTERFACE_ADDITIONAL_UDP_PORTS.key,
                    message,
                    Some(hint),
                );
            }
        }
    }

    /// The local address of a SIP Interface: the one that was given for it or for its network
    /// interface, else that of the network interface if it is one of this host.
    fn address(&mut self, row: usize, line: &Line<'t>, name: &str, lines: &Lines<'t>) {
        let column = INTERFACE_ADDRESS.ini[0];
        let cell = line.cell(column);
        let at = cell.map_or(line.id.at, |cell| cell.at);
        let network = cell.filter(Cell::is_given).map(|cell| cell.text);
        let interfaces = self.surroundings.interfaces;
        let mut wanted = [Some(name), network].into_iter().flatten();
        let mapped = wanted.find_map(|name| interfaces.iter().find(|(it, _)| it == name));
        if let Some((mapped, address)) = mapped {
            self.used_interfaces.push(mapped.clone());
            let literal = toml_text(&address.to_string());
            let why = format!("by --interface {mapped}={address}");
            let entry = Entry::new(&INTERFACE_ADDRESS, literal, at, column);
            self.put(row, entry, CellOutcome::Taken, Some(&why));
            return;
        }
        let known = |line: &&Line<'t>| network.is_some() && line.text("InterfaceName") == network;
        let found = lines.networks.iter().find(known);
        let text = found.and_then(|line| line.text("IPAddress"));
        let address = text.and_then(|text| text.parse::<IpAddr>().ok());
        let option = format!("--interface {}=ADDRESS", shell(network.unwrap_or(name)));
        let label = line.label(Some(name));
        let what = match (network, text, address) {
            (_, _, Some(address)) if address.is_unspecified() => {
                format!("{} has no address of its own", shown(network))
            }
            (_, _, Some(address)) if !(self.surroundings.is_local)(address) => {
                format!("{address} of {} is no address of this host", shown(network))
            }
            (_, _, Some(address)) => {
                let literal = toml_text(&address.to_string());
                let entry = Entry::new(&INTERFACE_ADDRESS, literal, at, column);
                self.put(row, entry, CellOutcome::Taken, None);
                return;
            }
            (None, _, _) => "it names no network interface".to_owned(),
            (_, Some(text), None) => format!("{} has the address {}", shown(network), quoted(text)),
            (_, None, None) => format!("{} is not in table InterfaceTable", shown(network)),
        };
        let hint = format!("say which address of this host stands for it: {option}");
        let message = format!("{label}: {what}");
        self.error(at, INTERFACE_ADDRESS.key, message, Some(&hint));
        self.fail(row, &what);
    }

    /// What was given on the command line and is of no use.
    fn look_for_unused(&mut self, lines: &Lines<'t>) {
        let start = At { line: 1, byte: 0 };
        for (name, address) in self.surroundings.interfaces {
            let mut known = lines.interfaces.all();
            known.extend(
                lines
                    .networks
                    .iter()
                    .filter_map(|it| it.text("InterfaceName")),
            );
            if !self.used_interfaces.contains(name) && !known.contains(&name.as_str()) {
                let message = format!("--interface {name}={address}: no interface has that name");
                let hint = choices(&known);
                self.error(start, "", message, Some(&hint));
            }
        }
        for (key, line) in self.surroundings.passwords.keys() {
            if !self.used_passwords.iter().any(|used| used == key) {
                let message = format!(
                    "the password of {} in line {line} of the passwords is for nobody",
                    quoted(key)
                );
                let hint = "a key is the name or index of an Account, or \"ip-group NAME\"";
                self.warn(start, "", message, Some(hint));
            }
        }
    }
}

/// Options of a Proxy Set whose cell says -1 for what a parameter of the device says.
const GLOBAL_DEFAULTS: [(&str, &str); 2] = [
    (SET_REDUNDANCY.key, "ProxyRedundancyMode"),
    (SET_DNS_RESOLVE_METHOD.key, "ProxyDNSQueryType"),
];

fn is_ipv6(address: &str) -> bool {
    let bare = address.strip_prefix('[').and_then(|it| it.split_once(']'));
    let bare = bare.map_or(address, |(bare, _)| bare);
    bare.parse::<std::net::Ipv6Addr>().is_ok()
}

fn shown(network: Option<&str>) -> String {
    format!("network interface {}", quoted(network.unwrap_or_default()))
}

/// A name as it can be typed in a shell.
fn shell(name: &str) -> String {
    let is_plain = |one: char| one.is_ascii_alphanumeric() || matches!(one, '_' | '-' | '.' | ':');
    match !name.is_empty() && name.chars().all(is_plain) {
        true => name.to_owned(),
        false => format!("'{}'", name.replace('\'', "'\\''")),
    }
}
