//! The parameters that are no cells: what holds for every registration.

use std::collections::BTreeMap;

use super::draft::{DraftRow, Entry};
use super::ini::{At, Parameter};
use super::table::{literal, toml_text};
use super::{CellOutcome, CellReport, Import, Skipped, SkippedKind};
use crate::config::options::*;
use crate::config::suggest::quoted;

impl<'t> Import<'_, 't> {
    /// What a parameter says; the last one counts, as on the device.
    pub(super) fn parameter(&self, name: &str) -> Option<Parameter<'t>> {
        let mut same = self.ini.parameters.iter().rev();
        let found = same.find(|it| it.name.eq_ignore_ascii_case(name));
        found.copied().filter(|it| !it.value.is_empty())
    }

    /// Takes the parameters that have a counterpart, and reports all others.
    pub(super) fn parameters(&mut self) {
        for table in [Table::Agent, Table::Registration] {
            self.draft.rows.push(DraftRow {
                table,
                at: START,
                index: 0,
                entries: Vec::new(),
                parent: None,
                report: None,
                is_in: true,
            });
            let row = self.draft.rows.len() - 1;
            for option in table.options().filter(|option| !option.ini.is_empty()) {
                self.take_parameter(row, option);
            }
        }
        self.proxy_name();
        self.skip_parameters();
        for hidden in &self.ini.hidden {
            if let Some((name, _)) = known(hidden.name) {
                let message = format!("the device hides {name}, which is not at its default");
                let hint = "the default stands for it; set what you know in the configuration";
                self.warn(hidden.at, "", message, Some(hint));
            }
        }
    }

    fn take_parameter(&mut self, row: usize, option: &'static Opt) {
        let name = option.ini[0];
        let Some(parameter) = self.parameter(name) else {
            let device = DEVICE_DEFAULTS.iter().find(|(key, _)| *key == option.key);
            if let Some((_, value)) = device {
                let entry = Entry {
                    comment: Some("the device's default"),
                    ..Entry::new(option, (*value).to_owned(), START, name)
                };
                let why = "the file does not say, and the device's default is not regent's";
                self.put(row, entry, CellOutcome::Defaulted, Some(why));
            }
            return;
        };
        match literal(option, parameter.value) {
            Ok(Some(literal)) => {
                let entry = Entry::new(option, literal, parameter.value_at, name);
                self.put(row, entry, CellOutcome::Taken, None);
            }
            Ok(None) => {}
            Err(complaint) => {
                let message = format!("{name} {}", complaint.message);
                let hint = complaint.hint.as_deref();
                self.error(parameter.value_at, option.key, message, hint);
            }
        }
    }

    /// A global ProxyName stands for the SIP Group Name of serving groups that have none.
    fn proxy_name(&mut self) {
        let Some(parameter) = self.parameter("ProxyName") else {
            return;
        };
        let accounts = self.draft.rows_in(Table::Account);
        let serving = accounts.filter_map(|(_, row)| row.entry(ACCOUNT_SERVING.key));
        let serving: Vec<String> = serving.map(|entry| entry.literal.clone()).collect();
        let groups = self.draft.rows_in(Table::IpGroup);
        let groups = groups.filter(|(_, row)| {
            let name = row.name().unwrap_or_default();
            row.entry(GROUP_SIP_GROUP_NAME.key).is_none() && serving.iter().any(|it| it == name)
        });
        let groups: Vec<usize> = groups.map(|(number, _)| number).collect();
        for row in groups {
            let (at, literal) = (parameter.value_at, toml_text(parameter.value));
            let entry = Entry::new(&GROUP_SIP_GROUP_NAME, literal, at, "ProxyName");
            let why = "it has no SIPGroupName of its own";
            self.put(row, entry, CellOutcome::Taken, Some(why));
        }
    }

    /// Reports what has no counterpart, and what another line overrides.
    fn skip_parameters(&mut self) {
        let mut last: BTreeMap<String, u32> = BTreeMap::new();
        for parameter in &self.ini.parameters {
            last.insert(parameter.name.to_ascii_lowercase(), parameter.at.line);
        }
        for parameter in &self.ini.parameters {
            let (line, column) = (parameter.at.line, self.ini.column(parameter.at));
            let Some((name, why)) = known(parameter.name) else {
                self.report.skipped.push(Skipped {
                    line,
                    column,
                    kind: SkippedKind::Parameter,
                    name: quoted(parameter.name),
                    end: line,
                    count: 1,
                    is_hidden: false,
                });
                continue;
            };
            let final_line = last.get(&parameter.name.to_ascii_lowercase());
            let overridden = final_line.filter(|last| **last != line);
            let overridden = overridden.map(|last| format!("line {last} says it again"));
            let why = match (overridden, why, parameter.value) {
                (Some(why), _, _) => why,
                (None, Some(why), _) => why.to_owned(),
                (None, None, "") => "it says nothing".to_owned(),
                (None, None, _) => continue,
            };
            let cell = CellReport {
                why: Some(why),
                ..self.cell(parameter.at, name, CellOutcome::Dropped)
            };
            self.report.parameters.push(cell);
        }
    }
}

