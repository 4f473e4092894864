use super::*;
use crate::config::options::{Fallback, OPTIONS, Table};

fn judge(option: &Opt, raw: Raw<'_>) -> String {
    match accept(option, raw) {
        Ok(value) => format!("{value:?}"),
        Err(Complaint {
            message,
            hint: None,
        }) => message,
        Err(Complaint {
            message,
            hint: Some(hint),
        }) => format!("{message} ({hint})"),
    }
}

fn option(table: Table, key: &str) -> &'static Opt {
    table.option(key).unwrap()
}

#[test]
fn lengths_count_characters() {
    for (table, key, max) in [
        (Table::Account, "name", 20),
        (Table::Account, "contact_user", 60),
        (Table::Account, "user_name", 60),
        (Table::Account, "password", 50),
        (Table::IpGroup, "password_as_client", 50),
    ] {
        let option = option(table, key);
        let longest = "ä".repeat(max);
        assert_eq!(
            accept(option, Raw::Text(&longest)),
            Ok(Value::Text(&longest)),
            "{key}"
        );
        let longer = "ä".repeat(max + 1);
        let wanted = format!("has {} characters, but at most {max} are allowed", max + 1);
        assert_eq!(judge(option, Raw::Text(&longer)), wanted, "{key}");
    }
    let host = option(Table::Account, "host_name");
    let longest = format!("{}.example", "a".repeat(41));
    assert_eq!(longest.len(), 49);
    assert!(accept(host, Raw::Text(&longest)).is_ok());
    assert!(accept(host, Raw::Text(&format!("a{longest}"))).is_err());
}

// rule A3
#[test]
fn the_name_of_a_credential_is_no_path() {
    for table in [
        (Table::Account, "password_credential"),
        (Table::IpGroup, "password_as_client_credential"),
    ] {
        let option = option(table.0, table.1);
        for good in ["main.secret", "trunk 1", "..."] {
            assert_eq!(judge(option, Raw::Text(good)), format!("Text({good:?})"));
        }
        let only = "give the name alone, as in LoadCredential=NAME:PATH of the unit";
        for (bad, odd) in [
            ("a/b", "'/'"),
            ("/etc/x", "'/'"),
            ("a:b", "':'"),
            ("ü", "'ü'"),
        ] {
            let said = format!("has {odd}, which the name of a credential cannot have ({only})");
            assert_eq!(judge(option, Raw::Text(bad)), said);
        }
        for bad in [".", ".."] {
            let said = format!("is no name of a credential ({only})");
            assert_eq!(judge(option, Raw::Text(bad)), said);
        }
    }
}

#[test]
fn what_is_said_of_a_password_does_not_show_it() {
    let option = option(Table::Account, "password");
    for raw in [
        Raw::Text("hunter2-密码"),
        Raw::Text("hunter2\u{7f}"),
        Raw::Text(&"hunter2".repeat(8)),
        Raw::Whole(Some(847_362)),
    ] {
        let said = judge(option, raw);
        assert!(
            !said.contains("hunter2") && !said.contains("847362"),
            "{said}"
        );
    }
    assert_eq!(
        accept(option, Raw::Text("pässwörd ÿ?\"")),
        Ok(Value::Text("pässwörd ÿ?\""))
    );
    assert_eq!(accept(option, Raw::Text("")), Ok(Value::Text("")));
}

#[test]
fn no_text_has_control_characters() {
    for option in OPTIONS {
        if let Kind::Text { .. } | Kind::Reference(_) = option.kind {
            for bad in ["a\rb", "a\nb", "a\tb", "a\0b", "a\u{85}b"] {
                let said = judge(option, Raw::Text(bad));
                assert!(
                    said.starts_with("has a control character at place 2"),
                    "{said}"
                );
            }
        }
    }
}

