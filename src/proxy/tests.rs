use std::net::SocketAddr;

use super::*;
use crate::config::{KeepAlive, LoadBalancing, ProxyAddress, SipInterface};
use crate::effect::Output;
use crate::locate::{Record, RecordData};
use crate::rng::Seed;
use crate::sip::transaction::Timing;

/// One set, and what it needs around it.
struct Bench {
    proxies: Proxies,
    pace: Pace,
    cx: Cx,
    set: SetId,
}

const NONE: fn(RegistrarId) -> bool = |_| false;

fn address(port: u16) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], port))
}

fn set_of(ports: &[u16], change: impl Fn(&mut ProxySet)) -> Arc<ProxySet> {
    let interface = Arc::new(SipInterface::new("outside", [127, 0, 0, 1].into(), 5070));
    let proxies = ports.iter().map(|port| ProxyAddress::at(address(*port)));
    let mut set = ProxySet::new("carrier", interface, proxies.collect());
    change(&mut set);
    Arc::new(set)
}

impl Bench {
    fn new(ports: &[u16], change: impl Fn(&mut ProxySet)) -> Self {
        let (mut proxies, mut pace) = (Proxies::default(), Pace::default());
        let set = proxies.set(&set_of(ports, change), &mut pace);
        proxies.on_listening(SocketId(0), address(5070));
        Self {
            proxies,
            pace,
            cx: Cx::new(Seed::from_number(1), Timing::default(), 0),
            set,
        }
    }

    fn at(&mut self, port: u16) -> RegistrarId {
        self.pace.registrar(SocketId(0), address(port))
    }

    /// The ports that are probed when the set is looked after at this second.
    fn probed(&mut self, second: u64) -> Vec<u16> {
        self.cx.now = Instant::from_secs(second);
        self.proxies.touch_all();
        self.settle();
        let mut ports = Vec::new();
        while let Some(output) = self.cx.out.pop() {
            if let Output::Transmit { to, .. } = output {
                ports.push(to.port());
            }
        }
        ports
    }

    fn settle(&mut self) {
        self.proxies.settle(&mut self.pace, &mut self.cx, true);
    }

    fn choose(&mut self, is_excluded: impl Fn(RegistrarId) -> bool, draw: u64) -> Option<u16> {
        let chosen = self
            .proxies
            .current(self.set, &self.pace, is_excluded, || draw)?;
        Some(self.pace.get(chosen).address.port())
    }

    fn changes(&mut self) -> Vec<Change> {
        let changes = std::iter::from_fn(|| self.proxies.next_change());
        changes.map(|(_, change)| change).collect()
    }
}

// rule P4
#[test]
fn a_suspect_member_is_chosen_last_and_when_all_are_suspect_all_are_cleared() {
    let mut bench = Bench::new(&[5060, 5061], |_| {});
    let (first, second) = (bench.at(5060), bench.at(5061));
    assert_eq!(bench.choose(NONE, 0), Some(5060));
    let (now, sent) = (Instant::from_secs(32), Instant::ZERO);
    bench.pace.on_silence(first, now, sent);
    assert_eq!(bench.choose(NONE, 0), Some(5061));
    bench.pace.on_silence(second, now, sent);
    assert_eq!(bench.choose(NONE, 0), None);
    let turn = bench
        .proxies
        .in_turn(bench.set, &mut bench.pace, NONE, None);
    assert_eq!(turn, Some(first));
    assert!(!bench.pace.get(second).suspect);
}

// rule P3
#[test]
fn a_registrar_that_holds_a_binding_is_probed_whatever_the_mode() {
    let mut bench = Bench::new(&[5060, 5061, 5062], |set| {
        set.keep_alive = KeepAlive::OptionsOnActive;
    });
    let second = bench.at(5061);
    assert_eq!(bench.probed(0), [5060]);
    bench.proxies.on_bound(bench.set, second, &mut bench.cx);
    bench.proxies.on_bound(bench.set, second, &mut bench.cx);
    assert_eq!(bench.probed(1), [5061]);
    bench.proxies.on_unbound(bench.set, second, &mut bench.cx);
    assert_eq!(bench.proxies.get(bench.set).bound_at(second), 1);
}

// rules P3, P8
#[test]
fn a_registrar_that_has_left_the_list_is_probed_while_it_holds_a_binding() {
    let options = |set: &mut ProxySet| set.keep_alive = KeepAlive::Options;
    let mut bench = Bench::new(&[5060, 5061], options);
    let (first, second) = (bench.at(5060), bench.at(5061));
    assert_eq!(bench.probed(0), [5060, 5061]);
    bench.proxies.on_bound(bench.set, second, &mut bench.cx);
    bench
        .proxies
        .reconfigure(&[set_of(&[5062], options)], &mut bench.pace);
    assert_eq!(
        bench.changes(),
        [Change::Left(first), Change::Left(second), Change::Listed]
    );
    assert!(!bench.proxies.is_member(bench.set, second));
    assert_eq!(bench.probed(1), [5062]);
    assert_eq!(
        bench.cx.transactions.len(),
        2,
        "the probe of the first is given up"
    );
    // It is lost, and found out like a member.
    bench
        .proxies
        .on_lost(second, &mut bench.pace, &mut bench.cx);
    assert_eq!(bench.changes(), [Change::Offline(second)]);
    bench.proxies.on_unbound(bench.set, second, &mut bench.cx);
    bench.probed(2);
    assert_eq!(bench.cx.transactions.len(), 1);
    assert_eq!(bench.proxies.health(bench.set, second), None);
}

