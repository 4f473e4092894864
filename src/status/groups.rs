//! IP Groups: who is served, how well its address answers, and how its Accounts do (rule P5).
//!
//! A group has the word of the best member of its Proxy Set, since one that answers is enough. One
//! without a Proxy Set has no address that anybody could ask: NO STATUS. A set that keep-alive
//! calls offline as a whole is never better than UNREACHABLE, so that the word and rule S13 agree.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::columns::{Column, aligned};
use super::proxies::tone;
use super::snapshot::{GroupRole, GroupStatus, ProxySetStatus};
use super::table::{Line, Tone};
use super::words::{clean, count};
use super::{Health, MemberStatus, Phase};
use crate::config;

/// What the configuration says of an IP Group.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct GroupSeat {
    /// Its name.
    pub name: Arc<str>,
    /// What Accounts have it for.
    pub role: GroupRole,
    /// The name of its Proxy Set.
    pub proxy_set: Option<Arc<str>>,
}

/// The groups that these Accounts name, by name.
pub fn seats<'a>(accounts: impl IntoIterator<Item = &'a config::Account>) -> Vec<GroupSeat> {
    let mut seats: BTreeMap<&str, GroupSeat> = BTreeMap::new();
    for account in accounts {
        let served = (&account.served, GroupRole::Served);
        let serving = (&account.serving, GroupRole::Serving);
        for (group, role) in [served, serving] {
            let seat = seats.entry(&group.name).or_insert_with(|| GroupSeat {
                name: Arc::clone(&group.name),
                role,
                proxy_set: group.proxy_set.as_ref().map(|set| Arc::clone(&set.name)),
            });
            if seat.role != role {
                seat.role = GroupRole::Both;
            }
        }
    }
    seats.into_values().collect()
}

/// The status of a group: `phases` are those of its Accounts, `set` is how its Proxy Set does.
pub fn group(
    seat: &GroupSeat,
    phases: impl IntoIterator<Item = (Phase, u32)>,
    set: Option<&ProxySetStatus>,
) -> GroupStatus {
    let phases: BTreeMap<_, _> = phases
        .into_iter()
        .filter(|(_, accounts)| *accounts > 0)
        .collect();
    let members = set.map(|set| set.members.clone()).unwrap_or_default();
    let is_online = set.and_then(|set| set.is_online);
    let health = health(&members, is_online);
    GroupStatus {
        name: Arc::clone(&seat.name),
        role: seat.role,
        health,
        proxy_set: seat.proxy_set.clone(),
        is_online,
        registered: phases.get(&Phase::Registered).copied().unwrap_or(0),
        accounts: phases.values().sum(),
        phases,
        detail: detail(seat, set, health).map(Arc::from),
        members,
    }
}

/// The word of the best member.
fn health(members: &[MemberStatus], is_online: Option<bool>) -> Health {
    let best = members.iter().map(|member| member.health);
    let best = best.min_by_key(|health| rank(*health)).unwrap_or_default();
    match (best, is_online) {
        (Health::Ok | Health::Lagged, Some(false)) => Health::Unreachable,
        (best, _) => best,
    }
}

/// The lower, the better. Who is not looked at tells less than who was looked for in vain.
fn rank(health: Health) -> u8 {
    match health {
        Health::Ok => 0,
        Health::Lagged => 1,
        Health::Unreachable => 2,
        Health::Unknown => 3,
        Health::NoStatus => 4,
        Health::Unmonitored => 5,
    }
}

