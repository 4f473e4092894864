//! A directory and ports of a trial's own.

use std::collections::BTreeSet;
use std::fs::{self, OpenOptions, Permissions};
use std::io::Write;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Mutex, PoisonError};

use tempfile::TempDir;

use super::process::User;

/// A directory that goes when the trial ends.
pub(crate) struct Sandbox(TempDir);

impl Sandbox {
    /// A new, empty one.
    #[track_caller]
    pub(crate) fn new() -> Self {
        Self(
            tempfile::Builder::new()
                .prefix("regent-")
                .tempdir()
                .expect("a temporary directory"),
        )
    }

    /// The path of a file or directory in it.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Writes a file that only its owner may read, as a file with secrets in it must be.
    #[track_caller]
    pub(crate) fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        let mut file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&path)
            .expect("a new file in the sandbox");
        file.write_all(text.as_bytes())
            .expect("room in the sandbox");
        path
    }

    /// Gives a file or directory in it to another user; the empty name is the sandbox itself.
    #[track_caller]
    pub(crate) fn give(&self, name: &str, user: User) {
        if let User::Other { uid, gid } = user {
            chown(self.path(name), Some(uid), Some(gid)).expect("root may give everything away");
        }
    }

    /// Sets the mode of a file or directory in it; the empty name is the sandbox itself.
    #[track_caller]
    pub(crate) fn set_mode(&self, name: &str, mode: u32) {
        let path = self.path(name);
        fs::set_permissions(path, Permissions::from_mode(mode)).expect("a file of our own");
    }

    /// Makes a directory in it.
    #[track_caller]
    pub(crate) fn directory(&self, name: &str) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(&path).expect("a new directory in the sandbox");
        path
    }

    /// Writes `template` with each `@NAME@` in it replaced.
    #[track_caller]
    pub(crate) fn render(&self, name: &str, template: &str, values: &[(&str, &str)]) -> PathBuf {
        let mut text = template.to_owned();
        for (key, value) in values {
            text = text.replace(&format!("@{key}@"), value);
        }
        if let Some(left) = placeholder(&text) {
            panic!("{name}: nothing was given for {left}");
        }
        self.write(name, &text)
    }
}

/// A UDP port that is free now at the IPv4 loopback address, as the system picked it.
#[track_caller]
pub(crate) fn free_udp_address() -> SocketAddr {
    // The port is free again when this returns and the system may name it twice, so what was given
    // to one trial is remembered and not given to another.
    static GIVEN: Mutex<BTreeSet<u16>> = Mutex::new(BTreeSet::new());
    let loopback = IpAddr::V4(Ipv4Addr::LOCALHOST);
    loop {
        let socket = UdpSocket::bind((loopback, 0)).expect("a free UDP port");
        let address = socket.local_addr().expect("a bound socket has an address");
        let mut given = GIVEN.lock().unwrap_or_else(PoisonError::into_inner);
        if given.insert(address.port()) {
            return address;
        }
    }
}

/// A port that is free now at so many IPv4 loopback addresses: 127.0.0.1, 127.0.0.2 and so on.
#[track_caller]
pub(crate) fn free_udp_addresses<const N: usize>() -> [SocketAddr; N] {
    let is_free = |address: &SocketAddr| UdpSocket::bind(address).is_ok();
    loop {
        let port = free_udp_address().port();
        let addresses = std::array::from_fn(|at| {
            let last = u8::try_from(at + 1).expect("a handful");
            SocketAddr::from(([127, 0, 0, last], port))
        });
        if addresses.iter().all(is_free) {
            return addresses;
        }
    }
}

/// The first of so many ports in a row that are free now at 127.0.0.1. They lie below those that
/// the system picks for others.
#[track_caller]
pub(crate) fn free_udp_ports(count: u16) -> u16 {
    static GIVEN: AtomicU16 = AtomicU16::new(0);
    // Test programs that run side by side begin at different places.
    let start = u16::try_from(std::process::id() % 97).expect("below 97") * 200;
    let mut first = 10_000 + start;
    for _ in 0..100 {
        first = first.max(GIVEN.load(Ordering::Relaxed));
        let first_try = first;
        first += count;
        let is_ours = GIVEN.fetch_max(first, Ordering::Relaxed) <= first_try;
        let is_free = |port| UdpSocket::bind((Ipv4Addr::LOCALHOST, port)).is_ok();
        if is_ours && (first_try..first).all(is_free) {
            return first_try;
        }
    }
    panic!("no {count} free ports in a row");
}

/// The text of a file that another process writes; empty while there is none.
pub(crate) fn read_text(path: &Path) -> String {
    fs::read(path)
        .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
        .unwrap_or_default()
}

/// The first `@NAME@` that is left in a text.
fn placeholder(text: &str) -> Option<&str> {
    text.match_indices('@').find_map(|(start, _)| {
        let rest = &text[start + 1..];
        let end = rest.find(|c: char| !(c.is_ascii_uppercase() || c == '_'))?;
        (end > 1 && rest[end..].starts_with('@')).then(|| &text[start..start + end + 2])
    })
}
