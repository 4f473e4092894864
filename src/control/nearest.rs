//! The name that was probably meant.

/// The one of some names that is fewest changes away from what was written, if it is few enough.
pub(super) fn nearest<'t>(written: &str, names: impl Iterator<Item = &'t str>) -> Option<&'t str> {
    let written: Vec<char> = written.chars().take(LONGEST).collect();
    let limit = (written.len() / 3).max(1);
    let distances = names.map(|name| (distance(&written, name), name));
    let near = distances.min_by_key(|(distance, _)| *distance)?;
    (near.0 <= limit).then_some(near.1)
}

/// How many characters have to be put in, taken out, replaced or swapped with their neighbour,
/// whatever their case.
fn distance(written: &[char], name: &str) -> usize {
    let lower = |c: &char| c.to_lowercase().collect::<String>();
    let written: Vec<String> = written.iter().map(lower).collect();
    let name: Vec<String> = name.chars().take(LONGEST).map(|c| lower(&c)).collect();
    let mut older = vec![0; written.len() + 1];
    let mut old: Vec<usize> = (0..=written.len()).collect();
    for line in 0..name.len() {
        let mut row = vec![line + 1];
        for column in 0..written.len() {
            let replaced = old[column] + usize::from(name[line] != written[column]);
            let mut least = replaced.min(old[column + 1] + 1).min(row[column] + 1);
            let is_swapped = line > 0
                && column > 0
                && name[line] == written[column - 1]
                && name[line - 1] == written[column];
            if is_swapped {
                least = least.min(older[column - 1] + 1);
            }
            row.push(least);
        }
        older = std::mem::replace(&mut old, row);
    }
    old[written.len()]
}

/// No name is longer.
const LONGEST: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_finds_its_name_and_a_stranger_none() {
        let names = ["main", "backup", "fax"];
        let find = |written| nearest(written, names.into_iter());
        assert_eq!(find("mian"), Some("main"));
        assert_eq!(find("Main"), Some("main"));
        assert_eq!(find("bakcup"), Some("backup"));
        assert_eq!(find("maine"), Some("main"));
        assert_eq!(find("zzz"), None);
    }
}
