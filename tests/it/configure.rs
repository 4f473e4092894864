//! `regent configure`: what it makes of a file, what it leaves alone, and what it refuses.

mod completion;
mod faults;
mod layout;
mod random;
mod running;
mod scripts;

use std::path::PathBuf;

use libtest_mimic::Trial;
use regent::config::load;
use regent::configure::{self, Change, Refusal, Session, Verb, Words};

use crate::harness::{Said, Sandbox, Seat, User, read_text, regent};

pub(crate) fn trials() -> Vec<Trial> {
    let own = trials![[];
        a_row_is_made_shown_changed_and_taken_out,
        every_option_can_be_set_and_is_shown_as_it_was_set,
        a_password_is_asked_for_without_being_shown,
        a_dry_run_writes_nothing_and_shows_no_password,
        what_is_in_use_does_not_go,
        an_account_in_a_subscription_keeps_its_place_there,
        a_new_name_is_new_wherever_it_is_used,
        indexes_stay_when_a_row_goes,
        wrong_words_are_told_with_the_right_ones,
        a_question_mark_lists_what_can_be_said,
        a_faulty_file_can_be_mended_and_not_made_worse,
        the_documented_names_are_up_to_date,
    ];
    [
        own,
        completion::trials(),
        faults::trials(),
        layout::trials(),
        random::trials(),
        running::trials(),
        scripts::trials(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// A file with one Account, in a folder of its own.
struct Bench {
    sandbox: Sandbox,
    file: PathBuf,
}

impl Bench {
    #[track_caller]
    fn new(text: &str) -> Self {
        let sandbox = Sandbox::new();
        sandbox.write("main.secret", "open sesame\n");
        let file = sandbox.write("regent.toml", text);
        Self { sandbox, file }
    }

    /// Runs `regent configure` on the file.
    #[track_caller]
    fn tell(&self, words: &[&str]) -> Said {
        let file = self.file.to_string_lossy();
        let arguments = [&["configure", "-c", &*file][..], words].concat();
        regent(&self.sandbox, User::Same, &arguments)
    }

    /// The same, and it must be done.
    #[track_caller]
    fn done(&self, words: &[&str]) -> String {
        let said = self.tell(words);
        assert_eq!(said.code, Some(0), "{words:?}: {said:?}");
        said.out
    }

    /// The same, and it must be refused with this code, changing nothing.
    #[track_caller]
    fn refused(&self, code: i32, words: &[&str]) -> String {
        let before = self.text();
        let said = self.tell(words);
        assert_eq!(said.code, Some(code), "{words:?}: {said:?}");
        assert_eq!(self.text(), before, "{words:?}");
        assert!(!said.output.contains("hunter"), "{words:?}: {said:?}");
        said.err
    }

    fn text(&self) -> String {
        read_text(&self.file)
    }

    /// The names in the folder, without those of our own making.
    fn names(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.sandbox.path("")).expect("the sandbox");
        let mut names: Vec<String> = entries
            .map(|entry| {
                entry
                    .expect("an entry")
                    .file_name()
                    .to_string_lossy()
                    .into_owned()
            })
            .filter(|name| !name.starts_with("command-"))
            .collect();
        names.sort();
        names
    }
}

const MINIMAL: &str = include_str!("../../conf/minimal.toml");

/// What words make of a text, without any file.
fn edited(text: &str, verb: Verb, words: &[&str]) -> Result<String, Vec<Refusal>> {
    let change = changing(verb, words).map_err(|refusal| vec![refusal])?;
    let mut session = Session::new(text).map_err(|refusal| vec![refusal])?;
    session.apply(&change);
    let outcome = session.finish(|text| load("t", text))?;
    Ok(outcome.text)
}

fn changing(verb: Verb, words: &[&str]) -> Result<Change, Refusal> {
    let [table, words @ ..] = words else {
        panic!("a table comes first");
    };
    let table = configure::table(table).expect("a known table");
    let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
    let words = Words {
        table,
        verb,
        words: &words,
    };
    configure::change(&words, &mut |_| Ok("hunter2".to_owned()))
}

fn a_row_is_made_shown_changed_and_taken_out() {
    let bench = Bench::new(MINIMAL);
    bench.done(&["ip-group", "add", "Office"]);
    let said = bench.done(&[
        "account",
        "add",
        "3",
        "account-name",
        "fax",
        "served-ip-group-name",
        "Office",
        "serving-ip-group-name=Carrier",
        "contact-user",
        "77",
        "register",
        "reg",
    ]);
    assert!(said.contains("added: fax\n"), "{said}");
    assert!(said.contains("needs `regent reload`"), "{said}");
    assert!(bench.text().ends_with(
        "\n[[account]]\nindex = 3\nname = \"fax\"\nserved_ip_group = \"Office\"\n\
         serving_ip_group = \"Carrier\"\ncontact_user = \"77\"\nregister = \"regular\"\n"
    ));
    assert_eq!(
        bench.done(&["account", "list"]),
        "   0  main  PBX -> Carrier\n   3  fax  Office -> Carrier\n"
    );
    // By index and by name, by our words and by the reference's.
    bench.done(&["account", "set", "3", "registrar_stickiness", "enable"]);
    bench.done(&[
        "account",
        "set",
        "fax",
        "registrar-search-mode",
        "by-ims-spec",
    ]);
    assert!(bench.text().contains("registrar_search_mode = \"ims\"\n"));
    let shown = bench.done(&["account", "show", "fax"]);
    for line in ["registrar-search-mode           by-ims-spec", "(default)"] {
        assert!(shown.contains(line), "{shown}");
    }
    let json = bench.done(&["account", "show", "fax", "--json"]);
    let json: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!(json["registrar_search_mode"]["value"], "ims");
    assert_eq!(json["udp_port_assignment"]["default"], true);
    bench.done(&["account", "unset", "fax", "registrar-search-mode"]);
    assert!(!bench.text().contains("search_mode"));
    let said = bench.done(&["account", "remove", "fax"]);
    assert!(said.contains("removed: fax\n"), "{said}");
    bench.done(&["ip-group", "remove", "Office"]);
    assert_eq!(bench.text(), MINIMAL);
    // The newest five are kept.
    assert_eq!(
        bench
            .names()
            .iter()
            .filter(|name| name.ends_with('~'))
            .count(),
        5
    );
    bench.done(&[
        "proxy-ip",
        "add",
        "carrier",
        "127.0.0.2:5060",
        "priority",
        "1",
    ]);
    bench.done(&["proxy-ip", "set", "carrier", "1", "weight", "5"]);
    assert!(bench.text().contains(
        "proxy = [{ address = \"127.0.0.1:5060\" }, \
         { address = \"127.0.0.2:5060\", priority = 1, weight = 5 }]\n"
    ));
    assert_eq!(
        bench.done(&["proxy-ip", "list", "carrier"]),
        "   0  127.0.0.1:5060\n   1  127.0.0.2:5060\n"
    );
    bench.done(&["proxy-ip", "remove", "carrier", "127.0.0.2:5060"]);
    assert_eq!(bench.text(), MINIMAL);
    let said = bench.refused(1, &["proxy-ip", "remove", "carrier", "0"]);
    assert!(said.contains("the only address"), "{said}");
    let said = bench.done(&["account", "set", "main", "register", "reg"]);
    assert!(said.contains("nothing changes"), "{said}");
    for (words, wanted) in [
        (["account", "show", "mein"], "did you mean \"main\"?"),
        (["proxy-ip", "list", "carier"], "did you mean \"carrier\"?"),
    ] {
        let said = bench.refused(2, &words);
        assert!(said.contains(wanted), "{said}");
    }
}

/// Rule G3: the table of options is all that `configure` knows.
fn every_option_can_be_set_and_is_shown_as_it_was_set() {
    use regent::config::options::{Kind, OPTIONS, Table};
    let text = format!("{MINIMAL}\n[[alert]]\nname = \"operations\"\n");
    let known = configure::TABLES;
    let options = OPTIONS
        .iter()
        .filter(|option| known.contains(&option.table));
    for option in options {
        let rows: &[&str] = match option.table {
            Table::Agent | Table::Registration | Table::Mail | Table::Web => &[],
            Table::SipInterface => &["outside"],
            Table::ProxySet => &["carrier"],
            Table::Proxy => &["carrier", "0"],
            Table::IpGroup => &["Carrier"],
            Table::Account => &["main"],
            Table::Alert => &["operations"],
        };
        // What stands in the file as an example, in the form of a command line.
        let plain = option.example.trim_matches(['[', ']']).replace('"', "");
        let value = match option.kind {
            Kind::Rows(_) => "127.0.0.1:5060".to_owned(),
            Kind::Reference(Table::SipInterface) => "outside".to_owned(),
            Kind::Reference(Table::ProxySet) => "carrier".to_owned(),
            Kind::Reference(_) => "Carrier".to_owned(),
            _ => plain.clone(),
        };
        for name in [option.cli, option.key] {
            let node = option.table.info().cli;
            let words = [&[node], rows, &[name, &value]].concat();
            let change = changing(Verb::Set, &words);
            let change = change.unwrap_or_else(|refusal| panic!("{words:?}: {refusal}"));
            let mut session = Session::new(&text).expect("TOML");
            session.apply(&change);
            let shown = configure::show(session.document(), &change.target, configure::Form::Text)
                // A row that has a new name is not found by its old one.
                .unwrap_or_default();
            let has_line = shown.lines().any(|line| {
                let mut words = line.split_whitespace();
                words.next() == Some(option.cli)
                    && !line.contains("(default")
                    && !line.contains("(none")
            });
            let is_gone = ["name", "proxy"].contains(&option.key) || option.key == "index";
            let is_gone = is_gone || (option.table, option.key) == (Table::Proxy, "address");
            assert!(has_line || is_gone, "{words:?}: {shown}");
        }
    }
}

fn a_password_is_asked_for_without_being_shown() {
    let bench = Bench::new(MINIMAL);
    let file = bench.file.to_string_lossy().into_owned();
    let words = [
        "configure",
        "-c",
        &file,
        "account",
        "set",
        "main",
        "password",
        "-",
    ];
    let mut seat = Seat::take((24, 80), &words);
    seat.wait_look("the prompt", |glass| glass.text().contains("password:"));
    for key in *b"hunter2\n" {
        seat.press(key);
    }
    let (ended, glass) = seat.wait_end();
    assert!(ended.success(), "{}", glass.text());
    assert!(!seat.written().contains("hunter"), "{}", seat.written());
    seat.assert_given_back();
    assert!(bench.text().contains("password = \"hunter2\"\n"));
    assert!(!bench.text().contains("password_file"));
    // Ctrl-C changes nothing, and gives the terminal back.
    let before = bench.text();
    let mut seat = Seat::take((24, 80), &words);
    seat.wait_look("the prompt", |glass| glass.text().contains("password:"));
    seat.press(3);
    let (ended, _) = seat.wait_end();
    assert_eq!(ended.code(), Some(2));
    seat.assert_given_back();
    assert_eq!(bench.text(), before);
    // Where nobody sits, it is a line of the input, of which there is none.
    let said = bench.refused(2, &words[3..]);
    assert!(
        said.contains("cannot read the password: the input ends"),
        "{said}"
    );
}

fn a_dry_run_writes_nothing_and_shows_no_password() {
    let bench =
        Bench::new(&MINIMAL.replace("password_file = \"main.secret\"", "password = \"hunter1\""));
    let before = bench.text();
    let said = bench.done(&["-n", "account", "set", "main", "password", "hunter2"]);
    assert!(
        said.contains("-password = \"********\"\n+password = \"********\"\n"),
        "{said}"
    );
    assert!(said.contains("would be changed: main\n"), "{said}");
    assert!(!said.contains("hunter"), "{said}");
    assert_eq!(bench.text(), before);
    assert_eq!(bench.names(), ["main.secret", "regent.toml"]);
    for form in [
        &["account", "show"][..],
        &["account", "show", "--json"],
        &["show"],
    ] {
        let said = bench.done(form);
        assert!(said.contains("main") && !said.contains("hunter"), "{said}");
    }
    // One place for a password at a time.
    bench.done(&["account", "set", "main", "password-file", "main.secret"]);
    assert_eq!(
        bench.text(),
        MINIMAL.replace(
            "password_file = \"main.secret\"\nregister = \"regular\"\n",
            "register = \"regular\"\npassword_file = \"main.secret\"\n",
        )
    );
}

fn what_is_in_use_does_not_go() {
    let bench = Bench::new(MINIMAL);
    for (words, user) in [
        (
            ["ip-group", "remove", "PBX"],
            "account \"main\" (served-ip-group-name)",
        ),
        (
            ["proxy-set", "remove", "carrier"],
            "ip-group \"Carrier\" (proxy-set-name)",
        ),
        (
            ["sip-interface", "remove", "outside"],
            "proxy-set \"carrier\" (sbcipv4-sip-int-name)",
        ),
    ] {
        let said = bench.refused(1, &words);
        assert!(said.contains(&format!("is in use by {user}")), "{said}");
        assert!(said.contains("hint: remove what uses it first"), "{said}");
    }
}

// rule T3: a subscription names its Accounts in a list.
fn an_account_in_a_subscription_keeps_its_place_there() {
    let alert = "\n[[alert]]\nname = \"a\"\naccounts = [\"main\"]\nwebhook = \"http://h/\"\n";
    let bench = Bench::new(&format!("{MINIMAL}{alert}"));
    let said = bench.refused(1, &["account", "remove", "main"]);
    let user = "account main is in use by alert \"a\" (accounts)";
    assert!(said.contains(user), "{said}");
    bench.done(&["account", "rename", "main", "trunk 1"]);
    let text = bench.text();
    assert!(text.contains("accounts = [\"trunk 1\"]"), "{text}");
    assert!(text.contains("name = \"trunk 1\""), "{text}");
}

fn a_new_name_is_new_wherever_it_is_used() {
    let bench = Bench::new(MINIMAL);
    bench.done(&["ip-group", "rename", "Carrier", "Tele \"kom\""]);
    bench.done(&["proxy-set", "rename", "carrier", "sets"]);
    bench.done(&["sip-interface", "set", "outside", "interface-name", "wan"]);
    let wanted = MINIMAL
        .replace("name = \"Carrier\"", "name = 'Tele \"kom\"'")
        .replace(
            "serving_ip_group = \"Carrier\"",
            "serving_ip_group = 'Tele \"kom\"'",
        )
        .replace("\"carrier\"", "\"sets\"")
        .replace("\"outside\"", "\"wan\"");
    assert_eq!(bench.text(), wanted);
    let said = bench.refused(1, &["ip-group", "rename", "PBX", "Tele \"kom\""]);
    assert!(said.contains("there is another ip-group"), "{said}");
}

/// Rule G3: an index that follows from the place is named before the place changes.
fn indexes_stay_when_a_row_goes() {
    let group = |number: u32| format!("[[ip_group]]\nname = \"g{number}\"\n");
    let account = |number: u32| {
        format!(
            "[[account]]\nserved_ip_group = \"g{number}\"\nserving_ip_group = \"Carrier\"\n\
             register = \"regular\"\ncontact_user = \"u{number}\"\n"
        )
    };
    let head = MINIMAL.split("[[account]]").next().expect("a head");
    let text = format!("{head}{}{}{}{}", group(0), group(1), account(0), account(1));
    let bench = Bench::new(&text);
    let listed = bench.done(&["account", "list"]);
    assert!(listed.contains("   1  account-1"), "{listed}");
    bench.done(&["account", "remove", "0"]);
    let left = account(1) + "index = 1\n";
    assert!(bench.text().ends_with(&left), "{}", bench.text());
    assert_eq!(
        bench.done(&["account", "list"]),
        "   1  account-1  g1 -> Carrier\n"
    );
}

fn wrong_words_are_told_with_the_right_ones() {
    let bench = Bench::new(MINIMAL);
    for (code, words, wanted) in [
        (
            2,
            &["account", "set", "main", "registr", "reg"][..],
            "did you mean \"register\"?",
        ),
        (
            2,
            &["account", "set", "main", "register", "rex"],
            "Words are \"disable\", \"reg\", \"gin\"",
        ),
        (
            2,
            &["account", "set", "main", "udp-port", "1"],
            "it belongs to sip-interface",
        ),
        (
            2,
            &["account", "set", "main", "register"],
            "register has no value",
        ),
        (2, &["account", "set", "main"], "nothing is to be set"),
        (2, &["account", "set"], "which account is missing"),
        (
            2,
            &[
                "account", "set", "main", "register", "reg", "register", "gin",
            ],
            "said twice",
        ),
        (
            2,
            &["account", "add", "acount-name", "x"],
            "did you mean \"account-name\"?",
        ),
        (
            2,
            &["account", "remove", "main", "fax"],
            "one word too many",
        ),
        (
            2,
            &["registration", "set", "registration-time", "5"],
            "must be 10 to 2000000 seconds",
        ),
        (
            1,
            &["account", "set", "mian", "register", "reg"],
            "did you mean \"main\"?",
        ),
        (
            1,
            &["account", "set", "main", "served-ip-group-name", "PXB"],
            "did you mean \"PBX\"?",
        ),
        (
            1,
            &["account", "add", "0", "register", "reg"],
            "account 0 is there already, \"main\"",
        ),
        (
            1,
            &["account", "add", "4"],
            "account \"account-4\": missing key \"served_ip_group\"",
        ),
        (1, &["ip-group", "add"], "a new ip-group needs a name"),
        (
            1,
            &["proxy-set", "add", "x", "sbcipv4-sip-int-name", "outside"],
            "missing key \"proxy\"",
        ),
        (
            1,
            &["proxy-ip", "set", "x", "0", "weight", "1"],
            "there is no proxy-set x",
        ),
        (
            1,
            &["account", "set", "main", "password-file", "none"],
            "no such file",
        ),
        (
            1,
            &["account", "unset", "main", "served-ip-group-name"],
            "has no default",
        ),
    ] {
        let said = bench.refused(code, words);
        assert!(said.contains(wanted), "{words:?}: {said}");
    }
    // A password that does not fit is not shown.
    let long = "hunter2".repeat(8);
    let said = bench.refused(2, &["account", "set", "main", "password", &long]);
    assert!(
        said.contains("has 56 characters, but at most 50 are allowed"),
        "{said}"
    );
    let said = regent(
        &bench.sandbox,
        User::Same,
        &["configure", "-c", "none.toml", "account", "list"],
    );
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(
        said.err.contains("cannot read none.toml: no such file"),
        "{said:?}"
    );
}

fn a_question_mark_lists_what_can_be_said() {
    let bench = Bench::new(MINIMAL);
    let tables = bench.done(&["?"]);
    assert!(tables.contains("proxy-and-registration"), "{tables}");
    let verbs = bench.done(&["ip-group", "?"]);
    assert!(
        verbs.contains("regent configure ip-group rename NAME NEW"),
        "{verbs}"
    );
    let options = bench.done(&["account", "set", "main", "?"]);
    assert!(
        options.contains("  register                        disable | reg | gin; default disable"),
        "{options}"
    );
    let words = bench.done(&["account", "set", "main", "registrar-search-mode", "?"]);
    assert!(words.contains("  by-ims-spec  "), "{words}");
    assert_eq!(bench.names(), ["main.secret", "regent.toml"]);
}

fn a_faulty_file_can_be_mended_and_not_made_worse() {
    let text = MINIMAL.replace("\"regular\"", "\"often\"");
    let text = text.replace("udp_port = 5070", "udp_port = 70000");
    let bench = Bench::new(&text);
    let said = bench.refused(1, &["account", "set", "main", "password-file", "none"]);
    assert!(said.contains("none") && !said.contains("70000"), "{said}");
    let said = bench.tell(&["account", "set", "main", "register", "reg"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(said.out.contains("still faulty (2 errors)"), "{said:?}");
    assert!(said.err.contains("70000"), "{said:?}");
    bench.done(&["sip-interface", "set", "outside", "udp-port", "5070"]);
    assert_eq!(bench.text(), MINIMAL);
    // What is no TOML is not touched.
    let bench = Bench::new("[[account]\nname = \"main\"\n");
    let said = bench.refused(1, &["account", "set", "main", "register", "reg"]);
    assert!(said.contains("is no TOML"), "{said}");
}

/// `docs/configure.md` ends with what the table of options says. `REGENT_BLESS=1` writes it anew.
fn the_documented_names_are_up_to_date() -> Result<(), String> {
    const MARK: &str = "<!-- What follows is generated. -->\n";
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/configure.md");
    let found = std::fs::read_to_string(&path).map_err(|error| error.to_string())?;
    let (head, tail) = found.split_once(MARK).ok_or("the mark is missing")?;
    let wanted = format!("\n{}", configure::help::reference());
    if std::env::var_os("REGENT_BLESS").is_some() {
        let text = format!("{head}{MARK}{wanted}");
        return std::fs::write(&path, text).map_err(|error| error.to_string());
    }
    match tail == wanted {
        true => Ok(()),
        false => Err(
            "docs/configure.md differs from the table of options; run with REGENT_BLESS=1".into(),
        ),
    }
}
