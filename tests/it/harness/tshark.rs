//! tshark and sngrep, which read capture files.

use std::net::SocketAddr;
use std::path::Path;

use super::daemon::run;
use super::process::User;
use super::sandbox::Sandbox;
use super::trial::{Need, Program};

/// What a trial that reads capture files needs.
pub(crate) const TSHARK: Need = Need::Program(PROGRAM);

const PROGRAM: Program = Program {
    name: "tshark",
    packages: "tshark",
};

/// What a trial needs in which sngrep reads capture files.
pub(crate) const SNGREP: Need = Need::Program(SNGREP_PROGRAM);

const SNGREP_PROGRAM: Program = Program {
    name: "sngrep",
    packages: "sngrep",
};

/// Writes what sngrep has found of SIP in a file into another one.
#[track_caller]
pub(crate) fn copy_by_sngrep(sandbox: &Sandbox, file: &Path, copy: &Path) {
    let [file, copy] = [file, copy].map(|path| path.to_string_lossy());
    // Neither a screen nor a network, only the file.
    let arguments = ["-N", "-q", "-I", &*file, "-O", &*copy];
    let said = run(sandbox, User::Same, &SNGREP_PROGRAM.path(), &arguments);
    assert_eq!(said.code, Some(0), "{said:?}");
}

/// The named fields of each packet in a file; what goes to or comes from this address is SIP.
#[track_caller]
pub(crate) fn fields(
    sandbox: &Sandbox,
    file: &Path,
    sip: SocketAddr,
    names: &[&str],
) -> Vec<Vec<String>> {
    let file = file.to_string_lossy();
    let port = format!("udp.port=={},sip", sip.port());
    let mut arguments = vec!["-n", "-r", &*file, "-d", &*port, "-T", "fields"];
    // Both checks are off unless asked for.
    arguments.extend([
        "-o",
        "udp.check_checksum:TRUE",
        "-o",
        "ip.check_checksum:TRUE",
    ]);
    for name in names {
        arguments.extend(["-e", name]);
    }
    let said = run(sandbox, User::Same, &PROGRAM.path(), &arguments);
    assert_eq!(said.code, Some(0), "{said:?}");
    let rows = said.out.lines();
    rows.map(|line| line.split('\t').map(str::to_owned).collect())
        .collect()
}
