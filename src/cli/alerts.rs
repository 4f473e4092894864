//! `regent alerts`.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use clap::{ArgGroup, Args, Subcommand, ValueEnum};
use clap_complete::engine::ArgValueCompleter;

use super::connect::{Socket, connect};
use super::screen::{Screen, note, out, say};
use super::status::{PATIENCE, now};
use super::watch::wait;
use super::{End, Failure, ask, complete};
use crate::config::TimeLimit;
use crate::configure::{self, Edit, Rejection, Signer, Subscription};
use crate::control::ClientError;
use crate::control::protocol::{Call, Done, Item, Names, Says, Tested};
use crate::daemon::load_text;
use crate::secret::Secret;
use crate::status::alerts::{deliveries, table};
use crate::status::subscriptions::subscriptions;
use crate::status::words::{clean, count};
use crate::status::{AlertStatus, DeliveryStatus, SCHEMA, SubscriptionStatus};

#[derive(Args, Debug)]
pub(super) struct Alerts {
    #[command(subcommand)]
    what: What,

    #[command(flatten)]
    socket: Socket,
}

#[derive(Subcommand, Debug)]
enum What {
    /// Show alerts that go on, notices that are not delivered yet, and who is told
    List(List),
    /// Make a subscription
    ///
    /// It is written into the configuration, as by `regent configure alert add`, and the daemon
    /// reloads it.
    Subscribe(Box<Subscribe>),
    /// Take a subscription out of the configuration, with its alerts and notices
    Unsubscribe(Unsubscribe),
    /// Send a test, and say whether it arrived at the mail server or the webhook
    Test(Test),
}

#[derive(Args, Debug)]
struct List {
    /// Print JSON: {"schema": 1, "alerts": [...], "deliveries": [...], "subscriptions": [...]}
    #[arg(long)]
    json: bool,
}

#[derive(Args, Debug)]
#[command(group = ArgGroup::new("means").required(true).multiple(true))]
struct Subscribe {
    /// What it is to be called
    #[arg(value_name = "NAME")]
    name: String,

    /// Mail this address, by the server in [mail]
    #[arg(long, value_name = "ADDRESS", group = "means")]
    email: Option<String>,

    /// Post to this address, http or https
    #[arg(long, value_name = "URL", group = "means")]
    webhook: Option<String>,

    /// Sign what is posted with the first line of this file
    #[arg(long, value_name = "FILE", requires = "webhook")]
    webhook_secret_file: Option<String>,

    /// Sign what is posted with a secret that is asked for, or read from the standard input; it
    /// stands in the configuration
    #[arg(long, requires = "webhook", conflicts_with = "webhook_secret_file")]
    webhook_secret: bool,

    /// Only about this Account; may be given more than once [default: all]
    #[arg(long = "account", value_name = "NAME", add = ArgValueCompleter::new(complete::accounts))]
    accounts: Vec<String>,

    /// Say nothing when an Account is registered again
    #[arg(long)]
    no_resolution: bool,

    /// Say nothing when an Account has not come back within the time limit
    #[arg(long)]
    no_timeout: bool,

    /// How long an alert is watched
    #[arg(long, value_name = "TIME", value_enum, default_value_t = Limit::Day)]
    time_limit: Limit,

    #[command(flatten)]
    place: Place,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum, Debug)]
enum Limit {
    #[value(name = "1h")]
    Hour,
    #[value(name = "2h")]
    TwoHours,
    #[value(name = "6h")]
    SixHours,
    #[value(name = "12h")]
    HalfDay,
    #[value(name = "24h")]
    Day,
}

#[derive(Args, Debug)]
struct Unsubscribe {
    /// Which subscription
    #[arg(value_name = "NAME", add = ArgValueCompleter::new(complete::subscriptions))]
    name: String,

    #[command(flatten)]
    place: Place,
}

/// Which file is changed.
#[derive(Args, Debug)]
struct Place {
    /// Change this file, and tell no daemon
    #[arg(short, long, value_name = "FILE", conflicts_with = "path")]
    config: Option<PathBuf>,

    /// Only show what would change
    #[arg(short = 'n', long)]
    dry_run: bool,
}

#[derive(Args, Debug)]
struct Test {
    /// Which subscriptions [default: all]
    #[arg(value_name = "NAME", add = ArgValueCompleter::new(complete::subscriptions))]
    names: Vec<String>,

