//! Back to an ini file, in the dialect of release 7.4.
//!
//! Columns and numbers come from the table of options, so that an import of what is written here
//! gives the same configuration. What ini cannot say is listed.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::net::IpAddr;

use zeroize::Zeroizing;

use super::draft::Limits;
use super::password::obfuscated;
use crate::config::options::*;
use crate::config::shown::{self, Shown, Values};
use crate::config::suggest::quoted;
use crate::config::{Agent, AuthenticationMode, Codes, Config, Registration};
use crate::secret::Secret;

/// A configuration as an ini file.
#[derive(Debug)]
pub struct Exported {
    /// The file.
    pub text: Zeroizing<String>,
    /// What it cannot say, or does not, one line for each.
    pub notes: Vec<String>,
}

/// Writes a configuration as an ini file. Passwords are obfuscated, which is no encryption, and
/// left out unless `with_passwords`.
pub fn export(config: &Config, with_passwords: bool) -> Exported {
    let mut export = Export {
        text: String::new(),
        notes: Vec::new(),
        with_passwords,
        passwords_left_out: 0,
    };
    export.begin();
    export.parameters(config);
    export.interfaces(config);
    export.sets(config);
    export.groups(config);
    export.accounts(config);
    export.unreached(config);
    if export.passwords_left_out > 0 {
        let count = export.passwords_left_out;
        export.notes.push(format!(
            "passwords left out: {count}; --with-passwords writes them, obfuscated"
        ));
    }
    Exported {
        text: Zeroizing::new(export.text),
        notes: export.notes,
    }
}

/// An export in the making.
struct Export {
    text: String,
    notes: Vec<String>,
    with_passwords: bool,
    passwords_left_out: usize,
}

impl Export {
    fn begin(&mut self) {
        self.text.push_str(
            ";**************\n;** Ini File **\n;**************\n\n\
             ; Written by regent, in the dialect of release 7.4. Columns that are not named have\n\
             ; the defaults of the device.\n",
        );
    }

    fn parameters(&mut self, config: &Config) {
        self.text.push_str("\n[SIP Params]\n\n");
        let usual = Registration::default();
        let spread = config.registration.refresh_spread_percent;
        let is_many = config.accounts.len() > Limits::default().accounts as usize;
        let usual = Registration {
            refresh_spread_percent: if is_many && spread == 20 { 20 } else { 0 },
            ..usual
        };
        let agent = shown::agent(&config.agent);
        let agent_usual = usual_agent();
        let ours = shown::registration(&config.registration);
        let usual = shown::registration(&usual);
        let all = agent.into_iter().zip(agent_usual);
        for ((option, value), (_, usual)) in all.chain(ours.into_iter().zip(usual)) {
            let Some(name) = option.ini.first() else {
                if value != usual {
                    let table = option.table.info().key;
                    self.note(format!("[{table}] {}: {NO_NAME}", option.key));
                }
                continue;
            };
            // Our name is not the device's; it stands for itself where nobody chose another.
            if option.key == USER_AGENT.key && value == usual {
                continue;
            }
            let label = format!("[{}]", option.table.info().key);
            if let Some(value) = self.parameter(&label, option, &value) {
                let _written = writeln!(self.text, "{name} = {value}");
            }
        }
    }

    /// The value of a parameter; none if ini cannot say it.
    fn parameter(&mut self, label: &str, option: &'static Opt, value: &Shown) -> Option<String> {
        match value {
            Shown::Text(text) => {
                let quote = ['\'', '"'].into_iter().find(|quote| !text.contains(*quote));
                if quote.is_none() {
                    self.note(format!("{label} {}: {BOTH_QUOTES}", option.key));
                }
                quote.map(|quote| format!("{quote}{text}{quote}"))
            }
            Shown::Codes(codes) => {
                let listed = list(codes).filter(|list| !list.is_empty());
                if listed.is_none() {
                    self.note(format!("{label} {}: {ONLY_CODES}", option.key));
                }
                listed
            }
            Shown::Whole(_) | Shown::Flag(_) | Shown::Word(_) => {
                let number = number(option, value);
                if number.is_none() {
                    self.note(format!("{label} {}: {NO_NUMBER}", option.key));
                }
                number
            }
            Shown::Nothing | Shown::Password(_) => None,
        }
    }

