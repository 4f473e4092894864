//! promtool, which judges metrics and rules as Prometheus would.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use super::trial::{Need, Program};

/// What a trial that has metrics or rules judged needs.
pub(crate) const PROMTOOL: Need = Need::Program(PROGRAM);

const PROGRAM: Program = Program {
    name: "promtool",
    packages: "prometheus",
};

/// What it says to this input, and whether it finds that good. `directory` is where it looks for
/// files.
#[track_caller]
pub(crate) fn promtool(directory: &Path, arguments: &[&str], input: &str) -> (bool, String) {
    let mut child = Command::new(PROGRAM.path())
        .args(arguments)
        .current_dir(directory)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("promtool starts");
    let mut stdin = child.stdin.take().expect("a pipe");
    stdin.write_all(input.as_bytes()).expect("it reads all");
    drop(stdin);
    let said = child.wait_with_output().expect("it ends");
    let text = [said.stdout, said.stderr].concat();
    (
        said.status.success(),
        String::from_utf8_lossy(&text).into_owned(),
    )
}
