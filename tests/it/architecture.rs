//! The tidy test: reads the tree as text and holds it to the house rules. What a module may name,
//! and what may be cited, is read from the tables in CONTRIBUTING.md and docs/rfc.md.

mod cases;
mod text;

use std::{fs, path::Path};

use libtest_mimic::Trial;

use cases::every_check_can_fail;
use text::{Source, is_ident, item_end, leading, paths, words};

type Verdict = Result<(), String>;
/// At which byte of the file, and what is wrong there.
type Faults = Vec<(usize, String)>;

pub(crate) fn trials() -> Vec<Trial> {
    trials![[];
        the_tree_keeps_the_house_rules,
        the_tables_are_in_order,
        every_check_can_fail,
    ]
}

/// The rows of those tables whose first column is in backticks.
fn rows(text: &'static str) -> impl Iterator<Item = [&'static str; 4]> {
    text.lines().filter_map(|line| {
        let (name, rest) = line.strip_prefix("| `")?.split_once("` |")?;
        let cells: Vec<_> = rest.split('|').map(str::trim).collect();
        let [second, third, fourth, ""] = cells[..] else {
            return None;
        };
        Some([name, second, third, fourth])
    })
}

fn modules() -> Vec<[&'static str; 4]> {
    let in_ring = |row: &[&str; 4]| ["core", "shell", "–"].contains(&row[1]);
    rows(include_str!("../../CONTRIBUTING.md"))
        .filter(in_ring)
        .collect()
}

fn listed() -> Vec<[&'static str; 4]> {
    rows(include_str!("../../docs/rfc.md"))
        .filter(|row| row[0].starts_with("RFC "))
        .collect()
}

fn ticked(cell: &str) -> impl Iterator<Item = &str> {
    cell.split('`').skip(1).step_by(2)
}

/// Whether `name` is `entry` or lies in it.
fn lies_in(name: &str, entry: &str) -> bool {
    name.strip_prefix(entry)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
}

/// Everything that is wrong with these files, each fault with its place.
fn faults(files: &[(String, String)]) -> Vec<String> {
    let sources = || files.iter().map(|(path, text)| Source::of(path, text));
    let parents: Vec<_> = sources().filter(|file| !file.tests.is_empty()).collect();
    let mut found = Vec::new();
    for file in sources() {
        let file = parents.iter().fold(file, Source::declared_in);
        let mut faults = Faults::new();
        check(&file, &mut faults);
        let line = |at: usize| file.text[..at].matches('\n').count() + 1;
        let shown = |(at, what)| format!("{}:{}: {what}", file.path, line(at));
        found.extend(faults.into_iter().map(shown));
    }
    found
}

fn check(file: &Source<'_>, faults: &mut Faults) {
    for place in ELSEWHERE {
        let found = file.text.match_indices(place);
        faults.extend(found.map(|(at, _)| (at, format!("{place} is no part of the project"))));
    }
    if file.path.ends_with(".md") {
        broken_links(file, faults);
    }
    if !file.path.ends_with(".rs") {
        return;
    }
    lengths(file, faults);
    citations(&file.notes, faults);
    refuse("FIXME", &file.notes, faults);
    for word in ["todo!", "unimplemented!", "dbg!"] {
        refuse(word, &file.code, faults);
    }
    if file.path.starts_with("src/") && file.path != "src/lib.rs" {
        for word in ["feature =", "crate as", "super as"] {
            refuse(word, &file.code, faults);
        }
        refuse(".unwrap()", &file.live, faults);
        names(file, faults);
    }
}

fn refuse(word: &str, view: &str, faults: &mut Faults) {
    faults.extend(words(view, word).map(|at| (at, format!("`{word}` has no place here"))));
}

fn lengths(file: &Source<'_>, faults: &mut Faults) {
    let mut at = 0;
    for line in file.text.split('\n') {
        let end = at + line.len();
        if line.chars().count() > 100 && !file.has_literal(at..end) {
            faults.push((at, "over 100 columns".to_owned()));
        }
        at = end + 1;
    }
    let tests = file
        .tests
        .iter()
        .map(|inline| file.text[inline.clone()].lines().count());
    if file.text.lines().count() > 900 + tests.sum::<usize>() {
        faults.push((0, "over 900 lines".to_owned()));
    }
    for at in words(&file.live, "fn ").filter(|_| !file.path.starts_with("tests/")) {
        let lines = file.live[at..item_end(&file.live, at)].lines().count();
        if lines > 70 {
            faults.push((at, format!("a function of {lines} lines, over 70")));
        }
    }
}

