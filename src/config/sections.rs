//! Reads a text that is no TOML, section by section, to find all that is wrong with it at once.
//!
//! A list or a header that is not closed swallows what follows, and the parser then complains of
//! every line but the right one. People write one table under one header, so that the headers tell
//! where each must have ended. Where a text is written in another way, it is read as a whole.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::Range;

use toml::Spanned;
use toml::de::DeTable;

use super::check::Check;
use super::faults::{Fault, Faults, offset};
use super::parse::{Top, misshapen, place, syntax, table_of, unknown_table};
use super::row::{Origin, Row, written};

/// A header and what stands under it.
struct Section<'t> {
    header: Option<Header<'t>>,
    body: Range<usize>,
}

struct Header<'t> {
    at: u32,
    key: &'t str,
    /// How many brackets open and close it.
    brackets: (usize, usize),
}

/// A section that has been parsed.
struct Parsed<'t> {
    section: Section<'t>,
    content: Spanned<DeTable<'t>>,
    is_damaged: bool,
}

/// So often a section is looked at again after a line has been blanked.
const ROUNDS: usize = 8;
/// How messages of the parser begin when it stops there.
const STOPS: [&str; 4] = [
    "key with no value",
    "invalid key-value pair",
    "invalid unquoted key",
    "unquoted keys cannot be empty",
];

/// Reads a text that is no TOML; nothing if that does not tell what is wrong with it.
pub(super) fn read(text: &str) -> Option<Faults<'_>> {
    let sections = split(text)?;
    let mut check = Check::new(text);
    let bodies: Vec<Cow<'_, str>> = sections
        .iter()
        .map(|section| readable(section, &text[section.body.clone()], &mut check.faults))
        .collect();
    let parsed: Vec<Parsed<'_>> = sections
        .into_iter()
        .zip(&bodies)
        .map(|(section, body)| {
            let content = DeTable::parse_recoverable(body).0;
            let is_damaged = check.faults.is_broken(section.body.start, section.body.end);
            Parsed {
                section,
                content,
                is_damaged,
            }
        })
        .collect();
    if check.faults.any_header_lost() {
        check.set_lossy();
    }
    check_headers(&parsed, &mut check.faults);
    if !check.faults.any_error() {
        return None;
    }
    let mut top = Top::default();
    for Parsed {
        section,
        content,
        is_damaged,
    } in &parsed
    {
        let pieces = [(0, offset(section.body.start))];
        let origin = Origin {
            pieces: &pieces,
            is_damaged: *is_damaged,
        };
        let content = content.get_ref();
        match &section.header {
            None => top.read(content, &origin, &mut check.faults),
            Some(header) => {
                if let Some(table) = table_of(header.key) {
                    let row = Row::read(table, header.at, content, &origin, &mut check.faults);
                    top.add(table, row);
                }
            }
        }
    }
    check.globals(&top);
    top.accounts.iter().for_each(|row| check.account(row));
    Some(check.finish().1)
}

/// The body of a section, with blanks for the lines at which the parser would stop, so that it goes
/// on to the next; and what it says about it.
fn readable<'t>(section: &Section<'_>, body: &'t str, faults: &mut Faults<'_>) -> Cow<'t, str> {
    let base = offset(section.body.start);
    let mut left = Cow::Borrowed(body);
    for _ in 0..ROUNDS {
        let (_, mut errors) = DeTable::parse_recoverable(&left);
        errors.sort_by_key(place);
        let mut stops = Vec::new();
        for error in &errors {
            faults.syntax(syntax(&left, error, base));
            let is_stop = STOPS.iter().any(|start| error.message().starts_with(start));
            if let (true, Some(span)) = (is_stop, error.span()) {
                stops.push(left.floor_char_boundary(span.start));
            }
        }
        if stops.is_empty() {
            break;
        }
        for at in stops {
            let start = left[..at].rfind('\n').map_or(0, |end| end + 1);
            let end = left[at..]
                .find('\n')
                .map_or(left.len(), |length| at + length);
            left.to_mut()
                .replace_range(start..end, &" ".repeat(end - start));
        }
    }
    left
}

fn check_headers(parsed: &[Parsed<'_>], faults: &mut Faults<'_>) {
    let mut first: BTreeMap<&str, u32> = BTreeMap::new();
    for header in parsed
        .iter()
        .filter_map(|parsed| parsed.section.header.as_ref())
    {
        let Some(table) = table_of(header.key) else {
            faults.push(unknown_table(header.at, header.key, "table"));
            continue;
        };
        let is_many = table.info().many;
        if header.brackets != if is_many { (2, 2) } else { (1, 1) } {
            faults.push(misshapen(header.at, table));
        }
        if is_many {
            continue;
        }
        if let Some(first) = first.get(header.key) {
            let hint = format!(
                "the first {} stands in line {}",
                written(table),
                faults.line(*first)
            );
            let message = format!("{} is there already", written(table));
            faults.push(Fault::error(header.at, header.key, message).hint(hint));
        } else {
            first.insert(header.key, header.at);
        }
    }
}

/// Takes a text apart at its headers; nothing if it has texts of many lines, or a line that begins
/// like a header and is none of a plain kind.
fn split(text: &str) -> Option<Vec<Section<'_>>> {
    if text.contains("\"\"\"") || text.contains("'''") {
        return None;
    }
    let mut sections = Vec::new();
    let mut header = None;
    let mut start = 0;
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let content = line.strip_prefix('\u{FEFF}').unwrap_or(line).trim();
        if content.starts_with('[') {
            let place = at + line.find('[').unwrap_or_default();
            let next = parse_header(content, offset(place))?;
            sections.push(Section {
                header: header.replace(next),
                body: start..at,
            });
            start = at + line.len();
        }
        at += line.len();
    }
    sections.push(Section {
        header,
        body: start..at,
    });
    for section in &mut sections {
        // What is not closed is said to end where something stands last.
        section.body.end = section.body.start + text[section.body.clone()].trim_end().len();
    }
    Some(sections)
}

