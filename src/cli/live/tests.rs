//! Pictures on a screen in memory: what stands where, and in which colour.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::style::{Color, Modifier};

use super::draw::{Sight, draw};
use super::keys::Wish;
use super::model::{Model, Tab, Verb};
use crate::cli::view::Accounts;
use crate::control::protocol::{Fault, FaultCode, Item, Says};
use crate::status::history::{Entry, EntryKind};
use crate::status::order::SortKey;
use crate::status::table::{Line, Tone};
use crate::status::{
    AccountStatus, GroupRole, GroupStatus, Health, Keeping, Phase, StateStatus, StatusWord, UnixMs,
    sample,
};
use crate::trace::{At, Content, Entry as Message, Kind, State};

const NOW: UnixMs = UnixMs(1_795_341_600_000);

/// A screen with what it shows.
struct Desk {
    terminal: Terminal<TestBackend>,
    model: Model,
    accounts: Accounts,
    keeping: Option<StateStatus>,
    lost: Option<String>,
    words: Vec<Line>,
    has_colours: bool,
}

impl Desk {
    fn new((rows, columns): (u16, u16), accounts: impl IntoIterator<Item = AccountStatus>) -> Self {
        let accounts = accounts.into_iter();
        let named = accounts.map(|status| (Arc::clone(&status.name), Arc::new(status)));
        let mut desk = Self {
            terminal: Terminal::new(TestBackend::new(columns, rows)).unwrap(),
            model: Model::new(SortKey::Index, &[], &[]),
            accounts: named.collect(),
            keeping: None,
            lost: None,
            words: Vec::new(),
            has_colours: true,
        };
        desk.model.arrange(&desk.accounts);
        desk
    }

    /// Presses keys; letters as such. What the last one asks for.
    fn press(&mut self, keys: impl IntoIterator<Item = KeyCode>) -> Wish {
        let mut last = Wish::Nothing;
        for code in keys {
            last = self.model.on_key(KeyEvent::new(code, KeyModifiers::NONE));
            if last == Wish::Arrange {
                self.model.arrange(&self.accounts);
            }
        }
        last
    }

    fn write(&mut self, text: &str) -> Wish {
        self.press(text.chars().map(KeyCode::Char))
    }

    /// The lines of the picture.
    fn look(&mut self) -> Vec<String> {
        let (model, accounts) = (&mut self.model, &self.accounts);
        let (keeping, lost) = (self.keeping.as_ref(), self.lost.as_deref());
        let (words, has_colours) = (&self.words, self.has_colours);
        self.terminal
            .draw(|frame| {
                let sight = Sight {
                    accounts,
                    keeping,
                    lost,
                    words,
                    now: NOW,
                    has_colours,
                };
                draw(frame, model, &sight);
            })
            .unwrap();
        let buffer = self.terminal.backend().buffer();
        let width = usize::from(buffer.area.width);
        let rows = buffer.content().chunks(width);
        let text = |row: &[ratatui::buffer::Cell]| {
            let text: String = row.iter().map(|cell| cell.symbol()).collect();
            text.trim_end().to_owned()
        };
        rows.map(text).collect()
    }

    /// Colours and modifiers where a text begins.
    #[track_caller]
    fn style_of(&mut self, wanted: &str) -> (Color, Color, Modifier) {
        let lines = self.look();
        let row = lines.iter().position(|line| line.contains(wanted));
        let row = row.unwrap_or_else(|| panic!("no {wanted:?} in {lines:#?}"));
        let before = lines[row].split(wanted).next().unwrap_or_default();
        let column = before.chars().count();
        let place = (u16::try_from(column).unwrap(), u16::try_from(row).unwrap());
        let cell = self.terminal.backend().buffer().cell(place).unwrap();
        (cell.fg, cell.bg, cell.modifier)
    }
}

fn account(index: u32, name: &str) -> AccountStatus {
    AccountStatus {
        aor: format!("sip:{name}@carrier.example").into(),
        registrar: Some(([192, 0, 2, 1], 5060).into()),
        registered_since: Some(UnixMs(NOW.0 - 60_000)),
        ..sample::registered(index, name, NOW)
    }
}

fn refused(index: u32, name: &str) -> AccountStatus {
    AccountStatus {
        phase: Phase::WaitingToRetry,
        status: StatusWord::Error(403),
        last_error: Some(403),
        registered_since: None,
        refresh_due: None,
        next_try: Some(UnixMs(NOW.0 + 600_000)),
        failures: 2,
        temporary: Some(false),
        detail: Some("credentials refused with 403".into()),
        ..account(index, name)
    }
}