/// A citation reads `RFC 3261 §17.1.2.2`; docs/rfc.md lists that section, or one that it lies in.
fn citations(notes: &str, faults: &mut Faults) {
    let listed = listed();
    for (at, _) in notes.to_ascii_lowercase().match_indices("rfc") {
        let (before, here) = notes.split_at(at);
        let number = here[3..].trim_start_matches([' ', '-', '_']);
        let number = leading(number, |c| c.is_ascii_digit());
        // `rfc2822` is how code names a module.
        let names_code = here[3..].starts_with(number) && here.starts_with("rfc");
        if number.is_empty() || names_code || before.ends_with(is_ident) {
            continue;
        }
        let mut last = before.split_whitespace().rev();
        let turned = last.next() == Some("of")
            && last
                .take(2)
                .any(|word| word.contains('§') || word.ends_with("ection"));
        let Some(cited) = citation(here, number).filter(|_| !turned) else {
            faults.push((at, "a citation reads `RFC 3261 §17.1.2.2`".to_owned()));
            continue;
        };
        let is_within = |row: &str| {
            cited
                .strip_prefix(row)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', ' ']))
        };
        let is_of = |row: &str| {
            row.strip_prefix(&cited)
                .is_some_and(|rest| rest.starts_with(' '))
        };
        let rows = listed
            .iter()
            .filter(|row| is_within(row[0]) || is_of(row[0]));
        match rows.max_by_key(|row| row[0].len()) {
            None => faults.push((at, format!("{cited} is not listed in docs/rfc.md"))),
            Some(row) if row[3] == "planned" => {
                faults.push((at, format!("{cited} is planned in docs/rfc.md, but cited")));
            }
            Some(_) => {}
        }
    }
}

/// Where a page links to: the address behind each `](`, without its anchor, if it is a file's.
fn links(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.match_indices("](").filter_map(|(at, open)| {
        let (link, _) = text[at + open.len()..].split_once(')')?;
        let file = link.split('#').next().unwrap_or(link);
        (!file.is_empty() && !link.contains(':')).then_some((at, file))
    })
}

/// A relative link of a page leads to a file that exists.
fn broken_links(file: &Source<'_>, faults: &mut Faults) {
    let folder = Path::new(ROOT).join(file.path);
    for (at, link) in links(file.text) {
        let target = folder.parent().map(|folder| folder.join(link));
        if !target.is_some_and(|target| target.exists()) {
            faults.push((at, format!("{link} does not exist")));
        }
    }
}

/// The citation at the start of `text`, if it has the right form.
fn citation(text: &str, number: &str) -> Option<String> {
    let after = text.strip_prefix("RFC ")?.strip_prefix(number)?;
    if let Some(section) = after.strip_prefix(" §") {
        let section = leading(section, |c| c.is_ascii_digit() || c == '.').trim_end_matches('.');
        return (!section.is_empty()).then(|| format!("RFC {number} §{section}"));
    }
    let loose = after.trim_start_matches([' ', ',']);
    let spelled = loose
        .get(..3)
        .is_some_and(|word| word.eq_ignore_ascii_case("sec"));
    (!spelled && !loose.starts_with('§')).then(|| format!("RFC {number}"))
}

/// What a module names, against its row of the table.
fn names(file: &Source<'_>, faults: &mut Faults) {
    let module = leading(&file.path["src/".len()..], is_ident);
    let modules = modules();
    let Some(row) = modules.iter().find(|row| row[0] == module) else {
        return faults.push((
            0,
            format!("{module} is not in the table of CONTRIBUTING.md"),
        ));
    };
    let mut named = paths(&file.code, "crate::");
    if module == "main" {
        named.extend(paths(&file.code, "regent::"));
    }
    for (at, name) in paths(&file.code, "super::") {
        let below = name.trim_start_matches("super::");
        let ups = 1 + (name.len() - below.len()) / "super::".len();
        let around = |&start: &usize| start < at && at < item_end(&file.code, start);
        if ups >= file.depth + words(&file.code, "mod ").filter(around).count() {
            named.push((at, below.to_owned()));
        }
    }
    for (at, name) in named {
        let free = |row: &[&str; 4]| row[2].starts_with("– (everyone") && lies_in(&name, row[0]);
        let may = lies_in(&name, module) || ticked(row[2]).any(|entry| lies_in(&name, entry));
        if !may && !modules.iter().any(free) {
            faults.push((at, format!("{module} may not name {name}")));
        }
    }
    if row[1] == "core" {
        purity(module, file, faults);
    }
}

