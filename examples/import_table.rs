//! Another program that reads ini files of devices: imports one, and tells what becomes of each
//! Account.
//!
//! `cargo run --example import_table -- conf/sample-account-table.ini`. Addresses of the device are
//! taken as they are, wherever this runs.
#![allow(clippy::print_stdout)]

use regent::config::import::{Limits, Passwords, Surroundings, import};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args().nth(1).ok_or("which file?")?;
    let text = std::fs::read_to_string(&path)?;
    let surroundings = Surroundings {
        interfaces: &[],
        is_local: &|_| true,
        passwords: &Passwords::default(),
        limits: Limits::default(),
    };
    let imported = import(&path, &text, &surroundings);
    for row in imported
        .report
        .rows
        .iter()
        .filter(|row| row.table == "Account")
    {
        let name = row.name.as_deref().unwrap_or("(no name)");
        let why = row.why.as_deref().unwrap_or_default();
        println!("{}  {name}  {:?}  {why}", row.index, row.outcome);
    }
    let accounts = imported.config.map_or(Vec::new(), |config| config.accounts);
    for account in accounts {
        let host = account.host().unwrap_or("the registrar's address");
        println!("sip:{}@{host} for {}", account.user(), account.served.name);
    }
    println!("{}", imported.report.summary);
    Ok(())
}
