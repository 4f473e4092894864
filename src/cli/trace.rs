//! `regent trace`.

use std::fs::File;
use std::io::{self, BufWriter, IsTerminal as _, Write};
use std::net::UdpSocket;
use std::time::Duration;

use anyhow::{Context as _, anyhow};

use super::args::{Trace, written};
use super::connect::connect;
use super::follow::{Turn, object, say_object};
use super::screen::{Screen, note, out};
use super::status::PATIENCE;
use super::{End, Failure};
use crate::control::protocol::{Call, Done, Item, Says, Wanted};
use crate::control::{Client, ClientError};
use crate::status::words::count;
use crate::trace::ladder::{Ladder, full};
use crate::trace::pcap::Pcap;
use crate::trace::{Entry, State, connect as connect_udp, hep};

/// Shows messages, or writes them to where they were asked for.
pub(super) fn trace(arguments: &Trace) -> Result<End, Failure> {
    // A file that cannot be written is told before anything is asked.
    let mut sink = Sink::new(arguments)?;
    let mut client = connect(&arguments.socket, PATIENCE)?;
    let mut told = 0;
    client.say(Call::Trace(Some(wanted(arguments))))?;
    let mut batch = Vec::new();
    let state = loop {
        match client.hear()? {
            Says::Item(Item::Message(entry)) => batch.push(entry),
            Says::Item(Item::Missed(number)) => say_missed(number),
            Says::Item(Item::Following(state)) | Says::Done(Done::Trace(state)) => break state,
            Says::Error(fault) => return Err(ClientError::Fault(fault).into()),
            Says::Item(_) => {}
            Says::Done(_) => return Err(ClientError::Ended.into()),
        }
        // A ladder is laid out for all of its first messages; a file need not wait for them.
        if batch.len() >= BATCH && !sink.is_ladder() {
            told += sink.take(&batch)?;
            batch.clear();
        }
    };
    if state.memory == 0 {
        let why = anyhow!("the daemon keeps no messages");
        return Err(Failure::failed(why).hint("trace_memory_mib is 0 in its configuration"));
    }
    told += sink.take(&batch)?;
    if arguments.follow {
        sink.flush()?;
        follow(&mut client, &mut sink)?;
    }
    sink.finish(arguments, told, &state)?;
    Ok(End::Done)
}

/// Shows what comes, until the daemon ends or nobody reads any more.
fn follow(client: &mut Client, sink: &mut Sink) -> Result<(), Failure> {
    loop {
        let mut batch = Vec::new();
        while let Some(says) = client.next_read()? {
            match says {
                Says::Item(Item::Message(entry)) => batch.push(entry),
                Says::Item(Item::Missed(number)) if sink.is_json() => {
                    say_object(&Turn::Missed(number))?;
                }
                Says::Item(Item::Missed(number)) => say_missed(number),
                Says::Error(fault) => return Err(ClientError::Fault(fault).into()),
                Says::Item(_) | Says::Done(_) => {}
            }
        }
        if !batch.is_empty() {
            sink.take(&batch)?;
            sink.flush()?;
        }
        super::watch::wait(client, QUIET)?;
    }
}

fn say_missed(number: u64) {
    note(&format!("{} went by unread", count(number, "message")));
}

fn wanted(arguments: &Trace) -> Wanted {
    let is_for_people = !arguments.json && arguments.pcap.is_none() && arguments.hep.is_none();
    let usual = match arguments.follow {
        true => Some(USUAL_BEFORE),
        false => Some(USUAL).filter(|_| is_for_people && arguments.since.is_none()),
    };
    Wanted {
        names: arguments.accounts.clone(),
        proxy_sets: arguments.proxy_set.clone(),
        registrars: arguments.registrar.iter().map(written).collect(),
        since: arguments.since,
        until: arguments.until,
        limit: arguments.limit.or(usual),
        follow: arguments.follow,
    }
}

/// Where messages go.
enum Sink {
    Ladder(Screen, Box<Ladder>),
    Full(Screen),
    /// One document, or one line per message; and how many there were.
    Json {
        is_lines: bool,
        told: u64,
    },
    Pcap(Pcap<BufWriter<Box<dyn Write>>>),
    Hep(UdpSocket),
}

