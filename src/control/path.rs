//! Where the socket is, when nobody says so.

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

use nix::unistd::{AccessFlags, Uid, access};

/// The places where a daemon's socket may be, best first.
///
/// `runtime` is the user's folder for such things, if there is one (`XDG_RUNTIME_DIR`).
pub fn candidates(runtime: Option<&Path>) -> Vec<PathBuf> {
    let mut list = vec![Path::new(SYSTEM_FOLDER).join(NAME)];
    if let Some(folder) = runtime.filter(|folder| folder.is_absolute()) {
        list.push(folder.join(NAME));
    }
    list.push(own_folder().join(NAME));
    list
}

/// The first of the places that a client finds a socket at, one that it may use if there is one;
/// the best place if there is none.
pub fn find(runtime: Option<&Path>) -> PathBuf {
    let mut list = candidates(runtime);
    let is_usable = |path: &PathBuf| access(path, AccessFlags::W_OK).is_ok() && is_trusted(path);
    let found = list.iter().position(is_usable);
    let found = found.or_else(|| list.iter().position(|path| path.exists()));
    list.swap_remove(found.unwrap_or(0))
}

/// The first of the places that a daemon can use. Makes its folder where that is ours to make.
pub fn choose(runtime: Option<&Path>) -> io::Result<PathBuf> {
    let system = Path::new(SYSTEM_FOLDER);
    if Uid::effective().is_root() && !system.exists() {
        // Anybody may come in; who may ask is decided at the socket.
        drop(DirBuilder::new().mode(0o755).create(system));
    }
    for path in candidates(runtime) {
        let Some(folder) = path.parent() else {
            continue;
        };
        if folder == own_folder() {
            make_own(folder)?;
            return Ok(path);
        }
        if access(folder, AccessFlags::W_OK | AccessFlags::X_OK).is_ok() {
            return Ok(path);
        }
    }
    Err(io::ErrorKind::NotFound.into())
}

/// How long a path is, if it is too long for a socket.
pub(super) fn excess(path: &Path) -> Option<usize> {
    let length = path.as_os_str().len();
    (length > LONGEST).then_some(length)
}

/// What is wrong with such a path.
pub(super) fn too_long(length: usize) -> String {
    format!("the path has {length} bytes, but a socket's may have {LONGEST} at most")
}

/// The folder in the last place: anybody can make one of that name, so it counts only if it is ours
/// alone.
fn own_folder() -> PathBuf {
    PathBuf::from(format!("/tmp/regent-{}", Uid::effective()))
}

fn make_own(folder: &Path) -> io::Result<()> {
    match DirBuilder::new().mode(0o700).create(folder) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    if is_ours_alone(folder) {
        return Ok(());
    }
    let what = format!("{} is not a folder of ours alone", folder.display());
    Err(io::Error::new(io::ErrorKind::PermissionDenied, what))
}

fn is_trusted(path: &Path) -> bool {
    let folder = own_folder();
    path.parent() != Some(&folder) || is_ours_alone(&folder)
}

fn is_ours_alone(folder: &Path) -> bool {
    fs::symlink_metadata(folder).is_ok_and(|found| {
        found.is_dir() && found.uid() == Uid::effective().as_raw() && found.mode() & 0o077 == 0
    })
}

/// The longest path that Linux binds a socket to, in bytes: `sun_path` has 108, the last one zero.
pub const LONGEST: usize = 107;

const SYSTEM_FOLDER: &str = "/run/regent";
const NAME: &str = "regent.sock";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_places_come_in_order_and_a_relative_folder_is_none() {
        let own = format!("/tmp/regent-{}/regent.sock", Uid::effective());
        let shown = |runtime: &str| -> Vec<_> {
            let list = candidates(Some(Path::new(runtime)));
            list.iter().map(|path| path.display().to_string()).collect()
        };
        let system = "/run/regent/regent.sock";
        assert_eq!(
            shown("/run/user/7"),
            [system, "/run/user/7/regent.sock", &own]
        );
        assert_eq!(shown("here"), [system, &own]);
    }

    #[test]
    fn a_folder_that_others_can_enter_is_not_ours_alone() {
        let outer = tempfile::tempdir().unwrap();
        let folder = outer.path().join("regent");
        make_own(&folder).unwrap();
        assert!(make_own(&folder).is_ok());
        let open = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        fs::set_permissions(&folder, open).unwrap();
        assert!(make_own(&folder).is_err());
        let link = outer.path().join("link");
        std::os::unix::fs::symlink(outer.path(), &link).unwrap();
        assert!(make_own(&link).is_err());
    }
}