fn silent(index: u32, name: &str) -> AccountStatus {
    AccountStatus {
        status: StatusWord::Error(408),
        temporary: Some(true),
        detail: Some("no answer".into()),
        ..refused(index, name)
    }
}

fn three() -> [AccountStatus; 3] {
    [account(0, "main"), silent(1, "door"), refused(2, "branch")]
}

/// The names of the rows, top down.
fn names(lines: &[String]) -> Vec<&str> {
    let known = ["main", "door", "branch"];
    let name = |line: &String| {
        known
            .into_iter()
            .find(|name| line.contains(&format!("  {name} ")))
    };
    lines.iter().filter_map(name).collect()
}

// rules T1, L4
#[test]
fn accounts_stand_below_their_sum_in_colours_that_mean_something() {
    let mut desk = Desk::new((12, 100), three());
    assert_eq!(
        desk.look().join("\n"),
        "\
q ends  ? help [1 Accounts]  2 Proxy Sets   3 Groups   4 Alerts   5 Events      2026-11-22 10:00:00Z
3 Accounts: 1 registered, 2 waiting to retry
#  ACCOUNT  STATUS      REGISTRAR       BACKUP  SINCE  NEXT         DETAIL
0  main     Registered  192.0.2.1:5060  no      1m     refresh 40s
1  door     408         192.0.2.1:5060  no      –      retry 10m    no answer
2  branch   403         192.0.2.1:5060  no      –      retry 10m    credentials refused with 403





Enter opens   / filter  p phases  s sort  r u f orders"
    );
    assert_eq!(desk.style_of("Registered").0, Color::Green);
    assert_eq!(desk.style_of("408").0, Color::Yellow);
    assert_eq!(desk.style_of("403").0, Color::Red);
    // The selected row is reversed, and no other.
    assert!(desk.style_of("main").2.contains(Modifier::REVERSED));
    assert!(!desk.style_of("door").2.contains(Modifier::REVERSED));
    desk.has_colours = false;
    desk.look();
    let cells = desk.terminal.backend().buffer().content();
    assert!(
        cells
            .iter()
            .all(|cell| (cell.fg, cell.bg) == (Color::Reset, Color::Reset))
    );
    assert!(desk.style_of("403").2.contains(Modifier::BOLD));
}

// rule P5
#[test]
fn the_six_words_have_the_colours_of_their_meaning() {
    let mut desk = Desk::new((14, 100), three());
    let health = [
        (Health::Ok, Color::Green, Color::Reset),
        (Health::Lagged, Color::Yellow, Color::Reset),
        (Health::Unreachable, Color::Red, Color::Reset),
        (Health::Unknown, Color::Black, Color::Gray),
        (Health::Unmonitored, Color::Gray, Color::Reset),
        (Health::NoStatus, Color::Reset, Color::Reset),
    ];
    assert_eq!(desk.write("3"), Wish::Show);
    assert_eq!(desk.model.tab, Tab::Groups);
    for (health, ..) in health {
        let group = GroupStatus {
            name: "PBX".into(),
            role: GroupRole::Served,
            health,
            proxy_set: None,
            is_online: None,
            members: Vec::new(),
            registered: 1,
            accounts: 3,
            phases: BTreeMap::new(),
            detail: None,
        };
        desk.model.on_polled(Says::Item(Item::Group(group)));
    }
    assert!(desk.model.lists.groups.is_empty(), "half an answer is none");
    desk.model
        .on_polled(Says::Done(crate::control::protocol::Done::Groups {
            schema: 1,
            at: NOW,
            groups: 6,
        }));
    for (health, letters, ground) in health {
        let (fg, bg, _) = desk.style_of(&health.to_string());
        assert_eq!((fg, bg), (letters, ground), "{health}");
    }
}