/// What a module of the core leaves to the shell, and the line that its root must have.
fn purity(module: &str, file: &Source<'_>, faults: &mut Faults) {
    for (at, name) in paths(&file.code, "std::") {
        if SHELL_PATHS
            .split_whitespace()
            .any(|entry| lies_in(&name, entry))
        {
            faults.push((at, format!("the core may not touch std::{name}")));
        }
    }
    for word in SHELL_WORDS.split_whitespace() {
        faults.extend(
            words(&file.live, word).map(|at| (at, format!("the core may not touch {word}"))),
        );
    }
    let guard = if module == "index" {
        INDEX_GUARD
    } else {
        GUARD
    };
    for line in guard
        .iter()
        .filter(|line| file.depth == 1 && !file.code.contains(*line))
    {
        faults.push((0, format!("this root of the core must say `{line}`")));
    }
}

fn verdict(faults: Vec<String>) -> Verdict {
    if faults.is_empty() {
        Ok(())
    } else {
        Err(faults.join("\n"))
    }
}

/// Reads every text file of the project.
fn walk(dir: &Path, files: &mut Vec<(String, String)>) -> Verdict {
    let say = |error: std::io::Error| format!("{}: {error}", dir.display());
    for entry in fs::read_dir(dir).map_err(say)? {
        let entry = entry.map_err(say)?;
        let (path, name) = (entry.path(), entry.file_name());
        let name = name.to_string_lossy();
        if name == "target" || name.starts_with('.') && name != ".ci" {
            continue;
        } else if path.is_dir() {
            walk(&path, files)?;
        } else if let Ok(text) = fs::read_to_string(&path) {
            let path = path.strip_prefix(ROOT).unwrap_or(&path);
            files.push((path.display().to_string(), text));
        }
    }
    Ok(())
}

fn the_tree_keeps_the_house_rules() -> Verdict {
    let mut files = Vec::new();
    walk(Path::new(ROOT), &mut files)?;
    if !files.iter().any(|(path, _)| path.starts_with("src/")) {
        return Err("no file under src/ was read".to_owned());
    }
    verdict(faults(&files))
}

fn the_tables_are_in_order() -> Verdict {
    let (modules, mut found) = (modules(), Vec::new());
    for (at, [name, ring, may, _]) in modules.iter().enumerate() {
        for entry in ticked(may) {
            let above = &modules[..at];
            let named = above.iter().find(|row| lies_in(entry, row[0]));
            if named.is_none_or(|row| *ring == "core" && row[1] != "core") {
                found.push(format!("CONTRIBUTING.md: {name} may not be given {entry}"));
            }
        }
    }
    for [section, _, files, status] in listed() {
        let missing = |file: &&str| status != "planned" && !Path::new(ROOT).join(file).exists();
        let missing = ticked(files).filter(missing);
        found.extend(missing.map(|file| format!("docs/rfc.md: {section}: {file} does not exist")));
        if !["done", "part", "planned"].contains(&status) {
            found.push(format!("docs/rfc.md: {section}: `{status}` is no status"));
        }
    }
    if modules.len() < 20 || listed().len() < 20 {
        found.push("CONTRIBUTING.md or docs/rfc.md: the table was not found".to_owned());
    }
    verdict(found)
}

const ROOT: &str = env!("CARGO_MANIFEST_DIR");
const GUARD: &[&str] = &["#![forbid(clippy::disallowed_methods, clippy::disallowed_types)]"];
const INDEX_GUARD: &[&str] = &[
    "#![forbid(clippy::disallowed_methods)]",
    "#![deny(clippy::disallowed_types)]",
];
const ELSEWHERE: [&str; 3] = [
    concat!("/wo", "rk/"),
    concat!("../sha", "red"),
    concat!("../.lib", "rary"),
];
const SHELL_WORDS: &str = "tokio print! println! eprint! eprintln! SystemTime";
const SHELL_PATHS: &str = "env fs io::stderr io::stdin io::stdout net::TcpListener net::TcpStream \
                           net::UdpSocket os process thread time::Instant";