    /// Print JSON: {"schema": 1, "tests": [...]}
    #[arg(long)]
    json: bool,

    /// Wait no longer than this
    #[arg(long, value_name = "SECONDS", default_value_t = 180)]
    timeout: u64,
}

/// Shows alerts, and changes who gets them.
pub(super) fn alerts(arguments: &Alerts) -> Result<End, Failure> {
    match &arguments.what {
        What::List(list) => show(list, &arguments.socket),
        What::Subscribe(wanted) => {
            let subscription = wanted.subscription()?;
            let end = change(&wanted.place, &arguments.socket, |file| {
                configure::subscribe(file, &subscription, |text| load_text(file, text))
            })?;
            let is_in_force = !wanted.place.dry_run && wanted.place.config.is_none();
            if end == End::Done && is_in_force {
                note("`regent alerts test` with its name says whether it arrives");
            }
            Ok(end)
        }
        What::Unsubscribe(gone) => change(&gone.place, &arguments.socket, |file| {
            configure::unsubscribe(file, &gone.name, |text| load_text(file, text))
        }),
        What::Test(wanted) => test(wanted, &arguments.socket),
    }
}

impl Subscribe {
    fn subscription(&self) -> Result<Subscription, Failure> {
        let signer = match &self.webhook_secret_file {
            Some(path) => Signer::File(path.clone()),
            None if self.webhook_secret => {
                let secret = ask::secret("webhook-secret: ");
                let secret = secret.context("cannot read the webhook-secret");
                Signer::Inline(Secret::new(secret.map_err(Failure::failed)?))
            }
            None => Signer::Kept,
        };
        Ok(Subscription {
            email: self.email.clone(),
            webhook: self.webhook.clone(),
            signer,
            accounts: (!self.accounts.is_empty()).then(|| self.accounts.clone()),
            send_resolution: !self.no_resolution,
            send_timeout: !self.no_timeout,
            time_limit: self.time_limit.into(),
            ..Subscription::new(&*self.name)
        })
    }
}

impl From<Limit> for TimeLimit {
    fn from(limit: Limit) -> Self {
        match limit {
            Limit::Hour => Self::Hour,
            Limit::TwoHours => Self::TwoHours,
            Limit::SixHours => Self::SixHours,
            Limit::HalfDay => Self::HalfDay,
            Limit::Day => Self::Day,
        }
    }
}

fn change(
    place: &Place,
    socket: &Socket,
    edit: impl FnOnce(&Path) -> Result<Edit, Rejection>,
) -> Result<End, Failure> {
    let whither = super::configure::Whither {
        config: place.config.clone(),
        dry_run: place.dry_run,
        socket: socket.clone(),
    };
    super::configure::carry(whither, edit)?.or_else(|rejection| rejected(&rejection))
}

/// Says why nothing was written.
fn rejected(rejection: &Rejection) -> Result<End, Failure> {
    let (end, refusal) = match rejection {
        Rejection::Unknown(refusal) | Rejection::Misfit(refusal) => (End::Usage, refusal),
        Rejection::Taken(refusal) | Rejection::File(refusal) => (End::Failed, refusal),
        Rejection::Faulty(refusals) => {
            for refusal in refusals {
                note(&refusal.located("").to_string());
            }
            return Ok(End::Failed);
        }
    };
    let failure = Failure::new(end, anyhow!("{}", refusal.message));
    Err(match &refusal.hint {
        Some(hint) => failure.hint(hint),
        None => failure,
    })
}