#[test]
fn keys_order_and_choose_accounts_and_the_selection_stays_with_its_own() {
    let mut desk = Desk::new((24, 100), three());
    desk.press([KeyCode::Down]);
    assert_eq!(desk.model.subject().as_deref(), Some("door"));
    desk.write("s");
    assert_eq!(names(&desk.look()), ["branch", "door", "main"]);
    assert!(desk.look()[2].starts_with("by name"));
    assert_eq!(desk.model.subject().as_deref(), Some("door"));
    desk.write("s");
    assert_eq!(names(&desk.look()), ["branch", "door", "main"]);
    desk.write("S");
    assert_eq!(names(&desk.look()), ["main", "door", "branch"]);
    assert!(desk.look()[2].starts_with("by status, reversed"));

    desk.write("/Bran");
    let lines = desk.look();
    assert_eq!(names(&lines), ["branch"]);
    assert_eq!(
        lines[1],
        "1 of 3 Accounts: 1 registered, 2 waiting to retry"
    );
    assert!(lines[2].starts_with("/Bran▏"), "{lines:#?}");
    // Letters that are typed are no commands.
    assert_eq!(desk.write("q"), Wish::Arrange);
    assert_eq!(desk.look()[3], "no Account matches");
    desk.press([KeyCode::Backspace, KeyCode::Enter]);
    assert_eq!(names(&desk.look()), ["branch"]);
    assert_eq!(desk.write("q"), Wish::End);
    desk.press([KeyCode::Esc]);
    assert_eq!(names(&desk.look()).len(), 3);

    desk.write("pjj ");
    let lines = desk.look();
    assert!(
        lines
            .iter()
            .any(|line| line.contains("[x] waiting to retry (2)")),
        "{lines:#?}"
    );
    desk.press([KeyCode::Enter]);
    assert_eq!(names(&desk.look()), ["door", "branch"]);
    assert!(desk.look()[2].starts_with("only waiting to retry   by status"));
}

#[test]
fn an_order_is_asked_about_and_only_yes_is_yes() {
    let mut desk = Desk::new((24, 100), three());
    for (key, verb, question) in [
        ("r", Verb::Register, "Register main now?"),
        ("u", Verb::Unregister, "Un-register main, and stay away?"),
        ("f", Verb::Refresh, "Refresh the binding of main now?"),
    ] {
        assert_eq!(desk.write(key), Wish::Nothing);
        assert!(desk.look().iter().any(|line| line.contains(question)));
        assert_eq!(desk.press([KeyCode::Enter]), Wish::Nothing);
        assert!(!desk.look().iter().any(|line| line.contains(question)));
        desk.write(key);
        assert_eq!(desk.write("y"), Wish::Order(verb, "main".into()));
    }
    // Of other tabs no Account is the subject.
    desk.write("2r");
    assert_eq!(desk.model.above, None);
}

// rule T1
#[test]
fn an_account_shows_story_timeline_and_messages() {
    let mut desk = Desk::new((24, 100), three());
    desk.press([KeyCode::End]);
    assert_eq!(desk.press([KeyCode::Enter]), Wish::Follow);
    let opened = desk.model.opened.as_mut().unwrap();
    assert_eq!(&*opened.name, "branch");
    opened.on_event(Says::Item(Item::Event(Arc::new(Entry {
        account: Some("branch".into()),
        from: Some("registering".into()),
        to: Some("waiting-to-retry".into()),
        text: "403 Forbidden".into(),
        ..Entry::new(EntryKind::Phase, NOW)
    }))));
    let fault = Fault::new(FaultCode::UnknownAccount, "there is no Account \"branch\"");
    opened.on_message(Says::Error(fault));
    let text = desk.look().join("\n");
    for part in [
        "Esc back  branch",
        "branch: not registered (403), waiting to retry",
        "── Timeline (UTC) ──",
        "waiting to retry  403 Forbidden",
        "── Messages ──",
        "there is no Account \"branch\"",
    ] {
        assert!(text.contains(part), "{part} in\n{text}");
    }
    // On a small screen the keys lead there.
    desk.terminal = Terminal::new(TestBackend::new(100, 6)).unwrap();
    desk.look();
    desk.write("m");
    assert!(desk.look().join("\n").contains("── Messages ──"));
    desk.write("t");
    assert!(desk.look()[1].contains("Timeline"), "{:#?}", desk.look());
    assert_eq!(desk.press([KeyCode::Esc]), Wish::Follow);
    assert!(desk.model.opened.is_none());
    // One that a reload removes is said to be gone.
    desk.press([KeyCode::Enter]);
    desk.accounts.clear();
    assert!(desk.look()[1].contains("there is no such Account any more"));
}

#[test]
fn the_newest_message_is_a_key_away_and_so_is_every_tab() {
    let mut desk = Desk::new((12, 100), three());
    desk.press([KeyCode::Enter]);
    let opened = desk.model.opened.as_mut().unwrap();
    for number in 1..=50 {
        opened.on_message(Says::Item(Item::Message(note(number))));
    }
    desk.look();
    desk.write("m");
    let text = desk.look().join("\n");
    assert!(text.contains("note 50 of 50"), "{text}");
    assert_eq!(desk.write("3"), Wish::Follow);
    assert!(desk.model.opened.is_none());
    assert_eq!(desk.model.tab, Tab::Groups);
}

