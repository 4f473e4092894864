//! What differs between two texts, as a unified diff without the passwords.

use similar::{Algorithm, DiffOp, capture_diff_slices, group_diff_ops};
use toml_edit::{Document as Parsed, Item, TableLike};

use super::grammar::is_secret;
use crate::config::options::Table;

/// The unified diff of two texts of a file; empty if they are the same.
pub fn unified(file: &str, old: &str, new: &str) -> String {
    let old_lines: Vec<&str> = old.lines().collect();
    let new_lines: Vec<&str> = new.lines().collect();
    let ops = capture_diff_slices(Algorithm::Myers, &old_lines, &new_lines);
    let (old_shown, new_shown) = (masked(old), masked(new));
    let mut text = String::new();
    for group in group_diff_ops(ops, CONTEXT) {
        let (Some(first), Some(last)) = (group.first(), group.last()) else {
            continue;
        };
        if group.iter().all(|op| matches!(op, DiffOp::Equal { .. })) {
            continue;
        }
        if text.is_empty() {
            text.push_str(&format!("--- {file}\n+++ {file}\n"));
        }
        let range = |start: usize, end: usize| match end - start {
            0 => format!("{start},0"),
            1 => format!("{}", start + 1),
            lines => format!("{},{lines}", start + 1),
        };
        let before = range(first.old_range().start, last.old_range().end);
        let after = range(first.new_range().start, last.new_range().end);
        text.push_str(&(format!("@@ -{before} +{after} @@") + "\n"));
        for op in group {
            let (gone, come) = (op.old_range(), op.new_range());
            if let DiffOp::Equal { .. } = op {
                put(&mut text, ' ', &old_shown[gone]);
            } else {
                put(&mut text, '-', &old_shown[gone]);
                put(&mut text, '+', &new_shown[come]);
            }
        }
    }
    text
}

fn put(text: &mut String, sign: char, lines: &[String]) {
    for line in lines {
        text.push(sign);
        text.push_str(line);
        text.push('\n');
    }
}

/// The lines of a text, with stars for passwords and nothing that has power over a terminal.
fn masked(text: &str) -> Vec<String> {
    let mut shown = text.to_owned();
    let mut spans = secrets(text);
    spans.sort_by_key(|span| span.start);
    for span in spans.into_iter().rev() {
        // A password may go over lines, whose number stays.
        let ends = text[span.clone()].matches('\n').count();
        let stars = format!("\"********\"{}", "\n".repeat(ends));
        shown.replace_range(span, &stars);
    }
    let harmless =
        |line: &str| line.replace(|one: char| one.is_control() && one != '\t', "\u{fffd}");
    let mut lines: Vec<String> = shown.lines().map(harmless).collect();
    lines.resize(text.lines().count(), String::new());
    lines
}

/// Where passwords stand in a text.
fn secrets(text: &str) -> Vec<std::ops::Range<usize>> {
    let Ok(parsed) = Parsed::parse(text) else {
        // Rather nothing than a password.
        return std::iter::once(0..text.len()).collect();
    };
    let mut spans = Vec::new();
    for table in Table::TOP {
        let Some(item) = parsed.as_table().get(table.info().key) else {
            continue;
        };
        let mut look = |row: &dyn TableLike| {
            for option in table.options().filter(|option| is_secret(option)) {
                spans.extend(row.get(option.key).and_then(Item::span));
            }
        };
        match item {
            Item::ArrayOfTables(rows) => rows.iter().for_each(|row| look(row)),
            Item::Table(row) => look(row),
            Item::Value(value) => {
                let rows = value.as_array().into_iter().flatten();
                let rows = rows.filter_map(|row| row.as_inline_table());
                rows.chain(value.as_inline_table())
                    .for_each(|row| look(row));
            }
            Item::None => {}
        }
    }
    spans
}

/// So many lines around a change are shown.
const CONTEXT: usize = 3;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_shown_with_what_is_around_it() {
        let old = "a\nb\nc\nd\ne\nf\ng\nh\n";
        let new = "a\nb\nc\nd\nE\nf\ng\nh\ni\n";
        assert_eq!(unified("x.toml", "", ""), "",);
        // Neither is TOML, so nothing of them can be shown.
        let shown = unified("x.toml", old, new);
        assert!(shown.contains("@@ -2,7 +2,8 @@\n"), "{shown}");
    }

    #[test]
    fn no_password_is_shown_wherever_it_stands() {
        let old = "[[account]]\npassword = \"hunter1\"\n\n[[ip_group]]\npassword_as_client = '''\nhunter2'''\n";
        let new = old
            .replace("hunter1", "hunter3")
            .replace("hunter2", "hunter4\nhunter5");
        let shown = unified("x.toml", old, &new);
        assert!(!shown.contains("hunter"), "{shown}");
        assert!(
            shown.contains("-password = \"********\"\n+password = \"********\"\n"),
            "{shown}"
        );
        let inline = "account = [{ password = \"hunter1\" }]\n";
        let shown = unified("x.toml", inline, &inline.replace('1', "2"));
        assert!(!shown.contains("hunter"), "{shown}");
    }

    #[test]
    fn what_has_power_over_a_terminal_loses_it() {
        let shown = unified("x.toml", "# a\n", "# a\u{9b}31m\n");
        assert!(!shown.contains('\u{9b}'), "{shown}");
    }
}