// rule P4
#[test]
fn a_lost_registrar_is_offline_only_where_it_is_probed() {
    let mut bench = Bench::new(&[5060, 5061], |_| {});
    let first = bench.at(5060);
    bench.proxies.on_lost(first, &mut bench.pace, &mut bench.cx);
    assert!(bench.proxies.is_online(bench.set, first));
    assert_eq!(
        (bench.changes(), bench.pace.get(first).is_dead),
        (vec![], false)
    );
}

// rule P6
#[test]
fn round_robin_goes_round_and_passes_those_that_are_excluded() {
    let mut bench = Bench::new(&[5060, 5061, 5062], |set| {
        set.load_balancing = LoadBalancing::RoundRobin;
    });
    let second = bench.at(5061);
    let round: Vec<_> = (0..4).map(|_| bench.choose(NONE, 0)).collect();
    assert_eq!(round, [5060, 5061, 5062, 5060].map(Some));
    let without = |id| id == second;
    let round: Vec<_> = (0..3).map(|_| bench.choose(without, 0)).collect();
    assert_eq!(round, [5062, 5060, 5062].map(Some));
    assert_eq!(bench.choose(|_| true, 0), None);
    assert_eq!(bench.choose(NONE, 0), Some(5060));
}

// rule P6
#[test]
fn random_weights_give_each_online_member_its_share() {
    let mut bench = Bench::new(&[5060, 5061, 5062], |set| {
        set.load_balancing = LoadBalancing::RandomWeights;
        for (proxy, weight) in set.proxies.iter_mut().zip([1, 0, 3]) {
            proxy.weight = weight;
        }
    });
    let drawn: Vec<_> = (0..5).map(|draw| bench.choose(NONE, draw)).collect();
    assert_eq!(drawn, [5060, 5062, 5062, 5062, 5060].map(Some));
    let last = bench.at(5062);
    let drawn: Vec<_> = (0..2)
        .map(|draw| bench.choose(|id| id == last, draw))
        .collect();
    assert_eq!(drawn, [5060, 5060].map(Some));
}

// rule P6
#[test]
fn without_any_weight_all_are_equal() {
    let mut bench = Bench::new(&[5060, 5061, 5062], |set| {
        set.load_balancing = LoadBalancing::RandomWeights;
    });
    let drawn: Vec<_> = (0..4).map(|draw| bench.choose(NONE, draw)).collect();
    assert_eq!(drawn, [5060, 5061, 5062, 5060].map(Some));
}

// rule S7
#[test]
fn names_are_asked_anew_unless_that_was_just_done_or_is_under_way() {
    let mut bench = Bench::new(&[], |set| {
        set.proxies = vec![ProxyAddress::named("carrier.example", None)];
    });
    let asked = |bench: &mut Bench, second| {
        bench.cx.now = Instant::from_secs(second);
        bench.proxies.renew(bench.set, &mut bench.cx);
        bench.settle();
        let outputs = std::iter::from_fn(|| bench.cx.out.pop());
        let questions = outputs.filter_map(|output| {
            let Output::Ask { question, .. } = output else {
                return None;
            };
            Some(question)
        });
        questions.collect::<Vec<_>>()
    };
    let first = asked(&mut bench, 0);
    assert_eq!(first.len(), 1);
    assert_eq!(asked(&mut bench, 20), [], "it is under way");
    let record = Record {
        ttl: 3_600,
        data: RecordData::Address([192, 0, 2, 1].into()),
    };
    let answer = Resolution::Records(vec![record]);
    let Bench {
        proxies, pace, cx, ..
    } = &mut bench;
    proxies.on_resolved(first[0], answer, pace, cx);
    assert_eq!(proxies.members(SetId(0)).count(), 1);
    let second = asked(&mut bench, 21);
    assert_eq!(second.len(), 1);
    let Bench {
        proxies, pace, cx, ..
    } = &mut bench;
    proxies.on_resolved(second[0], Resolution::Failed("no".to_owned()), pace, cx);
    assert_eq!(asked(&mut bench, 25), [], "it was just done");
    assert_eq!(asked(&mut bench, 26).len(), 1);
}

// rule P8
#[test]
fn a_set_that_is_gone_is_told_and_left_alone() {
    let options = |set: &mut ProxySet| set.keep_alive = KeepAlive::Options;
    let mut bench = Bench::new(&[5060], options);
    assert_eq!(bench.probed(0), [5060]);
    bench.proxies.reconfigure(&[], &mut bench.pace);
    bench.settle();
    assert!(matches!(bench.cx.out.pop(), Some(Output::SetChanged(id)) if id == bench.set));
    assert!(bench.cx.transactions.is_empty());
    assert_eq!(
        (bench.proxies.sets().count(), bench.probed(100)),
        (0, vec![])
    );
}

// rules P4, L6
#[test]
fn members_of_one_address_in_two_sets_are_lost_together() {
    let options = |set: &mut ProxySet| set.keep_alive = KeepAlive::Options;
    let mut bench = Bench::new(&[5060, 5061], options);
    let mut other = ProxySet::clone(&set_of(&[5061], options));
    other.name = "other".into();
    let other = bench.proxies.set(&Arc::new(other), &mut bench.pace);
    let second = bench.at(5061);
    bench
        .proxies
        .on_lost(second, &mut bench.pace, &mut bench.cx);
    assert!(!bench.proxies.is_online(bench.set, second));
    assert!(!bench.proxies.is_online(other, second));
    assert!(bench.pace.get(second).is_dead);
}
