use super::*;
use crate::config::load;

const TEXT: &str = r#"
[[sip_interface]]
name = "outside"
address = "127.0.0.1"

[[proxy_set]]
name = "carrier"
sip_interface = "outside"
proxy = [{ address = "127.0.0.1:5070" }]

[[ip_group]]
name = "Carrier"
proxy_set = "carrier"
authentication_mode = "sbc-as-client"
user_name_as_client = "group"
password_as_client_env = "GROUP"

[[ip_group]]
name = "PBX"

[[ip_group]]
name = "Office"

[[account]]
name = "one"
served_ip_group = "PBX"
serving_ip_group = "Carrier"
user_name = "one"
password_file = "one.secret"
register = "regular"

[[account]]
name = "two"
served_ip_group = "Office"
serving_ip_group = "Carrier"
user_name = "two"
password_file = "one.secret"
register = "regular"

[[account]]
name = "three"
served_ip_group = "Carrier"
serving_ip_group = "Carrier"
contact_user = "three"
register = "regular"
"#;

#[test]
fn each_source_is_read_once_and_reaches_all_that_want_it() {
    let mut asked = Vec::new();
    let loaded = load("test.toml", TEXT).with_secrets(TEXT, |source| {
        let (kind, name) = match source {
            SecretSource::File(name, _) => ("file", name),
            SecretSource::Environment(name, _) => ("variable", name),
            SecretSource::Credential(name, _) => ("credential", name),
            SecretSource::Absent | SecretSource::Inline => unreachable!(),
        };
        asked.push(format!("{kind} {name}"));
        Ok(Secret::new(format!("secret of {name}")))
    });
    assert_eq!(loaded.diagnostics.to_string(), "");
    assert_eq!(asked, ["variable GROUP", "file one.secret"]);
    let config = loaded.config.unwrap();
    let answering = |place: usize| config.accounts[place].answering().unwrap();
    assert_eq!(answering(0).password.reveal(), "secret of one.secret");
    assert_eq!(answering(1).password.reveal(), "secret of one.secret");
    assert_eq!(answering(2).password.reveal(), "secret of GROUP");
    let carrier = &config.ip_groups[0];
    assert!(Arc::ptr_eq(carrier, &config.accounts[2].served));
    assert!(Arc::ptr_eq(carrier, &config.accounts[0].serving));
}

#[test]
fn what_is_wrong_with_a_source_is_said_where_it_is_named() {
    let loaded = load("test.toml", TEXT).with_secrets(TEXT, |source| match source {
        SecretSource::File(..) => Ok(Secret::new("x".repeat(51))),
        SecretSource::Environment(..)
        | SecretSource::Credential(..)
        | SecretSource::Absent
        | SecretSource::Inline => {
            Err(SecretFault::new("the variable \"GROUP\" is not set").hint("set it"))
        }
    });
    assert!(loaded.config.is_none());
    assert_eq!(
        loaded.diagnostics.to_string(),
        "test.toml:16:26: error: IP group \"Carrier\": the variable \"GROUP\" is not set\n  \
         hint: set it\n\
         test.toml:29:17: error: account \"one\": the password in \"one.secret\" has 51 \
         characters, but at most 50 are allowed\n"
    );
}

// Rule T3.
#[test]
fn mail_and_webhooks_have_secrets_too() {
    let text = format!(
        "{TEXT}\n[mail]\nserver = \"m\"\nfrom = \"a@b\"\nuser_name = \"u\"\n\
         password_file = \"mail.secret\"\n\
         [[alert]]\nname = \"ops\"\nemail = \"a@b\"\nwebhook = \"http://h/\"\n\
         webhook_secret_env = \"HOOK\"\n"
    );
    let long = "密".repeat(200);
    let read = |_: &SecretSource| Ok(Secret::new(long.clone()));
    let text = text.replace("password_file = \"one.secret\"", "password = \"x\"");
    let text = text.replace(
        "password_as_client_env = \"GROUP\"",
        "password_as_client = \"x\"",
    );
    let loaded = load("t", &text).with_secrets(&text, read);
    assert_eq!(loaded.diagnostics.to_string(), "");
    let config = loaded.config.unwrap();
    let credentials = config.mail.unwrap().credentials.unwrap();
    assert_eq!(credentials.password.reveal(), long);
    let signing = config.alerts[0].webhook_secret.as_ref().unwrap();
    assert_eq!(signing.secret.reveal(), long);
    // What is wrong is said alike where there is a configuration and where there is none.
    let none = |_: &SecretSource| Ok(Secret::default());
    for (text, faults) in [(text.clone(), 2), (text.replace("from = ", "form = "), 4)] {
        let loaded = load("t", &text).with_secrets(&text, none);
        let said = loaded.diagnostics.to_string();
        assert!(
            said.contains("mail: the password in \"mail.secret\" is empty"),
            "{said}"
        );
        let hook = "alert \"ops\": the secret in the variable \"HOOK\" is empty";
        assert!(said.contains(hook), "{said}");
        assert_eq!(loaded.diagnostics.errors(), faults, "{said}");
    }
}

