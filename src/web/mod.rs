//! The web server: a page for people, JSON for programs.
//!
//! It knows what the control socket knows, by the same means: the published status, the history,
//! the messages that are kept, and the way of orders to the daemon. It asks the engine nothing. It
//! runs on a thread of its own with one task per connection, and a body that is long is written
//! piece by piece while its reader takes them, so that whoever reads slowly holds up nobody.
//!
//! The invariant: a request that comes by TCP is answered with data only when it shows a token or a
//! session that came of one, and changes something only when no foreign page can have sent it.

mod access;
mod accounts;
mod act;
mod body;
mod gate;
mod guard;
mod listen;
mod look;
mod metrics;
mod page;
mod past;
mod patient;
mod query;
mod refusal;
mod reports;
mod routes;
mod server;
mod session;
mod stream;
mod subscriptions;

use tokio::sync::watch;

use crate::config::Listen;

pub use listen::WebError;
pub use server::{Plan, Server, World};

/// Waits until it is said that it is over, or until nobody is left who could say so.
async fn over(word: &mut watch::Receiver<bool>) {
    drop(word.wait_for(|is_over| *is_over).await);
}

/// An address of the web server, as it is said to people.
fn shown(listen: &Listen) -> String {
    match listen {
        Listen::Tcp(address) => format!("http://{address}"),
        Listen::Unix(path) => format!("unix:{path}"),
    }
}
