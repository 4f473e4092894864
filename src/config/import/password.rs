//! Passwords as a device writes them, and the file that supplies those that it does not show.
//!
//! `$1$` is an obfuscation and no encryption: the first byte is a start value, and each further one
//! is a character of the password, combined with the start value plus its place.

use std::collections::BTreeMap;

use data_encoding::BASE64;
use zeroize::{Zeroize as _, Zeroizing};

use crate::secret::Secret;

/// What the cell of a password says.
#[derive(Debug)]
pub(super) enum Password {
    /// There is none, or it is empty.
    Empty,
    /// This one.
    Known(Secret),
    /// One that cannot be read, for this reason.
    Unknown(&'static str),
}

/// Reads the cell of a password. What is not obfuscated is taken as it stands, since files that
/// were written by hand have it so.
pub(super) fn read(cell: &str) -> Password {
    if cell.is_empty() {
        return Password::Empty;
    }
    if cell.bytes().all(|byte| byte == b'*') {
        return Password::Unknown("it is hidden");
    }
    if let Some(encoded) = cell.strip_prefix(PREFIX) {
        return decode(encoded);
    }
    if is_other_scheme(cell) {
        return Password::Unknown("its scheme is not known; only $1$ can be decoded");
    }
    Password::Known(Secret::new(cell))
}

fn decode(encoded: &str) -> Password {
    // The library would go on behind padding.
    let is_one = !encoded.trim_end_matches('=').contains('=');
    let bytes = is_one.then(|| BASE64.decode(encoded.as_bytes()).ok());
    let Some(bytes) = bytes.flatten().map(Zeroizing::new) else {
        return Password::Unknown("what follows $1$ is no base64");
    };
    let Some((seed, rest)) = bytes.split_first() else {
        return Password::Unknown("nothing follows $1$");
    };
    let mut plain = String::with_capacity(rest.len());
    for (byte, mask) in rest.iter().zip(masks(*seed)) {
        let character = byte ^ mask;
        if !matches!(character, b' '..=b'~') {
            plain.zeroize();
            return Password::Unknown("what it decodes to is not printable");
        }
        plain.push(char::from(character));
    }
    match plain.is_empty() {
        true => Password::Empty,
        false => Password::Known(Secret::new(plain)),
    }
}

/// Obfuscates a password; none for one that would not come back: `$1$` is known for printable ASCII
/// only. `number` makes the cells of different rows differ.
pub(super) fn obfuscated(password: &Secret, number: u32) -> Option<Zeroizing<String>> {
    let plain = password.reveal().as_bytes();
    if !plain.iter().all(|byte| matches!(byte, b' '..=b'~')) {
        return None;
    }
    // Far enough from the end that start value and place together stay below 256: what a device
    // does beyond is not known.
    let seed = u8::try_from(number.wrapping_mul(37) % 128).unwrap_or_default();
    let masked = plain
        .iter()
        .zip(masks(seed))
        .map(|(byte, mask)| byte ^ mask);
    let bytes = Zeroizing::new(std::iter::once(seed).chain(masked).collect::<Vec<u8>>());
    Some(Zeroizing::new(format!("{PREFIX}{}", BASE64.encode(&bytes))))
}

fn masks(seed: u8) -> impl Iterator<Item = u8> {
    (0..=u8::MAX)
        .cycle()
        .map(move |place| seed.wrapping_add(place))
}

/// `$2$…` and the like.
fn is_other_scheme(cell: &str) -> bool {
    let number = cell.strip_prefix('$').and_then(|rest| rest.split_once('$'));
    number.is_some_and(|(number, _)| {
        !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())
    })
}

const PREFIX: &str = "$1$";

/// Passwords that were given beside the ini file.
#[derive(Default, Debug)]
pub struct Passwords {
    /// By the name or the index of an Account, or `ip-group ` and the name of an IP Group; with
    /// their lines.
    by_key: BTreeMap<String, (Secret, u32)>,
}

/// A line of a file of passwords that cannot be read.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("line {line}: {what}")]
pub struct PasswordFault {
    /// The line, from 1.
    pub line: usize,
    /// What is wrong with it.
    pub what: &'static str,
}

impl Passwords {
    /// Reads lines `KEY = PASSWORD`. A key is the name or the index of an Account, or `ip-group`
    /// and the name of an IP Group; it stands in double quotes if it has a `=` in it. The password
    /// is the rest of the line without the blanks around it; in double quotes it may begin and end
    /// with blanks. Lines that are blank or begin with `#` are skipped.
    pub fn read(text: &str) -> Result<Self, PasswordFault> {
        let mut by_key = BTreeMap::new();
        for (number, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let fault = |what| PasswordFault {
                line: number + 1,
                what,
            };
            let (key, password) = split(line).ok_or_else(|| fault(FORM))?;
            if key.is_empty() {
                return Err(fault(FORM));
            }
            let secret = Secret::new(unquoted(password.trim()));
            let line = u32::try_from(number + 1).unwrap_or(u32::MAX);
            if by_key.insert(key, (secret, line)).is_some() {
                return Err(fault("its key is there already"));
            }
        }
        Ok(Self { by_key })
    }

