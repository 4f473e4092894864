//! Reads a text with very many Accounts in pieces, so that the syntax tree of a hundred thousand of
//! them never exists at once.
//!
//! Whatever is odd about a text, it is not read here but as a whole: pieces change what reading
//! costs, never what it says.

use std::ops::Range;

use toml::de::DeTable;
use zeroize::Zeroizing;

use super::Config;
use super::check::Check;
use super::faults::{Faults, offset};
use super::options::Table;
use super::parse::Top;
use super::plain;
use super::row::{Origin, Row};

/// Texts with fewer Accounts than this are read as a whole.
const MANY: usize = 1_000;
/// A piece ends with the first Account after so many bytes.
const PIECE: usize = 64 * 1024;

/// Reads a text with very many Accounts; nothing if it must be read as a whole.
pub(super) fn read(text: &str) -> Option<(Option<Config>, Faults<'_>)> {
    Pieces::split(text, MANY, PIECE).and_then(|pieces| read_pieces(text, &pieces))
}

fn read_pieces<'t>(text: &'t str, pieces: &Pieces) -> Option<(Option<Config>, Faults<'t>)> {
    let mut check = Check::new(text);
    let (rest, origin) = pieces.rest(text);
    let (root, errors) = DeTable::parse_recoverable(&rest);
    if !errors.is_empty() || root.get_ref().contains_key(Table::Account.info().key) {
        return None;
    }
    let origin = Origin {
        pieces: &origin,
        is_damaged: false,
    };
    let mut top = Top::default();
    top.read(root.get_ref(), &origin, &mut check.faults);
    check.globals(&top);
    drop(top);
    drop(root);
    check.expect(pieces.count);
    for piece in &pieces.accounts {
        match plain::accounts(text, piece.clone()) {
            Some(rows) => rows.iter().for_each(|row| check.account(row)),
            None => read_piece(text, piece, &mut check)?,
        }
    }
    Some(check.finish())
}

/// Reads a piece that has nothing but Accounts; nothing if it is not one.
fn read_piece(text: &str, piece: &Range<usize>, check: &mut Check<'_>) -> Option<()> {
    let origin = [(0, offset(piece.start))];
    let origin = Origin {
        pieces: &origin,
        is_damaged: false,
    };
    let (root, errors) = DeTable::parse_recoverable(&text[piece.clone()]);
    let accounts = root
        .get_ref()
        .get(Table::Account.info().key)?
        .get_ref()
        .as_array()?;
    if !errors.is_empty() || root.get_ref().len() != 1 {
        return None;
    }
    for item in accounts.iter() {
        let at = origin.at(item.span().start);
        let content = item.get_ref().as_table()?;
        let row = Row::read(Table::Account, at, content, &origin, &mut check.faults);
        check.account(&row);
    }
    Some(())
}

/// A text taken apart at lines that look like headers. They may not be headers at all, inside a
/// text of many lines for example; but then the piece before ends in the middle of something and
/// does not parse.
struct Pieces {
    /// Everything but the Accounts.
    others: Vec<Range<usize>>,
    /// Each begins with the header of an Account and has nothing but Accounts.
    accounts: Vec<Range<usize>>,
    /// How many Accounts there are.
    count: usize,
}

impl Pieces {
    /// Takes a text apart; nothing if it has fewer than `many` Accounts.
    fn split(text: &str, many: usize, size: usize) -> Option<Self> {
        let mut pieces = Self {
            others: Vec::new(),
            accounts: Vec::new(),
            count: 0,
        };
        let mut start = 0;
        let mut in_accounts = false;
        for (at, is_account) in headers(text) {
            pieces.count += usize::from(is_account);
            if in_accounts == is_account && !(is_account && at - start >= size) {
                continue;
            }
            pieces.add(start..at, in_accounts);
            (start, in_accounts) = (at, is_account);
        }
        pieces.add(start..text.len(), in_accounts);
        (pieces.count >= many).then_some(pieces)
    }

    fn add(&mut self, range: Range<usize>, is_account: bool) {
        if is_account {
            self.accounts.push(range);
        } else {
            self.others.push(range);
        }
    }

    /// Everything but the Accounts, and where it comes from, as [`Origin`] wants it. It may have
    /// passwords, so that it is made in one piece and wiped.
    fn rest(&self, text: &str) -> (Zeroizing<String>, Vec<(u32, u32)>) {
        let length = self.others.iter().map(Range::len).sum();
        let mut rest = Zeroizing::new(String::with_capacity(length));
        let mut origin = Vec::with_capacity(self.others.len());
        for range in &self.others {
            origin.push((offset(rest.len()), offset(range.start)));
            rest.push_str(&text[range.clone()]);
        }
        (rest, origin)
    }
}

