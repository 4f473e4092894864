//! Words for people: quoting, lists, and the name that was probably meant.

/// So many characters of what was written are shown.
const SHOWN: usize = 60;
/// So many names of a list are shown.
const LISTED: usize = 8;

/// A piece of the configuration in quotes, shortened, and without power over a terminal.
pub(super) fn quoted(text: &str) -> String {
    match text.char_indices().nth(SHOWN) {
        Some((at, _)) => format!("{:?}…", &text[..at]),
        None => format!("{text:?}"),
    }
}

/// `"a", "b"`, and how many more there are.
pub(super) fn list<'t>(names: impl ExactSizeIterator<Item = &'t str>) -> String {
    let left = names.len().saturating_sub(LISTED);
    let shown: Vec<String> = names.take(LISTED).map(quoted).collect();
    match left {
        0 => shown.join(", "),
        left => format!("{} and {left} more", shown.join(", ")),
    }
}

/// The one of some names that looks most like what was written, if any is like it at all.
pub fn nearest<'t>(written: &str, names: impl Iterator<Item = &'t str>) -> Option<&'t str> {
    let written: Vec<char> = written
        .chars()
        .take(SHOWN + 1)
        .flat_map(char::to_lowercase)
        .collect();
    let mut best: Option<(usize, &str)> = None;
    for name in names {
        let length = name.chars().count();
        let limit = (length / 3).max(1).min(length.saturating_sub(1));
        let limit = best.map_or(limit, |(distance, _)| limit.min(distance.saturating_sub(1)));
        if let Some(distance) = distance(&written, name, limit) {
            best = Some((distance, name));
            if distance == 0 {
                break;
            }
        }
    }
    best.map(|(_, name)| name)
}

/// The number of letters to insert, delete, change or swap with their neighbour, if it is within a
/// limit. Case, and `-` for `_`, make no difference.
fn distance(written: &[char], name: &str, limit: usize) -> Option<usize> {
    let name: Vec<char> = name.chars().flat_map(char::to_lowercase).collect();
    if written.len().abs_diff(name.len()) > limit {
        return None;
    }
    let same = |a: char, b: char| a == b || (matches!(a, '-' | ' ') && matches!(b, '_' | '-'));
    let mut before_last: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=name.len()).collect();
    for (i, a) in written.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, b) in name.iter().enumerate() {
            let change = last[j] + usize::from(!same(*a, *b));
            let mut cost = change.min(last[j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && written[i - 1] == *b && name[j - 1] == *a {
                cost = cost.min(before_last[j - 1] + 1);
            }
            row.push(cost);
        }
        before_last = std::mem::replace(&mut last, row);
    }
    last.last().copied().filter(|distance| *distance <= limit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_pen_is_recognised() {
        let names = [
            "served_ip_group",
            "serving_ip_group",
            "register",
            "index",
            "a",
        ];
        for (written, meant) in [
            ("regsiter", Some("register")),
            ("Register", Some("register")),
            ("served-ip-group", Some("served_ip_group")),
            ("servingip_group", Some("serving_ip_group")),
            ("indx", Some("index")),
            ("colour", None),
            ("x", None),
            ("", None),
        ] {
            assert_eq!(nearest(written, names.into_iter()), meant, "{written}");
        }
    }

    #[test]
    fn names_of_accounts_are_found_too() {
        let names = ["main", "backup", "fax", "Büro 1"];
        for (written, meant) in [
            ("mian", Some("main")),
            ("Main", Some("main")),
            ("bakcup", Some("backup")),
            ("maine", Some("main")),
            ("büro-1", Some("Büro 1")),
            ("zzz", None),
        ] {
            assert_eq!(nearest(written, names.into_iter()), meant, "{written}");
        }
    }

    #[test]
    fn what_is_shown_is_short_and_harmless() {
        assert_eq!(quoted("a\u{1b}[31m\"b"), r#""a\u{1b}[31m\"b""#);
        assert_eq!(quoted(&"ä".repeat(70)), format!("\"{}\"…", "ä".repeat(60)));
        let names: Vec<String> = (0..10).map(|one| one.to_string()).collect();
        let shown = list(names.iter().map(String::as_str));
        assert_eq!(
            shown,
            r#""0", "1", "2", "3", "4", "5", "6", "7" and 2 more"#
        );
    }
}
