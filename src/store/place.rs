//! Where the state is, when nobody says so.

use std::env;
use std::path::{Path, PathBuf};

use nix::unistd::{AccessFlags, Uid, access};

use super::StoreError;

/// Where the state is to be.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Place {
    /// In this directory.
    Directory(PathBuf),
    /// Nowhere: nothing outlives a run.
    Nowhere,
}

/// The directory that the configuration names, else the first of the usual ones that a daemon can
/// use: the service manager's, the system's, the user's own.
pub fn choose(configured: Option<&str>) -> Result<Place, StoreError> {
    match configured {
        Some(NONE) => return Ok(Place::Nowhere),
        Some(path) => return Ok(Place::Directory(path.into())),
        None => {}
    }
    let usual = Usual::of_this_process();
    let is_writable = |path: &Path| access(path, AccessFlags::W_OK | AccessFlags::X_OK).is_ok();
    let found = usual.choose(Uid::effective().is_root(), is_writable);
    found.map(Place::Directory).ok_or(StoreError::Nowhere)
}

/// The first of the usual places that holds a state: where a daemon of this user most likely keeps
/// its own.
pub fn find() -> Option<PathBuf> {
    let places = Usual::of_this_process().list();
    places
        .into_iter()
        .find(|path| path.join(super::FILE).exists())
}

/// What the environment says about places.
struct Usual {
    /// `STATE_DIRECTORY`: systemd lists directories by colons.
    service: Option<PathBuf>,
    own: Option<PathBuf>,
}

impl Usual {
    fn of_this_process() -> Self {
        let variable = |name| env::var_os(name).filter(|value| !value.is_empty());
        let absolute = |path: PathBuf| Some(path).filter(|path| path.is_absolute());
        let service = variable("STATE_DIRECTORY");
        let state = variable("XDG_STATE_HOME").map(PathBuf::from);
        let home = || Some(PathBuf::from(variable("HOME")?).join(".local/state"));
        Self {
            service: service.and_then(|list| absolute(env::split_paths(&list).next()?)),
            own: state
                .and_then(absolute)
                .or_else(|| absolute(home()?))
                .map(|path| path.join("regent")),
        }
    }

    fn choose(&self, is_root: bool, is_writable: impl Fn(&Path) -> bool) -> Option<PathBuf> {
        let system = Path::new(SYSTEM);
        self.service
            .clone()
            .or_else(|| (is_root || is_writable(system)).then(|| system.to_owned()))
            .or_else(|| self.own.clone())
    }

    fn list(self) -> Vec<PathBuf> {
        let system = Some(PathBuf::from(SYSTEM));
        [self.service, system, self.own]
            .into_iter()
            .flatten()
            .collect()
    }
}

/// The word for no state at all.
const NONE: &str = "none";
const SYSTEM: &str = "/var/lib/regent";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_service_managers_word_goes_first_and_the_system_comes_before_the_user() {
        let usual = |service: Option<&str>| Usual {
            service: service.map(PathBuf::from),
            own: Some("/home/eve/.local/state/regent".into()),
        };
        let chosen = |usual: Usual, is_root, is_writable| {
            let path = usual.choose(is_root, |_| is_writable);
            path.unwrap().display().to_string()
        };
        assert_eq!(chosen(usual(Some("/s")), true, true), "/s");
        assert_eq!(chosen(usual(None), true, false), SYSTEM);
        assert_eq!(chosen(usual(None), false, true), SYSTEM);
        let own = "/home/eve/.local/state/regent";
        assert_eq!(chosen(usual(None), false, false), own);
        let nobody = Usual {
            service: None,
            own: None,
        };
        assert_eq!(nobody.choose(false, |_| false), None);
    }

    #[test]
    fn what_the_configuration_says_counts_alone() {
        assert_eq!(choose(Some("none")).unwrap(), Place::Nowhere);
        let here = Place::Directory("state".into());
        assert_eq!(choose(Some("state")).unwrap(), here);
    }
}