/// The lines that look like headers: where they start, and whether they are those of an Account.
fn headers(text: &str) -> impl Iterator<Item = (usize, bool)> {
    let bytes = text.as_bytes();
    let starts = std::iter::once(0).chain(memchr::memchr_iter(b'\n', bytes).map(|end| end + 1));
    starts.filter_map(move |start| {
        let blanks = |byte: &&u8| matches!(byte, b' ' | b'\t');
        let line = &bytes[start + bytes[start..].iter().take_while(blanks).count()..];
        (line.first() == Some(&b'[')).then(|| (start, line.starts_with(b"[[account]]")))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::parse::read_whole;

    const TEXTS: [&str; 6] = [
        include_str!("../../conf/minimal.toml"),
        include_str!("../../conf/failover.toml"),
        "[agent]\n[[account]]\n[[account]] # one\nindex = 3\nname=\"a\"\n[[account]]\n\
         [[ip_group]]\nname = \"ü\"\n[[account]]\nserved_ip_group = \"ü\"\nregistr = 1\n",
        "[[account]]\nname = \"\"\"\n[[account]]\n\"\"\"\n\
         [[account]]\nname = '''\n[[account]]'''\n",
        "[[account]]\nindex = [\n[[account]]\n]\n[[account]]\n\
         account = 1\n[account.x]\n[account]\n",
        "account = [{ name = \"x\" }]\n[[account]]\n[[proxy_set]]\n[[account]]\n\
         [[proxy_set.proxy]]\n",
    ];

    fn said((config, faults): (Option<Config>, Faults<'_>)) -> String {
        format!("{config:?}\n{}", faults.into_diagnostics(&"t".into()))
    }

    /// Whether the pieces were enough.
    fn check(text: &str, size: usize) -> bool {
        let pieces = Pieces::split(text, 1, size).and_then(|pieces| read_pieces(text, &pieces));
        let is_enough = pieces.is_some();
        if let Some(pieces) = pieces {
            assert_eq!(said(pieces), said(read_whole(text)), "{text}");
        }
        is_enough
    }

    #[test]
    fn pieces_say_what_the_whole_says() {
        let enough = TEXTS.map(|text| check(text, 1));
        assert_eq!(enough, [true, true, true, false, false, false]);
        assert!(check(TEXTS[2], 1_000));
    }

    #[test]
    fn pieces_of_damaged_texts_say_what_the_whole_says() {
        let mut enough = 0;
        for text in TEXTS {
            let lines: Vec<&str> = text.split_inclusive('\n').collect();
            for leave in 0..lines.len() {
                for put in 0..lines.len() {
                    let mut moved = lines.clone();
                    let line = moved.remove(leave);
                    moved.insert(put, line);
                    enough += usize::from(check(&moved.concat(), 1));
                }
            }
        }
        assert!(enough > 500, "{enough}");
    }

    #[test]
    fn very_many_accounts_are_read_in_pieces() {
        let mut text = "[agent]\nmax_accounts = 9999\nmax_accounts_per_served_ip_group = 9999\n\
                        [[sip_interface]]\nname = \"i\"\naddress = \"127.0.0.1\"\n\
                        [[proxy_set]]\nname = \"s\"\nsip_interface = \"i\"\n\
                        proxy = [{ address = \"127.0.0.1:5070\" }]\n"
            .to_owned();
        for number in 0..40 {
            text.push_str(&format!(
                "[[ip_group]]\nname = \"{number}\"\nproxy_set = \"s\"\n"
            ));
        }
        for number in 0..1_600 {
            let (served, serving) = (number / 40, number % 40);
            text.push_str(&format!(
                "[[account]]\nserved_ip_group = \"{served}\"\nserving_ip_group = \"{serving}\"\n\
                 contact_user = \"{number}\"\nregister = \"regular\"\n"
            ));
        }
        let (config, faults) = read(&text).unwrap();
        assert_eq!(faults.into_diagnostics(&"t".into()).to_string(), "");
        assert_eq!(config.map(|config| config.accounts.len()), Some(1_600));
        let broken = text.replace("\"1599\"", "\"1599");
        assert!(read(&broken).is_none());
        assert!(
            !read_whole(&broken)
                .1
                .into_diagnostics(&"t".into())
                .is_empty()
        );
    }
}
