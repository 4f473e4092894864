//! The live view on a real terminal: what stands on the screen, and what is left of it.

use libtest_mimic::Trial;
use nix::sys::signal::Signal;
use regent::demo::{self, Stage};

use crate::harness::{Glass, Seat};

pub(crate) fn trials() -> Vec<Trial> {
    trials![[];
        the_live_table_fits_the_screen_and_gives_it_back,
        the_live_story_begins_at_its_beginning,
        the_live_demo_fits_the_screen_and_gives_it_back,
        a_signal_gives_the_screen_back,
    ]
}

/// Rows and columns: the usual ones, a narrow window, and one that is too small for anything.
const SIZES: [(usize, usize); 4] = [(24, 80), (24, 60), (10, 20), (5, 40)];
const NAMES: [&str; 6] = ["main", "fax", "branch", "door", "sales-us", "support-us"];
const CONTROL_C: u8 = 3;
/// What ends it, in turn.
const KEYS: [u8; 4] = [b'q', CONTROL_C, b'Q', CONTROL_C];

/// The heading of the table; a narrow screen does without the index.
fn is_heading(line: &str) -> bool {
    line.trim_start_matches("#  ").starts_with("ACCOUNT")
}

fn the_live_table_fits_the_screen_and_gives_it_back() {
    on_stage(|stage| {
        let socket = stage.socket();
        let socket = socket.to_str().expect("the path is text");
        for (size, key) in SIZES.into_iter().zip(KEYS) {
            let mut seat = Seat::take(size, &["status", "--watch", "--socket", socket]);
            let glass = two_pictures(&mut seat);
            let lines = glass.lines();
            assert!(lines[0].contains("q ends"), "{}", glass.text());
            assert!(lines[1].starts_with("6 Accounts: "), "{}", glass.text());
            assert!(is_heading(&lines[2]), "{}", glass.text());
            assert_table(&glass, 3);
            end(&mut seat, key);
            let left = seat.look().text();
            assert!(left.contains("6 Accounts: "), "it is gone:\n{left}");
        }
    });
}

fn the_live_story_begins_at_its_beginning() {
    on_stage(|stage| {
        let socket = stage.socket();
        let socket = socket.to_str().expect("the path is text");
        let arguments = ["status", "--watch", "branch", "--socket", socket];
        let mut seat = Seat::take((10, 20), &arguments);
        let glass = two_pictures(&mut seat);
        assert!(glass.lines()[1].starts_with("branch: "), "{}", glass.text());
        end(&mut seat, b'q');
    });
}

fn the_live_demo_fits_the_screen_and_gives_it_back() {
    let seats = SIZES.map(|size| Seat::take(size, &["demo"]));
    for (mut seat, (size, key)) in seats.into_iter().zip(SIZES.into_iter().zip(KEYS)) {
        let glass = two_pictures(&mut seat);
        let lines = glass.lines();
        let heading = lines.iter().position(|line| is_heading(line));
        let heading = heading.unwrap_or_else(|| panic!("no heading:\n{}", glass.text()));
        assert!(lines[heading - 2].contains("q ends"), "{}", glass.text());
        assert!(
            lines[heading - 1].starts_with("6 Accounts: "),
            "{}",
            glass.text()
        );
        assert_table(&glass, heading + 1);
        // The introduction is there where there is room for it, and whole.
        let has_room = size.0 == 24;
        assert_eq!(heading > 2, has_room, "{}", glass.text());
        for part in ["wrong password", "--socket /", "/regent.sock"] {
            let text = lines.join(" ");
            assert_eq!(text.contains(part), has_room, "{}", glass.text());
        }
        end(&mut seat, key);
        let written = seat.written();
        assert!(
            written.ends_with("all bindings were removed.\r\n"),
            "{written}"
        );
    }
}

fn a_signal_gives_the_screen_back() {
    let signals = [Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP];
    let seats = signals.map(|_| Seat::take((24, 80), &["demo"]));
    for (mut seat, signal) in seats.into_iter().zip(signals) {
        two_pictures(&mut seat);
        seat.signal(signal);
        let (ended, _) = seat.wait_end();
        assert!(ended.success(), "{signal}: {ended}");
        seat.assert_given_back();
    }
}

/// Waits until a picture with all Accounts at rest has been drawn twice, and asserts that nothing
/// has ever gone over an edge.
#[track_caller]
fn two_pictures(seat: &mut Seat) -> Glass {
    let frames = seat
        .wait_look("the first picture", |glass| glass.frames() > 0)
        .frames();
    let glass = seat.wait_look("another picture", |glass| {
        let is_at_rest = !glass.text().contains("registering");
        glass.frames() >= frames + 2 && is_at_rest
    });
    assert!(glass.is_other() && !glass.is_cursor_shown());
    assert_eq!(glass.faults(), [""; 0]);
    glass
}

/// Below the heading stand all Accounts, or as many as there is room for and which they are.
#[track_caller]
fn assert_table(glass: &Glass, start: usize) {
    let lines = &glass.lines()[start..];
    let is_row = |line: &&String| NAMES.iter().any(|name| line.contains(name));
    let rows = lines.iter().take_while(is_row).count();
    let text = glass.text();
    assert!(rows > 0, "{text}");
    // What is cut is cut at the edge, and the edge is not erased.
    let (_, columns) = glass.size();
    let heading = &glass.lines()[start - 1];
    let is_whole = heading.ends_with("DETAIL");
    assert!(is_whole || heading.chars().count() == columns, "{text}");
    assert!(is_whole || heading.ends_with('…'), "{text}");
    let rest = &lines[rows..];
    if rows < NAMES.len() {
        assert_eq!(rest[0], format!("1–{rows} of {}", NAMES.len()), "{text}");
        assert!(rest.len() <= 2, "there is room left:\n{text}");
    } else if let Some((foot, between)) = rest.split_last() {
        assert!(between.iter().all(String::is_empty), "{text}");
        assert!(foot.is_empty() || foot.starts_with("Enter opens"), "{text}");
    }
}

/// Ends it by a key, and asserts that the terminal is as it was.
#[track_caller]
fn end(seat: &mut Seat, key: u8) {
    seat.press(key);
    let (ended, glass) = seat.wait_end();
    assert!(ended.success(), "{ended}");
    assert_eq!(glass.faults(), [""; 0]);
    seat.assert_given_back();
}

/// Lets `test` play before six Accounts, as soon as they have been tried.
#[track_caller]
fn on_stage(test: impl FnOnce(&Stage)) {
    demo::run(|stage| test(stage)).expect("the demo starts and stops");
}
