//! What is not meant stays as it is, to the byte, in whatever way the file is written.

use libtest_mimic::Trial;
use regent::configure::{Document, Verb};

use super::{MINIMAL, edited};

pub(crate) fn trials() -> Vec<Trial> {
    trials![[];
        what_is_not_changed_is_the_same_text,
        a_value_is_changed_where_it_stands,
        lines_that_end_as_on_another_system_stay_so,
        tables_in_braces_and_lists_over_lines_are_changed_in_their_way,
        dotted_keys_are_changed_in_their_way,
        rows_in_any_order_find_their_place,
        comments_stay_when_what_is_beside_them_goes,
        a_new_row_stands_where_its_table_ends,
    ]
}

#[track_caller]
fn check(text: &str, verb: Verb, words: &[&str], changes: &[(&str, &str)]) {
    let mut wanted = text.to_owned();
    for (old, new) in changes {
        assert_eq!(wanted.matches(old).count(), 1, "{old:?} in {wanted}");
        wanted = wanted.replacen(old, new, 1);
    }
    let found = edited(text, verb, words).unwrap_or_else(|why| panic!("{words:?}: {why:?}"));
    assert_eq!(found, wanted, "{words:?}");
}

/// Whatever is TOML, and however odd: taken apart and put together it is the same, to the byte.
fn what_is_not_changed_is_the_same_text() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut seen = 0;
    for folder in ["conf", "tests/it/config", "fuzz/corpus/config"] {
        for entry in std::fs::read_dir(root.join(folder)).expect("a folder of ours") {
            let path = entry.expect("an entry").path();
            let Ok(text) = std::fs::read_to_string(&path) else {
                continue;
            };
            for text in [
                text.replace('\n', "\r\n"),
                format!("\u{feff}{}", text.trim_end()),
                text,
            ] {
                let Ok(document) = Document::parse(&text) else {
                    continue;
                };
                assert_eq!(document.text(), text, "{}", path.display());
                seen += 1;
            }
        }
    }
    assert!(seen >= 20, "only {seen} texts");
}

fn a_value_is_changed_where_it_stands() {
    let text = MINIMAL.replace(
        "udp_port = 5070",
        "  udp_port\t=   5070   # as agreed\n\n\n# next\n",
    );
    check(
        &text,
        Verb::Set,
        &["sip-interface", "outside", "udp-port", "5080"],
        &[("\t=   5070   # as agreed", "\t=   5080   # as agreed")],
    );
    // The same value in another form is the same value.
    let text = MINIMAL.replace("udp_port = 5070", "'udp_port' = 0x13ce");
    check(
        &text,
        Verb::Set,
        &["sip-interface", "outside", "udp-port", "5070"],
        &[],
    );
    check(
        &text,
        Verb::Set,
        &["sip-interface", "outside", "udp-port", "5080"],
        &[("0x13ce", "5080")],
    );
    let text = MINIMAL.trim_end();
    check(
        text,
        Verb::Set,
        &["account", "main", "register", "gin"],
        &[("register = \"regular\"", "register = \"gin\"\n")],
    );
    check(
        text,
        Verb::Set,
        &["ip-group", "Carrier", "sip-group-name", "x.example"],
        &[("\"carrier.example\"", "\"x.example\"")],
    );
}

fn lines_that_end_as_on_another_system_stay_so() {
    let text = format!("\u{feff}{}", MINIMAL.replace('\n', "\r\n"));
    check(
        &text,
        Verb::Set,
        &[
            "account",
            "main",
            "register",
            "gin",
            "registrar-stickiness",
            "enable",
        ],
        &[(
            "register = \"regular\"\r\n",
            "register = \"gin\"\r\nregistrar_stickiness = \"enable\"\r\n",
        )],
    );
    // Each line keeps its own.
    let mixed = MINIMAL.replace("name = \"outside\"\n", "name = \"outside\"\r\n");
    check(
        &mixed,
        Verb::Set,
        &["account", "main", "register", "gin"],
        &[("\"regular\"", "\"gin\"")],
    );
}