/// A line that is a header of a plain kind, closed or not.
fn parse_header(line: &str, at: u32) -> Option<Header<'_>> {
    let inner = line.trim_start_matches('[');
    let open = line.len() - inner.len();
    let inner = inner.trim_start();
    let is_plain = |one: char| one.is_ascii_alphanumeric() || matches!(one, '_' | '-');
    let end = inner.find(|one| !is_plain(one)).unwrap_or(inner.len());
    let (key, rest) = inner.split_at(end);
    let rest = rest.trim_start();
    let tail = rest.trim_start_matches(']');
    let close = rest.len() - tail.len();
    let tail = tail.trim_start();
    let is_header = key.starts_with(|one: char| one.is_ascii_alphabetic())
        && !matches!(key, "true" | "false" | "inf" | "nan")
        && open <= 2
        && close <= 2
        && (tail.is_empty() || tail.starts_with('#'));
    is_header.then_some(Header {
        at,
        key,
        brackets: (open, close),
    })
}

#[cfg(test)]
mod tests {
    use crate::config::load;

    fn lines(text: &str) -> Vec<String> {
        load("t", text)
            .diagnostics
            .iter()
            .map(ToString::to_string)
            .collect()
    }

    #[test]
    fn what_is_not_closed_swallows_nothing() {
        let text = "[agent\nmax_accounts = \"3\"\n\n[[proxy_set]]\nname = \"a\"\n\
                    proxy = [{ address = \"192.0.2.1\" }\n\n[[ip_group]]\nname = \"b\"\nindx = 4\n\
                    proxy_set = \"c\"\n";
        assert_eq!(
            lines(text),
            [
                "t:1:1: error: \"agent\" must be written [agent]",
                "t:2:16: error: agent: max_accounts must be a whole number, not text\n  \
                 hint: without quotes: 3",
                "t:6:35: error: unclosed array\n  hint: a list ends with \"]\"",
                "t:10:1: error: IP group \"b\": unknown key \"indx\"\n  \
                 hint: its keys are \"name\", \"proxy_set\", \"sip_group_name\", \"contact_user\", \
                 \"authentication_mode\", \"user_name_as_client\", \"password_as_client\", \
                 \"password_as_client_file\" and 2 more",
                "t:11:13: error: IP group \"b\": proxy set \"c\" does not exist\n  \
                 hint: the only one defined is \"a\"",
            ]
        );
    }

    #[test]
    fn what_could_not_be_read_is_not_missed() {
        let text = "[[sip_interface]]\nname = outside\naddress = 10.0.0.1\n\
                    [[proxy_set]]\nname = \"a\"\nsip_interface = \"outside\"\n\
                    proxy = [{ address = \"10.0.0.2\" }]\n";
        assert_eq!(
            lines(text),
            [
                "t:2:8: error: string values must be quoted\n  \
                 hint: text, an address too, is written in double quotes",
                "t:3:15: error: invalid float\n  \
                 hint: text, an address too, is written in double quotes",
            ]
        );
    }

    #[test]
    fn a_slip_is_told_once() {
        let text = include_str!("../../conf/failover.toml");
        let (mut all, mut several) = (0, Vec::new());
        for (at, letter) in text.char_indices() {
            let mut slip = text.to_owned();
            slip.remove(at);
            let said = lines(&slip);
            if slip.parse::<toml::Table>().is_ok() {
                continue;
            }
            all += 1;
            if said.len() != 1 {
                several.push((at, letter, said));
            }
        }
        assert!(all > 100, "{all}");
        assert!(several.is_empty(), "{several:#?}");
    }

    #[test]
    fn a_table_that_may_stand_once_is_told_of_its_first() {
        assert_eq!(
            lines("[agent]\n[registration]\n[agent]\n"),
            [
                "t:1:1: warning: there is no account",
                "t:3:1: error: [agent] is there already\n  \
                 hint: the first [agent] stands in line 1",
            ]
        );
    }

    #[test]
    fn texts_of_many_lines_are_left_to_the_parser() {
        let text = "[agent]\nuser_agent = \"\"\"\n[[account]]\n\"\"\"\nmax_accounts = \n";
        let found = lines(text);
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(
            found[0].contains("user_agent has a control character"),
            "{found:?}"
        );
        assert!(found[1].starts_with("t:5:16: error: "), "{found:?}");
    }
}
