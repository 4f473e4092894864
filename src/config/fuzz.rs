//! The body of a fuzz target, as an ordinary function: bytes in, panic when an invariant of this
//! module is broken.
//!
//! `fuzz/` calls it with what it invents, the test suite with the committed corpus and with
//! mutations of it.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::import::{Exported, Imported, Limits, Passwords, Report, Surroundings, export, import};
use super::{Config, Diagnostic, Diagnostics, Diff, Loaded, Register, SecretFault, Severity, load};
use crate::secret::Secret;

/// Loads a text, with passwords from elsewhere and without: either there is a configuration that
/// holds together, or there are errors, each in one line that says where it is.
pub fn fuzz_config(bytes: &[u8]) {
    let Ok(text) = str::from_utf8(bytes) else {
        return;
    };
    let loaded = load("fuzz.toml", text);
    verdict(&loaded, text);
    let told = loaded.diagnostics.clone();
    let is_good = loaded.config.is_some();

    let given = loaded.with_secrets(text, |_| Ok(Secret::new("open sesame")));
    assert_eq!(given.config.is_some(), is_good);
    assert_eq!(given.diagnostics, told);
    verdict(&given, text);

    let mut refused = 0;
    let fault = |_: &_| {
        refused += 1;
        Err(SecretFault::new("it is not there"))
    };
    let kept = load("fuzz.toml", text).with_secrets(text, fault);
    assert_eq!(kept.diagnostics.errors(), told.errors() + refused);
    verdict(&kept, text);
}

fn verdict(loaded: &Loaded, text: &str) {
    let found = &loaded.diagnostics;
    assert_eq!(found.errors() == 0, loaded.config.is_some(), "{found}");
    places(found, text);
    if let Some(config) = &loaded.config {
        coherent(config);
    }
}

/// Imports a text: what comes out is good, tells of every row, and comes back from an export.
pub fn fuzz_import(bytes: &[u8]) {
    let Ok(text) = str::from_utf8(bytes) else {
        return;
    };
    let imported = imported(text);
    places_of(&imported.report.findings, text);
    let again = load("fuzz.toml", &imported.toml);
    assert_eq!(again.diagnostics.errors(), 0, "{}", again.diagnostics);
    let config = imported.config.as_ref();
    let config = config.expect("rows with errors are left out until none is left");
    coherent(config);
    let lost = unaccounted(text, &imported.report);
    assert!(lost.is_empty(), "nothing is said of lines {lost:?}");
    let secrets = imported.secrets.iter();
    for secret in secrets
        .map(|(_, secret)| secret.reveal())
        .filter(|it| it.len() > 12)
    {
        // Shorter ones may be part of anything.
        let shown = text.matches(secret).count() > 1;
        assert!(
            shown || !imported.toml.contains(secret),
            "a password is shown"
        );
    }
    let Exported { text, notes } = export(config, true);
    if notes.is_empty() {
        let back = self::imported(&text);
        let same = back
            .config
            .as_ref()
            .is_some_and(|back| is_same(config, back));
        assert!(same, "{}\n{}", *text, back.report);
    }
}

fn imported(text: &str) -> Imported {
    let surroundings = Surroundings {
        interfaces: &[],
        is_local: &|_| true,
        passwords: &Passwords::default(),
        limits: Limits::default(),
    };
    import("fuzz.ini", text, &surroundings)
}

/// The lines that look like rows of a table and of which a report says nothing.
pub fn unaccounted(text: &str, report: &Report) -> Vec<u32> {
    let rows = report.rows.iter().map(|row| row.line);
    let said: BTreeSet<u32> = rows
        .chain(report.findings.iter().map(|one| one.line))
        .chain(report.parameters.iter().map(|one| one.line))
        .collect();
    let is_skipped = |line: u32| {
        let mut skipped = report.skipped.iter();
        skipped.any(|it| (it.line..=it.end).contains(&line))
    };
    let looks_like_row = |line: &str| {
        let mut words = line.split_whitespace();
        let table = words.next().unwrap_or_default();
        let index = words.next().unwrap_or_default();
        let known = ["Account", "IPGroup", "ProxySet", "ProxyIp", "SIPInterface"];
        known.contains(&table) && index.starts_with(|one: char| one.is_ascii_digit())
    };
    let lines = (1..).zip(text.split('\n'));
    lines
        .filter(|(_, line)| looks_like_row(line))
        .map(|(number, _)| number)
        .filter(|line| !said.contains(line) && !is_skipped(*line))
        .collect()
}

/// Whether two configurations are the same, wherever their passwords stand.
pub fn is_same(one: &Config, other: &Config) -> bool {
    one.agent == other.agent
        && one.registration == other.registration
        && one.sip_interfaces == other.sip_interfaces
        && one.proxy_sets == other.proxy_sets
        && one.ip_groups == other.ip_groups
        && one.accounts == other.accounts
}

/// Every finding is in the text, in order, and in words that do not break a line.
fn places(found: &Diagnostics, text: &str) {
    places_of(&found.iter().cloned().collect::<Vec<_>>(), text);
}

fn places_of(found: &[Diagnostic], text: &str) {
    let widths: Vec<usize> = text.split('\n').map(|line| line.chars().count()).collect();
    let mut last = (0, 0);
    for one in found {
        let width = widths.get(one.line as usize - 1).copied();
        assert!(
            width.is_some_and(|width| (1..=width + 1).contains(&(one.column as usize))),
            "{one} in a line of {width:?}"
        );
        assert!(last <= (one.line, one.column), "{found:?}");
        last = (one.line, one.column);
        assert!(!one.message.is_empty());
        let words = [Some(&one.message), one.hint.as_ref()];
        for words in words.into_iter().flatten() {
            assert!(!words.contains(char::is_control), "{words:?}");
        }
        assert!(matches!(one.severity, Severity::Error | Severity::Warning));
    }
}

/// Every name leads somewhere, none stands for two things, and numbers are in their ranges.
fn coherent(config: &Config) {
    let names = config.accounts.iter().map(|account| &account.name);
    assert_eq!(names.collect::<BTreeSet<_>>().len(), config.accounts.len());
    let groups = &config.ip_groups;
    let names = groups.iter().map(|group| &group.name);
    assert_eq!(names.collect::<BTreeSet<_>>().len(), groups.len());
    assert!(
        config
            .accounts
            .is_sorted_by(|one, next| one.index < next.index)
    );
    assert!(config.accounts.len() <= config.agent.max_accounts as usize);
    for account in &config.accounts {
        for group in [&account.served, &account.serving] {
            assert!(groups.iter().any(|known| Arc::ptr_eq(known, group)));
        }
        let is_on = account.register != Register::No;
        assert!(!is_on || !account.user().is_empty());
        let _read = (account.host(), account.request_host(), account.answering());
    }
    for set in &config.proxy_sets {
        let interfaces = &config.sip_interfaces;
        assert!(
            interfaces
                .iter()
                .any(|known| Arc::ptr_eq(known, &set.sip_interface))
        );
    }
    let rules = &config.registration;
    assert!((10..=2_000_000).contains(&rules.registration_time_secs));
    assert!((50..=100).contains(&rules.refresh_percent));
    assert!((1..=30).contains(&rules.sip_max_rtx));
    assert!((100..=4_000).contains(&rules.sip_t1_ms));
    assert!((1_000..=10_000).contains(&rules.sip_t2_ms));
    assert_eq!(Diff::between(config, config), Diff::default());
}
