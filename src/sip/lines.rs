//! The lines of a message's head: where the start line, each header and the body are (RFC 3261 §7).
//!
//! It knows nothing of what headers mean but Content-Length, which [`super::message`] and
//! [`super::framing`] must read alike. Its invariant: every place that it hands out lies inside the
//! bytes.

use memchr::memchr2;

use super::error::ParseError;
use super::name::Name;
use super::text::{self, TOKEN};

/// Where a header line is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    pub(super) name: Name,
    name_length: u16,
    start: u32,
    value: u32,
    end: u32,
}

impl Entry {
    /// The name as written.
    pub(super) fn name_text<'a>(&self, bytes: &'a [u8]) -> &'a [u8] {
        let start = self.start as usize;
        let end = start.saturating_add(usize::from(self.name_length));
        bytes.get(start..end).unwrap_or_default()
    }

    /// The value as written, folds included.
    pub(super) fn value<'a>(&self, bytes: &'a [u8]) -> &'a [u8] {
        let (value, end) = (self.value as usize, self.end as usize);
        bytes.get(value..end).unwrap_or_default()
    }
}

/// Walks the lines of a head; places are counted from the start of the bytes.
pub(super) struct Lines<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Lines<'a> {
    /// At the first line: line ends before it are skipped (RFC 3261 §7.5).
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        let at = bytes.iter().position(|&c| !matches!(c, b'\r' | b'\n'));
        Self {
            bytes,
            at: at.unwrap_or(bytes.len()),
        }
    }

    /// Where the next line starts.
    pub(super) fn at(&self) -> usize {
        self.at
    }

    /// The start line.
    pub(super) fn start(&mut self) -> Result<&'a [u8], ParseError> {
        let from = self.at;
        let end = self.line()?;
        Ok(self.bytes.get(from..end).unwrap_or_default())
    }

    /// The next header line, with its folds; `None` at the empty line, which is then behind. After
    /// [`ParseError::HeaderLine`] the line is behind, too; after any other error nothing can be
    /// read.
    pub(super) fn header(&mut self) -> Result<Option<Entry>, ParseError> {
        let start = self.at;
        let mut end = self.line()?;
        if end == start {
            return Ok(None);
        }
        let line = self.bytes.get(start..end).unwrap_or_default();
        let (name, rest) = text::split_class(line, TOKEN);
        let blanks = rest
            .iter()
            .take_while(|&&c| matches!(c, b' ' | b'\t'))
            .count();
        let good = !name.is_empty() && rest.get(blanks) == Some(&b':');
        while matches!(self.bytes.get(self.at), Some(b' ' | b'\t')) {
            end = self.line()?;
        }
        if !good {
            return Err(ParseError::HeaderLine);
        }
        let value = start
            .saturating_add(name.len())
            .saturating_add(blanks)
            .saturating_add(1);
        let place = |at: usize| u32::try_from(at).map_err(|_| ParseError::TooLong);
        Ok(Some(Entry {
            name: Name::read(name),
            name_length: u16::try_from(name.len()).map_err(|_| ParseError::TooLong)?,
            start: place(start)?,
            value: place(value)?,
            end: place(end)?,
        }))
    }

    /// Goes behind the line and says where it ends. A lone LF ends a line too; a lone CR is
    /// refused, since others may take it for the end of a line.
    fn line(&mut self) -> Result<usize, ParseError> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let length = memchr2(b'\r', b'\n', rest).ok_or(ParseError::Truncated)?;
        let end = self.at.saturating_add(length);
        let next = end.saturating_add(1);
        self.at = match (rest.get(length), self.bytes.get(next)) {
            (Some(b'\r'), Some(b'\n')) => next.saturating_add(1),
            (Some(b'\r'), Some(_)) => return Err(ParseError::LineEnd),
            (Some(b'\r'), None) => return Err(ParseError::Truncated),
            _ => next,
        };
        Ok(end)
    }
}

/// What the Content-Length lines seen so far say (RFC 3261 §20.14).
#[derive(Clone, Copy, Default, Debug)]
pub(super) struct ContentLength(Option<usize>);

impl ContentLength {
    /// Takes another line into account: all of them must say the same.
    pub(super) fn add(&mut self, value: &[u8]) -> Result<(), ParseError> {
        let mut length: usize = 0;
        let digits = text::trim(value);
        if digits.is_empty() {
            return Err(ParseError::ContentLength);
        }
        for digit in digits {
            if !digit.is_ascii_digit() {
                return Err(ParseError::ContentLength);
            }
            length = length
                .checked_mul(10)
                .and_then(|ten| ten.checked_add(usize::from(digit - b'0')))
                .ok_or(ParseError::ContentLength)?;
        }
        match self.0.replace(length) {
            Some(before) if before != length => Err(ParseError::ContentLength),
            _ => Ok(()),
        }
    }

    /// The length, if any line said one.
    pub(super) fn get(self) -> Option<usize> {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Line<'a> = (&'a [u8], &'a [u8]);

    fn headers(head: &[u8]) -> Result<Vec<Line<'_>>, ParseError> {
        let mut lines = Lines::new(head);
        lines.start()?;
        let mut found = Vec::new();
        while let Some(entry) = lines.header()? {
            found.push((entry.name_text(head), entry.value(head)));
        }
        Ok(found)
    }

    #[test]
    fn folds_and_white_space_before_the_colon_belong_to_their_line() {
        assert_eq!(
            headers(b"\r\n\r\nx\r\na : 1\r\n  2\r\n\t3\r\nb:\r\nc:4\n\n"),
            Ok(vec![
                (&b"a"[..], &b" 1\r\n  2\r\n\t3"[..]),
                (b"b", b""),
                (b"c", b"4")
            ])
        );
    }

    #[test]
    fn lines_that_are_no_headers_are_refused() {
        for head in [
            &b"x\r\n a: 1\r\n\r\n"[..],
            b"x\r\na 1\r\n\r\n",
            b"x\r\n: 1\r\n\r\n",
            b"x\r\na b: 1\r\n\r\n",
            b"x\r\na\r\n : 1\r\n\r\n",
            b"x\r\n\xFF: 1\r\n\r\n",
        ] {
            assert_eq!(headers(head), Err(ParseError::HeaderLine), "{head:?}");
        }
        for head in [
            &b"x"[..],
            b"x\r",
            b"x\r\n",
            b"x\r\na: 1\r\n",
            b"x\r\na: 1\r\n\r",
        ] {
            assert_eq!(headers(head), Err(ParseError::Truncated), "{head:?}");
        }
    }

    #[test]
    fn content_lengths_must_be_numbers_and_agree() {
        let sum = |lines: &[&str]| {
            let mut length = ContentLength::default();
            lines.iter().try_for_each(|l| length.add(l.as_bytes()))?;
            Ok::<_, ParseError>(length.get())
        };
        assert_eq!(sum(&[]), Ok(None));
        assert_eq!(sum(&[" 0010 ", "10"]), Ok(Some(10)));
        for bad in [
            &["1", "2"][..],
            &["-1"],
            &["+1"],
            &[""],
            &["1, 1"],
            &["18446744073709551616"],
        ] {
            assert_eq!(sum(bad), Err(ParseError::ContentLength), "{bad:?}");
        }
    }
}
