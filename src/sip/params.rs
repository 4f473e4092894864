//! Parameters of headers and URIs: `;name`, `;name=value`, `;name="value"` (RFC 3261 §25.1:
//! generic-param).

use super::text::{self, TOKEN, URI_PARAM, VALUE};

/// No list of parameters may be longer.
pub const MAX_PARAMS: usize = 128;

/// A list of parameters, checked once and read again at each look.
///
/// Names are case-insensitive; the first of two equal ones counts. There are at most
/// [`MAX_PARAMS`], so that comparing two lists is never dear. A parameter that is not UTF-8 is
/// not shown.
#[derive(Clone, Copy, Default)]
pub struct Params<'a> {
    /// Empty, or from the first semicolon on.
    bytes: &'a [u8],
}

impl<'a> Params<'a> {
    /// Checks that all of the bytes are parameters, each after its semicolon.
    pub(super) fn parse(bytes: &'a [u8]) -> Option<Self> {
        Self::parse_with(bytes, |_, _| true)
    }

    /// As [`Self::parse`], where each parameter must be good.
    pub(super) fn parse_with(
        bytes: &'a [u8],
        mut is_good: impl FnMut(&'a [u8], Option<&'a [u8]>) -> bool,
    ) -> Option<Self> {
        let bytes = text::trim(bytes);
        let mut rest = bytes;
        let mut count: usize = 0;
        while !rest.is_empty() {
            let (name, value, after) = step(rest)?;
            count = count.saturating_add(1);
            if count > MAX_PARAMS || !is_good(name, value) {
                return None;
            }
            rest = after;
        }
        Some(Self { bytes })
    }

    /// The value of a parameter: `None` when it is not there, `Some(None)` when it has no value.
    /// The quotes of a quoted value are stripped, its escapes stay as written.
    pub fn get(&self, name: &str) -> Option<Option<&'a str>> {
        let mut rest = self.bytes;
        while !rest.is_empty() {
            let (found, value, after) = step(rest)?;
            if found.eq_ignore_ascii_case(name.as_bytes()) {
                let shown = match value {
                    Some(value) => text::utf8(value).map(Some),
                    None => Some(None),
                };
                if shown.is_some() {
                    return shown;
                }
            }
            rest = after;
        }
        None
    }

    /// The value of a parameter that has one.
    pub fn value(&self, name: &str) -> Option<&'a str> {
        self.get(name).flatten()
    }

    /// All of them, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&'a str, Option<&'a str>)> + use<'a> {
        let mut rest = self.bytes;
        std::iter::from_fn(move || {
            while !rest.is_empty() {
                let (name, value, after) = step(rest)?;
                rest = after;
                match (text::utf8(name), value.map(text::utf8)) {
                    (Some(name), None) => return Some((name, None)),
                    (Some(name), Some(Some(value))) => return Some((name, Some(value))),
                    (None, _) | (_, Some(None)) => {}
                }
            }
            None
        })
    }

    /// All of them as received, with their semicolons.
    pub(super) fn raw(&self) -> impl Iterator<Item = RawParam<'a>> + use<'a> {
        let mut rest = self.bytes;
        std::iter::from_fn(move || {
            let (name, _, after) = step(rest)?;
            let length = rest.len().checked_sub(after.len())?;
            let text = rest.get(..length)?;
            rest = after;
            Some(RawParam { name, text })
        })
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }
}

/// A parameter as received.
pub(super) struct RawParam<'a> {
    pub(super) name: &'a [u8],
    pub(super) text: &'a [u8],
}

impl std::fmt::Debug for Params<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

type Step<'a> = (&'a [u8], Option<&'a [u8]>, &'a [u8]);

/// The parameter at the front: its name, its value, and what follows it.
fn step(bytes: &[u8]) -> Option<Step<'_>> {
    let rest = text::trim_start(bytes.strip_prefix(b";")?);
    let (name, rest) = text::split_class(rest, TOKEN | URI_PARAM);
    if name.is_empty() {
        return None;
    }
    let rest = text::trim_start(rest);
    let Some(rest) = rest.strip_prefix(b"=") else {
        return followed(rest).then_some((name, None, rest));
    };
    let rest = text::trim_start(rest);
    let (value, rest) = match rest.strip_prefix(b"\"") {
        Some(rest) => text::quoted(rest)?,
        None => text::split_class(rest, VALUE),
    };
    let rest = text::trim_start(rest);
    followed(rest).then_some((name, Some(value), rest))
}

/// Whether another parameter follows, or nothing.
fn followed(rest: &[u8]) -> bool {
    matches!(rest.first(), None | Some(b';'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn params(text: &str) -> Option<Vec<(&str, Option<&str>)>> {
        Some(Params::parse(text.as_bytes())?.iter().collect())
    }

    #[test]
    fn white_space_folds_and_quotes_are_read() {
        assert_eq!(
            params("; tag \r\n = \t a ;lr; x=\"q;\\\",\" "),
            Some(vec![
                ("tag", Some("a")),
                ("lr", None),
                ("x", Some("q;\\\","))
            ])
        );
        assert_eq!(params(""), Some(vec![]));
        assert_eq!(params(";rport="), Some(vec![("rport", Some(""))]));
        assert_eq!(
            params(";received=[2001:db8::1]"),
            Some(vec![("received", Some("[2001:db8::1]"))])
        );
    }

    #[test]
    fn separators_without_a_parameter_are_refused() {
        for text in [
            ";",
            ";;a",
            ";a;",
            "a",
            ";=b",
            ";a=b c",
            ";a=\"b",
            ";a=\"b\"c",
            ";a,b",
        ] {
            assert_eq!(params(text), None, "{text}");
        }
    }

    #[test]
    fn a_list_has_a_limit() {
        let longest = ";a".repeat(MAX_PARAMS);
        assert!(Params::parse(longest.as_bytes()).is_some());
        assert!(Params::parse(format!("{longest};a").as_bytes()).is_none());
    }

    #[test]
    fn names_ignore_case_and_the_first_counts() {
        let found = Params::parse(b";Tag=1;tag=2;LR").unwrap();
        assert_eq!(found.get("TAG"), Some(Some("1")));
        assert_eq!(found.get("lr"), Some(None));
        assert_eq!(found.get("nothing"), None);
    }

    #[test]
    fn a_parameter_that_is_not_utf_8_is_not_shown() {
        let found = Params::parse(b";a=\xFF;b=1").unwrap();
        assert_eq!(found.iter().collect::<Vec<_>>(), [("b", Some("1"))]);
        assert_eq!(found.get("a"), None);
    }
}