fn detail(seat: &GroupSeat, set: Option<&ProxySetStatus>, health: Health) -> Option<String> {
    if seat.proxy_set.is_none() {
        return Some("no Proxy Set: address not known".to_owned());
    }
    let Some(set) = set else {
        return Some("its Proxy Set is not known yet".to_owned());
    };
    if let Some(trouble) = &set.trouble {
        return Some(trouble.to_string());
    }
    let all = set.members.len();
    let answers = |member: &&MemberStatus| matches!(member.health, Health::Ok | Health::Lagged);
    let answering = set.members.iter().filter(answers).count();
    match (all, health) {
        (0, _) => Some("its Proxy Set has no address yet".to_owned()),
        (_, Health::Unmonitored) => Some("keep_alive is off".to_owned()),
        (_, Health::NoStatus) => None,
        (all, _) if answering == all => None,
        (all, _) => {
            let members = count(all as u64, "member");
            let verb = match (answering, all) {
                (1, _) | (_, 1) => "answers",
                _ => "answer",
            };
            let enough = match (set.is_online, answering) {
                (Some(false), 1..) => ": too few",
                _ => "",
            };
            Some(format!("{answering} of {members} {verb}{enough}"))
        }
    }
}

/// Groups as a table, no line wider than `width` as far as columns can give way.
pub fn table<'g>(groups: impl IntoIterator<Item = &'g GroupStatus>, width: usize) -> Vec<Line> {
    let groups: Vec<&GroupStatus> = groups.into_iter().collect();
    if groups.is_empty() {
        return vec![vec![(Tone::Quiet, "no groups".to_owned())]];
    }
    let rows: Vec<[String; COLUMNS.len()]> = groups.iter().map(|group| cells(group)).collect();
    aligned(&COLUMNS, &rows, width, |row, place| match place {
        HEALTH => tone(groups[row].health),
        REGISTERED => accounts_tone(groups[row]),
        _ => Tone::Plain,
    })
}

/// A group in one line, for those who read changes as they come.
pub fn news(group: &GroupStatus) -> Line {
    let (registered, all) = (group.registered, u64::from(group.accounts));
    let mut line = vec![
        (Tone::Plain, format!("{}: ", clean(&group.name))),
        (tone(group.health), group.health.to_string()),
        (
            Tone::Plain,
            format!(", {registered} of {} registered", count(all, "Account")),
        ),
    ];
    if let Some(detail) = &group.detail {
        line.push((Tone::Plain, format!(": {}", clean(detail))));
    }
    line
}

fn accounts_tone(group: &GroupStatus) -> Tone {
    if group.registered == group.accounts {
        Tone::Good
    } else if group.registered == 0 {
        Tone::Bad
    } else {
        Tone::Doubtful
    }
}

fn cells(group: &GroupStatus) -> [String; COLUMNS.len()] {
    let role = match group.role {
        GroupRole::Served => "served",
        GroupRole::Serving => "serving",
        GroupRole::Both => "both",
    };
    let none = || "–".to_owned();
    [
        clean(&group.name),
        role.to_owned(),
        group.health.to_string(),
        format!("{} of {}", group.registered, group.accounts),
        group.proxy_set.as_deref().map_or_else(none, clean),
        group.detail.as_deref().map(clean).unwrap_or_default(),
    ]
}

const HEALTH: usize = 2;
const REGISTERED: usize = 3;

