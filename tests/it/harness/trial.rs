//! How a function becomes a trial, and what it may need of the machine.

use std::env;
use std::path::PathBuf;
use std::sync::OnceLock;

use libtest_mimic::{Failed, Trial};
use nix::sched::{CloneFlags, unshare};
use nix::unistd::Uid;

use super::chromium;
use super::daemon::{can_mount, is_executable_by_nobody};
use super::process::SETPRIV;
use super::python::Module;

/// Lists the trials of a module with what they need: `trials![[KAMAILIO, LONG]; one, another]`, or
/// `trials![[]; one]`. Each is a function without arguments that returns `()` or
/// `Result<(), String>`; a panic fails it.
macro_rules! trials {
    ($needs:tt; $($test:ident),+ $(,)?) => {
        vec![$($crate::harness::make_trial(module_path!(), stringify!($test), &$needs, $test)),+]
    };
}

/// What a trial may need beyond this package.
#[derive(Clone, Copy)]
pub(crate) enum Need {
    /// A foreign program must be installed.
    Program(Program),
    /// It waits for long timers, and runs only on request.
    Long,
    /// It runs programs as users without privileges, which takes root.
    Unprivileged,
    /// It has a network of its own, which takes root.
    Network,
    /// A user without privileges has mounts of its own.
    Mounts,
    /// A Python has this module.
    Python(Module),
    /// There is a judge of pages.
    Axe,
}

/// The mark of a trial with mounts of its own, for a user without privileges.
pub(crate) const MOUNTS: Need = Need::Mounts;

/// The mark of a trial with a network of its own.
pub(crate) const NETWORK: Need = Need::Network;

/// The mark of a trial in which files are refused to the program.
pub(crate) const UNPRIVILEGED: Need = Need::Unprivileged;

/// The mark of a trial that makes links.
pub(crate) const IP: Need = Need::Program(Program {
    name: "ip",
    packages: "iproute2",
});

/// The mark of a trial in which systemd judges a unit.
pub(crate) const SYSTEMD: Need = Need::Program(Program {
    name: "systemd-analyze",
    packages: "systemd",
});

/// The mark of a trial that waits for long timers.
pub(crate) const LONG: Need = Need::Long;

/// A foreign program that a trial talks to.
#[derive(Clone, Copy)]
pub(crate) struct Program {
    pub(crate) name: &'static str,
    /// The Debian packages that bring it.
    pub(crate) packages: &'static str,
}

impl Program {
    /// Where it is installed. The directories of system programs are searched too: Kamailio is
    /// there, and they are not in the path of an ordinary user.
    pub(crate) fn find(self) -> Option<PathBuf> {
        let path = env::var_os("PATH").unwrap_or_default();
        let system = ["/usr/local/sbin", "/usr/sbin", "/sbin"].map(PathBuf::from);
        env::split_paths(&path)
            .chain(system)
            .map(|directory| directory.join(self.name))
            .find(|candidate| candidate.is_file())
    }

    /// Where it is installed; a trial that got this far has asked for it.
    #[track_caller]
    pub(crate) fn path(self) -> PathBuf {
        self.find().unwrap_or_else(|| panic!("{}", self.missing()))
    }

    fn missing(self) -> String {
        format!("{} is not installed; Debian: {}", self.name, self.packages)
    }
}

/// What a test function may return.
pub(crate) trait Verdict {
    /// As the harness wants it.
    fn verdict(self) -> Result<(), Failed>;
}

impl Verdict for () {
    fn verdict(self) -> Result<(), Failed> {
        Ok(())
    }
}

impl Verdict for Result<(), String> {
    fn verdict(self) -> Result<(), Failed> {
        self.map_err(Failed::from)
    }
}

/// Makes a trial of `test`: ignored, with the reason in its name, when a need is not met.
pub(crate) fn make<V: Verdict + 'static>(
    module: &str,
    name: &str,
    needs: &[Need],
    test: fn() -> V,
) -> Trial {
    // The crate's own name says nothing here: `it::kamailio` is shown as `kamailio`.
    let module = module.split_once("::").map_or(module, |(_, rest)| rest);
    let name = format!("{module}::{name}");
    match needs.iter().find_map(|need| unmet(*need)) {
        None => Trial::test(name, move || test().verdict()),
        Some(Unmet::Fatal(why)) => Trial::test(name, move || Err(why.into())),
        Some(Unmet::Ignored(why)) => {
            let shown = format!("{name} [ignored: {why}]");
            // Somebody who asks for ignored trials gets them: a missing program then fails at once.
            Trial::test(shown, move || test().verdict()).with_ignored_flag(true)
        }
    }
}

enum Unmet {
    Ignored(String),
    Fatal(String),
}

fn unmet(need: Need) -> Option<Unmet> {
    match need {
        Need::Program(program) if program.find().is_some() => None,
        Need::Program(program) => Some(foreign(program.missing())),
        Need::Python(module) => module.missing().map(foreign),
        Need::Axe => chromium::missing().map(foreign),
        Need::Network => cannot_make_a_network().map(Unmet::Ignored),
        Need::Mounts => cannot_drop_privileges()
            .or_else(cannot_mount)
            .map(Unmet::Ignored),
        Need::Unprivileged => cannot_drop_privileges().map(Unmet::Ignored),
        Need::Long if is_set("REGENT_LONG_TESTS") => None,
        Need::Long => Some(Unmet::Ignored("long; set REGENT_LONG_TESTS=1".to_owned())),
    }
}

/// Something foreign is missing, for this reason.
fn foreign(why: String) -> Unmet {
    match is_set("REGENT_REQUIRE_INTEROP") {
        true => Unmet::Fatal(why),
        false => Unmet::Ignored(why),
    }
}

/// Why a network of its own cannot be made, if it cannot.
fn cannot_make_a_network() -> Option<String> {
    // A thread of its own, which takes the new network with it.
    let tried = std::thread::spawn(|| unshare(CloneFlags::CLONE_NEWNET)).join();
    match tried {
        Ok(Ok(())) => None,
        Ok(Err(error)) => Some(format!(
            "no network of its own can be made: {}",
            error.desc()
        )),
        Err(_) => Some("no network of its own can be made".to_owned()),
    }
}

/// Why a user without privileges cannot have mounts of its own, if it cannot.
fn cannot_mount() -> Option<String> {
    static WHY: OnceLock<Option<String>> = OnceLock::new();
    let find = || match can_mount() {
        true => None,
        false => Some("the system lets no user have mounts of its own".to_owned()),
    };
    WHY.get_or_init(find).clone()
}

/// Why the program cannot be run as a user without privileges, if it cannot.
fn cannot_drop_privileges() -> Option<String> {
    static WHY: OnceLock<Option<String>> = OnceLock::new();
    let find = || {
        if !Uid::effective().is_root() {
            return Some("only root can run a program as another user".to_owned());
        }
        if SETPRIV.find().is_none() {
            return Some(SETPRIV.missing());
        }
        let is_open = is_executable_by_nobody();
        (!is_open).then(|| "the folder of the program is closed to other users".to_owned())
    };
    WHY.get_or_init(find).clone()
}

fn is_set(variable: &str) -> bool {
    env::var_os(variable).is_some_and(|value| !value.is_empty() && value != "0")
}