#[test]
fn every_default_is_a_good_value() {
    for option in OPTIONS {
        let raw = match (option.fallback, option.kind) {
            (Fallback::Whole(number), _) => Raw::Whole(i64::try_from(number).ok()),
            (Fallback::Flag(flag), _) => Raw::Flag(flag),
            (Fallback::Word(word), _) => Raw::Text(word),
            (_, Kind::Rows(_)) => continue,
            (_, Kind::Codes { .. } | Kind::Addresses { .. } | Kind::Texts { .. }) => {
                Raw::List(example_items(option.example))
            }
            _ if option.example.starts_with('"') => Raw::Text(option.example.trim_matches('"')),
            _ => Raw::Whole(option.example.parse().ok()),
        };
        let judged = accept(option, raw);
        assert!(judged.is_ok(), "{}: {judged:?}", option.key);
    }
}

/// The items of `[408, "5xx"]`.
fn example_items(example: &str) -> Vec<Raw<'_>> {
    let items = example.trim_matches(['[', ']']).split(", ");
    items
        .map(|item| match item.parse() {
            Ok(number) => Raw::Whole(Some(number)),
            Err(_) => Raw::Text(item.trim_matches('"')),
        })
        .collect()
}

#[test]
fn lists_of_addresses_are_texts() {
    let option = option(Table::Agent, "dns_servers");
    let list = |items: &[Raw<'static>]| Raw::List(items.to_vec());
    let one = Raw::Text("192.0.2.53");
    let wanted = vec!["192.0.2.53:53".parse().unwrap()];
    let good = accept(option, list(std::slice::from_ref(&one)));
    assert_eq!(good, Ok(Value::Addresses(wanted)));
    assert_eq!(accept(option, list(&[])), Ok(Value::Addresses(vec![])));
    let many = vec![one.clone(); 9];
    for (raw, said) in [
        (
            one,
            "must be a list of addresses, not text (in brackets: [\"192.0.2.53\"])",
        ),
        (list(&many), "has 9 entries, but at most 8 are allowed"),
        (
            list(&[Raw::Whole(Some(53))]),
            "must be a list of addresses, each in double quotes",
        ),
    ] {
        assert_eq!(judge(option, raw), said);
    }
}

// Rules P3, P7.
#[test]
fn lists_of_codes_are_numbers_words_and_classes() {
    let many = option(Table::Registration, "failover_codes");
    let few = option(Table::ProxySet, "keep_alive_failure_responses");
    let list = |items: &[Raw<'static>]| Raw::List(items.to_vec());
    let number = |number| Raw::Whole(Some(number));
    for (list, wanted) in [
        (list(&[]), vec![]),
        (
            list(&[number(300), Raw::Text("699"), Raw::Text("5xx")]),
            vec![Codes::One(300), Codes::One(699), Codes::Class(5)],
        ),
        (list(&[Raw::Text("4XX")]), vec![Codes::Class(4)]),
    ] {
        assert_eq!(accept(many, list), Ok(Value::Codes(wanted)));
    }
    let said = |option, items: &[Raw<'static>]| judge(option, list(items));
    for bad in [
        number(199),
        number(700),
        number(-408),
        Raw::Whole(None),
        Raw::Text("408 "),
        Raw::Text("+40"),
        Raw::Text("7xx"),
        Raw::Text("xx"),
        Raw::Flag(true),
        Raw::List(vec![]),
    ] {
        let said = said(many, std::slice::from_ref(&bad));
        assert!(
            said.contains("but status codes here are from 300 to 699 (for example [408"),
            "{said}"
        );
    }
    assert_eq!(
        said(few, &[number(404), number(200)]),
        "has 200, but status codes here are from 300 to 699 \
         (an answer of that kind means that all is well)"
    );
    assert_eq!(
        said(few, &[Raw::Text("5xx")]),
        "has \"5xx\", but status codes here are from 300 to 699 \
         (each code stands for itself here, as in [408, 503])"
    );
    assert_eq!(
        said(few, &[404, 407, 480, 503].map(number)),
        "has 4 codes, but at most 3 are allowed"
    );
    assert_eq!(
        judge(few, number(404)),
        "must be a list of status codes, not a number (in brackets: [404])"
    );
    assert_eq!(
        judge(few, Raw::Text("404,407")),
        "must be a list of status codes, not text (for example [408, 503])"
    );
}
