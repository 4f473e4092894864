//! From a line to a request, or to what is wrong with it.

use serde::Deserialize as _;
use serde_json::Value;

use super::protocol::{Call, Fault, FaultCode, Request, VERSION};
use crate::config::nearest;

/// A line that is no request that can be answered.
#[derive(PartialEq, Debug)]
pub(super) struct Unread {
    /// The request's own number, as far as it could be read.
    pub(super) id: u64,
    /// What is wrong with it.
    pub(super) fault: Fault,
    /// Whether whoever says that is not worth listening to any longer: it speaks something else.
    pub(super) is_last: bool,
}

impl Unread {
    /// What is no line of JSON.
    pub(super) fn last(message: impl Into<String>) -> Self {
        Self {
            id: 0,
            fault: Fault::new(FaultCode::BadRequest, message),
            is_last: true,
        }
    }
}

/// Reads a request.
pub(super) fn read(line: &[u8]) -> Result<Request, Unread> {
    match serde_json::from_slice::<Request>(line) {
        Ok(request) if request.v == VERSION => Ok(request),
        Ok(_) | Err(_) => read_leniently(line),
    }
}

/// Reads a request as far as it goes: who asks for what this daemon does not have is told so by
/// the number of the request.
fn read_leniently(line: &[u8]) -> Result<Request, Unread> {
    let request: Value = serde_json::from_slice(line)
        .map_err(|error| Unread::last(format!("not a request: {error}")))?;
    let id = request["id"].as_u64();
    let unread = |fault| Unread {
        id: id.unwrap_or(0),
        fault,
        is_last: false,
    };
    let bad = |message: &str| unread(Fault::new(FaultCode::BadRequest, message));
    if !request.is_object() {
        return Err(bad("not a request: it is no object"));
    }
    if request["v"] != VERSION {
        let message = format!("this daemon speaks version {VERSION} of the protocol");
        return Err(unread(Fault::new(FaultCode::BadVersion, message)));
    }
    if id.is_none() && request.get("id").is_some() {
        return Err(bad("not a request: id must be a whole number from 0"));
    }
    let Some(method) = request["method"].as_str() else {
        return Err(bad("not a request: method must be a text"));
    };
    if !Call::METHODS.contains(&method) {
        return Err(unread(unknown(method)));
    }
    let method = method.to_owned();
    Request::deserialize(request).map_err(|error| {
        let message = format!("{method} does not take these parameters: {error}");
        unread(Fault::new(FaultCode::BadParams, message))
    })
}

fn unknown(method: &str) -> Fault {
    let shown: String = method.chars().take(60).collect();
    let hint = match nearest(method, Call::METHODS.into_iter()) {
        Some(near) => format!("did you mean {near:?}?"),
        None => format!("methods are {}", Call::METHODS.join(", ")),
    };
    Fault {
        hint: Some(hint),
        ..Fault::new(
            FaultCode::UnknownMethod,
            format!("this daemon knows no method {shown:?}"),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The number that is answered, the code, and whether the daemon hangs up.
    fn told(line: &str) -> (u64, FaultCode, bool) {
        let unread = read(line.as_bytes()).unwrap_err();
        (unread.id, unread.fault.code, unread.is_last)
    }

    #[test]
    fn what_cannot_be_answered_is_told_by_its_own_number() {
        for (line, expected) in [
            ("", (0, FaultCode::BadRequest, true)),
            ("hello", (0, FaultCode::BadRequest, true)),
            (r#"{"v":1,"id":3"#, (0, FaultCode::BadRequest, true)),
            ("7", (0, FaultCode::BadRequest, false)),
            (r#"[1,3,"hello"]"#, (0, FaultCode::BadRequest, false)),
            ("{}", (0, FaultCode::BadVersion, false)),
            (r#"{"id":3}"#, (3, FaultCode::BadVersion, false)),
            (
                r#"{"v":2,"id":3,"method":"hello"}"#,
                (3, FaultCode::BadVersion, false),
            ),
            (
                r#"{"v":"1","id":3,"method":"hello"}"#,
                (3, FaultCode::BadVersion, false),
            ),
            (
                r#"{"v":2,"id":"c","say":[]}"#,
                (0, FaultCode::BadVersion, false),
            ),
            (
                r#"{"v":1,"id":-3,"method":"hello"}"#,
                (0, FaultCode::BadRequest, false),
            ),
            (r#"{"v":1,"id":3}"#, (3, FaultCode::BadRequest, false)),
            (
                r#"{"v":1,"id":3,"method":7}"#,
                (3, FaultCode::BadRequest, false),
            ),
            (
                r#"{"v":1,"id":3,"method":"explode"}"#,
                (3, FaultCode::UnknownMethod, false),
            ),
            (
                r#"{"v":1,"id":3,"method":"register"}"#,
                (3, FaultCode::BadParams, false),
            ),
            (
                r#"{"v":1,"id":3,"method":"status","params":{"nmaes":["a"]}}"#,
                (3, FaultCode::BadParams, false),
            ),
            (
                r#"{"v":1,"id":3,"method":"status","params":{"names":"a"}}"#,
                (3, FaultCode::BadParams, false),
            ),
            (
                r#"{"v":1,"id":3,"method":"hello","params":7}"#,
                (3, FaultCode::BadParams, false),
            ),
        ] {
            assert_eq!(told(line), expected, "{line}");
        }
        assert_eq!(read(br#"{"v":1,"id":3,"method":"hello"}"#).unwrap().id, 3);
    }

    #[test]
    fn what_is_wrong_is_said() {
        let said = |line: &str| read(line.as_bytes()).unwrap_err().fault;
        let fault = said(r#"{"v":1,"method":"statsu"}"#);
        assert_eq!(fault.message, r#"this daemon knows no method "statsu""#);
        assert_eq!(fault.hint.as_deref(), Some(r#"did you mean "status"?"#));
        let fault = said(r#"{"v":1,"method":"status","params":{"nmaes":[]}}"#);
        assert!(
            fault
                .message
                .starts_with("status does not take these parameters: unknown field `nmaes`"),
            "{fault:?}"
        );
    }
}
