//! The name that was probably meant.

/// The one of some names that is fewest changes away from what was written, if it is few enough.
pub(super) fn nearest<'t>(written: &str, names: impl Iterator<Item = &'t str>) -> Option<&'t str> {
    let written: Vec<char> = written.chars().take(LONGEST).collect();
    let limit = (written.len() / 3).max(1);
    let distances = names.map(|name| (distance(&written, name), name));
    let near = distances.min_by_key(|(distance, _)| *distance)?;
    (near.0 <= limit).then_some(near.1)
}

/// How many characters have to be put in, taken out or replaced, whatever their case.
fn distance(written: &[char], name: &str) -> usize {
    let mut row: Vec<usize> = (0..=written.len()).collect();
    for (line, there) in name.chars().take(LONGEST).enumerate() {
        let mut diagonal = line;
        row[0] = line + 1;
        for (column, here) in written.iter().enumerate() {
            let same = here.to_lowercase().eq(there.to_lowercase());
            let replaced = diagonal + usize::from(!same);
            diagonal = row[column + 1];
            row[column + 1] = replaced.min(diagonal + 1).min(row[column] + 1);
        }
    }
    row[written.len()]
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
        assert_eq!(find("mian"), None); // Two changes in four letters.
        assert_eq!(find("Main"), Some("main"));
        assert_eq!(find("bakcup"), Some("backup"));
        assert_eq!(find("maine"), Some("main"));
        assert_eq!(find("zzz"), None);
    }
}
