//! `regent web`.

use anyhow::anyhow;
use clap::Args;

use super::connect::{Socket, connect};
use super::screen::say;
use super::status::PATIENCE;
use super::{End, Failure};
use crate::control::protocol::{Call, Done};
use crate::status::SCHEMA;

#[derive(Args, Debug)]
pub(super) struct Web {
    /// Print JSON: {"schema": 1, "addresses": [...], "sockets": [...], "code": "...",
    /// "valid_secs": 60, "link": "..."}
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    socket: Socket,
}

/// Says where the web page is, and lets whoever asks in.
pub(super) fn web(arguments: &Web) -> Result<End, Failure> {
    let mut client = connect(&arguments.socket, PATIENCE)?;
    let done = client.ask(Call::Web(None), |_| Ok(()))?;
    let Done::Web {
        addresses,
        sockets,
        code,
        valid_secs,
    } = done
    else {
        return Err(Failure::failed(anyhow!(
            "the daemon said something else than it was asked"
        )));
    };
    let links: Vec<String> = addresses.iter().map(|it| link(it, &code)).collect();
    if arguments.json {
        let told = serde_json::json!({
            "schema": SCHEMA,
            "addresses": addresses,
            "sockets": sockets,
            "code": code,
            "valid_secs": valid_secs,
            "link": links.first(),
        });
        say(&told.to_string())?;
        return Ok(End::Done);
    }
    for link in &links {
        say(link)?;
    }
    for socket in &sockets {
        say(&format!("unix:{}", socket.display()))?;
    }
    if !links.is_empty() {
        let each = if links.len() > 1 {
            "one of these"
        } else {
            "it"
        };
        say(&format!(
            "Open {each} in a browser within {valid_secs} s: it signs in once."
        ))?;
    }
    Ok(End::Done)
}

/// The address that signs in. What stands behind `#` is sent to no server and stands in no log.
pub(super) fn link(address: &str, code: &str) -> String {
    // Nobody can be asked at "any address".
    let address = address
        .replace("://0.0.0.0:", "://127.0.0.1:")
        .replace("://[::]:", "://[::1]:");
    format!("{address}/#code={code}")
}

pub(super) const EXAMPLES: &str = "\
Examples:
  regent web                            a link that signs in once
  regent web --json                     the same for programs
  xdg-open \"$(regent web | head -n 1)\"  open it at once

The daemon serves a page where its configuration has a table [web]:
  regent configure web set listen 127.0.0.1:8060

Programs send the header \"Authorization: Bearer TOKEN\" with the token of
that table; /api/v1/openapi.json describes what they can ask.";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_leads_to_an_address_that_can_be_asked() {
        for (address, wanted) in [
            ("http://127.0.0.1:8060", "http://127.0.0.1:8060/#code=c"),
            ("http://0.0.0.0:80", "http://127.0.0.1:80/#code=c"),
            ("http://[::]:80", "http://[::1]:80/#code=c"),
            ("http://[2001:db8::1]:80", "http://[2001:db8::1]:80/#code=c"),
        ] {
            assert_eq!(link(address, "c"), wanted);
        }
    }
}