    fn interfaces(&mut self, config: &Config) {
        let mut addresses: Vec<IpAddr> = Vec::new();
        for interface in &config.sip_interfaces {
            if !addresses.contains(&interface.address) {
                addresses.push(interface.address);
            }
        }
        let columns = [
            "ApplicationTypes",
            "InterfaceMode",
            "IPAddress",
            "InterfaceName",
        ];
        self.title("InterfaceTable", &columns);
        for (index, address) in addresses.iter().enumerate() {
            let mode = if address.is_ipv4() { "10" } else { "3" };
            let cells = format!("2, {mode}, {address}, \"{}\"", network(index));
            self.row("InterfaceTable", index, &cells);
        }
        self.closer("InterfaceTable");
        let table = "SIPInterface";
        self.title(table, &names(INTERFACE));
        for (index, interface) in config.sip_interfaces.iter().enumerate() {
            let label = format!("SIP interface {}", quoted(&interface.name));
            let mut values = shown::interface(interface);
            self.unsaid(&label, &values);
            if interface.udp_port == 0 {
                self.note(format!(
                    "{label}: udp_port 0, since that closes a port in ini"
                ));
            }
            let place = addresses.iter().position(|it| *it == interface.address);
            let network = network(place.unwrap_or_default());
            put(&mut values, &INTERFACE_ADDRESS, Shown::Text(network));
            let cells = self.cells(&label, INTERFACE, &values, index);
            self.row(table, index, &cells);
        }
        self.closer(table);
    }

    fn sets(&mut self, config: &Config) {
        let table = "ProxySet";
        self.title(table, &names(SET));
        for (index, set) in config.proxy_sets.iter().enumerate() {
            let label = format!("proxy set {}", quoted(&set.name));
            let values = shown::set(set);
            self.unsaid(&label, &values);
            // The other family has a column of its own.
            let is_v6 = set.sip_interface.address.is_ipv6();
            let other = SET_SIP_INTERFACE.ini[usize::from(!is_v6)];
            let columns = SET.iter().map(|(name, usual)| match *name == other {
                true => ("", "\"\""),
                false => (*name, *usual),
            });
            let columns: Vec<(&str, &str)> = columns.collect();
            let cells = self.cells(&label, &columns, &values, index);
            self.row(table, index, &cells);
        }
        self.closer(table);
    }

    fn groups(&mut self, config: &Config) {
        let table = "IPGroup";
        self.title(table, &names(GROUP));
        for (index, group) in config.ip_groups.iter().enumerate() {
            let label = format!("IP group {}", quoted(&group.name));
            let mut values = shown::group(group);
            if group.authentication_mode == AuthenticationMode::SbcAsBoth {
                self.note(format!(
                    "{label}: authentication_mode \"sbc-as-both\", {AS_CLIENT}"
                ));
                put(
                    &mut values,
                    &GROUP_AUTHENTICATION_MODE,
                    Shown::Word("sbc-as-client"),
                );
            }
            let cells = self.cells(&label, GROUP, &values, index);
            self.row(table, index, &cells);
        }
        self.closer(table);
        let table = "ProxyIp";
        self.title(table, &names(PROXY));
        let mut row = 0;
        for (set, proxies) in config.proxy_sets.iter().enumerate() {
            for (place, proxy) in proxies.proxies.iter().enumerate() {
                let label = format!("proxy set {}", quoted(&proxies.name));
                let cells = self.cells(&label, &PROXY[2..], &shown::proxy(proxy), row);
                self.row(table, row, &format!("\"{set}\", {place}, {cells}"));
                row += 1;
            }
        }
        self.closer(table);
    }

