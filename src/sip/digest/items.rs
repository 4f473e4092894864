//! Splits the value of a header of RFC 7235 §2.1 or RFC 7616 into schemes and parameters.

/// A piece of the value.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Item<'a> {
    /// A scheme: the parameters that follow are its own.
    Scheme(&'a str),
    /// A parameter: its name, and the text of its value; `None` when that cannot be read. Of a
    /// quoted string it is what stands between the quotes, escapes kept.
    Param(&'a str, Option<&'a str>),
}

/// The pieces of a value, first to last. What is neither a scheme nor a parameter is skipped.
///
/// A word is a parameter's name when `=` follows, a scheme when another word follows, and nothing
/// when a comma follows: so an unquoted `qop=auth,auth-int` does no harm, and neither does a scheme
/// without parameters.
pub(super) struct Items<'a> {
    rest: &'a str,
}

impl<'a> Items<'a> {
    pub(super) fn new(value: &'a str) -> Self {
        Self { rest: value }
    }

    /// Takes the longest prefix of which every byte is ASCII and passes, or, with `ascii` false,
    /// any text.
    fn take_while(&mut self, passes: impl Fn(u8) -> bool) -> &'a str {
        let end = self.rest.bytes().position(|b| !passes(b));
        let (taken, rest) = self.rest.split_at(end.unwrap_or(self.rest.len()));
        self.rest = rest;
        taken
    }

    fn skip_space(&mut self) -> bool {
        !self.take_while(is_space).is_empty()
    }

    /// The value after `=`.
    fn value(&mut self) -> Option<&'a str> {
        self.skip_space();
        if self.rest.starts_with('"') {
            return self.quoted();
        }
        let bare = self.take_while(|b| b != b',' && !is_space(b));
        (!bare.contains(['"', '\\'])).then_some(bare)
    }

    /// A quoted string, from its opening quote; without a closing one the rest of the line is lost.
    fn quoted(&mut self) -> Option<&'a str> {
        let text = &self.rest[1..];
        let mut escaped = false;
        for (at, b) in text.bytes().enumerate() {
            match b {
                _ if escaped => escaped = false,
                b'\\' => escaped = true,
                b'"' => {
                    self.rest = &text[at + 1..];
                    return Some(&text[..at]);
                }
                _ => {}
            }
        }
        self.rest = "";
        None
    }

    /// Skips one thing that has no business where it stands.
    fn skip_junk(&mut self) {
        if self.rest.starts_with('"') {
            let _lost = self.quoted();
        } else {
            let mut chars = self.rest.chars();
            chars.next();
            self.rest = chars.as_str();
        }
    }
}

impl<'a> Iterator for Items<'a> {
    type Item = Item<'a>;

    fn next(&mut self) -> Option<Item<'a>> {
        loop {
            self.take_while(|b| is_space(b) || b == b',');
            if self.rest.is_empty() {
                return None;
            }
            let word = self.take_while(is_token);
            if word.is_empty() {
                self.skip_junk();
                continue;
            }
            let spaced = self.skip_space();
            if let Some(rest) = self.rest.strip_prefix('=') {
                self.rest = rest;
                return Some(Item::Param(word, self.value()));
            }
            if spaced && self.rest.bytes().next().is_some_and(is_token) {
                return Some(Item::Scheme(word));
            }
        }
    }
}

fn is_space(b: u8) -> bool {
    matches!(b, b' ' | b'\t' | b'\r' | b'\n')
}

/// A character of a token (RFC 3261 §25.1, RFC 7230 §3.2.6).
fn is_token(b: u8) -> bool {
    TOKENS[usize::from(b)]
}

/// All of them.
const TOKENS: [bool; 256] = {
    let mut tokens = [false; 256];
    let mut b = 0_u8;
    while b < 128 {
        let is_mark = matches!(
            b,
            b'!' | b'#'..=b'\'' | b'*' | b'+' | b'-' | b'.' | b'^'..=b'`' | b'|' | b'~'
        );
        tokens[b as usize] = is_mark || b.is_ascii_alphanumeric();
        b += 1;
    }
    tokens
};

#[cfg(test)]
mod tests {
    use super::Item::{Param, Scheme};
    use super::*;

    #[test]
    fn schemes_and_parameters_are_told_apart() {
        let table: &[(&str, &[Item<'_>])] = &[
            ("", &[]),
            (" ,\t, ", &[]),
            ("Digest a=b", &[Scheme("Digest"), Param("a", Some("b"))]),
            (
                "Digest  a = \"b\"",
                &[Scheme("Digest"), Param("a", Some("b"))],
            ),
            (
                "D a=\"x, y=\\\"z\\\"\"",
                &[Scheme("D"), Param("a", Some("x, y=\\\"z\\\""))],
            ),
            ("a=1 b=2", &[Param("a", Some("1")), Param("b", Some("2"))]),
            ("a=,b", &[Param("a", Some(""))]),
            ("a=b\"c\",d=e", &[Param("a", None), Param("d", Some("e"))]),
            ("a=\"open, b=c", &[Param("a", None)]),
            ("a=\"end\\\"", &[Param("a", None)]),
            (
                "q=auth,auth-int, n=\"x\"",
                &[Param("q", Some("auth")), Param("n", Some("x"))],
            ),
            (
                "Negotiate, Digest a=b",
                &[Scheme("Digest"), Param("a", Some("b"))],
            ),
            ("Basic abc==", &[Scheme("Basic"), Param("abc", Some("="))]),
            ("\"stray\" a=b é =;a", &[Param("a", Some("b"))]),
            (
                "n=\"é\\ü\"x=y",
                &[Param("n", Some("é\\ü")), Param("x", Some("y"))],
            ),
        ];
        for (value, items) in table {
            assert_eq!(&Items::new(value).collect::<Vec<_>>(), items, "{value}");
        }
    }
}
