//! What the world does wrong: hostile datagrams, dead registrars, bad files, closed folders, ports
//! in use, and signals at the worst time. The real daemon, as a process.

use libtest_mimic::Trial;

mod configuration;
mod hostile;
mod memory;
mod permissions;
mod secrets;
mod stopping;
mod unreachable;

pub(crate) fn trials() -> Vec<Trial> {
    [
        configuration::trials(),
        hostile::trials(),
        memory::trials(),
        permissions::trials(),
        secrets::trials(),
        stopping::trials(),
        unreachable::trials(),
    ]
    .into_iter()
    .flatten()
    .collect()
}
