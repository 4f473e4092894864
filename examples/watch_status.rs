//! Another program that wants to know: follows every change of every Account over the control
//! socket.
//!
//! `cargo run --example watch_status -- PATH-OF-THE-SOCKET [CHANGES]` prints a line for each
//! change, and ends after so many.
#![allow(clippy::print_stdout)]

use std::path::PathBuf;
use std::time::Duration;

use regent::control::Client;
use regent::control::protocol::{Call, Filter, Item, Says};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let path = PathBuf::from(arguments.next().ok_or("which socket?")?);
    let most: usize = arguments
        .next()
        .map_or(Ok(usize::MAX), |text| text.parse())?;

    // The limit is for one line of the answer: a quiet day is no error, so it is a long one.
    let mut client = Client::connect(&path, Duration::from_secs(24 * 3_600))?;
    client.say(Call::Watch(Some(Filter::default())))?;
    let mut seen = 0;
    while seen < most {
        match client.hear()? {
            Says::Item(Item::Account(status)) => {
                seen += 1;
                println!("{}  {:?}  {}", status.name, status.phase, status.status);
            }
            Says::Item(Item::Missed(count)) => println!("{count} changes were too fast for us"),
            Says::Item(_) => {}
            Says::Done(_) => break,
            Says::Error(fault) => return Err(fault.message.into()),
        }
    }
    Ok(())
}
