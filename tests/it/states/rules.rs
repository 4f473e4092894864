//! Rules are cited by number in the source; `docs/rules.md` says what they are.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// Every rule number that stands in the source or the tests after the word "rule" has its paragraph
/// in `docs/rules.md`.
pub(super) fn every_rule_that_is_cited_is_in_the_list() -> Result<(), String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let listed = read(&root.join("docs/rules.md"))?;
    let is_listed = |rule: &str| listed.contains(&format!("- **{rule}** "));
    let mut cited = BTreeMap::new();
    for folder in ["src", "tests", "benches", "examples"] {
        walk(&root.join(folder), &mut cited)?;
    }
    assert!(cited.len() > 20, "the search finds too little: {cited:?}");
    let missing = cited.iter().filter(|(rule, _)| !is_listed(rule));
    let missing: Vec<_> = missing
        .map(|(rule, path)| format!("{rule}, cited in {path}"))
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    Err(format!("docs/rules.md lacks {}", missing.join("; ")))
}

fn read(path: &Path) -> Result<String, String> {
    fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))
}

fn walk(folder: &Path, cited: &mut BTreeMap<String, String>) -> Result<(), String> {
    for entry in fs::read_dir(folder).map_err(|error| error.to_string())? {
        let path = entry.map_err(|error| error.to_string())?.path();
        if path.is_dir() {
            walk(&path, cited)?;
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            for rule in cited_in(&read(&path)?) {
                cited
                    .entry(rule)
                    .or_insert_with(|| path.display().to_string());
            }
        }
    }
    Ok(())
}

/// The rules that a text cites: `rule L6`, `rules X1 and L10`, `rules L1–L3, L5`.
fn cited_in(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    // A citation may be broken over two lines of a comment.
    let words: Vec<&str> = text
        .split_whitespace()
        .filter(|word| !word.chars().all(|c| c == '/' || c == '!'))
        .collect();
    for (place, word) in words.iter().enumerate() {
        let word = word.trim_start_matches(['(', '/', '"', '`']);
        if !matches!(word, "rule" | "rules" | "Rule" | "Rules") {
            continue;
        }
        for word in &words[place + 1..] {
            if *word == "and" {
                continue;
            }
            let numbers = range(word);
            if numbers.is_empty() {
                break;
            }
            found.extend(numbers);
            if !word.ends_with(',') && words.get(place + 2) != Some(&"and") {
                break;
            }
        }
    }
    found
}

/// `L6)`, `L6,` or `L1–L3,`.
fn range(word: &str) -> Vec<String> {
    let mut parts = word.split('–').filter_map(number);
    match (parts.next(), parts.next()) {
        (Some((letter, from)), Some((_, to))) => (from..=to)
            .map(|number| format!("{letter}{number}"))
            .collect(),
        (Some((letter, number)), None) => vec![format!("{letter}{number}")],
        (None, _) => Vec::new(),
    }
}

fn number(text: &str) -> Option<(char, u32)> {
    let letter = text.chars().next().filter(char::is_ascii_uppercase)?;
    let digits: String = text[1..].chars().take_while(char::is_ascii_digit).collect();
    Some((letter, digits.parse().ok()?))
}

/// The search is not blind.
pub(super) fn citations_are_found_in_every_form() {
    let text = "/// (rule L6); and rules L1–L3, L5, in\n//! rules X1 and X2. The rule\n    /// P4). A rule of I9";
    let found = cited_in(text);
    assert_eq!(found, ["L6", "L1", "L2", "L3", "L5", "X1", "X2", "P4"]);
}