// rule A3
#[test]
fn credentials_are_asked_for_like_files_and_variables() {
    let text = TEXT
        .replace(
            "password_as_client_env = \"GROUP\"",
            "password_as_client_credential = \"g\"",
        )
        .replace(
            "password_file = \"one.secret\"",
            "password_credential = \"a\"",
        );
    let names = |source: &SecretSource| match source {
        SecretSource::Credential(name, _) => name.to_string(),
        SecretSource::Absent
        | SecretSource::Inline
        | SecretSource::File(..)
        | SecretSource::Environment(..) => unreachable!(),
    };
    let loaded = load("test.toml", &text).with_secrets(&text, |source| {
        Ok(Secret::new(format!("of {}", names(source))))
    });
    assert_eq!(loaded.diagnostics.to_string(), "");
    let config = loaded.config.unwrap();
    let answering = |place: usize| config.accounts[place].answering().unwrap();
    assert_eq!(answering(0).password.reveal(), "of a");
    assert_eq!(answering(2).password.reveal(), "of g");
    let empty = load("test.toml", &text).with_secrets(&text, |_| Ok(Secret::default()));
    assert_eq!(
        empty.diagnostics.to_string(),
        "test.toml:16:33: error: IP group \"Carrier\": the password in the credential \"g\" is \
         empty\n  hint: it is the first line of that credential\n\
         test.toml:29:23: error: account \"one\": the password in the credential \"a\" is empty\n  \
         hint: it is the first line of that credential\n"
    );
    let both = text.replace("\nname = \"one\"\n", "\nname = \"one\"\npassword = \"x\"\n");
    assert_eq!(
        load("test.toml", &both).diagnostics.to_string(),
        "test.toml:30:23: error: account \"one\": password_credential beside password\n  hint: a \
         password comes from one place: keep one of them\n"
    );
}

#[test]
fn an_account_without_a_name_is_called_by_its_index() {
    let good = TEXT.replace("name = \"two\"\nserved", "served");
    let good = good.replace(
        "two\"\npassword_file = \"one",
        "two\"\npassword_file = \"two",
    );
    let bad = good.replace("[[sip_interface]]", "[agent]\nspeed = 1\n[[sip_interface]]");
    for text in [good, bad] {
        let loaded = load("test.toml", &text).with_secrets(&text, |source| {
            let is_missing =
                matches!(source, SecretSource::File(name, _) if name.starts_with("two"));
            match is_missing {
                true => Err(SecretFault::new("no such file")),
                false => Ok(Secret::new("good")),
            }
        });
        let said = loaded.diagnostics.to_string();
        let line = "error: account \"account-1\": no such file\n";
        assert!(said.ends_with(line), "{said}");
    }
}

#[test]
fn what_is_wrong_with_a_source_is_said_beside_all_else_that_is_wrong() {
    let text = TEXT.replace(
        "serving_ip_group = \"Carrier\"\nuser_name = \"one\"",
        "serving_ip_group = \"Carier\"\nuser_name = \"one\"",
    );
    let loaded = load("test.toml", &text).with_secrets(&text, |source| match source {
        SecretSource::File(..) => Err(SecretFault::new("no such file")),
        SecretSource::Environment(..) => Ok(Secret::new("good")),
        SecretSource::Credential(..) | SecretSource::Absent | SecretSource::Inline => {
            unreachable!()
        }
    });
    assert!(loaded.config.is_none());
    assert_eq!(
        loaded.diagnostics.to_string(),
        "test.toml:27:20: error: account \"one\": IP group \"Carier\" does not exist\n  \
         hint: did you mean \"Carrier\"? Defined groups are \"Carrier\", \"PBX\", \"Office\"\n\
         test.toml:29:17: error: account \"one\": no such file\n"
    );
}
