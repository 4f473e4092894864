//! A file that is replaced as a whole: whoever looks sees the old text or the new one, also after a
//! loss of power.
//!
//! The new text is written beside the file, with its mode and owner, and takes its place at once.
//! Whoever changes the file by this module holds a lock on it; whoever changes it otherwise
//! meanwhile is noticed. A symbolic link stays, and what it leads to is replaced.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _, fchown};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use super::refusal::Refusal;

/// A configuration's file that nobody else may change by this module.
#[derive(Debug)]
pub struct Locked {
    /// As it was named.
    named: PathBuf,
    /// Where it is, without symbolic links.
    path: PathBuf,
    text: String,
    /// Holds the lock.
    file: File,
}

impl Locked {
    /// Waits for whoever is at it, and reads the file.
    pub fn open(named: &Path) -> Result<Self, Refusal> {
        let path = fs::canonicalize(named).map_err(|error| {
            let refusal = cannot("read", named, &error);
            match error.kind() == io::ErrorKind::NotFound {
                true => refusal.hint(format!("an empty one will do: touch {}", named.display())),
                false => refusal,
            }
        })?;
        let start = Instant::now();
        loop {
            let file = File::open(&path).map_err(|error| cannot("read", named, &error))?;
            match file.try_lock() {
                Ok(()) if is_at(&file, &path) => {
                    let text = read_text(&file).map_err(|error| cannot("read", named, &error))?;
                    let named = named.to_owned();
                    return Ok(Self {
                        named,
                        path,
                        text,
                        file,
                    });
                }
                // It was replaced while we waited: the next look finds the new one.
                Ok(()) => {}
                Err(TryLockError::WouldBlock) if start.elapsed() < PATIENCE => {}
                Err(TryLockError::WouldBlock) => {
                    let what = format!("{} is being changed by another command", named.display());
                    return Err(Refusal::new(what).hint("try again when that is done"));
                }
                Err(TryLockError::Error(error)) => return Err(cannot("lock", named, &error)),
            }
            thread::sleep(PAUSE);
        }
    }

    /// What it says.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// As it was named.
    pub fn named(&self) -> &Path {
        &self.named
    }

    /// Puts a new text in its place, and keeps the old one as a backup, whose path is returned.
    pub fn replace(&mut self, text: &str) -> Result<PathBuf, Refusal> {
        self.check_unchanged()?;
        let fresh = self.write_beside(text)?;
        let beside = self.beside(".new");
        let put = || {
            let backup = self.back_up()?;
            // Held before the file is in its place, so that nobody comes between.
            fresh.lock()?;
            fs::rename(&beside, &self.path)?;
            Ok(backup)
        };
        let backup = put().map_err(|error: io::Error| {
            drop(fs::remove_file(&beside));
            cannot("replace", &self.named, &error)
        })?;
        self.sync_folder();
        self.file = fresh;
        text.clone_into(&mut self.text);
        Ok(backup)
    }

    /// Puts the text before the last one in its place again.
    pub fn undo(&mut self, backup: &Path) -> Result<(), Refusal> {
        let put = || {
            let old = File::open(backup)?;
            let text = read_text(&old)?;
            old.lock()?;
            fs::rename(backup, &self.path)?;
            Ok((old, text))
        };
        let (old, text) = put().map_err(|error: io::Error| {
            cannot("restore", &self.named, &error).hint(format!("it is in {}", backup.display()))
        })?;
        self.sync_folder();
        (self.file, self.text) = (old, text);
        Ok(())
    }

    /// Refuses a file that is not what was read.
    fn check_unchanged(&self) -> Result<(), Refusal> {
        let found = File::open(&self.path).and_then(|file| read_text(&file));
        if found.is_ok_and(|found| found == self.text) && is_at(&self.file, &self.path) {
            return Ok(());
        }
        let what = format!(
            "{} was changed by somebody else meanwhile",
            self.named.display()
        );
        Err(Refusal::new(what).hint("nothing was written: look at it, and try again"))
    }

