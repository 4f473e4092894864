//! Files that are written as a whole, or not at all.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use nix::unistd::syncfs;

use crate::secret::Secret;

/// Whether two names lead to one file that is there.
pub(super) fn are_one(one: &Path, other: &Path) -> bool {
    let file = |path: &Path| fs::metadata(path).map(|found| (found.dev(), found.ino()));
    matches!((file(one), file(other)), (Ok(one), Ok(other)) if one == other)
}

/// What goes into a file.
pub(super) enum Content {
    /// What everybody may read whom the system lets.
    Text(String),
    /// What only the owner may read; it gets a line end.
    Secret(Secret),
}

/// Files to be written together, in their order.
#[derive(Default)]
pub(super) struct Files(Vec<(PathBuf, Content)>);

impl Files {
    pub(super) fn add(&mut self, path: PathBuf, content: Content) {
        self.0.push((path, content));
    }

    /// Those that are there already with another content.
    pub(super) fn foreign(&self) -> anyhow::Result<Vec<&Path>> {
        let mut foreign = Vec::new();
        for (path, content) in &self.0 {
            match fs::read(path) {
                Ok(found) if content.is(&found) => {}
                Ok(_) => foreign.push(path.as_path()),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => {
                    return Err(error).with_context(|| format!("cannot read {}", path.display()));
                }
            }
        }
        Ok(foreign)
    }

    /// Writes all of them: each beside its place first, then moved there, so that nobody ever sees
    /// half of one and a full disk leaves everything as it was.
    pub(super) fn write(&self) -> anyhow::Result<()> {
        let mut ready = Vec::new();
        let written = self.0.iter().try_for_each(|(path, content)| {
            let beside = beside(path);
            ready.push(beside.clone());
            content
                .write(&beside, self.0.len() <= FEW)
                .with_context(|| format!("cannot write {}", path.display()))
        });
        let written = written.and_then(|()| match self.0.len() {
            ..=FEW => Ok(()),
            _ => self.sync(),
        });
        let moved = written.and_then(|()| {
            let pairs = ready.iter().zip(&self.0);
            pairs.into_iter().try_for_each(|(beside, (path, _))| {
                fs::rename(beside, path).with_context(|| format!("cannot write {}", path.display()))
            })
        });
        if moved.is_err() {
            for beside in &ready {
                // Those that have been moved are not there any more.
                drop(fs::remove_file(beside));
            }
        }
        moved
    }

    /// Waits until all that was written is on the disk: once for each folder's file system, since
    /// to wait for thousands of files one by one takes seconds.
    fn sync(&self) -> anyhow::Result<()> {
        let folders: BTreeSet<&Path> = self.0.iter().map(|(path, _)| folder(path)).collect();
        folders.into_iter().try_for_each(|folder| {
            let synced = File::open(folder).and_then(|open| Ok(syncfs(open)?));
            synced.with_context(|| format!("cannot write to {}", folder.display()))
        })
    }
}

impl Content {
    fn is(&self, found: &[u8]) -> bool {
        match self {
            Self::Text(text) => text.as_bytes() == found,
            Self::Secret(secret) => found.strip_suffix(b"\n") == Some(secret.reveal().as_bytes()),
        }
    }

    /// `syncs`: whether it is on the disk afterwards.
    fn write(&self, path: &Path, syncs: bool) -> io::Result<()> {
        let mode = match self {
            Self::Text(_) => 0o644,
            Self::Secret(_) => 0o600,
        };
        let mut options = File::options();
        let mut file = options.write(true).create_new(true).mode(mode).open(path)?;
        match self {
            Self::Text(text) => file.write_all(text.as_bytes())?,
            Self::Secret(secret) => {
                file.write_all(secret.reveal().as_bytes())?;
                file.write_all(b"\n")?;
            }
        }
        match syncs {
            true => file.sync_all(),
            false => Ok(()),
        }
    }
}

/// The folder that a file is in.
fn folder(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    }
}

/// A name beside a file that nobody else uses.
fn beside(path: &Path) -> PathBuf {
    let mut name = std::ffi::OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(format!(".{}.new", std::process::id()));
    path.with_file_name(name)
}

/// So many files are waited for one by one.
const FEW: usize = 16;
