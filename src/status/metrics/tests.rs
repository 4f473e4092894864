use std::collections::BTreeSet;
use std::net::SocketAddr;

use super::*;
use crate::engine::Health;
use crate::status::{LastAnswer, sample};
use crate::tally::{Ending, LATENESS, MOST, Method, Place, Purpose, Tally};
use crate::time::Duration;

const NOW: UnixMs = UnixMs(1_795_341_600_123);

fn registrar(number: u32) -> SocketAddr {
    ((number | 0x7f00_0000).to_be_bytes(), 5060).into()
}

fn account(name: &str) -> Arc<AccountStatus> {
    Arc::new(AccountStatus {
        last_answer: Some(LastAnswer {
            code: 200,
            reason: "OK".into(),
            at: UnixMs(NOW.0 - 50_000),
        }),
        rtt_us: Some(1_234),
        ..sample::registered(0, name, NOW)
    })
}

fn set(name: &str) -> Arc<ProxySetStatus> {
    let member = MemberStatus {
        address: registrar(1),
        name: None,
        priority: 0,
        weight: 0,
        health: Health::Lagged,
        since: NOW,
        rtt_us: None,
        accounts_bound: 3,
        is_current: true,
    };
    Arc::new(ProxySetStatus {
        name: name.into(),
        is_online: Some(true),
        members: vec![member.clone(), member],
        trouble: None,
    })
}

fn measured(registrars: u32) -> Arc<Measured> {
    let set: Arc<str> = "carrier".into();
    let mut tally = Tally::default();
    for number in 1..=registrars {
        let place = Place {
            set: &set,
            registrar: registrar(number),
        };
        tally.sent(place, Method::Register);
        tally.answered(place, Method::Register, Duration::from_millis(20));
        tally.ended(place, Purpose::Register, Ending::Ok);
    }
    let mut lateness = Histogram::new(&LATENESS);
    lateness.add(250);
    Arc::new(Measured {
        registrars: tally.counts().to_vec(),
        lateness: Some(lateness),
        notices: vec![("mail", NoticeCounts::default())],
        writes: Some(Histogram::new(&LATENESS)),
        reloaded: Some(NOW),
        started: Some(NOW),
        ..Measured::default()
    })
}

fn picture() -> Picture {
    Picture {
        version: "1.2.3",
        phases: vec![(Phase::Registered, 2), (Phase::Held, 0)],
        waiting: vec![Waiting {
            means: "mail",
            count: 1,
            oldest: Some(NOW),
        }],
        state: Some(Keeping::Kept),
        clients: vec![("control", 1)],
        process: Process {
            cpu_us: Some(1_500_000),
            resident_bytes: Some(4_096),
            virtual_bytes: Some(8_192),
            open_fds: Some(7),
            max_fds: Some(1_024),
        },
        measured: measured(1),
        proxy_sets: vec![set("carrier")],
        accounts: vec![account("main")],
        ..Picture::default()
    }
}

fn text(picture: Picture, format: Format) -> String {
    Exposition::new(picture, format).collect()
}

/// The lines of one family.
fn of<'t>(text: &'t str, name: &str) -> Vec<&'t str> {
    let lines = text.lines();
    let named = |line: &&str| {
        let line = line
            .trim_start_matches("# HELP ")
            .trim_start_matches("# TYPE ");
        let line = line.trim_start_matches("# UNIT ");
        line.split([' ', '{']).next() == Some(name)
    };
    lines.filter(named).collect()
}

#[test]
fn the_text_format_says_name_help_and_type() {
    let text = text(picture(), Format::Text);
    assert_eq!(
        of(&text, "regent_accounts"),
        [
            "# HELP regent_accounts Accounts by phase; every phase is there.",
            "# TYPE regent_accounts gauge",
            "regent_accounts{phase=\"registered\"} 2",
            "regent_accounts{phase=\"held\"} 0",
        ]
    );
    let registrations = of(&text, "regent_registrations_total");
    assert_eq!(
        registrations[1..4],
        [
            "# TYPE regent_registrations_total counter",
            "regent_registrations_total{proxy_set=\"carrier\",registrar=\"127.0.0.1:5060\",result=\"ok\"} 1",
            "regent_registrations_total{proxy_set=\"carrier\",registrar=\"127.0.0.1:5060\",result=\"rejected\"} 0",
        ]
    );
    assert!(
        text.contains("# TYPE regent_build_info gauge\nregent_build_info{version=\"1.2.3\"} 1\n")
    );
    assert!(text.contains("\nprocess_cpu_seconds_total 1.500000\n"));
    assert!(text.contains("\nprocess_start_time_seconds 1795341600.123\n"));
    assert!(!text.contains("# UNIT") && !text.contains("# EOF"));
    assert!(text.ends_with('\n'));
}

#[test]
fn openmetrics_says_units_and_its_end() {
    let text = text(picture(), Format::OpenMetrics);
    assert!(text.contains("# TYPE regent_registrations counter\nregent_registrations_total{"));
    assert!(text.contains("# TYPE regent_build info\nregent_build_info{version=\"1.2.3\"} 1\n"));
    assert!(
        text.contains("# UNIT process_cpu_seconds seconds\nprocess_cpu_seconds_total 1.500000\n")
    );
    assert!(text.ends_with("} 0.001234\n# EOF\n"), "{text}");
}