    /// The password of an Account.
    pub(super) fn of_account(&self, name: &str, index: u32) -> Option<(&str, &Secret)> {
        self.find(name).or_else(|| self.find(&index.to_string()))
    }

    /// The password of an IP Group.
    pub(super) fn of_group(&self, name: &str) -> Option<(&str, &Secret)> {
        self.find(&format!("{GROUP}{name}"))
    }

    /// The keys, each with its line.
    pub(super) fn keys(&self) -> impl Iterator<Item = (&str, u32)> {
        self.by_key.iter().map(|(key, (_, line))| (&**key, *line))
    }

    fn find(&self, key: &str) -> Option<(&str, &Secret)> {
        let (key, (secret, _)) = self.by_key.get_key_value(key)?;
        Some((key, secret))
    }
}

fn split(line: &str) -> Option<(String, &str)> {
    if let Some(rest) = line.strip_prefix('"') {
        let (key, rest) = rest.split_once('"')?;
        return Some((key.to_owned(), rest.trim_start().strip_prefix('=')?));
    }
    let (key, password) = line.split_once('=')?;
    let words: Vec<&str> = key.split_whitespace().collect();
    Some((words.join(" "), password))
}

fn unquoted(text: &str) -> &str {
    let inner = text.strip_prefix('"').and_then(|it| it.strip_suffix('"'));
    inner.unwrap_or(text)
}

const GROUP: &str = "ip-group ";
const FORM: &str = "it is not of the form NAME = PASSWORD";

#[cfg(test)]
mod tests {
    use super::*;

    fn known(cell: &str) -> String {
        match read(cell) {
            Password::Known(secret) => secret.reveal().to_owned(),
            other @ (Password::Empty | Password::Unknown(_)) => panic!("{cell}: {other:?}"),
        }
    }

    #[test]
    fn cells_of_devices_are_decoded() {
        assert_eq!(known("$1$0oKyp6ahuKq9"), "Password");
        assert_eq!(known("$1$AHNkYXFhcQ=="), "secret");
        assert_eq!(known("open sesame"), "open sesame");
        assert_eq!(known("$1"), "$1");
        for empty in ["", "$1$gQ=="] {
            assert!(matches!(read(empty), Password::Empty), "{empty}");
        }
    }

    #[test]
    fn what_cannot_be_decoded_is_to_be_supplied() {
        for (cell, why) in [
            ("$1$", "nothing follows"),
            ("$1$gQ==more", "no base64"),
            ("$1$gQ", "no base64"),
            ("$1$AIA=", "not printable"),
            ("$2$gQ==", "scheme"),
            ("$12$x", "scheme"),
            ("*****", "hidden"),
        ] {
            match read(cell) {
                Password::Unknown(said) => assert!(said.contains(why), "{cell}: {said}"),
                other @ (Password::Empty | Password::Known(_)) => panic!("{cell}: {other:?}"),
            }
        }
    }

    #[test]
    fn what_is_obfuscated_comes_back() {
        let longest: String = (' '..='~').take(50).collect();
        for number in 0..600 {
            for plain in ["x", "pass word", &longest, "$1$gQ=="] {
                let cell = obfuscated(&Secret::new(plain), number).unwrap();
                assert_eq!(known(&cell), plain);
            }
        }
        assert!(obfuscated(&Secret::new("pässwort"), 0).is_none());
        assert!(matches!(
            read(&obfuscated(&Secret::default(), 3).unwrap()),
            Password::Empty
        ));
    }

    #[test]
    fn the_start_value_wraps_around() {
        // 0xff, then 'a' with 0xff, and 'b' with 0x00.
        let cell = format!("$1${}", BASE64.encode(&[0xff, b'a' ^ 0xff, b'b']));
        assert_eq!(known(&cell), "ab");
    }

    #[test]
    fn passwords_come_by_name_and_by_index() {
        let text = "# of the trunks\nmain = one = 1\r\n 7=  \" two \"\n\"a = b\" = three\n\
                    ip-group   Carrier Group = four\n\n";
        let passwords = Passwords::read(text).unwrap();
        let of = |name: &str, index| {
            let found = passwords.of_account(name, index);
            found.map(|(_, secret)| secret.reveal().to_owned())
        };
        assert_eq!(of("main", 7).as_deref(), Some("one = 1"));
        assert_eq!(of("fax", 7).as_deref(), Some(" two "));
        assert_eq!(of("a = b", 0).as_deref(), Some("three"));
        assert_eq!(of("fax", 0), None);
        let group = passwords.of_group("Carrier Group").unwrap();
        assert_eq!(group.1.reveal(), "four");
        assert!(!format!("{passwords:?}").contains("two"));
        for (text, line) in [("a = b\nnonsense", 2), ("= x", 1), ("a=1\n\na=2", 3)] {
            assert_eq!(Passwords::read(text).unwrap_err().line, line, "{text}");
        }
    }
}