/// A parameter that matters, and why it is dropped if it is.
fn known(name: &str) -> Option<(&'static str, Option<&'static str>)> {
    let same = |known: &&str| known.eq_ignore_ascii_case(name);
    let options = [Table::Agent, Table::Registration].into_iter();
    let mut taken = options.flat_map(Table::options).flat_map(|it| it.ini);
    if let Some(name) = taken
        .find(|it| same(it))
        .or_else(|| USED.iter().find(|it| same(it)))
    {
        return Some((*name, None));
    }
    let dropped = DROPPED.iter().find(|(known, _)| same(known));
    dropped.map(|(name, why)| (*name, Some(*why)))
}

/// Where a default stands for what is not in the file.
const START: At = At { line: 1, byte: 0 };

/// Where the device's default is another one than ours: a silent file means the device's.
pub(super) const DEVICE_DEFAULTS: [(&str, &str); 2] = [
    (SIP_MAX_RTX.key, "7"),
    (RE_REGISTER_ON_CONNECTION_FAILURE.key, "false"),
];

/// Parameters that count where a cell is silent.
const USED: [&str; 4] = [
    "ProxyName",
    "ProxyRedundancyMode",
    "ProxyDNSQueryType",
    "SIPTransportType",
];

const GATEWAY: &str = "it is of the Gateway application";
const NO_COUNTERPART: &str = "regent has no such switch";
const CONNECTIONS: &str = "regent speaks UDP only, so far";

/// Parameters about registration that have no counterpart.
pub(super) const DROPPED: [(&str, &str); 24] = [
    (
        "EmptyAuthorizationHeader",
        "regent sends credentials only in answer to a challenge",
    ),
    (
        "RegisterOnInviteFailure",
        "it is of the Gateway application; Accounts have ReRegisterOnInviteFailure",
    ),
    ("IsRegisterNeeded", GATEWAY),
    ("AuthenticationMode", GATEWAY),
    ("OOSOnRegistrationFail", GATEWAY),
    ("RegisterByTrunkGroupStatus", GATEWAY),
    (
        "SIPChallengeCachingMode",
        "regent always re-uses a challenge",
    ),
    ("RegistrarIP", GATEWAY),
    ("RegistrarName", GATEWAY),
    ("RegistrarTransportType", GATEWAY),
    ("GWRegistrationName", GATEWAY),
    (
        "UserName",
        "give Accounts or their serving group credentials of their own",
    ),
    (
        "Password",
        "give Accounts or their serving group credentials of their own",
    ),
    (
        "SBCProxyRegistrationTime",
        "it is about users, not Accounts; probes by REGISTER go each RegistrationTime",
    ),
    ("UseProxyIPasHost", NO_COUNTERPART),
    ("SIPTCPTimeout", CONNECTIONS),
    ("UsePingPongKeepAlive", CONNECTIONS),
    ("PingPongKeepAliveTime", CONNECTIONS),
    ("EnableTCPConnectionReuse", CONNECTIONS),
    ("ReliableConnectionPersistentMode", CONNECTIONS),
    ("UseGatewayNameForOptions", NO_COUNTERPART),
    ("AlwaysSendToProxy", GATEWAY),
    (
        "INIPasswordsDisplayType",
        "it is about how a device writes its file",
    ),
    ("SIPDestinationPort", GATEWAY),
];