#[test]
fn a_histogram_rises_to_the_count_of_all() {
    let text = text(picture(), Format::Text);
    let lateness = of(&text, "regent_timer_lateness_seconds_bucket");
    assert_eq!(
        lateness[0],
        "regent_timer_lateness_seconds_bucket{le=\"0.0001\"} 0"
    );
    assert_eq!(
        lateness[1],
        "regent_timer_lateness_seconds_bucket{le=\"0.00025\"} 1"
    );
    assert_eq!(
        lateness[11],
        "regent_timer_lateness_seconds_bucket{le=\"1.0\"} 1"
    );
    assert_eq!(
        lateness[12],
        "regent_timer_lateness_seconds_bucket{le=\"+Inf\"} 1"
    );
    assert!(text.contains("\nregent_timer_lateness_seconds_sum 0.000250\n"));
    assert!(text.contains("\nregent_timer_lateness_seconds_count 1\n"));
    let trips = of(&text, "regent_sip_round_trip_seconds_bucket");
    assert!(
        trips
            .iter()
            .all(|line| line.contains("method=\"REGISTER\""))
    );
    assert_eq!(trips.len(), 12);
}

#[test]
fn a_member_that_is_listed_twice_is_one_series() {
    let text = text(picture(), Format::Text);
    let health = of(&text, "regent_member_health");
    assert_eq!(health.len(), 2 + 6, "{health:?}");
    let holds: Vec<_> = health.iter().filter(|line| line.ends_with(" 1")).collect();
    assert_eq!(holds.len(), 1);
    assert!(holds[0].contains("health=\"LAGGED\""));
}

// No series twice, no family in two places, whatever is in names.
#[test]
fn hostile_names_stay_within_their_quotes() {
    let name = "evil\"} 1\nregent_up{x=\"\\";
    let mut picture = picture();
    picture.accounts = vec![
        account(name),
        account("main"),
        account("\\\\"),
        account("\r\u{0}"),
    ];
    picture.proxy_sets = vec![set(name), set("carrier")];
    for format in [Format::Text, Format::OpenMetrics] {
        let text = text(picture.clone(), format);
        let (mut series, mut families) = (BTreeSet::new(), BTreeSet::new());
        for line in text.split('\n').filter(|line| !line.is_empty()) {
            if let Some(rest) = line.strip_prefix("# TYPE ") {
                assert!(families.insert(rest), "{rest}");
            } else if !line.starts_with('#') {
                let (labels, value) = line.rsplit_once(' ').unwrap();
                assert!(value.parse::<f64>().is_ok(), "{line}");
                assert!(series.insert(labels), "{labels}");
                let is_ours = line.starts_with("regent_") || line.starts_with("process_");
                assert!(is_ours && !line.starts_with("regent_up"), "{line}");
            }
        }
        let escaped = "account=\"evil\\\"} 1\\nregent_up{x=\\\"\\\\\"";
        assert!(text.contains(escaped), "{text}");
    }
}

#[test]
fn without_accounts_nothing_is_said_of_any() {
    let mut picture = picture();
    picture.accounts.clear();
    let text = text(picture, Format::Text);
    assert!(!text.contains("regent_account_"), "{text}");
}

#[test]
fn an_account_without_registrar_has_an_empty_label() {
    let mut one = AccountStatus::clone(&account("new"));
    (one.registrar, one.phase) = (None, Phase::Held);
    let mut picture = picture();
    picture.accounts = vec![Arc::new(one)];
    let text = text(picture, Format::Text);
    assert!(text.contains("regent_account_registered{account=\"new\",registrar=\"\"} 0\n"));
    assert!(text.contains("registrar=\"\",phase=\"held\"} 1\n"));
}

#[test]
fn many_come_in_pieces_of_whole_lines() {
    let mut picture = picture();
    picture.accounts = (0..20_000)
        .map(|it| account(&format!("account-{it}")))
        .collect();
    picture.measured = measured(MOST as u32 + 10);
    let whole = text(picture.clone(), Format::OpenMetrics);
    let mut longest = 0;
    let mut heads = 0;
    for piece in Exposition::new(picture, Format::OpenMetrics) {
        assert!(piece.ends_with('\n'));
        longest = longest.max(piece.len());
        heads += piece.matches("# TYPE ").count();
    }
    assert!(longest < Exposition::PIECE * 5 / 4, "{longest}");
    assert!(whole.len() > 100 * Exposition::PIECE);
    assert_eq!(heads, families().count());
    assert_eq!(of(&whole, "regent_account_registered").len(), 20_000 + 2);
    assert!(whole.contains("{proxy_set=\"other\",registrar=\"other\",result=\"ok\"} 10\n"));
}

#[test]
fn families_are_named_as_is_usual() {
    let mut names = BTreeSet::new();
    for family in families() {
        let name = family.name;
        assert!(names.insert(name), "{name} is there twice");
        assert!(
            name.starts_with("regent_") || name.starts_with("process_"),
            "{name}"
        );
        let is_plain = |c: char| c.is_ascii_lowercase() || c == '_';
        assert!(name.chars().all(is_plain), "{name}");
        let has_unit = name.ends_with("_seconds") || name.ends_with("_bytes");
        assert_eq!(has_unit, !family.unit.is_empty(), "{name}");
        assert!(name.ends_with(family.unit), "{name}");
        for ending in ["_total", "_info", "_count", "_sum", "_bucket"] {
            assert!(!name.ends_with(ending), "{name}");
        }
        assert!(
            family.help.ends_with('.') && !family.help.contains(['\n', '\\']),
            "{name}"
        );
        assert_eq!(family.kind == Kind::Histogram, {
            name == "regent_sip_round_trip_seconds"
                || name == "regent_timer_lateness_seconds"
                || name == "regent_state_write_seconds"
        });
    }
}
