//! The live view on a real terminal: what stands on the screen, and what is left of it.

use libtest_mimic::Trial;
use nix::sys::signal::Signal;
use regent::demo::{self, Stage};
use regent::sim::Behaviour;

use crate::harness::{Config, Daemon, Glass, Sandbox, Seat, Served};

pub(crate) fn trials() -> Vec<Trial> {
    trials![[];
        the_live_table_fits_the_screen_and_gives_it_back,
        the_live_story_begins_at_its_beginning,
        the_live_demo_fits_the_screen_and_gives_it_back,
        a_signal_gives_the_screen_back,
        keys_order_filter_open_and_refresh,
        groups_and_proxies_have_tabs_of_their_own,
        another_size_is_another_picture,
        ctrl_z_gives_the_screen_back_for_a_while,
        a_daemon_that_ends_is_said_and_found_again,
        a_terminal_without_colours_gets_none,
        a_dumb_terminal_gets_lines,
    ]
}

/// Rows and columns: the usual ones, a narrow window, and one that is too small for anything.
const SIZES: [(usize, usize); 4] = [(24, 80), (24, 60), (10, 20), (5, 40)];
const NAMES: [&str; 6] = ["main", "fax", "branch", "door", "sales-us", "support-us"];
const CONTROL_C: u8 = 3;
const CONTROL_Z: u8 = 26;
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

fn keys_order_filter_open_and_refresh() {
    on_stage(|stage| {
        let socket = stage.socket();
        let socket = socket.to_str().expect("the path is text");
        let mut seat = Seat::take((40, 100), &["status", "--watch", "--socket", socket]);
        two_pictures(&mut seat);
        seat.write("s");
        let glass = seat.wait_look("the order by name", |glass| {
            glass.text().contains("by name")
        });
        let rows: Vec<String> = glass.lines()[4..10].to_vec();
        let name = |row: &String| row.split_whitespace().nth(1).map(str::to_owned);
        let names: Vec<String> = rows.iter().filter_map(name).collect();
        let mut sorted = NAMES.map(str::to_owned).to_vec();
        sorted.sort();
        assert_eq!(names, sorted, "{}", glass.text());

        seat.write("/fax");
        let glass = seat.wait_look("the filter", |glass| glass.text().contains("/fax"));
        let is_filtered = |glass: &Glass| glass.lines()[1].starts_with("1 of 6 Accounts");
        let glass = match is_filtered(&glass) {
            true => glass,
            false => seat.wait_look("what matches", is_filtered),
        };
        assert!(!glass.text().contains("support-us"), "{}", glass.text());
        // The first Enter keeps the filter, the second one opens what is selected.
        seat.write("\r\r");
        seat.wait_look("story, timeline and ladder", |glass| {
            let text = glass.text();
            let parts = [
                "fax: registered",
                "last answer  200 OK",
                "next         a refresh",
            ];
            let ladder = ["REGISTER", "401 Unauthorized", "200 OK"];
            let (above, messages) = text.split_once("── Messages").unwrap_or((&text, ""));
            parts.iter().all(|part| above.contains(part))
                && above.contains("registered")
                && ladder.iter().all(|part| messages.contains(part))
        });

        seat.write("f");
        seat.wait_look("the question", |glass| {
            glass.text().contains("Refresh the binding of fax now?")
        });
        seat.write("y");
        seat.wait_look("the outcome", |glass| {
            glass.text().contains("fax: registered at 127.0.0.1:")
        });
        // From here too a digit leads to a tab.
        seat.write("2");
        seat.wait_look("the Proxy Sets", |glass| glass.text().contains("MEMBER"));
        seat.write("1\r");
        seat.wait_look("the Account again", |glass| {
            glass.text().contains("── Messages")
        });
        // Back, no filter, no order by name any more until it comes round.
        seat.write("\u{1b}");
        seat.wait_look("the table", |glass| is_heading(&glass.lines()[3]));
        seat.write("\u{1b}");
        seat.wait_look("all of them", |glass| {
            glass.lines()[1].starts_with("6 Accounts")
        });
        end(&mut seat, b'q');
    });
}

// rules P5, S13
fn groups_and_proxies_have_tabs_of_their_own() {
    on_stage(|stage| {
        let socket = stage.socket();
        let socket = socket.to_str().expect("the path is text");
        let arguments = ["status", "groups", "--watch", "--socket", socket];
        let mut seat = Seat::take((24, 100), &arguments);
        seat.wait_look("the groups", |glass| {
            let text = glass.text();
            ["GROUP", "HEALTH", "serving", "served"]
                .iter()
                .all(|it| text.contains(it))
        });
        seat.write("2");
        seat.wait_look("the Proxy Sets", |glass| glass.text().contains("MEMBER"));
        seat.write("4");
        seat.wait_look("no alerts", |glass| {
            let text = glass.text();
            text.contains("no alert goes on") && text.contains("nobody is told")
        });
        seat.write("5");
        seat.wait_look("the events, or why there are none", |glass| {
            let text = glass.text();
            text.contains("keeps no history") || text.contains("registered")
        });
        seat.write("?");
        seat.wait_look("the help", |glass| {
            glass.text().contains("Enter   open an Account")
        });
        seat.write("x1");
        seat.wait_look("the Accounts", |glass| is_heading(&glass.lines()[2]));
        end(&mut seat, CONTROL_C);
    });
}

