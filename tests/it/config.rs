//! The configuration as a user meets it: the files in `conf/`, and everything wrong in one run.

use std::path::{Path, PathBuf};

use libtest_mimic::Trial;
use regent::config::{
    Account, Loaded, ProxyAddress, ProxySet, Registration, SipInterface, documentation, load,
};

pub(crate) fn trials() -> Vec<Trial> {
    trials![[];
        the_documented_configuration_is_up_to_date,
        every_shipped_configuration_loads_without_a_word,
        the_readme_configuration_is_ten_lines_that_load,
        the_defaults_in_code_are_those_of_the_table_of_options,
        everything_wrong_is_said_in_one_run,
        a_text_that_is_no_toml_is_checked_as_far_as_it_goes,
        what_is_doubtful_is_a_warning,
        the_debug_form_of_a_configuration_shows_no_password,
        no_text_makes_it_panic,
    ]
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("conf")
}

fn read(path: &Path) -> Result<String, String> {
    std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))
}

/// Whether files that do not agree are to be written anew: `REGENT_BLESS=1`.
fn is_blessed() -> bool {
    std::env::var_os("REGENT_BLESS").is_some()
}

/// The name of a file in `conf/` and its text.
fn files() -> Result<Vec<(String, String)>, String> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder()).map_err(|error| error.to_string())? {
        let path = entry.map_err(|error| error.to_string())?.path();
        if path
            .extension()
            .is_some_and(|extension| extension == "toml")
        {
            let text = read(&path)?;
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            files.push((format!("conf/{name}"), text));
        }
    }
    files.sort();
    Ok(files)
}

/// `conf/regent.toml` is what the table of options says. `REGENT_BLESS=1` writes it anew.
fn the_documented_configuration_is_up_to_date() -> Result<(), String> {
    let path = folder().join("regent.toml");
    let wanted = documentation();
    if is_blessed() {
        return std::fs::write(&path, wanted).map_err(|error| error.to_string());
    }
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    if found == wanted {
        return Ok(());
    }
    let lines = found.lines().zip(wanted.lines());
    let same = lines.take_while(|(found, wanted)| found == wanted).count();
    Err(format!(
        "conf/regent.toml differs from the table of options from line {} on; run the tests with \
         REGENT_BLESS=1 and look at what changes",
        same + 1
    ))
}

/// Rule G3: what we ship can be used.
fn every_shipped_configuration_loads_without_a_word() -> Result<(), String> {
    let files = files()?;
    if files.len() < 3 {
        return Err(format!("only {} files in conf/", files.len()));
    }
    for (name, text) in files {
        let Loaded {
            config,
            diagnostics,
        } = load(&name, &text);
        if config.is_none() || !diagnostics.is_empty() {
            return Err(diagnostics.to_string());
        }
    }
    Ok(())
}

/// Rule G1: everything in one run, each with file, line, column, key and a hint where there is one.
fn everything_wrong_is_said_in_one_run() -> Result<(), String> {
    let Loaded {
        config,
        diagnostics,
    } = golden("wrong")?;
    if config.is_some() || diagnostics.is_partial() {
        return Err("a configuration came of it, or checks were left out".to_owned());
    }
    let keys: Vec<&str> = diagnostics.iter().map(|one| one.key.as_str()).collect();
    for key in [
        "colour",
        "sip_t1_ms",
        "proxy_set",
        "max_accounts",
        "password",
        "registr",
    ] {
        if !keys.contains(&key) {
            return Err(format!("no finding about {key}"));
        }
    }
    Ok(())
}

/// What is no TOML hides little of what else is wrong.
fn a_text_that_is_no_toml_is_checked_as_far_as_it_goes() -> Result<(), String> {
    let Loaded {
        config,
        diagnostics,
    } = golden("broken")?;
    match (config, diagnostics.is_partial()) {
        (None, true) => Ok(()),
        other => Err(format!("{other:?}")),
    }
}

/// Warnings do not prevent a start.
fn what_is_doubtful_is_a_warning() -> Result<(), String> {
    let Loaded {
        config,
        diagnostics,
    } = golden("doubtful")?;
    match (config, diagnostics.errors(), diagnostics.warnings()) {
        (Some(_), 0, 19) => Ok(()),
        other => Err(format!("{other:?}")),
    }
}

/// Loads `tests/it/config/NAME.toml`; what is said about it must be the text of `NAME.txt`.
fn golden(name: &str) -> Result<Loaded, String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/config");
    let text = read(&folder.join(name).with_extension("toml"))?;
    let loaded = load(&format!("{name}.toml"), &text);
    let found = loaded.diagnostics.to_string();
    let path = folder.join(name).with_extension("txt");
    if is_blessed() {
        std::fs::write(&path, &found).map_err(|error| error.to_string())?;
    }
    let wanted = read(&path)?;
    let pairs = found
        .lines()
        .zip(wanted.lines().chain(std::iter::repeat("")));
    match pairs.into_iter().find(|(found, wanted)| found != wanted) {
        Some((found, wanted)) => Err(format!("{name}: said:   {found}\n{name}: wanted: {wanted}")),
        None if found != wanted => Err(format!("{name}: less is said than wanted")),
        None => Ok(loaded),
    }
}

/// Nobody sees a password that prints a configuration while looking for something else.
fn the_debug_form_of_a_configuration_shows_no_password() -> Result<(), String> {
    let text = read(&folder().join("regent.toml"))?;
    let text = text.replace("change-me", "hunter2").replace(
        "#user_name_as_client = \"u12345\"",
        "authentication_mode = \"sbc-as-client\"\nuser_name_as_client = \"g\"\n\
         password_as_client = \"hunter3\"",
    );
    let loaded = load("conf/regent.toml", &text);
    let shown = format!("{loaded:?} {loaded:#?}");
    if loaded.config.is_none() || !shown.contains("u12345") {
        return Err(format!("not the configuration that was meant: {shown}"));
    }
    if shown.contains("hunter") {
        return Err(shown);
    }
    Ok(())
}

