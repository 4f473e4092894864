//! Requests that arrive from outside, as far as no call is concerned (rule C1).

use std::net::SocketAddr;
use std::sync::Arc;

use crate::account::regevent::Reply;
use crate::cx::Cx;
use crate::effect::{Output, Via};
use crate::sip::message::Message;
use crate::sip::write::Writer;

/// Owner number of the draws for our tags in answers.
const TAGS: u64 = u64::MAX - 1;

/// What is known of who sends a request.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Sender {
    /// Nothing.
    Stranger,
    /// It is a member of a Proxy Set.
    Known,
    /// It is, and what it asks for has a port of its own, but not this one (rule U4).
    WrongPort,
}

/// Answers a request statelessly. From a known address: OPTIONS 200, INVITE 480 (nobody is there to
/// take it), else 481, as nothing of ours is ever in a dialog; 404 at the wrong port. From
/// strangers: INVITE 403, and silence for the rest.
pub(super) fn answer(
    message: &Message<'_>,
    via: Via,
    from: SocketAddr,
    sender: Sender,
    cx: &mut Cx,
) {
    let (code, reason) = match (message.method(), sender) {
        (Some("ACK") | None, _) => return,
        (Some(_), Sender::WrongPort) => (404, "Not Found"),
        (Some("OPTIONS"), Sender::Known) => (200, "OK"),
        (Some("INVITE"), Sender::Known) => (480, "Temporarily Unavailable"),
        (Some("INVITE"), Sender::Stranger) => (403, "Forbidden"),
        (Some(_), Sender::Known) => (481, "Call/Transaction Does Not Exist"),
        (Some(_), Sender::Stranger) => return,
    };
    if message.check().is_err() {
        return;
    }
    let header = (code == 200).then_some(("Allow", crate::account::ALLOW));
    let reply = Reply {
        code,
        reason,
        header,
    };
    say(message, (via, from), &reply, cx);
}

/// Answers a request statelessly.
pub(super) fn say(
    message: &Message<'_>,
    (via, from): (Via, SocketAddr),
    reply: &Reply,
    cx: &mut Cx,
) {
    let counter = cx.now.as_micros();
    let tag = cx.seed.draw(TAGS, counter).token();
    let mut out = std::mem::take(&mut cx.scratch);
    out.clear();
    let code = (reply.code, reply.reason);
    let mut writer = Writer::reply(&mut out, message, code, tag.as_str(), from);
    if let Some((name, value)) = reply.header {
        writer.parts(name, &[value]);
    }
    writer.finish(&[]);
    let bytes = Arc::from(&out[..]);
    cx.scratch = out;
    cx.out.push(Output::Transmit {
        via,
        to: from,
        bytes,
        owner: cx.heard,
    });
}