fn another_size_is_another_picture() {
    on_stage(|stage| {
        let socket = stage.socket();
        let socket = socket.to_str().expect("the path is text");
        let mut seat = Seat::take((24, 80), &["status", "--watch", "--socket", socket]);
        two_pictures(&mut seat);
        for size in [(10, 20), (30, 120), (5, 40), (24, 80)] {
            seat.resize(size);
            let glass = seat.wait_look("a picture of that size", |glass| {
                glass.frames() > 1 && glass.text().contains("q ends")
            });
            let heading = glass.lines().iter().position(|line| is_heading(line));
            let heading = heading.unwrap_or_else(|| panic!("no heading:\n{}", glass.text()));
            assert_table(&glass, heading + 1);
            assert_eq!(glass.faults(), [""; 0]);
        }
        end(&mut seat, b'q');
    });
}

/// A program whose session has no shell is not stopped by the kernel, so it goes on at once; the
/// screen that it gives back and takes again is seen all the same.
fn ctrl_z_gives_the_screen_back_for_a_while() {
    on_stage(|stage| {
        let socket = stage.socket();
        let socket = socket.to_str().expect("the path is text");
        let mut seat = Seat::take((24, 80), &["status", "--watch", "--socket", socket]);
        let frames = two_pictures(&mut seat).frames();
        seat.press(CONTROL_Z);
        let glass = seat.wait_look("another picture", |glass| {
            glass.is_other() && glass.frames() > frames + 1 && glass.text().contains("q ends")
        });
        assert_table(&glass, 3);
        let taken = seat.written().matches("\u{1b}[?1049h").count();
        assert_eq!(taken, 2, "taken, given back, and taken again");
        end(&mut seat, b'q');
    });
}

fn a_daemon_that_ends_is_said_and_found_again() {
    let registrar = Served::start(Behaviour::default());
    let sandbox = Sandbox::new();
    let config = Config::new(registrar.address()).leaving();
    let daemon = Daemon::start(&sandbox, &config);
    let socket = daemon
        .socket()
        .to_str()
        .expect("the path is text")
        .to_owned();
    let mut seat = Seat::take((24, 100), &["status", "--watch", "--socket", &socket]);
    seat.wait_look("the first picture", |glass| {
        glass.text().contains("1 Account: ")
    });
    daemon.stop();
    seat.wait_look("the end of the daemon", |glass| {
        let text = glass.text();
        text.contains("it is looked for again") && text.contains("main")
    });
    let _daemon = Daemon::start(&sandbox, &config);
    seat.wait_look("the daemon again", |glass| {
        glass.text().contains("the daemon is back")
    });
    end(&mut seat, b'q');
}

fn a_terminal_without_colours_gets_none() {
    on_stage(|stage| {
        let socket = stage.socket();
        let socket = socket.to_str().expect("the path is text");
        let watch = ["status", "--watch", "--socket", socket];
        let never = [&watch[..], &["--color", "never"]].concat();
        let always = [&watch[..], &["--color", "always"]].concat();
        let no_colour = [("NO_COLOR", "1")];
        for (arguments, environment, has_colours) in [
            (&watch[..], &[][..], true),
            (&watch, &no_colour, false),
            (&never, &[], false),
            (&always, &no_colour, true),
        ] {
            let mut seat = Seat::take_with((24, 80), arguments, environment);
            two_pictures(&mut seat);
            end(&mut seat, b'q');
            let written = seat.written();
            let is_coloured =
                written.contains("\u{1b}[38;5;2;") || written.contains("\u{1b}[38;5;2m");
            assert_eq!(
                is_coloured, has_colours,
                "{arguments:?} {environment:?}: {written:?}"
            );
        }
    });
}

fn a_dumb_terminal_gets_lines() {
    on_stage(|stage| {
        let socket = stage.socket();
        let socket = socket.to_str().expect("the path is text");
        let arguments = ["status", "--watch", "--socket", socket];
        let mut seat = Seat::take_with((24, 80), &arguments, &[("TERM", "dumb")]);
        let glass = seat.wait_look("a line of an Account", |glass| {
            glass.text().contains("main: registered")
        });
        assert!(!glass.is_other());
        assert!(!seat.written().contains('\u{1b}'), "{:?}", seat.written());
        seat.signal(Signal::SIGTERM);
        seat.wait_end();
    });
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