    fn accounts(&mut self, config: &Config) {
        let table = "Account";
        self.title(table, &names(ACCOUNT));
        for account in &config.accounts {
            let label = format!("account {}", quoted(&account.name));
            let index = account.index as usize;
            let cells = self.cells(&label, ACCOUNT, &shown::account(account), index);
            self.row(table, index, &cells);
        }
        self.closer(table);
    }

    /// Says which rows an import would leave out.
    fn unreached(&mut self, config: &Config) {
        if config.mail.is_some() || !config.alerts.is_empty() {
            self.note(NO_ALERTS.to_owned());
        }
        if config.web.is_some() {
            self.note(NO_WEB.to_owned());
        }
        let accounts = config.accounts.iter();
        let groups = accounts.flat_map(|account| [&account.served, &account.serving]);
        let groups: BTreeSet<&str> = groups.map(|group| &*group.name).collect();
        let all = config.ip_groups.iter();
        let (used, unused): (Vec<_>, Vec<_>) = all.partition(|it| groups.contains(&*it.name));
        for group in unused {
            self.note(format!("IP group {}: {UNREACHED}", quoted(&group.name)));
        }
        let sets: Vec<_> = used.iter().filter_map(|it| it.proxy_set.as_ref()).collect();
        for set in &config.proxy_sets {
            if !sets.iter().any(|used| used.name == set.name) {
                self.note(format!("proxy set {}: {UNREACHED}", quoted(&set.name)));
            }
        }
        for interface in &config.sip_interfaces {
            if !sets
                .iter()
                .any(|it| it.sip_interface.name == interface.name)
            {
                self.note(format!(
                    "SIP interface {}: {UNREACHED}",
                    quoted(&interface.name)
                ));
            }
        }
    }

    /// The cells of a row: those of options from their values, the others as they always are.
    fn cells(
        &mut self,
        label: &str,
        columns: &[(&str, &str)],
        values: &Values,
        index: usize,
    ) -> String {
        let cells: Vec<String> = columns
            .iter()
            .map(|(name, usual)| {
                let mut known = values.iter();
                match known.find(|(option, _)| is_column(option, name)) {
                    Some((option, value)) => self.cell(label, option, value, index),
                    None => (*usual).to_owned(),
                }
            })
            .collect();
        cells.join(", ")
    }

    fn cell(&mut self, label: &str, option: &'static Opt, value: &Shown, index: usize) -> String {
        match value {
            Shown::Text(text) => {
                if text.contains('"') {
                    self.note(format!("{label}: {}: {DOUBLE_QUOTE}", option.key));
                }
                format!("\"{}\"", text.replace('"', "'"))
            }
            Shown::Codes(codes) => format!("\"{}\"", list(codes).unwrap_or_default()),
            Shown::Whole(_) | Shown::Flag(_) | Shown::Word(_) => number(option, value)
                .unwrap_or_else(|| {
                    self.note(format!("{label}: {}: {NO_NUMBER}", option.key));
                    "$$".to_owned()
                }),
            Shown::Password(secret) => self.password(label, secret, index),
            Shown::Nothing => match option.kind {
                Kind::Whole { .. } | Kind::Words(_) => "-1".to_owned(),
                Kind::Text { .. }
                | Kind::Flag
                | Kind::Ip
                | Kind::Peer
                | Kind::Ports
                | Kind::Addresses { .. }
                | Kind::Texts { .. }
                | Kind::Codes { .. }
                | Kind::Reference(_)
                | Kind::Names(_)
                | Kind::Rows(_) => "\"\"".to_owned(),
            },
        }
    }

    fn password(&mut self, label: &str, secret: &Secret, index: usize) -> String {
        if secret.is_empty() {
            return "\"\"".to_owned();
        }
        if !self.with_passwords {
            self.passwords_left_out += 1;
            return "\"\"".to_owned();
        }
        let number = u32::try_from(index).unwrap_or_default();
        match obfuscated(secret, number) {
            Some(cell) => format!("\"{}\"", *cell),
            None => {
                self.note(format!("{label}: its password, {ONLY_ASCII}"));
                "\"\"".to_owned()
            }
        }
    }

