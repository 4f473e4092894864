use super::*;
use crate::effect::{Notice, NoticeAccount, NoticeKind};

/// Letters with numbers for ids, to one subscription by mail unless something else is said.
struct Bench {
    queue: Queue,
    now: Instant,
    unix_ms: i64,
}

impl Bench {
    fn new() -> Self {
        Self {
            queue: Queue::default(),
            now: Instant::now(),
            unix_ms: 1_795_341_600_000,
        }
    }

    fn put(&mut self, id: &str) {
        self.put_letter(letter(id, "operations"));
    }

    fn put_letter(&mut self, letter: Letter) {
        assert_eq!(self.queue.put(letter, self.now, self.unix_ms), []);
    }

    fn pass(&mut self, seconds: u64) {
        self.now += Duration::from_secs(seconds);
        self.unix_ms += i64::try_from(seconds * 1_000).unwrap();
    }

    /// Who leaves now.
    fn leaves(&mut self) -> Option<String> {
        let letter = self.queue.next(self.now)?;
        Some(letter.id.to_string())
    }

    /// A try fails; the letter as it is kept.
    fn fail(&mut self, id: &str, trouble: Trouble) -> Letter {
        let now = (self.now, self.unix_ms);
        match self.queue.on_failed(id, trouble, now) {
            Some(Verdict::Again(letter, _)) => letter,
            other => panic!("{other:?}"),
        }
    }

    /// Seconds until something may leave.
    fn due(&self) -> Option<u64> {
        let due = self.queue.deadline()?;
        Some(due.saturating_duration_since(self.now).as_secs())
    }
}

fn letter(id: &str, subscription: &str) -> Letter {
    let notice = Notice {
        subscription: subscription.into(),
        email: Some("a@example.net".into()),
        webhook: None,
        kind: NoticeKind::Lost,
        at_unix_ms: 0,
        registrar: ([192, 0, 2, 1], 5060).into(),
        server: None,
        user_agent: "regent".into(),
        accounts: Vec::new(),
    };
    Letter::new(id.into(), Means::Mail, notice.into())
}

fn down() -> Trouble {
    Trouble::new("nobody is there")
}

// rule T3
#[test]
fn a_resolution_never_passes_its_loss() {
    let mut bench = Bench::new();
    bench.put("1");
    bench.put("2");
    assert_eq!(bench.leaves().unwrap(), "1");
    assert_eq!(bench.leaves(), None, "one at a time");
    bench.fail("1", down());
    assert_eq!((bench.leaves(), bench.due()), (None, Some(15)));
    bench.pass(15);
    assert_eq!(bench.leaves().unwrap(), "1");
    let (first, was_failing) = bench.queue.on_delivered("1").unwrap();
    assert_eq!((&*first.id, was_failing), ("1", true));
    assert_eq!(bench.leaves().unwrap(), "2");
    assert!(!bench.queue.on_delivered("2").unwrap().1);
    assert_eq!((bench.leaves(), bench.due()), (None, None));
}

// rule T3
#[test]
fn who_is_refused_lets_the_others_pass() {
    let mut bench = Bench::new();
    bench.put("1");
    bench.put("2");
    assert_eq!(bench.leaves().unwrap(), "1");
    bench.fail("1", Trouble::refusal("too big"));
    assert_eq!(bench.leaves().unwrap(), "2");
    bench.queue.on_delivered("2").unwrap();
    assert_eq!(bench.due(), Some(7_200));
    bench.pass(7_200);
    assert_eq!(bench.leaves().unwrap(), "1");
}

// rule T3
#[test]
fn one_lane_does_not_wait_for_another() {
    let mut bench = Bench::new();
    bench.put("1");
    bench.put_letter(letter("2", "others"));
    assert_eq!(bench.leaves().unwrap(), "1");
    assert_eq!(bench.leaves().unwrap(), "2");
    bench.fail("1", down());
    bench.queue.on_delivered("2").unwrap();
    assert_eq!(bench.due(), Some(15));
}

// rule T3
#[test]
fn waits_double_up_to_two_hours_and_end_after_two_days() {
    let mut bench = Bench::new();
    bench.put("1");
    let mut waits = Vec::new();
    let mut all = 0;
    loop {
        assert_eq!(bench.leaves().unwrap(), "1");
        let now = (bench.now, bench.unix_ms);
        match bench.queue.on_failed("1", down(), now).unwrap() {
            Verdict::Again(letter, is_news) => {
                assert_eq!(is_news, letter.tried == 1, "it is said once");
            }
            Verdict::GivenUp(letter) => {
                assert_eq!(letter.trouble.as_deref(), Some("nobody is there"));
                break;
            }
        }
        let wait = bench.due().unwrap();
        waits.push(wait);
        all += wait;
        bench.pass(wait);
    }
    let first = [15, 30, 60, 120, 240, 480, 960, 1_920, 3_840, 7_200, 7_200];
    assert_eq!(waits[..first.len()], first);
    assert!((172_800..172_800 + 7_200).contains(&all), "{all}");
    assert_eq!((bench.leaves(), bench.due()), (None, None));
}

