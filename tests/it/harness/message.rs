//! What passed between the daemon and a registrar, read back from the registrar's own log.
//!
//! This reads SIP in the plainest way and shares no code with the product, which is on trial.

use std::collections::BTreeMap;
use std::fmt;

use jiff::Timestamp;

/// The parameters of a challenge or of credentials, values as they were meant (quotes taken off).
#[derive(Debug)]
pub(crate) struct Parameters {
    values: BTreeMap<String, String>,
    quoted: Vec<String>,
}

impl Parameters {
    /// Reads what follows the word `Digest`.
    fn parse(text: &str) -> Self {
        let mut parsed = Self {
            values: BTreeMap::new(),
            quoted: Vec::new(),
        };
        let mut rest = text.trim();
        while let Some((name, tail)) = rest.split_once('=') {
            let name = name.trim_matches([',', ' ', '\t']).to_ascii_lowercase();
            let (value, tail) = match tail.strip_prefix('"') {
                Some(tail) => {
                    parsed.quoted.push(name.clone());
                    quoted(tail)
                }
                None => {
                    let (value, tail) = tail.split_once(',').unwrap_or((tail, ""));
                    (value.trim().to_owned(), tail)
                }
            };
            parsed.values.insert(name, value);
            rest = tail;
        }
        parsed
    }

    /// The value of a parameter.
    pub(crate) fn value(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(String::as_str)
    }

    /// The value of a parameter, or the empty text.
    pub(crate) fn text(&self, name: &str) -> &str {
        self.value(name).unwrap_or_default()
    }

    /// Whether the parameter stood in quotes.
    pub(crate) fn is_quoted(&self, name: &str) -> bool {
        self.quoted.iter().any(|quoted| quoted == name)
    }
}

/// The text of a quoted string whose opening quote is gone, and what follows it.
fn quoted(text: &str) -> (String, &str) {
    let mut value = String::new();
    let mut characters = text.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return (value, &text[at + 1..]),
            '\\' => value.extend(characters.next().map(|(_, escaped)| escaped)),
            _ => value.push(character),
        }
    }
    (value, "")
}

/// One datagram, as the registrar saw or sent it.
#[derive(Clone)]
pub(crate) struct Message {
    /// When, by the system's clock.
    pub(crate) at: Timestamp,
    text: String,
}

impl Message {
    /// A datagram and when it was logged.
    pub(crate) fn new(at: Timestamp, text: String) -> Self {
        Self { at, text }
    }

    /// The whole text.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    fn first_line(&self) -> &str {
        self.text.lines().next().unwrap_or_default()
    }

    /// The code, if this is an answer.
    pub(crate) fn code(&self) -> Option<u16> {
        self.first_line()
            .strip_prefix("SIP/2.0 ")?
            .get(..3)?
            .parse()
            .ok()
    }

    /// Whether this is a REGISTER request.
    pub(crate) fn is_register(&self) -> bool {
        self.first_line().starts_with("REGISTER ")
    }

    /// The values of all headers of this name, folded lines joined.
    pub(crate) fn headers(&self, name: &str) -> Vec<String> {
        let mut found: Vec<String> = Vec::new();
        let mut ours = false;
        for line in self
            .text
            .lines()
            .skip(1)
            .take_while(|line| !line.is_empty())
        {
            if line.starts_with([' ', '\t']) {
                if let (true, Some(last)) = (ours, found.last_mut()) {
                    last.push(' ');
                    last.push_str(line.trim());
                }
                continue;
            }
            let (key, value) = line.split_once(':').unwrap_or((line, ""));
            ours = key.trim().eq_ignore_ascii_case(name);
            if ours {
                found.push(value.trim().to_owned());
            }
        }
        found
    }

    /// The value of the only header of this name.
    #[track_caller]
    pub(crate) fn header(&self, name: &str) -> String {
        let mut found = self.headers(name);
        assert_eq!(
            found.len(),
            1,
            "{name} should be there once in\n{}",
            self.text
        );
        found.remove(0)
    }

    /// The sequence number.
    #[track_caller]
    pub(crate) fn cseq(&self) -> u32 {
        let header = self.header("CSeq");
        let number = header
            .split_whitespace()
            .next()
            .and_then(|number| number.parse().ok());
        number.unwrap_or_else(|| panic!("no number in CSeq: {header}"))
    }

    /// The expiry that a request asks for, which its Contact and its Expires header must agree on.
    #[track_caller]
    pub(crate) fn expires(&self) -> u32 {
        let (header, contact) = (self.header("Expires"), self.header("Contact"));
        let expected = format!(";expires={header}");
        assert!(
            contact.ends_with(&expected),
            "Expires is {header}, but Contact is {contact}"
        );
        header
            .parse()
            .unwrap_or_else(|_| panic!("no number in Expires: {header}"))
    }

    /// The parameters of this digest header, if it is there.
    pub(crate) fn digest(&self, header: &str) -> Option<Parameters> {
        self.headers(header)
            .first()?
            .strip_prefix("Digest ")
            .map(Parameters::parse)
    }

    /// The credentials for a registrar.
    pub(crate) fn credentials(&self) -> Option<Parameters> {
        self.digest("Authorization")
    }

    /// Seconds from `earlier` to this one.
    pub(crate) fn seconds_after(&self, earlier: &Self) -> f64 {
        self.at.duration_since(earlier.at).as_secs_f64()
    }
}

/// Everything that passed, in order.
#[derive(Clone, Default)]
pub(crate) struct Transcript(pub(crate) Vec<Message>);

impl Transcript {
    /// The REGISTER requests, repeats by the transaction timers included.
    pub(crate) fn registers(&self) -> Vec<&Message> {
        self.0
            .iter()
            .filter(|message| message.is_register())
            .collect()
    }

    /// The registrar's answers.
    pub(crate) fn answers(&self) -> Vec<&Message> {
        self.0
            .iter()
            .filter(|message| message.code().is_some())
            .collect()
    }

    /// The codes of the registrar's answers.
    pub(crate) fn codes(&self) -> Vec<u16> {
        self.0.iter().filter_map(Message::code).collect()
    }
}

impl fmt::Display for Transcript {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for message in &self.0 {
            writeln!(f, "{}\n{}\n", message.at, message.text.trim_end())?;
        }
        Ok(())
    }
}