impl Sink {
    fn new(arguments: &Trace) -> Result<Self, Failure> {
        if let Some(path) = &arguments.pcap {
            let to: Box<dyn Write> = if path.as_os_str() == "-" {
                if io::stdout().is_terminal() {
                    return Err(Failure::usage("a capture is not for a terminal".to_owned())
                        .hint("name a file, or pass it on: regent trace --pcap - | tshark -r -"));
                }
                Box::new(out())
            } else {
                let file = File::create(path)
                    .with_context(|| format!("cannot write {}", path.display()))
                    .map_err(Failure::failed)?;
                Box::new(file)
            };
            return Ok(Self::Pcap(Pcap::new(BufWriter::new(to))?));
        }
        if let Some(server) = &arguments.hep {
            let socket = connect_udp(server)
                .with_context(|| format!("cannot reach the capture server {server}"))
                .map_err(Failure::failed)?;
            return Ok(Self::Hep(socket));
        }
        if arguments.json {
            let is_lines = arguments.follow;
            return Ok(Self::Json { is_lines, told: 0 });
        }
        let screen = Screen::new();
        if arguments.full {
            return Ok(Self::Full(screen));
        }
        let ladder = Box::new(Ladder::new(screen.width()));
        Ok(Self::Ladder(screen, ladder))
    }

    fn is_json(&self) -> bool {
        matches!(self, Self::Json { .. })
    }

    fn is_ladder(&self) -> bool {
        matches!(self, Self::Ladder(..))
    }

    /// Takes messages and says how many of them it has use for.
    fn take(&mut self, entries: &[Entry]) -> Result<u64, Failure> {
        let mut told = entries.len() as u64;
        match self {
            Self::Ladder(screen, ladder) => screen.print(&ladder.add(entries))?,
            Self::Full(screen) => {
                for entry in entries {
                    screen.print(&full(entry))?;
                }
            }
            Self::Json { is_lines, told } => {
                let mut out = BufWriter::new(out());
                for entry in entries {
                    if *is_lines {
                        writeln!(out, "{}", object(entry)?)?;
                    } else {
                        out.write_all(if *told == 0 { OPENING } else { b",\n" })?;
                        serde_json::to_writer(&mut out, entry).map_err(io::Error::from)?;
                    }
                    *told += 1;
                }
                out.flush()?;
            }
            Self::Pcap(pcap) => {
                told = 0;
                for entry in entries {
                    told += u64::from(pcap.write(entry)?);
                }
            }
            Self::Hep(socket) => {
                told = 0;
                for packet in entries
                    .iter()
                    .filter_map(|entry| hep::packet(entry, HEP_ID))
                {
                    // The second one tells whether this one, too, finds nobody.
                    let sent = socket.send(&packet).or_else(|_| socket.send(&packet));
                    sent.context("the capture server does not take it")
                        .map_err(Failure::failed)?;
                    told += 1;
                }
            }
        }
        Ok(told)
    }

    fn flush(&mut self) -> Result<(), Failure> {
        if let Self::Pcap(pcap) = self {
            pcap.flush()?;
        }
        Ok(())
    }

    /// Ends it, and says how much there was.
    fn finish(self, arguments: &Trace, told: u64, state: &State) -> Result<(), Failure> {
        match self {
            Self::Ladder(..) | Self::Full(_) => {
                if told == 0 {
                    note("no message matches");
                } else if arguments.limit.is_none() && told == u64::from(USUAL) {
                    note(&format!(
                        "the last {told}; --limit or --since show more of what is kept"
                    ));
                }
            }
            Self::Json { is_lines: true, .. } => {}
            Self::Json { told, .. } => {
                let mut out = out();
                if told == 0 {
                    out.write_all(OPENING)?;
                }
                // The fields of the state stand beside the messages.
                let state = serde_json::to_string(state).map_err(io::Error::from)?;
                writeln!(out, "\n],{}", state.trim_start_matches('{'))?;
                out.flush()?;
            }
            Self::Pcap(pcap) => {
                pcap.finish()?;
                note(&format!("{} written", count(told, "message")));
            }
            Self::Hep(_) => note(&format!("{} sent", count(told, "message"))),
        }
        Ok(())
    }
}

/// So many messages are shown where nothing else was said.
const USUAL: u32 = 100;

/// And so many of the past before those to come.
const USUAL_BEFORE: u32 = 10;

/// So many are handed on at once.
const BATCH: usize = 1_024;

/// It is looked for a reader that has gone this often.
const QUIET: Duration = Duration::from_secs(1);

/// What a capture server is told that comes from this command.
const HEP_ID: u32 = 2_000;

const OPENING: &[u8] = b"{\"schema\":1,\"messages\":[\n";