fn show(list: &List, socket: &Socket) -> Result<End, Failure> {
    let mut client = connect(socket, PATIENCE)?;
    let mut alerts: Vec<AlertStatus> = Vec::new();
    let mut notices: Vec<DeliveryStatus> = Vec::new();
    let mut subscribed: Vec<SubscriptionStatus> = Vec::new();
    let done = client.ask(Call::Alerts(None), |item| {
        if let Item::Alert(alert) = item {
            alerts.push(alert);
        } else if let Item::Delivery(notice) = item {
            notices.push(notice);
        } else if let Item::Subscription(subscription) = item {
            subscribed.push(subscription);
        }
        Ok(())
    })?;
    if list.json {
        return json((&alerts, &notices, &subscribed), &done);
    }
    let screen = Screen::new();
    if alerts.is_empty() {
        say("no alert goes on")?;
    } else {
        screen.print(&table(&alerts, screen.width()))?;
    }
    if !notices.is_empty() {
        let number = count(notices.len() as u64, "notice");
        say(&format!("\n{number} not delivered yet:"))?;
        screen.print(&deliveries(&notices, now(), screen.width()))?;
    }
    if subscribed.is_empty() {
        say("nobody is told of alerts: `regent alerts subscribe` changes that")?;
    } else {
        say("\nWho is told:")?;
        screen.print(&subscriptions(&subscribed, screen.width()))?;
    }
    Ok(End::Done)
}

/// Prints them as one JSON document.
fn json(
    (alerts, notices, subscribed): (&[AlertStatus], &[DeliveryStatus], &[SubscriptionStatus]),
    done: &Done,
) -> Result<End, Failure> {
    let mut out = io::BufWriter::new(out());
    write!(out, "{{\"schema\":{SCHEMA},\"alerts\":")?;
    serde_json::to_writer(&mut out, alerts).map_err(io::Error::from)?;
    out.write_all(b",\"deliveries\":")?;
    serde_json::to_writer(&mut out, notices).map_err(io::Error::from)?;
    out.write_all(b",\"subscriptions\":")?;
    serde_json::to_writer(&mut out, subscribed).map_err(io::Error::from)?;
    if let Done::Alerts { at, .. } = done {
        let at = serde_json::to_string(at).map_err(io::Error::from)?;
        write!(out, ",\"at\":{at}")?;
    }
    out.write_all(b"}\n")?;
    out.flush()?;
    Ok(End::Done)
}

fn test(wanted: &Test, socket: &Socket) -> Result<End, Failure> {
    let mut client = connect(socket, Duration::from_secs(wanted.timeout))?;
    let names = Names {
        names: wanted.names.clone(),
    };
    client.say(Call::TestAlert(Some(names)))?;
    // What is refused, or done at once, needs no patience.
    if !wait(&mut client, AT_ONCE)? && !wanted.json {
        note("sending; a server that does not answer takes up to 90 s");
    }
    let mut tested: Vec<Tested> = Vec::new();
    loop {
        match client.hear()? {
            Says::Item(Item::Tested(one)) => tested.push(one),
            Says::Item(_) => {}
            Says::Done(_) => break,
            Says::Error(fault) => return Err(ClientError::Fault(fault).into()),
        }
    }
    let is_good = !tested.is_empty() && tested.iter().all(|one| one.trouble.is_none());
    if wanted.json {
        let tests = serde_json::to_string(&tested).map_err(Failure::failed)?;
        say(&format!("{{\"schema\":{SCHEMA},\"tests\":{tests}}}"))?;
    } else {
        for one in &tested {
            let [name, to] = [&one.subscription, &one.to].map(|text| clean(text));
            let means = clean(&one.means);
            match &one.trouble {
                None => say(&format!("{name}: {means} to {to}: delivered"))?,
                Some(why) => say(&format!("{name}: {means} to {to}: failed: {}", clean(why)))?,
            }
        }
    }
    match (is_good, tested.is_empty()) {
        (true, _) => Ok(End::Done),
        (false, true) => Err(Failure::failed(anyhow!("nothing could be sent"))),
        (false, false) => Ok(End::Failed),
    }
}

/// What takes no longer than this is not announced.
const AT_ONCE: Duration = Duration::from_millis(500);

pub(super) const EXAMPLES: &str = "\
Examples:
  regent alerts list                    what is lost now, and who is told
  regent alerts list --json             the same for programs
  regent alerts subscribe operations --email operations@example.net
  regent alerts subscribe night --email night@example.net --account main \\
      --account fax --time-limit 6h --no-resolution
  regent alerts subscribe hook --webhook https://hooks.example.net/regent \\
      --webhook-secret-file hook.secret
  regent alerts unsubscribe night
  regent alerts test operations         does it arrive?

Mails go out by the server that [mail] of the configuration names:
  regent configure mail set server mail.example.net from regent@example.net

Exit code 1 if a test did not arrive, or a change was refused; 2 if there
is no such subscription.";
