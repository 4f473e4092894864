//! The way into the web, for a client.

use super::Client;
use crate::control::protocol::{Done, Fault, FaultCode};

impl Client<'_> {
    pub(super) fn web(&self) -> Result<Done, Fault> {
        let Some(gate) = self.board.gate() else {
            let hint = "add [web] to the configuration and reload it: `regent configure web set \
                        listen 127.0.0.1:8060`";
            return Err(Fault {
                hint: Some(hint.to_owned()),
                ..Fault::new(FaultCode::NoWeb, "the daemon serves no web page")
            });
        };
        let entrance = gate.let_in();
        Ok(Done::Web {
            addresses: entrance.addresses,
            sockets: entrance.sockets,
            code: entrance.code,
            valid_secs: entrance.valid_secs,
        })
    }
}