    /// Says which values have no column.
    fn unsaid(&mut self, label: &str, values: &Values) {
        for (option, value) in values {
            if option.ini.is_empty() && *value != Shown::Nothing {
                self.note(format!("{label}: {}: {NO_NAME}", option.key));
            }
        }
    }

    fn note(&mut self, note: String) {
        self.notes.push(note);
    }

    fn title(&mut self, table: &str, columns: &[&str]) {
        let columns = columns.join(", ");
        let _written = write!(self.text, "\n[ {table} ]\n\nFORMAT Index = {columns};\n");
    }

    fn row(&mut self, table: &str, index: usize, cells: &str) {
        let _written = writeln!(self.text, "{table} {index} = {cells};");
    }

    fn closer(&mut self, table: &str) {
        let _written = write!(self.text, "\n[ \\{table} ]\n");
    }
}

fn usual_agent() -> Values {
    shown::agent(&Agent::usual())
}

fn network(place: usize) -> String {
    format!("Network_{place}")
}

fn names<'c>(columns: &[(&'c str, &'c str)]) -> Vec<&'c str> {
    columns.iter().map(|(name, _)| *name).collect()
}

/// Whether an option is written in a column.
fn is_column(option: &Opt, column: &str) -> bool {
    let is_one = option.ini.first().is_some_and(|name| *name == column);
    // The only option with a column for each address family.
    is_one || (option.key == SET_SIP_INTERFACE.key && option.ini.contains(&column))
}

/// Replaces a value.
fn put(values: &mut Values, option: &Opt, value: Shown) {
    if let Some(own) = values.iter_mut().find(|(it, _)| it.key == option.key) {
        own.1 = value;
    }
}

/// A value as a number; none if ini has none for it.
fn number(option: &Opt, value: &Shown) -> Option<String> {
    match (value, option.kind) {
        (Shown::Whole(number), _) => Some(number.to_string()),
        (Shown::Flag(flag), _) => Some(u8::from(*flag).to_string()),
        (Shown::Word(told), Kind::Words(words)) => {
            let word = words.iter().find(|word| word.key == *told)?;
            word.ini.map(|number| number.to_string())
        }
        _ => None,
    }
}

/// Status codes; none if there are whole classes among them.
fn list(codes: &[Codes]) -> Option<String> {
    let one = |codes: &Codes| match codes {
        Codes::One(code) => Some(code.to_string()),
        Codes::Class(_) => None,
    };
    let codes: Option<Vec<String>> = codes.iter().map(one).collect();
    codes.map(|codes| codes.join(","))
}

const NO_NAME: &str = "ini has no name for it";
const NO_NUMBER: &str = "ini has no number for it";
const BOTH_QUOTES: &str = "ini cannot say a text with both kinds of quotes";
const NO_ALERTS: &str = "[mail] and [[alert]]: ini has no place for alerts";
const NO_WEB: &str = "[web]: ini has no place for the web server";
const DOUBLE_QUOTE: &str = "ini cannot say a double quote; a single one stands for it";
const ONLY_CODES: &str = "ini lists single codes only, and at least one";
const ONLY_ASCII: &str = "since ini hides ASCII only";
const AS_CLIENT: &str = "for which \"sbc-as-client\" is written";
const UNREACHED: &str = "no Account leads to it, so that an import leaves it out";

/// The columns of a table in their order, each with what stands there if no option does.
type Columns = &'static [(&'static str, &'static str)];