    /// Writes a text into a file beside, which is complete on the disk then.
    fn write_beside(&self, text: &str) -> Result<File, Refusal> {
        let beside = self.beside(".new");
        let found = self.file.metadata();
        let found = found.map_err(|error| cannot("read", &self.named, &error))?;
        // Only whoever has the lock writes here, so one that is left is of a run that was killed.
        drop(fs::remove_file(&beside));
        let mut options = OpenOptions::new();
        let opened = options.write(true).read(true).create_new(true).mode(0o600);
        let mut file = opened.open(&beside).map_err(|error| {
            let folder = self.folder();
            let what = format!("cannot write in {}: {}", folder.display(), plain(&error));
            let kinds = [
                io::ErrorKind::PermissionDenied,
                io::ErrorKind::ReadOnlyFilesystem,
            ];
            match kinds.contains(&error.kind()) {
                true => Refusal::new(what).hint(FOLDER),
                false => Refusal::new(what),
            }
        })?;
        let fill = || {
            let own = file.metadata()?;
            if (own.uid(), own.gid()) != (found.uid(), found.gid()) {
                fchown(&file, Some(found.uid()), Some(found.gid()))?;
            }
            file.set_permissions(fs::Permissions::from_mode(found.mode() & 0o7777))
        };
        let kept = fill().map_err(|error: io::Error| {
            let shown = self.named.display();
            let what = format!("cannot keep the owner of {shown}: {}", plain(&error));
            Refusal::new(what).hint("do it as the file's owner, or as root")
        });
        let written = kept.and_then(|()| {
            let done = file
                .write_all(text.as_bytes())
                .and_then(|()| file.sync_all());
            done.map_err(|error| {
                let what = format!("cannot write {}: {}", beside.display(), plain(&error));
                Refusal::new(what).hint("the configuration is as it was")
            })
        });
        match written {
            Ok(()) => Ok(file),
            Err(refusal) => {
                drop(fs::remove_file(&beside));
                Err(refusal)
            }
        }
    }

    /// Keeps the present text as the newest of the backups.
    fn back_up(&self) -> io::Result<PathBuf> {
        let name = |number: usize| self.beside(&format!(".{number}~"));
        for number in (1..BACKUPS).rev() {
            match fs::rename(name(number), name(number + 1)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                Ok(()) | Err(_) => {}
            }
        }
        let newest = name(1);
        // A link costs no room; where there are none, a copy does.
        if fs::hard_link(&self.path, &newest).is_err() {
            fs::copy(&self.path, &newest)?;
        }
        Ok(newest)
    }

    fn beside(&self, end: &str) -> PathBuf {
        let mut name = self
            .path
            .file_name()
            .map(OsString::from)
            .unwrap_or_default();
        name.push(end);
        self.path.with_file_name(name)
    }

    fn folder(&self) -> PathBuf {
        self.path.parent().map(Path::to_owned).unwrap_or_default()
    }

    /// Without this a loss of power could bring the old name back. The text is whole either way, so
    /// a system that cannot is no reason to call it failed.
    fn sync_folder(&self) {
        if let Ok(folder) = File::open(self.folder()) {
            drop(folder.sync_all());
        }
    }
}

/// What a file says, without a lock.
pub fn read(path: &Path) -> Result<String, Refusal> {
    let text = File::open(path).and_then(|file| read_text(&file));
    text.map_err(|error| cannot("read", path, &error))
}

/// Whether a file is still the one at a path.
fn is_at(file: &File, path: &Path) -> bool {
    let key = |found: fs::Metadata| (found.dev(), found.ino());
    let (own, there) = (file.metadata().map(key), fs::metadata(path).map(key));
    matches!((own, there), (Ok(own), Ok(there)) if own == there)
}

fn read_text(mut file: &File) -> io::Result<String> {
    if file.metadata()?.is_dir() {
        return Err(io::ErrorKind::IsADirectory.into());
    }
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    String::from_utf8(bytes)
        .map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "it is not UTF-8 text"))
}

