//! Writes the answers of the simulated registrar, in the forms that registrars use.

use std::net::SocketAddr;

use super::behaviour::Form;
use super::text::{Text, list, parameter};

/// An answer before it is text.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Response {
    /// Status code.
    pub(super) code: u16,
    /// Headers beyond those that are copied from the request.
    pub(super) headers: Vec<(String, String)>,
}

impl Response {
    pub(super) fn new(code: u16) -> Self {
        Self {
            code,
            headers: Vec::new(),
        }
    }

    /// The bytes of the answer to a request that came from this address.
    pub(super) fn write(&self, request: &Text, from: SocketAddr, form: Form) -> Vec<u8> {
        let mut text = format!("SIP/2.0 {} {}\r\n", self.code, reason(self.code));
        for (nth, via) in request.all("via").enumerate() {
            let value = if nth == 0 {
                seen(via, from)
            } else {
                via.to_owned()
            };
            line(&mut text, "Via", &value, form);
        }
        let header = |name| request.header(name).unwrap_or_default();
        line(&mut text, "From", header("from"), form);
        line(&mut text, "To", &tagged(header("to"), self.code), form);
        line(&mut text, "Call-ID", header("call-id"), form);
        line(&mut text, "CSeq", header("cseq"), form);
        for (name, value) in &self.headers {
            line(&mut text, name, value, form);
        }
        line(&mut text, "Content-Length", "0", form);
        text.push_str("\r\n");
        text.into_bytes()
    }
}

/// Where an answer goes (RFC 3261 §18.2.2, RFC 3581 §4).
pub(super) fn address(request: &Text, from: SocketAddr) -> SocketAddr {
    let top = request.header("via").and_then(|value| list(value).next());
    let Some(top) = top.filter(|top| parameter(top, "rport").is_none()) else {
        return from;
    };
    let sent_by = top.split(';').next().unwrap_or_default();
    let port = sent_by
        .rsplit_once(':')
        .and_then(|(_, port)| port.trim().parse().ok());
    SocketAddr::new(from.ip(), port.unwrap_or(5060))
}

/// The Via line with `received` and `rport` as the registrar saw them.
fn seen(via: &str, from: SocketAddr) -> String {
    let mut parts = via.split(';').map(str::trim);
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        text.push(';');
        if part.eq_ignore_ascii_case("rport") {
            text.push_str(&format!("rport={};received={}", from.port(), from.ip()));
        } else {
            text.push_str(part);
        }
    }
    text
}

/// To with a tag of ours, unless it has one or the answer is 100.
fn tagged(to: &str, code: u16) -> String {
    let parameters = to.rsplit_once('>').map_or(to, |(_, parameters)| parameters);
    if code == 100 || parameter(parameters, "tag").is_some() {
        to.to_owned()
    } else {
        format!("{to};tag=sim")
    }
}

fn line(text: &mut String, name: &str, value: &str, form: Form) {
    match form {
        Form::Plain => text.push_str(name),
        Form::Compact => text.push_str(compact(name)),
        Form::Folded => text.push_str(&name.to_ascii_uppercase()),
    }
    match form {
        Form::Plain => text.push_str(": "),
        Form::Compact => text.push(':'),
        Form::Folded => text.push_str(" :\r\n\t"),
    }
    if form == Form::Folded && !matches!(name, "CSeq" | "Call-ID") {
        text.push_str(&value.replace(", ", ",\r\n  "));
    } else {
        text.push_str(value);
    }
    text.push_str("\r\n");
}

fn compact(name: &str) -> &str {
    match name {
        "Via" => "v",
        "From" => "f",
        "To" => "t",
        "Call-ID" => "i",
        "Contact" => "m",
        "Content-Length" => "l",
        "CSeq" => "cSEQ",
        "WWW-Authenticate" => "wWw-AuThEnTiCaTe",
        other => other,
    }
}

fn reason(code: u16) -> &'static str {
    match code {
        100 => "Trying",
        200 => "OK",
        301 => "Moved Permanently",
        302 => "Moved Temporarily",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        407 => "Proxy Authentication Required",
        408 => "Request Timeout",
        420 => "Bad Extension",
        423 => "Interval Too Brief",
        480 => "Temporarily Unavailable",
        481 => "Call/Transaction Does Not Exist",
        500 => "Server Internal Error",
        503 => "Service Unavailable",
        504 => "Server Time-out",
        600 => "Busy Everywhere",
        603 => "Decline",
        _ => "Sim",
    }
}
