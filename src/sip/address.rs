//! Addresses in headers: `"Name" <uri>;params` and `uri;params` (RFC 3261 §20.10).

use std::borrow::Cow;

use memchr::memchr;

use super::error::ParseError;
use super::params::Params;
use super::text::{self, SPACE, TOKEN};
use super::uri::Uri;

/// An address with its header parameters, as in From, To, Contact and Route (RFC 3261 §25.1:
/// name-addr and addr-spec).
#[derive(Clone, Debug)]
pub struct NameAddr<'a> {
    /// The display name, without quotes and escapes.
    pub display: Option<Cow<'a, str>>,
    /// The URI.
    pub uri: Uri<'a>,
    /// The parameters of the header; those of the URI are in [`Uri::params`].
    pub params: Params<'a>,
}

impl<'a> NameAddr<'a> {
    /// Reads one address and nothing else.
    pub fn parse(text: &'a str) -> Result<Self, ParseError> {
        Self::read(text.as_bytes()).ok_or(ParseError::Uri)
    }

    /// As [`Self::parse`], of bytes; folds count as white space.
    pub(super) fn read(bytes: &'a [u8]) -> Option<Self> {
        let bytes = text::trim(bytes);
        let (display, rest) = display(bytes)?;
        let (uri, params) = match rest.strip_prefix(b"<") {
            Some(rest) => {
                let (uri, rest) = rest.split_at_checked(memchr(b'>', rest)?)?;
                (uri, rest.get(1..)?)
            }
            // RFC 3261 §20.10: without brackets, what follows a semicolon belongs to the header,
            // and a URI with a comma or a question mark is not allowed.
            None => {
                let end = rest
                    .iter()
                    .position(|&c| matches!(c, b';' | b',' | b'?') || text::is(c, SPACE));
                rest.split_at(end.unwrap_or(rest.len()))
            }
        };
        Some(Self {
            display,
            uri: Uri::parse(text::utf8(uri)?).ok()?,
            params: Params::parse(params)?,
        })
    }

    /// The `tag` parameter (RFC 3261 §19.3).
    pub fn tag(&self) -> Option<&'a str> {
        self.params.value("tag")
    }

    /// The `expires` parameter of a Contact in seconds (RFC 3261 §20.10); huge ones are `u32::MAX`,
    /// garbage is `None`.
    pub fn expires(&self) -> Option<u32> {
        text::seconds(self.params.value("expires")?.as_bytes())
    }

    /// The `q` parameter of a Contact in thousandths (RFC 3261 §20.10), if it is a number from 0 to
    /// 1.
    pub fn q(&self) -> Option<u16> {
        let text = self.params.value("q")?;
        let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
        if fraction.len() > 3 || !fraction.bytes().all(|c| c.is_ascii_digit()) {
            return None;
        }
        let thousandths = fraction
            .bytes()
            .chain(std::iter::repeat(b'0'))
            .take(3)
            .fold(0, |sum: u16, digit| sum * 10 + u16::from(digit - b'0'));
        match (whole, thousandths) {
            ("0" | "", _) if !text.is_empty() && text != "." => Some(thousandths),
            ("1", 0) => Some(1000),
            _ => None,
        }
    }
}

/// The display name, if there is one, and what follows it: `<` when there is one.
fn display(bytes: &[u8]) -> Option<(Option<Cow<'_, str>>, &[u8])> {
    if let Some(rest) = bytes.strip_prefix(b"\"") {
        let (content, rest) = text::quoted(rest)?;
        let rest = text::trim_start(rest);
        return rest
            .starts_with(b"<")
            .then(|| (Some(text::unquote(content)), rest));
    }
    let Some(open) = memchr(b'<', bytes) else {
        return Some((None, bytes));
    };
    let (name, rest) = bytes.split_at(open);
    let name = text::trim(name);
    if name.is_empty() {
        return Some((None, rest));
    }
    // Tokens; we allow UTF-8 too, which RFC 3261 §25.1 wants quoted, because it is met in the
    // field.
    name.iter()
        .all(|&c| !c.is_ascii() || text::is(c, TOKEN | SPACE))
        .then(|| (Some(text::unfold(name)), rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> NameAddr<'_> {
        NameAddr::parse(text).unwrap()
    }

    #[test]
    fn display_names_are_read_in_all_forms() {
        let quoted = parsed(r#" "A \"B\" <c>, \\" <sip:a@b> ; tag = 1 "#);
        assert_eq!(quoted.display.as_deref(), Some(r#"A "B" <c>, \"#));
        assert_eq!(quoted.tag(), Some("1"));
        assert_eq!(
            parsed("Big  Boss<sip:a@b>").display.as_deref(),
            Some("Big  Boss")
        );
        assert_eq!(parsed("Zoë <sip:a@b>").display.as_deref(), Some("Zoë"));
        assert_eq!(parsed("\"\"<sip:a@b>").display.as_deref(), Some(""));
        assert_eq!(parsed("<sip:a@b>").display, None);
        assert_eq!(
            parsed("\"fold\r\n ed\" \r\n <sip:a@b>").display.as_deref(),
            Some("fold ed")
        );
    }

    #[test]
    fn parameters_after_a_bare_uri_belong_to_the_header() {
        let bare = parsed("sip:u@h;expires=77");
        assert_eq!(bare.expires(), Some(77));
        assert!(bare.uri.params.is_empty());
        let bracketed = parsed("<sip:u@h;expires=77>");
        assert_eq!(bracketed.expires(), None);
        assert_eq!(bracketed.uri.params.value("expires"), Some("77"));
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for text in [
            "",
            "\"open <sip:a@b>",
            "\"a\" sip:a@b",
            "a, b <sip:a@b>",
            "< sip:a@b>",
            "<sip:a@b >",
            "<sip:a@b",
            "<<sip:a@b>>",
            "<sip:a@b>;;",
            "<sip:a@b> x",
            "sip:a@b?subject=x",
            "sip:a@b,sip:c@d",
            "<>",
            "*",
        ] {
            assert!(NameAddr::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn q_is_read_in_thousandths() {
        let q = |value: &str| parsed(&format!("<sip:a@b>;q={value}")).q();
        assert_eq!(q("0.7"), Some(700));
        assert_eq!(q("1"), Some(1000));
        assert_eq!(q("1.000"), Some(1000));
        assert_eq!(q(".25"), Some(250));
        assert_eq!(q("0"), Some(0));
        for bad in ["1.1", "2", "-1", "0.1234", "", ".", "x"] {
            assert_eq!(q(bad), None, "{bad}");
        }
    }

    #[test]
    fn bytes_that_are_not_utf_8_do_not_refuse_the_address() {
        let found = NameAddr::read(b"\"Z\xFCrich\" <sip:a@b>;x=\xFF;tag=1").unwrap();
        assert_eq!(found.display.as_deref(), Some("Z\u{FFFD}rich"));
        assert_eq!(found.tag(), Some("1"));
    }
}