const INLINE: &str = "\
# one
sip_interface = [{ name = 'o', address = \"127.0.0.1\" }]  # two
proxy_set = [
    # three
    { name = \"s\", sip_interface = \"o\", proxy = [
        { address = \"127.0.0.1:5060\" }, # four
        { address = \"127.0.0.2:5060\", priority = 1 },
        # five
    ] },
]
ip_group = [{name=\"C\",proxy_set=\"s\"},{name=\"P\"}]
account = [{ served_ip_group = \"P\", serving_ip_group = \"C\", register = \"regular\", contact_user = \"u\" }]
";

fn tables_in_braces_and_lists_over_lines_are_changed_in_their_way() {
    check(
        INLINE,
        Verb::Set,
        &["account", "0", "register", "gin", "host-name", "h.example"],
        &[(
            "\"regular\", contact_user = \"u\" }",
            "\"gin\", contact_user = \"u\", host_name = \"h.example\" }",
        )],
    );
    check(
        INLINE,
        Verb::Set,
        &["proxy-ip", "s", "1", "priority", "2", "weight", "7"],
        &[("priority = 1 }", "priority = 2, weight = 7 }")],
    );
    check(
        INLINE,
        Verb::Remove,
        &["proxy-ip", "s", "1"],
        &[(
            "{ address = \"127.0.0.1:5060\" }, # four\n        { address = \"127.0.0.2:5060\", priority = 1 },",
            "{ address = \"127.0.0.1:5060\" },",
        )],
    );
    check(
        INLINE,
        Verb::Add,
        &["proxy-ip", "s", "127.0.0.3:5060"],
        &[(
            "priority = 1 },\n",
            "priority = 1 },\n        { address = \"127.0.0.3:5060\" },\n",
        )],
    );
    check(
        INLINE,
        Verb::Add,
        &["ip-group", "Q"],
        &[("{name=\"P\"}]", "{name=\"P\"}, { name = \"Q\" }]")],
    );
}

fn dotted_keys_are_changed_in_their_way() {
    let text = format!("registration.lagged_ms = 900 # late\nagent.user_agent = \"x\"\n{MINIMAL}");
    check(
        &text,
        Verb::Set,
        &["registration", "lagged", "800", "registration-time", "600"],
        &[(
            "registration.lagged_ms = 900 # late\n",
            "registration.lagged_ms = 800 # late\nregistration.registration_time_secs = 600\n",
        )],
    );
}

const SCATTERED: &str = "\
# head

[[account]] # the first
name = \"a\"
  served_ip_group = \"P\"
  serving_ip_group = \"C\"
  contact_user = \"a\"
  register = \"regular\"
[[proxy_set]]
name = \"s\"
sip_interface = \"o\"
[[ip_group]]
name = \"C\"
proxy_set = \"s\"
[[proxy_set.proxy]]
address = \"127.0.0.1:5060\"

# About P, apart.

# About P.
[[ip_group]]
name = \"P\"
[[proxy_set.proxy]]
address = \"127.0.0.2:5060\"
[[sip_interface]]
name = \"o\"
# Only there.
address = \"127.0.0.1\"
[[ip_group]]
name = \"Q\"
# tail
";

fn rows_in_any_order_find_their_place() {
    check(
        SCATTERED,
        Verb::Set,
        &["proxy-ip", "s", "1", "weight", "3"],
        &[(
            "address = \"127.0.0.2:5060\"\n",
            "address = \"127.0.0.2:5060\"\nweight = 3\n",
        )],
    );
    check(
        SCATTERED,
        Verb::Set,
        &["account", "a", "host-name", "h.example"],
        &[(
            "  register = \"regular\"\n",
            "  register = \"regular\"\n  host_name = \"h.example\"\n",
        )],
    );
    check(
        SCATTERED,
        Verb::Remove,
        &["proxy-ip", "s", "0"],
        &[("[[proxy_set.proxy]]\naddress = \"127.0.0.1:5060\"\n", "")],
    );
}

fn comments_stay_when_what_is_beside_them_goes() {
    check(
        SCATTERED,
        Verb::Remove,
        &["ip-group", "Q"],
        &[("[[ip_group]]\nname = \"Q\"\n", "")],
    );
    // The comment right above a row is about that row, those apart from it are not.
    let text = SCATTERED.replace("served_ip_group = \"P\"", "served_ip_group = \"Q\"");
    check(
        &text,
        Verb::Remove,
        &["ip-group", "P"],
        &[("# About P.\n[[ip_group]]\nname = \"P\"\n", "")],
    );
    let text = MINIMAL.replace("register = ", "# why it registers\nregister = ");
    let unset = |text: &str, name: &str| {
        let option = regent::configure::option(regent::config::options::Table::Account, name);
        let mut change =
            super::changing(Verb::Set, &["account", "main", "register", "gin"]).unwrap();
        change.settings[0].option = option.unwrap();
        change.settings[0].value = None;
        let mut session = regent::configure::Session::new(text).unwrap();
        session.apply(&change);
        session
            .finish(|text| regent::config::load("t", text))
            .unwrap_or_else(|why| panic!("{why:?}"))
            .text
    };
    assert_eq!(
        unset(&text, "register"),
        text.replace("register = \"regular\"\n", "")
    );
    let text = MINIMAL.replace("contact_user", "# whose number\n\n# it is\ncontact_user");
    assert_eq!(
        unset(&text, "contact-user"),
        text.replace("contact_user = \"4930123456\"\n", "")
    );
}

fn a_new_row_stands_where_its_table_ends() {
    check(
        MINIMAL,
        Verb::Add,
        &["ip-group", "Q"],
        &[(
            "name = \"PBX\"\n",
            "name = \"PBX\"\n\n[[ip_group]]\nname = \"Q\"\n",
        )],
    );
    check(
        MINIMAL,
        Verb::Set,
        &["registration", "lagged", "800"],
        &[(
            "register = \"regular\"\n",
            "register = \"regular\"\n\n[registration]\nlagged_ms = 800\n",
        )],
    );
    // What is said at the end of the text stays before what is new.
    check(
        SCATTERED,
        Verb::Add,
        &["ip-group", "R"],
        &[("# tail\n", "# tail\n\n[[ip_group]]\nname = \"R\"\n")],
    );
    let text = "[[sip_interface]]\nname = \"o\"\naddress = \"127.0.0.1\"\n";
    check(
        text,
        Verb::Add,
        &[
            "proxy-set",
            "s",
            "sbcipv4-sip-int-name",
            "o",
            "proxy",
            "127.0.0.2:5060,a.example",
        ],
        &[(
            "127.0.0.1\"\n",
            "127.0.0.1\"\n\n[[proxy_set]]\nname = \"s\"\nsip_interface = \"o\"\n\
             proxy = [{ address = \"127.0.0.2:5060\" }, { address = \"a.example\" }]\n",
        )],
    );
    let found = edited("", Verb::Add, &["ip-group", "Q"]).unwrap();
    assert_eq!(found, "[[ip_group]]\nname = \"Q\"\n");
}
