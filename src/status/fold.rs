//! Lines that are too long for a screen, broken where nothing is torn apart.

use super::table::{Line, Tone};
use super::words::breadth;

/// The lines in no more columns than that, broken at a space as far as there is one. What goes on
/// begins after `indent` columns. An aside stays whole, a number with its unit, a date with its
/// time.
pub(super) fn folded(lines: Vec<Line>, width: usize, indent: usize) -> Vec<Line> {
    lines
        .into_iter()
        .flat_map(|line| fold(line, width, indent))
        .collect()
}

fn fold(line: Line, width: usize, indent: usize) -> Vec<Line> {
    if line.iter().map(|(_, text)| breadth(text)).sum::<usize>() <= width {
        return vec![line];
    }
    let mut lines = vec![Line::new()];
    let mut used = 0;
    for (tone, text) in line {
        for part in parts(&text) {
            let length = breadth(part.trim_end());
            if used + length > width && used > indent {
                end(lines.last_mut());
                lines.push(vec![(Tone::Plain, " ".repeat(indent))]);
                used = indent;
            }
            if let Some(last) = lines.last_mut() {
                match last.last_mut().filter(|(before, _)| *before == tone) {
                    Some((_, before)) => before.push_str(part),
                    None => last.push((tone, part.to_owned())),
                }
            }
            used += breadth(part);
        }
    }
    end(lines.last_mut());
    lines
}

/// Takes the spaces away that a line ends in.
fn end(line: Option<&mut Line>) {
    if let Some((_, text)) = line.and_then(|line| line.last_mut()) {
        text.truncate(text.trim_end().len());
    }
}

/// What a text may be broken into, spaces included.
fn parts(text: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut from = 0;
    for (space, _) in text.match_indices(' ') {
        let (before, after) = (&text[from..space], &text[space + 1..]);
        if !is_joined(before, after) {
            parts.push(&text[from..=space]);
            from = space + 1;
        }
    }
    parts.push(&text[from..]);
    parts
}

/// Whether what stands around a space is read as one: a short aside in brackets, a number and its
/// unit, a date and its time.
fn is_joined(before: &str, after: &str) -> bool {
    let aside = before.rsplit_once('(').map(|(_, inside)| inside);
    if let Some(inside) = aside.filter(|inside| !inside.contains(')')) {
        let rest = after.find(')');
        if rest.is_some_and(|rest| inside.len() + rest < LONGEST_ASIDE) {
            return true;
        }
    }
    if !before.ends_with(|last: char| last.is_ascii_digit()) {
        return false;
    }
    let next = after.split(' ').next().unwrap_or_default();
    let is_unit = UNITS.contains(&next.trim_end_matches([')', ',', ';', ':', '.']));
    is_unit || next.starts_with(|first: char| first.is_ascii_digit())
}

/// An aside that is longer may be broken.
const LONGEST_ASIDE: usize = 24;

/// What stands behind numbers.
const UNITS: [&str; 5] = ["ms", "s", "min", "h", "d"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_stays_with_its_unit_and_a_date_with_its_time() {
        let joined = |text| parts(text).join("|");
        assert_eq!(
            joined("until 2026-11-22 10:02:10Z (in 59 min 53 s), 0.880 ms"),
            "until |2026-11-22 10:02:10Z |(in 59 min 53 s), |0.880 ms"
        );
        assert_eq!(
            joined("for 59 min 53 s (and what a server says of itself, at length, 3 s)"),
            "for |59 min |53 s |(and |what |a |server |says |of |itself, |at |length, |3 s)"
        );
        assert_eq!(
            joined("127.0.0.1:5060, 200 OK sent 2 times"),
            "127.0.0.1:5060, |200 |OK |sent |2 |times"
        );
        assert_eq!(joined("ends in "), "ends |in |");
    }
}