/// A text may be anything: what comes of it is a configuration or an error, and never a panic.
fn no_text_makes_it_panic() -> Result<(), String> {
    const SEED: u64 = 0x7265_6765_6e74;
    const MUTATIONS: u32 = 20_000;
    let mut texts: Vec<String> = files()?.into_iter().map(|(_, text)| bare(&text)).collect();
    for name in ["wrong", "doubtful", "broken"] {
        texts.push(read(
            &folder().join(format!("../tests/it/config/{name}.toml")),
        )?);
    }
    let mut chance = Chance(SEED);
    for number in 0..MUTATIONS {
        let text = &texts[chance.below(texts.len())];
        let text = chance.mutate(text, &texts);
        let shown = text.clone();
        let outcome = std::panic::catch_unwind(move || {
            let Loaded {
                config,
                diagnostics,
            } = load("mutant", &text);
            let said = diagnostics.to_string();
            let is_sound = config.is_some() == (diagnostics.errors() == 0)
                && !said.chars().any(|one| one.is_control() && one != '\n')
                && diagnostics.iter().all(|one| one.line > 0 && one.column > 0);
            is_sound.then_some(()).ok_or(said)
        });
        match outcome {
            Ok(Ok(())) => {}
            Ok(Err(said)) => {
                return Err(format!(
                    "seed {SEED:#x}, mutation {number}: {said}\nof {shown}"
                ));
            }
            Err(_) => return Err(format!("seed {SEED:#x}, mutation {number} panics: {shown}")),
        }
    }
    Ok(())
}

/// Without the comments, with which nothing can go wrong.
fn bare(text: &str) -> String {
    text.lines()
        .filter(|line| !line.starts_with("# "))
        .map(|line| format!("{line}\n"))
        .collect()
}

/// A small generator of numbers (splitmix64), so that a run can be repeated.
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next() % limit.max(1) as u64).unwrap_or_default()
    }

    /// A piece of a text, on character boundaries, and where it starts.
    fn piece<'t>(&mut self, text: &'t str, longest: usize) -> (usize, &'t str) {
        let start = text.floor_char_boundary(self.below(text.len() + 1));
        let end = text.floor_char_boundary((start + self.below(longest)).min(text.len()));
        (start, text.get(start..end).unwrap_or_default())
    }

    /// A text with one to four pieces removed, doubled, replaced or overwritten.
    fn mutate(&mut self, text: &str, texts: &[String]) -> String {
        const ODD: [&str; 24] = [
            "\"",
            "'",
            "\"\"\"",
            "'''",
            "[",
            "]",
            "[[",
            "]]",
            "{",
            "}",
            "=",
            ",",
            ".",
            "\n",
            "\r",
            "\0",
            "\u{1b}[31m",
            "#",
            "\\",
            "\u{feff}",
            "ü",
            "密",
            "9999999999999999999999",
            "[[account]]\n",
        ];
        let mut text = text.to_owned();
        for _ in 0..=self.below(4) {
            let (start, piece) = self.piece(&text, 80);
            let piece = piece.to_owned();
            let range = start..start + piece.len();
            match self.below(5) {
                0 => text.replace_range(range, ""),
                1 => text.insert_str(start, &piece),
                2 => text.insert_str(start, ODD[self.below(ODD.len())]),
                3 => text.replace_range(range, ODD[self.below(ODD.len())]),
                _ => {
                    let other = &texts[self.below(texts.len())];
                    let (_, other) = self.piece(other, 200);
                    text.replace_range(range, other);
                }
            }
        }
        text
    }
}

fn the_readme_configuration_is_ten_lines_that_load() -> Result<(), String> {
    let readme = include_str!("../../README.md");
    let (_, rest) = readme.split_once("```toml\n").ok_or("no configuration")?;
    let (text, _) = rest.split_once("```").ok_or("no end")?;
    assert_eq!(text.lines().count(), 10, "{text}");
    let Loaded {
        config,
        diagnostics,
    } = load("README.md", text);
    let accounts = config.map_or(0, |config| config.accounts.len());
    assert!(accounts == 1 && diagnostics.is_empty(), "{diagnostics}");
    Ok(())
}

fn the_defaults_in_code_are_those_of_the_table_of_options() -> Result<(), String> {
    let text = include_str!("../../conf/minimal.toml");
    let config = load("minimal.toml", text).config.ok_or("it has faults")?;
    assert_eq!(config.registration, Registration::default());
    let interface = &config.sip_interfaces[0];
    let SipInterface {
        name,
        address,
        udp_port,
        ..
    } = &**interface;
    assert_eq!(**interface, SipInterface::new(name, *address, *udp_port));
    let set = &config.proxy_sets[0];
    let proxy = ProxyAddress::at(([127, 0, 0, 1], 5060).into());
    assert_eq!(
        **set,
        ProxySet::new(&set.name, interface.clone(), vec![proxy])
    );
    let account = &config.accounts[0];
    let (served, serving) = (account.served.clone(), account.serving.clone());
    let plain = Account {
        contact_user: account.contact_user.clone(),
        credentials: account.credentials.clone(),
        register: account.register,
        ..Account::new(0, account.name.clone(), served, serving)
    };
    assert_eq!(**account, plain);
    Ok(())
}