const COLUMNS: [Column; 6] = [
    Column {
        heading: "GROUP",
        least: 8,
    },
    Column {
        heading: "ROLE",
        least: 7,
    },
    Column {
        heading: "HEALTH",
        least: 11,
    },
    Column {
        heading: "REGISTERED",
        least: 10,
    },
    Column {
        heading: "PROXY SET",
        least: 9,
    },
    Column {
        heading: "DETAIL",
        least: 12,
    },
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::status::UnixMs;

    fn set(words: &[Health], is_online: Option<bool>) -> ProxySetStatus {
        let member = |health: &Health| MemberStatus {
            address: ([192, 0, 2, 1], 5060).into(),
            name: None,
            priority: 0,
            weight: 0,
            health: *health,
            since: UnixMs(0),
            rtt_us: None,
            accounts_bound: 0,
            is_current: false,
        };
        ProxySetStatus {
            name: "office".into(),
            is_online,
            members: words.iter().map(member).collect(),
            trouble: None,
        }
    }

    fn seat(has_set: bool) -> GroupSeat {
        GroupSeat {
            name: "PBX".into(),
            role: GroupRole::Served,
            proxy_set: has_set.then(|| "office".into()),
        }
    }

    const PHASES: [(Phase, u32); 3] = [
        (Phase::Registered, 3),
        (Phase::WaitingToRetry, 1),
        (Phase::Held, 0),
    ];

    // rules P5, S13
    #[test]
    fn a_group_has_the_word_of_its_best_member() {
        let word = |words: &[Health], is_online| {
            let status = group(&seat(true), PHASES, Some(&set(words, is_online)));
            (status.health, status.detail.as_deref().map(str::to_owned))
        };
        let said = |text: &str| Some(text.to_owned());
        let (ok, lagged) = (Health::Ok, Health::Lagged);
        let (gone, unknown) = (Health::Unreachable, Health::Unknown);
        assert_eq!(word(&[ok], Some(true)), (ok, None));
        assert_eq!(
            word(&[lagged, unknown], Some(true)),
            (lagged, said("1 of 2 members answers"))
        );
        assert_eq!(
            word(&[unknown, gone], Some(false)),
            (gone, said("0 of 2 members answer"))
        );
        assert_eq!(
            word(&[unknown], Some(false)),
            (unknown, said("0 of 1 member answers"))
        );
        assert_eq!(word(&[Health::NoStatus], None), (Health::NoStatus, None));
        let off = word(&[Health::Unmonitored], None);
        assert_eq!(off, (Health::Unmonitored, said("keep_alive is off")));
        assert_eq!(word(&[], None).0, Health::NoStatus);
        // Too few of them for rule P6: rule S13 holds Accounts back, and the word says why.
        let few = word(&[ok, gone], Some(false));
        assert_eq!(few, (gone, said("1 of 2 members answers: too few")));
    }

    // rule P5
    #[test]
    fn a_group_without_an_address_has_no_status() {
        let status = group(&seat(false), PHASES, None);
        assert_eq!(status.health, Health::NoStatus);
        assert_eq!((status.registered, status.accounts), (3, 4));
        assert_eq!(status.phases.len(), 2);
        assert!(status.detail.unwrap().contains("no Proxy Set"));
    }

    #[test]
    fn groups_stand_in_a_table_of_a_hundred_columns() {
        let good = group(&seat(true), PHASES, Some(&set(&[Health::Ok], Some(true))));
        let mut bad = group(&seat(false), [], None);
        bad.detail = Some("x".repeat(200).into());
        let text = |line: Line| line.into_iter().map(|(_, text)| text).collect::<String>();
        let lines: Vec<String> = table([&good, &bad], 100).into_iter().map(text).collect();
        assert_eq!(
            lines[..2],
            [
                "GROUP  ROLE    HEALTH     REGISTERED  PROXY SET  DETAIL",
                "PBX    served  OK         3 of 4      office",
            ]
        );
        assert!(
            lines.iter().all(|line| line.chars().count() <= 100),
            "{lines:#?}"
        );
        assert_eq!(text(news(&good)), "PBX: OK, 3 of 4 Accounts registered");
        // What is said of a group most often is not cut, long as its name may be.
        let lost = GroupSeat {
            name: "a-name-of-20-letters".into(),
            ..seat(false)
        };
        let few = set(&[Health::Ok, Health::Unreachable], Some(false));
        let groups = [
            group(&lost, PHASES, None),
            group(&seat(true), PHASES, None),
            group(&seat(true), PHASES, Some(&set(&[], None))),
            group(&seat(true), PHASES, Some(&few)),
        ];
        let lines: Vec<String> = table(&groups, 100).into_iter().map(text).collect();
        assert!(lines.iter().all(|line| !line.contains('…')), "{lines:#?}");
    }
}
