//! What can be wrong with a message.

use super::name::Name;

/// Why a message, or a part of it, cannot be read. It is always the sender's fault.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ParseError {
    /// Nothing but line ends: a keep-alive (RFC 5626 §3.5.1), or nothing at all.
    #[error("no message, only line ends")]
    Empty,
    /// Longer than [`super::message::MAX_MESSAGE`].
    #[error("message too long")]
    TooLong,
    /// More header lines than [`super::message::MAX_HEADERS`].
    #[error("too many header lines")]
    TooManyHeaders,
    /// The first line is neither a Request-Line nor a Status-Line (RFC 3261 §7.1, §7.2).
    #[error("malformed start line")]
    StartLine,
    /// Another version than `SIP/2.0` (RFC 3261 §7.1).
    #[error("not SIP/2.0")]
    Version,
    /// A CR without LF (RFC 3261 §7).
    #[error("CR without LF")]
    LineEnd,
    /// A line that is not a header (RFC 3261 §7.3.1).
    #[error("malformed header line")]
    HeaderLine,
    /// The headers do not end with an empty line (RFC 3261 §7).
    #[error("headers cut short")]
    Truncated,
    /// Content-Length is no number, or two of them differ (RFC 3261 §20.14).
    #[error("bad Content-Length")]
    ContentLength,
    /// Content-Length says more than there is (RFC 3261 §18.3).
    #[error("body cut short")]
    BodyCut,
    /// A header that must be there is not (RFC 3261 §8.1.1).
    #[error("{0} missing")]
    Missing(Name),
    /// A header that may be there once is there more often (RFC 3261 §7.3.1).
    #[error("{0} repeated")]
    Repeated(Name),
    /// The value of a header does not follow its grammar (RFC 3261 §25.1).
    #[error("malformed {0}")]
    Malformed(Name),
    /// Not a URI, or one with parts that its place does not allow (RFC 3261 §19.1.1).
    #[error("malformed URI")]
    Uri,
    /// The method in CSeq is not the request's (RFC 3261 §8.1.1.5).
    #[error("CSeq is of another method")]
    Method,
}
