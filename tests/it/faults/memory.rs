//! Where passwords are in the memory of the running daemon: where they are kept to answer
//! challenges, and nowhere else.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::os::unix::fs::{FileExt as _, MetadataExt as _};

use libtest_mimic::Trial;
use nix::unistd::Pid;

use crate::harness::{
    Daemon, Manner, Registrar, SOON, Sandbox, UNPRIVILEGED, User, assert_answers, regent,
    wait_until,
};

pub(super) fn trials() -> Vec<Trial> {
    let mut all = trials![[];
        a_password_is_in_memory_once_for_who_answers_with_it_and_goes_with_it,
        the_system_writes_no_core_unless_it_is_told_to,
    ];
    all.extend(trials![[UNPRIVILEGED];
        nobody_but_root_may_look_into_it,
    ]);
    all
}

/// An Account, or the group that answers for it, and where its password stands.
struct Source {
    account: String,
    password: String,
    /// In the table of the Account; empty where the group has it.
    line: String,
    /// Times that it is in the memory but for where it is kept: the environment is the system's.
    besides: usize,
}

impl Source {
    fn new(account: &str, password: &str, line: &str) -> Self {
        Self {
            account: account.to_owned(),
            password: password.to_owned(),
            line: line.to_owned(),
            besides: usize::from(account == VARIABLE),
        }
    }

    /// What is looked for: memory that was freed has other things at its start.
    fn tail(&self) -> &[u8] {
        let bytes = self.password.as_bytes();
        &bytes[bytes.len() - 14..]
    }
}

/// The Account whose password stands in the environment.
const VARIABLE: &str = "variable";
const IN_VARIABLE: &str = "0boe-in-the-environment";
const IN_FILE: &str = "Clar1net-in-a-file";
const IN_CREDENTIAL: &str = "Flut3-in-a-credential";
const IN_GROUP: &str = "C0rnet-of-the-group";
/// Passwords with escapes, of which the parser makes texts of its own: so many that some of those
/// are still there when all is read.
const ESCAPED: usize = 40;

fn sources() -> Vec<Source> {
    let mut sources = vec![
        Source::new(
            "inline",
            "Tr0mbone-as-it-is",
            "password = \"Tr0mbone-as-it-is\"",
        ),
        Source::new(
            "literal",
            "B\\assoon-in-quotes",
            "password = 'B\\assoon-in-quotes'",
        ),
        Source::new("file", IN_FILE, "password_file = \"file.secret\""),
        Source::new(VARIABLE, IN_VARIABLE, "password_env = \"OBOE\""),
        Source::new(
            "credential",
            IN_CREDENTIAL,
            "password_credential = \"flute\"",
        ),
        Source::new("group", IN_GROUP, ""),
    ];
    sources.extend((0..ESCAPED).map(|place| {
        let password = format!("Tr\"mp\\et-with-escapes-{place:02}");
        let line = format!("password = \"\\u0054r\\\"mp\\\\et-with-escapes-{place:02}\"");
        Source::new(&format!("escaped{place}"), &password, &line)
    }));
    sources
}