// rule T3
#[test]
fn what_is_cut_short_is_not_time_that_was_tried() {
    let mut bench = Bench::new();
    bench.put("1");
    // Somebody reloads over and over.
    for _ in 0..1_000 {
        assert_eq!(bench.leaves().unwrap(), "1");
        let kept = bench.fail("1", Trouble::refusal("no"));
        assert_eq!(kept.waited_ms, 0);
        bench.pass(1);
        bench.queue.hasten(bench.now);
    }
    // Somebody restarts over and over, with a clock that was set far ahead.
    let mut kept = letter("1", "operations");
    for _ in 0..1_000 {
        bench = Bench::new();
        bench.unix_ms -= 1_000_000_000_000;
        bench.put_letter(kept);
        let wait = bench.due().unwrap();
        assert!(wait <= 7_200);
        bench.pass(wait);
        assert_eq!(bench.leaves().unwrap(), "1");
        kept = bench.fail("1", down());
        assert_eq!(kept.waited_ms, 0);
    }
}

// rule T3
#[test]
fn a_server_that_asks_for_patience_gets_it_up_to_two_hours() {
    let mut bench = Bench::new();
    bench.put("1");
    for (asked, wait) in [(1, 15), (100, 100), (1_000_000, 7_200)] {
        assert_eq!(bench.leaves().unwrap(), "1");
        let trouble = Trouble {
            wait: Some(asked),
            ..down()
        };
        let kept = bench.fail("1", trouble);
        assert_eq!(bench.due(), Some(wait));
        let next = bench.unix_ms + i64::try_from(wait * 1_000).unwrap();
        assert_eq!(kept.next_unix_ms, Some(next));
        bench.pass(wait);
    }
}

// rule T3
#[test]
fn the_oldest_goes_when_too_many_wait() {
    let mut bench = Bench::new();
    for number in 0..MOST {
        bench.put(&number.to_string());
    }
    // The one under way is not taken back.
    assert_eq!(bench.leaves().unwrap(), "0");
    let gone = bench.queue.put(letter("new", "operations"), bench.now, 0);
    let gone: Vec<&str> = gone.iter().map(|it| &*it.id).collect();
    assert_eq!(gone, ["1"]);
}

/// A letter about so many Accounts.
fn about(id: &str, accounts: usize) -> Letter {
    let letter = letter(id, "operations");
    let account = NoticeAccount {
        account: "main".into(),
        identity: "sip:main@carrier.example".into(),
        source: None,
        lost_unix_ms: 0,
        started_unix_ms: 0,
        ended_unix_ms: None,
        registered_at: None,
    };
    let notice = Notice {
        accounts: vec![account.into(); accounts],
        ..(*letter.notice).clone()
    };
    Letter::new(letter.id, letter.means, notice.into())
}

// rule T3: a registrar of very many Accounts that comes and goes, while the mail server is away.
#[test]
fn memory_is_bounded_by_what_the_letters_say() {
    let mut bench = Bench::new();
    let half = MOST_LINES / 2;
    bench.put_letter(about("1", half));
    assert_eq!(bench.leaves().unwrap(), "1");
    bench.put_letter(about("2", 1));
    bench.put_letter(about("3", half - 1));
    let put = |bench: &mut Bench, letter| {
        let gone = bench.queue.put(letter, bench.now, 0);
        gone.iter().map(|it| it.id.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(put(&mut bench, about("4", 1)), ["2"]);
    assert_eq!(put(&mut bench, about("5", half)), ["3", "4"]);
    // One that is larger than all that may wait is not lost for that.
    assert_eq!(put(&mut bench, about("6", 2 * MOST_LINES)), ["5"]);
    bench.queue.on_delivered("1").unwrap();
    assert_eq!(bench.leaves().unwrap(), "6");
}

// rule T3: servers that keep us waiting are tried again and again, and nobody who comes after them
// in the order of names is forgotten for that.
#[test]
fn who_waits_longest_leaves_first() {
    let mut bench = Bench::new();
    for name in ["a", "b", "z"] {
        bench.put_letter(letter(name, name));
        bench.pass(1);
    }
    assert_eq!(bench.leaves().unwrap(), "a");
    bench.pass(90);
    bench.fail("a", down());
    assert_eq!(bench.leaves().unwrap(), "b");
    // By now it is time for the first one again, and high time for the last one.
    bench.pass(90);
    bench.fail("b", down());
    assert_eq!(bench.leaves().unwrap(), "z");
    assert_eq!(bench.leaves().unwrap(), "a");
    bench.queue.on_delivered("z").unwrap();
    bench.pass(15);
    assert_eq!(bench.leaves().unwrap(), "b");
    assert_eq!(bench.leaves(), None);
}

// rule T3
#[test]
fn what_comes_back_for_a_lane_that_nobody_wants_any_more_is_dropped() {
    let mut bench = Bench::new();
    for id in ["1", "2"] {
        bench.put(id);
    }
    assert_eq!(bench.leaves().unwrap(), "1");
    let text = include_str!("../../conf/minimal.toml");
    let config = crate::config::load("t", text).config.unwrap();
    let unwanted = bench.queue.retain(&Places::of(&config));
    assert_eq!(unwanted.len(), 2);
    assert_eq!((bench.leaves(), bench.due()), (None, None));
    let now = (bench.now, bench.unix_ms);
    assert_eq!(bench.queue.on_failed("1", down(), now), None);
    // Whoever subscribes again under that name begins anew.
    bench.put("3");
    assert_eq!(bench.leaves().unwrap(), "3");
    assert!(!bench.queue.on_delivered("3").unwrap().1);
    assert!(bench.queue.lanes.is_empty() && bench.queue.away.is_empty());
}
