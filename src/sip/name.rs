//! Names of header fields: known ones as values, whatever their case and form.

use std::fmt;

macro_rules! names {
    ($($variant:ident $text:literal $doc:literal,)*) => {
        /// The name of a header field (RFC 3261 §20), case-insensitive, compact forms included.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        #[non_exhaustive]
        pub enum Name {
            $(#[doc = concat!("`", $text, "`, ", $doc, ".")] $variant,)*
            /// Any other name.
            Other,
        }

        /// The long forms, sorted by length: the look-up relies on it.
        const KNOWN: &[(&str, Name)] = &[$(($text, Name::$variant),)*];

        impl Name {
            /// The long form; empty for [`Name::Other`].
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $text,)*
                    Self::Other => "",
                }
            }
        }
    };
}

names! {
    To "To" "RFC 3261 §20.39",
    Via "Via" "RFC 3261 §20.42",
    From "From" "RFC 3261 §20.20",
    CSeq "CSeq" "RFC 3261 §20.16",
    Date "Date" "RFC 3261 §20.17",
    Path "Path" "RFC 3327 §4",
    Allow "Allow" "RFC 3261 §20.5",
    Event "Event" "RFC 6665 §8.2.1",
    Route "Route" "RFC 3261 §20.34",
    Accept "Accept" "RFC 3261 §20.1",
    Reason "Reason" "RFC 3326 §2",
    Server "Server" "RFC 3261 §20.35",
    CallId "Call-ID" "RFC 3261 §20.8",
    Contact "Contact" "RFC 3261 §20.10",
    Expires "Expires" "RFC 3261 §20.19",
    Require "Require" "RFC 3261 §20.32",
    Subject "Subject" "RFC 3261 §20.36",
    Warning "Warning" "RFC 3261 §20.43",
    ReferTo "Refer-To" "RFC 3515 §2.1",
    Identity "Identity" "RFC 8224 §4",
    Timestamp "Timestamp" "RFC 3261 §20.38",
    Supported "Supported" "RFC 3261 §20.37",
    UserAgent "User-Agent" "RFC 3261 §20.41",
    MinExpires "Min-Expires" "RFC 3261 §20.23",
    ReferredBy "Referred-By" "RFC 3892 §3",
    RetryAfter "Retry-After" "RFC 3261 §20.33",
    Unsupported "Unsupported" "RFC 3261 §20.40",
    AllowEvents "Allow-Events" "RFC 6665 §8.2.2",
    ContentType "Content-Type" "RFC 3261 §20.15",
    MaxForwards "Max-Forwards" "RFC 3261 §20.22",
    RecordRoute "Record-Route" "RFC 3261 §20.30",
    Authorization "Authorization" "RFC 3261 §20.7",
    ProxyRequire "Proxy-Require" "RFC 3261 §20.29",
    ServiceRoute "Service-Route" "RFC 3608 §5",
    AcceptContact "Accept-Contact" "RFC 3841 §9.2",
    ContentLength "Content-Length" "RFC 3261 §20.14",
    RejectContact "Reject-Contact" "RFC 3841 §9.2",
    SessionExpires "Session-Expires" "RFC 4028 §4",
    WwwAuthenticate "WWW-Authenticate" "RFC 3261 §20.44",
    ContentEncoding "Content-Encoding" "RFC 3261 §20.12",
    PAssociatedUri "P-Associated-URI" "RFC 7315 §4.1",
    SubscriptionState "Subscription-State" "RFC 6665 §8.2.3",
    ProxyAuthenticate "Proxy-Authenticate" "RFC 3261 §20.27",
    AuthenticationInfo "Authentication-Info" "RFC 3261 §20.6",
    RequestDisposition "Request-Disposition" "RFC 3841 §9.1",
    ProxyAuthorization "Proxy-Authorization" "RFC 3261 §20.28",
    ProxyAuthenticationInfo "Proxy-Authentication-Info" "RFC 7615 §4",
}

/// No known name is as long as this.
const LONGEST: usize = 26;

/// Where the names of each length start in [`KNOWN`].
const STARTS: [usize; LONGEST + 1] = starts();

const fn starts() -> [usize; LONGEST + 1] {
    let mut starts = [0; LONGEST + 1];
    let mut length = 0;
    let mut at = 0;
    while length <= LONGEST {
        while at < KNOWN.len() && KNOWN[at].0.len() < length {
            at += 1;
        }
        starts[length] = at;
        length += 1;
    }
    starts
}

impl Name {
    /// Reads a name as written in a message, in long or compact form (RFC 3261 §7.3.3).
    pub fn read(text: &[u8]) -> Self {
        if let [letter] = text {
            return Self::compact(letter.to_ascii_lowercase());
        }
        let length = text.len();
        let (Some(&from), Some(&to)) = (STARTS.get(length), STARTS.get(length.saturating_add(1)))
        else {
            return Self::Other;
        };
        let known = KNOWN.get(from..to).unwrap_or_default();
        // Nearly everybody writes names as the RFCs do.
        let same = known.iter().find(|(name, _)| name.as_bytes() == text);
        let alike = || {
            known
                .iter()
                .find(|(name, _)| name.as_bytes().eq_ignore_ascii_case(text))
        };
        same.or_else(alike).map_or(Self::Other, |&(_, name)| name)
    }

    const fn compact(letter: u8) -> Self {
        match letter {
            b'a' => Self::AcceptContact,
            b'b' => Self::ReferredBy,
            b'c' => Self::ContentType,
            b'd' => Self::RequestDisposition,
            b'e' => Self::ContentEncoding,
            b'f' => Self::From,
            b'i' => Self::CallId,
            b'j' => Self::RejectContact,
            b'k' => Self::Supported,
            b'l' => Self::ContentLength,
            b'm' => Self::Contact,
            b'o' => Self::Event,
            b'r' => Self::ReferTo,
            b's' => Self::Subject,
            b't' => Self::To,
            b'u' => Self::AllowEvents,
            b'v' => Self::Via,
            b'x' => Self::SessionExpires,
            b'y' => Self::Identity,
            _ => Self::Other,
        }
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if *self == Self::Other {
            "unknown header"
        } else {
            self.as_str()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_by_length_and_every_name_is_found_in_any_case() {
        assert!(KNOWN.is_sorted_by_key(|(text, _)| text.len()));
        assert!(KNOWN.iter().all(|(text, _)| text.len() < LONGEST));
        for &(text, name) in KNOWN {
            assert_eq!(Name::read(text.as_bytes()), name);
            assert_eq!(Name::read(text.to_uppercase().as_bytes()), name);
            assert_eq!(Name::read(text.to_lowercase().as_bytes()), name);
            assert_eq!(name.as_str(), text);
        }
    }

    #[test]
    fn compact_forms_are_the_same_names() {
        assert_eq!(Name::read(b"v"), Name::Via);
        assert_eq!(Name::read(b"M"), Name::Contact);
        assert_eq!(Name::read(b"l"), Name::ContentLength);
        assert_eq!(Name::read(b"z"), Name::Other);
    }

    #[test]
    fn anything_else_is_other() {
        for text in [
            "",
            "Vib",
            "X-Thing",
            "A-Name-That-Is-Longer-Than-All-Of-Ours",
        ] {
            assert_eq!(Name::read(text.as_bytes()), Name::Other);
        }
    }
}