// rule A3
/// Every source of a password, the whole way: read, used, and forgotten when its Account goes.
fn a_password_is_in_memory_once_for_who_answers_with_it_and_goes_with_it() {
    let sandbox = Sandbox::new();
    let registrar = Registrar::granting(60);
    let sources = sources();
    let daemon = start(&sandbox, &registrar, "core_dumps = true\n", User::Same);
    for source in &sources {
        daemon.wait_account(SOON, &source.account);
    }
    for request in registrar.heard().registers() {
        if let Some(credentials) = request.credentials() {
            let user = credentials.text("username");
            let source = sources.iter().find(|it| it.account == user);
            assert_answers(&credentials, &source.expect("one of ours").password);
        }
    }
    let told = everything_that_is_told(&sandbox, &daemon);
    for (source, count) in sources.iter().zip(counts(daemon.pid(), &sources)) {
        let name = &source.account;
        assert_eq!(count, 1 + source.besides, "the password of {name}");
        assert!(!told.contains(&source.password), "{name}: {told}");
    }
    sandbox.write("regent.toml", &text(&registrar, "core_dumps = true\n", &[]));
    let said = daemon.tell(&["reload"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    let besides: Vec<usize> = sources.iter().map(|source| source.besides).collect();
    wait_until(SOON, "the passwords to go", || {
        counts(daemon.pid(), &sources) == besides
    });
    let told = daemon.log();
    for source in &sources {
        assert!(!told.contains(&source.password), "{told}");
    }
}

/// The status in every form, what a check says, and the log.
fn everything_that_is_told(sandbox: &Sandbox, daemon: &Daemon<'_>) -> String {
    let mut told = String::new();
    for arguments in [
        &["status"][..],
        &["status", "--json"],
        &["status", "escaped0"],
        &["refresh", "inline"],
        &["reload", "--check"],
    ] {
        let said = daemon.tell(arguments);
        assert_eq!(said.code, Some(0), "{said:?}");
        told += &said.output;
    }
    // In its own environment there is neither the variable nor a credential, which is said.
    let said = regent(sandbox, User::Same, &["check", "regent.toml"]);
    assert_eq!(said.code, Some(1), "{said:?}");
    let wanted = "there is no credential \"flute\": CREDENTIALS_DIRECTORY is not set";
    assert!(said.output.contains(wanted), "{said:?}");
    told += &said.output;
    told + &daemon.log()
}

// rule G3
fn the_system_writes_no_core_unless_it_is_told_to() {
    let registrar = Registrar::granting(60);
    let limit = |agent: &str| {
        let sandbox = Sandbox::new();
        let daemon = start(&sandbox, &registrar, agent, User::Same);
        let limits = fs::read_to_string(format!("/proc/{}/limits", daemon.pid()));
        let limits = limits.expect("it runs");
        let line = limits.lines().find(|line| line.contains("core file size"));
        let soft = line.and_then(|line| line.split_whitespace().nth(4));
        soft.expect("the soft limit").to_owned()
    };
    assert_eq!(limit(""), "0");
    let ours = nix::sys::resource::getrlimit(nix::sys::resource::Resource::RLIMIT_CORE);
    let (ours, _) = ours.expect("there is one");
    let ours = match ours {
        nix::libc::RLIM_INFINITY => "unlimited".to_owned(),
        limit => limit.to_string(),
    };
    assert_eq!(limit("core_dumps = true\n"), ours);
}

// rule G3
/// What a process may not be dumped of belongs to root.
fn nobody_but_root_may_look_into_it() {
    let registrar = Registrar::granting(60);
    let owner = |agent: &str| {
        let sandbox = Sandbox::new();
        let daemon = start(&sandbox, &registrar, agent, User::NOBODY);
        let memory = fs::metadata(format!("/proc/{}/mem", daemon.pid()));
        memory.expect("it runs").uid()
    };
    assert_eq!(owner(""), 0);
    assert_eq!(owner("core_dumps = true\n"), 65_534);
}

/// How often the tail of each password is in what the process may write to.
fn counts(pid: Pid, sources: &[Source]) -> Vec<usize> {
    let maps = fs::read_to_string(format!("/proc/{pid}/maps")).expect("it runs");
    let memory = File::open(format!("/proc/{pid}/mem")).expect("ours to look into");
    let mut counts = vec![0; sources.len()];
    let mut bytes = Vec::new();
    for map in maps.lines() {
        let mut words = map.split_whitespace();
        let range = words.next().and_then(|range| range.split_once('-'));
        let mode = words.next().unwrap_or_default();
        let Some((start, end)) = range.filter(|_| mode.starts_with("rw")) else {
            continue;
        };
        let address = |text: &str| u64::from_str_radix(text, 16).expect("an address");
        let (start, end) = (address(start), address(end));
        bytes.resize((end - start) as usize, 0);
        // One that has gone since is no place to be in.
        if memory.read_exact_at(&mut bytes, start).is_err() {
            continue;
        }
        for (source, count) in sources.iter().zip(&mut counts) {
            *count += memchr::memmem::find_iter(&bytes, source.tail()).count();
        }
    }
    counts
}

fn start<'s>(sandbox: &'s Sandbox, registrar: &Registrar, agent: &str, user: User) -> Daemon<'s> {
    let file = sandbox.write("regent.toml", &text(registrar, agent, &sources()));
    fs::create_dir(sandbox.path("credentials")).expect("room in the sandbox");
    sandbox.write("file.secret", &format!("{IN_FILE}\n"));
    sandbox.write("credentials/flute", IN_CREDENTIAL);
    let names = [
        "",
        "regent.toml",
        "file.secret",
        "credentials",
        "credentials/flute",
    ];
    names.iter().for_each(|name| sandbox.give(name, user));
    let credentials = sandbox.path("credentials");
    let environment = [
        ("OBOE", IN_VARIABLE),
        ("CREDENTIALS_DIRECTORY", &*credentials.to_string_lossy()),
    ];
    let manner = Manner {
        user,
        arguments: &["--log", "trace"],
        environment: &environment,
    };
    Daemon::start_as(sandbox, &file, manner)
}

/// An Account for each source.
fn text(registrar: &Registrar, agent: &str, sources: &[Source]) -> String {
    let registrar = registrar.address();
    let mut text = format!(
        r#"[agent]
{agent}max_accounts = 200

[[sip_interface]]
name = "outside"
address = "127.0.0.1"
udp_port = 0

[[proxy_set]]
name = "carrier"
sip_interface = "outside"
proxy = [{{ address = "{registrar}" }}]

[[ip_group]]
name = "Carrier"
proxy_set = "carrier"
"#
    );
    if sources.iter().any(|source| source.line.is_empty()) {
        write!(
            text,
            "authentication_mode = \"sbc-as-client\"\nuser_name_as_client = \"group\"\n\
             password_as_client = \"{IN_GROUP}\"\n"
        )
        .expect("a String takes all");
    }
    for source in sources {
        let Source { account, line, .. } = source;
        let user_name = if line.is_empty() {
            String::new()
        } else {
            format!("user_name = \"{account}\"\n")
        };
        write!(
            text,
            "\n[[ip_group]]\nname = \"PBX {account}\"\n\n[[account]]\nname = \"{account}\"\n\
             served_ip_group = \"PBX {account}\"\nserving_ip_group = \"Carrier\"\n\
             contact_user = \"{account}\"\nregister = \"regular\"\n{user_name}{line}\n"
        )
        .expect("a String takes all");
    }
    text
}