/// What was noted between messages.
fn note(number: u64) -> Message {
    Message {
        number,
        at: At(NOW.0 * 1_000),
        kind: Kind::Note,
        account: Some("main".into()),
        proxy_set: None,
        transport: None,
        local: None,
        remote: None,
        content: Content::Text(format!("note {number} of 50")),
    }
}

#[test]
fn troubles_of_the_daemon_stand_above_the_accounts() {
    let mut desk = Desk::new((24, 100), three());
    desk.keeping = Some(StateStatus {
        state: Keeping::Failing,
        directory: None,
        trouble: Some("disk full".into()),
        since: NOW,
    });
    desk.lost = Some("the daemon has ended".to_owned());
    desk.model.message = Some(vec![(Tone::Plain, "main: registered".to_owned())]);
    let lines = desk.look();
    assert!(lines[1].starts_with("the daemon has ended: this is how it was"));
    assert!(lines[2].contains("the state is not written since 2026-11-22 10:00:00Z: disk full"));
    assert_eq!(lines[3], "main: registered");
    assert!(lines[4].starts_with("3 Accounts"));
    // The message goes with the next key.
    desk.press([KeyCode::Down]);
    assert!(desk.look()[3].starts_with("3 Accounts"));
}

// rule T1
#[test]
fn that_there_is_nothing_is_said_when_the_daemon_has_answered() {
    let mut desk = Desk::new((24, 100), three());
    desk.press([KeyCode::Enter]);
    let says_nothing = |desk: &mut Desk| {
        let text = desk.look().join("\n");
        ["nothing yet", "none are kept"].map(|words| text.contains(words))
    };
    assert_eq!(says_nothing(&mut desk), [false, false]);
    let state = State {
        kept: 0,
        oldest: None,
        memory: 1 << 20,
        hep: None,
    };
    let opened = desk.model.opened.as_mut().unwrap();
    opened.on_message(Says::Item(Item::Following(state)));
    assert_eq!(says_nothing(&mut desk), [true, true]);
    // A daemon that is back is asked once more.
    desk.model.opened.as_mut().unwrap().begin_again();
    assert_eq!(says_nothing(&mut desk), [false, false]);
}

#[test]
fn no_size_is_too_small_and_no_name_too_wide() {
    let wide = AccountStatus {
        name: "電話番号電話番号".into(),
        ..account(3, "x")
    };
    let accounts: Vec<_> = three().into_iter().chain([wide]).collect();
    for rows in [1, 2, 3, 5, 10, 24] {
        for columns in [1, 2, 7, 20, 40, 79, 100, 250] {
            let mut desk = Desk::new((rows, columns), accounts.clone());
            desk.words = vec![vec![(Tone::Plain, "words of the demo".to_owned())]];
            for key in [
                '?', 'x', 'p', 'x', 'r', 'x', '2', '3', '4', '5', '1', '/', 'm',
            ] {
                desk.write(&key.to_string());
                desk.look();
            }
            desk.press([KeyCode::Esc, KeyCode::End, KeyCode::Enter, KeyCode::End]);
            desk.look();
        }
    }
}

#[test]
fn what_is_out_of_sight_is_scrolled_to() {
    let accounts = (0..100).map(|index| account(index, &format!("a{index}")));
    let mut desk = Desk::new((10, 100), accounts);
    let lines = desk.look();
    assert_eq!(lines[9], "1–6 of 100", "{lines:#?}");
    desk.press([KeyCode::PageDown]);
    let lines = desk.look();
    assert!(lines[8].contains(" a6 "), "{lines:#?}");
    desk.press([KeyCode::End]);
    assert_eq!(desk.look()[9], "95–100 of 100");
    desk.press([KeyCode::Home]);
    assert!(desk.look()[3].contains(" a0 "));
}

/// Ten thousand Accounts are ordered and drawn well within the time between two pictures, also
/// without optimisation.
#[test]
fn ten_thousand_accounts_are_drawn_in_time() {
    let accounts = (0..10_000).map(|index| match index % 3 {
        0 => refused(index, &format!("a{index}")),
        _ => account(index, &format!("a{index}")),
    });
    let mut desk = Desk::new((50, 160), accounts);
    desk.write("ss");
    let mut fastest = f64::MAX;
    for _ in 0..5 {
        let begun = Instant::now();
        desk.model.arrange(&desk.accounts);
        desk.press([KeyCode::PageDown]);
        desk.look();
        fastest = fastest.min(begun.elapsed().as_secs_f64());
    }
    assert!(fastest < 0.3, "{fastest} s");
}
