//! `regent demo`.

use std::time::{Duration, Instant};

use super::args::Demo;
use super::live::{Options, Start, live};
use super::screen::{Screen, say};
use super::signals::Signals;
use super::view::View;
use super::watch::is_seen;
use super::{End, Failure};
use crate::control::protocol::{Call, Done, Filter};
use crate::control::{Client, ClientError};
use crate::demo::{self, Served, Stage};
use crate::status::order::SortKey;
use crate::status::words::{clock, count};

/// Shows everything on this machine alone.
pub(super) fn demo(arguments: &Demo) -> Result<End, Failure> {
    // Before there is any other thread, so that none of them takes a signal for itself.
    let signals = Signals::take()?;
    let (shown, stopped) = demo::run(|stage| {
        let shown = show(stage, arguments, &signals);
        shown.map(|()| stage.registrars())
    })
    .map_err(Failure::failed)?;
    let registrars = shown?;
    for (name, served) in &registrars {
        say(&report(name, served))?;
    }
    let registers: u64 = registrars
        .iter()
        .map(|(_, served)| served.counts.registers)
        .sum();
    let left = match stopped.left {
        0 => "all bindings were removed".to_owned(),
        left => format!("{} could not be removed", count(left.into(), "binding")),
    };
    let registers = count(registers, "REGISTER");
    say(&format!(
        "The registrars heard {registers}. The daemon has stopped; {left}."
    ))?;
    Ok(End::Done)
}

/// What a registrar has to say, from its own books, before the daemon took leave.
fn report(name: &str, served: &Served) -> String {
    let Served {
        address,
        counts,
        bindings,
    } = served;
    let mut text = format!(
        "\n{name} ({address}) heard {}, {}, {}, and held {}",
        count(counts.registers, "REGISTER"),
        count(counts.retransmissions, "retransmission"),
        count(counts.wrong_credentials, "wrong password"),
        count(bindings.len() as u64, "binding"),
    );
    for (aor, contact) in bindings {
        text += &format!("\n  {aor} at {contact}");
    }
    text
}

fn show(stage: &Stage, arguments: &Demo, signals: &Signals) -> Result<(), Failure> {
    let introduction = introduction(stage)?;
    let screen = Screen::new();
    if is_seen(&screen) {
        let end = arguments
            .seconds
            .map(|seconds| Instant::now() + Duration::from_secs(seconds));
        let options = Options {
            connect: &|| Ok(knock(stage)?),
            filter: Filter::default(),
            phases: &[],
            registrars: &[],
            sort: SortKey::Index,
            tab: Start::Accounts,
            words: &introduction,
            end,
        };
        return live(&options, signals).map(drop);
    }
    let mut view = View::new(knock(stage)?, Filter::default())?;
    say(&introduction)?;
    let seconds = arguments.seconds.unwrap_or(SECONDS);
    let end = Instant::now() + Duration::from_secs(seconds);
    pictures(&mut view, &screen, end, signals)
}

/// What there is to see, and where the page is.
fn introduction(stage: &Stage) -> Result<String, Failure> {
    let mut text = stage.introduction();
    let done = knock(stage)?.ask(Call::Web(None), |_| Ok(()));
    if let Ok(Done::Web {
        addresses, code, ..
    }) = done
        && let Some(address) = addresses.first()
    {
        let link = super::web::link(address, &code);
        text += &format!("\nIn a browser, within a minute: {link}");
    }
    Ok(text)
}

/// Prints the table at the start, when the state of an Account has changed, and at the end.
fn pictures(
    view: &mut View,
    screen: &Screen,
    end: Instant,
    signals: &Signals,
) -> Result<(), Failure> {
    let mut shown = None;
    loop {
        // Changes that come together are one picture.
        let settled = Instant::now() + SETTLE;
        while let left = settled.saturating_duration_since(Instant::now())
            && !left.is_zero()
        {
            view.wait(left)?;
        }
        let is_over = Instant::now() >= end || signals.have_come();
        let state = view.state();
        if is_over || shown.as_ref() != Some(&state) {
            say(&format!("\n{}", clock(super::status::now())))?;
            screen.print(&view.lines(screen.width()))?;
            shown = Some(state);
        }
        if is_over {
            return Ok(());
        }
    }
}

/// Connects to the daemon, which is just starting.
fn knock(stage: &Stage) -> Result<Client, ClientError> {
    let patience = Duration::from_secs(10);
    Client::connect(&stage.socket(), patience)
}

/// So long it runs where nobody can end it.
const SECONDS: u64 = 30;

/// Changes within this time are shown together.
const SETTLE: Duration = Duration::from_secs(1);
