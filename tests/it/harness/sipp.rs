//! SIPp as a registrar that follows a scenario of ours, for the answers that others do not give.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use super::message::{Message, Transcript};
use super::process::{Process, show};
use super::sandbox::{Sandbox, free_udp_address, read_text};
use super::trial::{Need, Program};
use super::wait::wait_for;

/// What a trial with this registrar needs.
pub(crate) const SIPP: Need = Need::Program(PROGRAM);

const PROGRAM: Program = Program {
    name: "sipp",
    packages: "sip-tester",
};

/// A running scenario: one call or several, each of which is all requests of one Call-ID.
pub(crate) struct Sipp {
    address: SocketAddr,
    directory: PathBuf,
    process: Process,
}

impl Sipp {
    /// Starts a scenario of one call with its placeholders filled in, and waits until its port is
    /// open.
    #[track_caller]
    pub(crate) fn start(sandbox: &Sandbox, scenario: &str, values: &[(&str, &str)]) -> Self {
        Self::start_calls(sandbox, scenario, values, "1")
    }

    /// As [`Sipp::start`], for a scenario that so many calls go through.
    #[track_caller]
    pub(crate) fn start_calls(
        sandbox: &Sandbox,
        scenario: &str,
        values: &[(&str, &str)],
        calls: &str,
    ) -> Self {
        let address = free_udp_address();
        let name = format!("sipp-{}", address.port());
        let directory = sandbox.directory(&name);
        sandbox.render(&format!("{name}/scenario.xml"), scenario, values);
        let (ip, port) = (address.ip().to_string(), address.port().to_string());
        let arguments = [
            "-sf",
            "scenario.xml",
            "-i",
            &ip,
            "-p",
            &port,
            "-bind_local",
            "-m",
            calls,
            "-nostdin",
            "-trace_msg",
            "-message_file",
            "messages",
            "-trace_err",
            "-error_file",
            "errors",
            "-timeout",
            "45",
            "-timeout_error",
            // SIPp strips white space at the start of a line; folded headers need it back.
            "-key",
            "fold",
            " ",
        ];
        // Its screen is of no use; what went wrong is in its error file.
        let log = PathBuf::from("/dev/null");
        let mut process = Process::start(&PROGRAM.path(), &arguments, &directory, &log);
        wait_for(Duration::from_secs(10), "SIPp to open its port", || {
            let ended = process.ended();
            let errors = read_text(&directory.join("errors"));
            assert!(ended.is_none(), "SIPp ended at once ({ended:?}): {errors}");
            is_open(address).then_some(())
        });
        Self {
            address,
            directory,
            process,
        }
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// All that has passed so far.
    pub(crate) fn transcript(&self) -> Transcript {
        let log = read_text(&self.directory.join("messages"));
        Transcript(log.split(RULE).filter_map(message).collect())
    }

    /// Waits until the scenario is over, asserts that all of it went as written, and returns what
    /// passed.
    #[track_caller]
    pub(crate) fn finish(&mut self, within: Duration) -> Transcript {
        let ended = self.process.wait(within);
        let errors = read_text(&self.directory.join("errors"));
        assert!(
            ended.success(),
            "the scenario was not followed ({ended}): {errors}"
        );
        self.transcript()
    }
}

impl Drop for Sipp {
    fn drop(&mut self) {
        if std::thread::panicking() {
            show("what SIPp saw", &self.transcript().to_string());
        }
    }
}

/// What SIPp's message log has between its entries.
const RULE: &str = "-----------------------------------------------";

/// Reads an entry: a line with the time, a line that says which way, an empty line, the message.
fn message(entry: &str) -> Option<Message> {
    let (time, rest) = entry.trim_start().split_once('\n')?;
    let (way, text) = rest.split_once("\n\n")?;
    // There are entries about what SIPp thinks of a message, too.
    if !way.starts_with("UDP message ") {
        return None;
    }
    let time: DateTime = time.trim().parse().ok()?;
    let at = time.to_zoned(TimeZone::UTC).ok()?.timestamp();
    Some(Message::new(at, text.to_owned()))
}

/// Whether some process has this UDP port open. To try it by a datagram would start the scenario.
fn is_open(address: SocketAddr) -> bool {
    let port = format!(":{:04X}", address.port());
    read_text("/proc/net/udp".as_ref())
        .lines()
        .filter_map(|line| line.split_whitespace().nth(1))
        .any(|local| local.ends_with(&port))
}