const INTERFACE: Columns = &[
    ("InterfaceName", ""),
    ("NetworkInterface", ""),
    ("SCTPSecondaryNetworkInterface", "\"\""),
    ("ApplicationType", "2"),
    ("UDPPort", ""),
    ("TCPPort", "0"),
    ("TLSPort", "0"),
    ("SCTPPort", "0"),
    ("AdditionalUDPPorts", ""),
    ("AdditionalUDPPortsMode", ""),
    ("SRDName", "\"DefaultSRD\""),
    ("MessagePolicyName", "\"\""),
    ("TLSContext", "\"default\""),
    ("TLSMutualAuthentication", "-1"),
    ("TCPKeepaliveEnable", "0"),
    ("ClassificationFailureResponseType", "500"),
    ("PreClassificationManSet", "-1"),
    ("EncapsulatingProtocol", "0"),
    ("MediaRealm", "\"\""),
    ("SBCDirectMedia", "0"),
    ("BlockUnRegUsers", "-1"),
    ("MaxNumOfRegUsers", "-1"),
    ("EnableUnAuthenticatedRegistrations", "-1"),
    ("UsedByRoutingServer", "0"),
    ("TopologyLocation", "0"),
    ("PreParsingManSetName", "\"\""),
    ("AdmissionProfile", "\"\""),
    ("CallSetupRulesSetId", "-1"),
];

const SET: Columns = &[
    ("ProxyName", ""),
    ("EnableProxyKeepAlive", ""),
    ("ProxyKeepAliveTime", ""),
    ("ProxyLoadBalancingMethod", ""),
    ("IsProxyHotSwap", ""),
    ("SRDName", "\"DefaultSRD\""),
    ("ClassificationInput", "0"),
    ("TLSContextName", "\"\""),
    ("ProxyRedundancyMode", ""),
    ("DNSResolveMethod", ""),
    ("KeepAliveFailureResp", ""),
    ("GWIPv4SIPInterfaceName", "\"\""),
    ("SBCIPv4SIPInterfaceName", ""),
    ("GWIPv6SIPInterfaceName", "\"\""),
    ("SBCIPv6SIPInterfaceName", ""),
    ("MinActiveServersLB", ""),
    ("SuccessDetectionRetries", ""),
    ("SuccessDetectionInterval", ""),
    ("FailureDetectionRetransmissions", ""),
    ("AcceptDHCPProxyList", "0"),
];

const GROUP: Columns = &[
    ("Type", "0"),
    ("Name", ""),
    ("ProxySetName", ""),
    ("SIPGroupName", ""),
    ("ContactUser", ""),
    ("SRDName", "\"DefaultSRD\""),
    ("AuthenticationMode", ""),
    ("UsernameAsClient", ""),
    ("PasswordAsClient", ""),
];

const PROXY: Columns = &[
    ("ProxySetId", ""),
    ("ProxyIpIndex", ""),
    ("IpAddress", ""),
    ("TransportType", ""),
    ("Priority", ""),
    ("Weight", ""),
];

const ACCOUNT: Columns = &[
    ("AccountName", ""),
    ("ServedTrunkGroup", "-1"),
    ("ServedIPGroupName", ""),
    ("ServingIPGroupName", ""),
    ("Username", ""),
    ("Password", ""),
    ("HostName", ""),
    ("ContactUser", ""),
    ("Register", ""),
    ("RegistrarStickiness", ""),
    ("RegistrarSearchMode", ""),
    ("RegEventPackageSubscription", ""),
    ("ApplicationType", "2"),
    ("RegByServedIPG", ""),
    ("UDPPortAssignment", ""),
    ("ReRegisterOnInviteFailure", ""),
    ("AcceptDHCPConfiguration", "0"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_option_that_ini_knows_has_its_column() {
        for (table, columns) in [
            (Table::SipInterface, INTERFACE),
            (Table::ProxySet, SET),
            (Table::Proxy, PROXY),
            (Table::IpGroup, GROUP),
            (Table::Account, ACCOUNT),
        ] {
            for option in table.options().filter(|option| !option.ini.is_empty()) {
                let is_index = option.key == ACCOUNT_INDEX.key;
                let mut known = columns.iter();
                let has_column = known.any(|(name, _)| is_column(option, name));
                assert!(has_column || is_index, "{}", option.key);
            }
            for (name, usual) in columns {
                let is_option = table.options().any(|option| is_column(option, name));
                let is_key = ["ProxySetId", "ProxyIpIndex"].contains(name);
                assert_eq!(usual.is_empty(), is_option || is_key, "{name}");
            }
        }
    }
}