fn cannot(what: &str, path: &Path, error: &io::Error) -> Refusal {
    let refusal = Refusal::new(format!(
        "cannot {what} {}: {}",
        path.display(),
        plain(error)
    ));
    match error.kind() == io::ErrorKind::PermissionDenied {
        true => refusal.hint("only its owner, or root, may"),
        false => refusal,
    }
}

/// What the system says, without its number.
fn plain(error: &io::Error) -> String {
    let text = error.to_string();
    let text = text.split(" (os error").next().unwrap_or_default();
    let mut characters = text.chars();
    let first = characters.next().map(|one| one.to_ascii_lowercase());
    first.into_iter().chain(characters).collect()
}

/// What to do about a folder that cannot be written in.
const FOLDER: &str = "the file is replaced as a whole, so its folder must be writable: are you the \
                      right user?";
/// So many backups are kept: `regent.toml.1~` is the newest.
const BACKUPS: usize = 5;
/// So long another command may take.
const PATIENCE: Duration = Duration::from_secs(20);
/// So often it is looked whether it is done.
const PAUSE: Duration = Duration::from_millis(20);

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn folder() -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("regent.toml");
        fs::write(&path, "0").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        (folder, path)
    }

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap();
        let mut names: Vec<String> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn the_last_five_texts_are_kept() {
        let (folder, path) = folder();
        for number in 1..9 {
            let mut file = Locked::open(&path).unwrap();
            let backup = file.replace(&number.to_string()).unwrap();
            assert_eq!(
                fs::read_to_string(backup).unwrap(),
                (number - 1).to_string()
            );
        }
        let text = |name: &str| fs::read_to_string(folder.path().join(name)).unwrap();
        assert_eq!(text("regent.toml"), "8");
        assert_eq!(text("regent.toml.5~"), "3");
        assert_eq!(names(folder.path()).len(), 6);
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o7777, 0o640);
    }

    #[test]
    fn one_lock_can_replace_twice() {
        let (_folder, path) = folder();
        let mut file = Locked::open(&path).unwrap();
        file.replace("1").unwrap();
        file.replace("0").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "0");
        // Nobody else has it meanwhile.
        assert!(File::open(&path).unwrap().try_lock().is_err());
    }

    #[test]
    fn a_file_that_was_changed_otherwise_is_left_alone() {
        let (folder, path) = folder();
        let mut file = Locked::open(&path).unwrap();
        fs::write(&path, "theirs").unwrap();
        let refusal = file.replace("ours").unwrap_err();
        assert!(
            refusal.message.ends_with("by somebody else meanwhile"),
            "{refusal}"
        );
        assert_eq!(fs::read_to_string(&path).unwrap(), "theirs");
        assert_eq!(names(folder.path()), ["regent.toml"]);
        drop(file);
        // The same text in another file counts too: whoever wrote it may not be done.
        fs::write(folder.path().join("other"), "theirs").unwrap();
        let mut file = Locked::open(&path).unwrap();
        fs::rename(folder.path().join("other"), &path).unwrap();
        assert!(file.replace("ours").is_err());
    }

    #[test]
    fn what_a_killed_run_left_behind_is_no_hindrance() {
        let (folder, path) = folder();
        fs::write(folder.path().join("regent.toml.new"), "half").unwrap();
        Locked::open(&path).unwrap().replace("1").unwrap();
        assert_eq!(names(folder.path()), ["regent.toml", "regent.toml.1~"]);
    }

    #[test]
    fn a_link_stays_a_link() {
        let (folder, path) = folder();
        let link = folder.path().join("link.toml");
        symlink("regent.toml", &link).unwrap();
        Locked::open(&link).unwrap().replace("1").unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::read_to_string(&path).unwrap(), "1");
    }

    #[test]
    fn what_is_no_text_or_not_there_is_told() {
        let (folder, path) = folder();
        fs::write(&path, b"\xff").unwrap();
        let said = |path: &Path| Locked::open(path).unwrap_err().message;
        assert!(said(&path).ends_with(": it is not UTF-8 text"));
        assert!(said(&folder.path().join("none")).ends_with(": no such file or directory"));
        assert!(
            said(folder.path()).ends_with(": is a directory"),
            "{}",
            said(folder.path())
        );
    }
}
