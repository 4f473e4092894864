//! A process that never outlives its trial.

use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;
use std::{io, thread};

use nix::sys::signal::{Signal, kill, killpg};
use nix::unistd::Pid;

use super::sandbox::read_text;
use super::trial::Program;
use super::wait::wait_for;

/// Part of util-linux, so on every Debian system. With it a process is ended by the kernel when the
/// test program dies without a chance to clean up, as it does by Ctrl-C.
pub(super) const SETPRIV: Program = Program {
    name: "setpriv",
    packages: "util-linux",
};

/// Who a program runs as.
#[derive(Clone, Copy)]
pub(crate) enum User {
    /// Whoever runs the tests.
    Same,
    /// A user without privileges, in one group and no other.
    Other {
        /// The user.
        uid: u32,
        /// The group.
        gid: u32,
    },
}

impl User {
    /// The one that owns nothing.
    pub(crate) const NOBODY: Self = Self::Other {
        uid: 65_534,
        gid: 65_534,
    };
}

/// Where a program is started, and as whom.
#[derive(Clone, Copy)]
pub(crate) struct Setting<'s> {
    /// As whom; another user is for a trial that needs `UNPRIVILEGED`.
    pub(crate) user: User,
    /// Its working directory.
    pub(crate) directory: &'s Path,
    /// Where its output is appended to.
    pub(crate) log: &'s Path,
    /// Where its standard error is appended to, if not to the same file.
    pub(crate) errors: Option<&'s Path>,
    /// What its environment says besides.
    pub(crate) environment: &'s [(&'s str, &'s str)],
}

impl<'s> Setting<'s> {
    /// Nothing special.
    pub(crate) fn new(directory: &'s Path, log: &'s Path) -> Self {
        Self {
            user: User::Same,
            directory,
            log,
            errors: None,
            environment: &[],
        }
    }
}

/// A started program with its output in a file. Dropped while it runs, it is killed with all its
/// children.
pub(crate) struct Process {
    name: String,
    child: Child,
    log: PathBuf,
    ended: Option<ExitStatus>,
}

impl Process {
    /// Starts `program` in a process group of its own, its output appended to `log`.
    #[track_caller]
    pub(crate) fn start(program: &Path, arguments: &[&str], directory: &Path, log: &Path) -> Self {
        Self::start_in(&Setting::new(directory, log), program, arguments)
    }

    /// The same in a setting.
    #[track_caller]
    pub(crate) fn start_in(setting: &Setting<'_>, program: &Path, arguments: &[&str]) -> Self {
        let name = program
            .file_name()
            .map_or_else(String::new, |n| n.to_string_lossy().into());
        let open = |path: &Path| {
            let mut options = OpenOptions::new();
            let file = options.create(true).append(true).open(path);
            file.expect("a log file")
        };
        let log = setting.log;
        let mut command = guarded(setting.user, program);
        for variable in FOREIGN {
            command.env_remove(variable);
        }
        let child = command
            .args(arguments)
            .current_dir(setting.directory)
            // Logs are compared with times in UTC.
            .env("TZ", "UTC")
            // What outlives a daemon outlives it in the trial's own directory.
            .env("STATE_DIRECTORY", setting.directory.join("state"))
            .envs(setting.environment.iter().copied())
            .stdin(Stdio::null())
            .stdout(open(log))
            .stderr(open(setting.errors.unwrap_or(log)))
            .process_group(0)
            .spawn()
            .unwrap_or_else(|why| panic!("cannot start {}: {why}", program.display()));
        Self {
            name,
            child,
            log: log.to_owned(),
            ended: None,
        }
    }

    /// Its number.
    pub(crate) fn pid(&self) -> Pid {
        Pid::from_raw(i32::try_from(self.child.id()).expect("a process id is positive"))
    }

    /// Sends a signal to the process itself.
    #[track_caller]
    pub(crate) fn signal(&self, signal: Signal) {
        kill(self.pid(), signal).unwrap_or_else(|why| panic!("{signal} to {}: {why}", self.name));
    }

    /// Sends a signal to the process and to all its children.
    #[track_caller]
    pub(crate) fn signal_all(&self, signal: Signal) {
        killpg(self.pid(), signal).unwrap_or_else(|why| panic!("{signal} to {}: {why}", self.name));
    }

    /// How it ended, if it has.
    #[track_caller]
    pub(crate) fn ended(&mut self) -> Option<ExitStatus> {
        if self.ended.is_none() {
            self.ended = self
                .child
                .try_wait()
                .expect("our own child can be waited for");
        }
        self.ended
    }

    /// Waits for its end.
    #[track_caller]
    pub(crate) fn wait(&mut self, within: Duration) -> ExitStatus {
        let what = format!("the end of {}", self.name);
        wait_for(within, &what, || self.ended())
    }

    /// What it has written so far.
    pub(crate) fn output(&self) -> String {
        read_text(&self.log)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if self.ended.is_none() {
            // It may have ended by itself meanwhile, so a failure of either says nothing new.
            killpg(self.pid(), Signal::SIGKILL).ok();
            self.child.wait().ok();
        }
        if thread::panicking() {
            show(&format!("the last output of {}", self.name), &self.output());
        }
    }
}

/// Puts the end of a text on the standard error, for whoever reads about a failed trial.
pub(crate) fn show(title: &str, text: &str) {
    if text.is_empty() {
        return;
    }
    let short = |line: &str| line.chars().take(200).collect::<String>();
    let lines: Vec<String> = text.lines().map(short).collect();
    let tail = lines[lines.len().saturating_sub(100)..].join("\n");
    drop(writeln!(io::stderr(), "---- {title}:\n{tail}\n----"));
}

/// What the environment of the tests may say, and must not say to a program under test.
const FOREIGN: [&str; 7] = [
    "REGENT_SOCKET",
    "REGENT_LOG",
    "REGENT_STATE_DIRECTORY",
    "XDG_STATE_HOME",
    "NO_COLOR",
    "NOTIFY_SOCKET",
    "XDG_RUNTIME_DIR",
];

fn guarded(user: User, program: &Path) -> Command {
    match SETPRIV.find() {
        None => Command::new(program),
        Some(setpriv) => {
            let mut command = Command::new(setpriv);
            command.args(["--pdeathsig", "TERM"]);
            if let User::Other { uid, gid } = user {
                let ids = [format!("--reuid={uid}"), format!("--regid={gid}")];
                command.args(ids).arg("--clear-groups");
            }
            command.arg("--").arg(program);
            command
        }
    }
}
