//! Who may use the socket: root, our own user, and members of a group.

use std::ffi::CString;

use nix::unistd::{Gid, Group, Uid, User, getgrouplist};
use tokio::net::unix::UCred;

/// The rule, as configured.
#[derive(Clone, Debug)]
pub(super) struct Rule {
    /// The group whose members may, with its name.
    pub(super) group: Option<(Gid, String)>,
}

impl Rule {
    /// With the group of this name, if there is one.
    pub(super) fn new(group: Option<&str>) -> Result<Self, String> {
        let Some(name) = group else {
            return Ok(Self { group: None });
        };
        match Group::from_name(name) {
            Ok(Some(group)) => Ok(Self {
                group: Some((group.gid, group.name)),
            }),
            Ok(None) => Err(format!("there is no group {name:?} (control_group)")),
            Err(errno) => Err(format!(
                "cannot look up the group {name:?}: {}",
                errno.desc()
            )),
        }
    }

    /// Whether whoever holds these credentials may, as far as that is known without asking anybody.
    pub(super) fn allows_at_once(&self, peer: UCred) -> bool {
        let uid = Uid::from_raw(peer.uid());
        let is_in_group = |(gid, _): &(Gid, String)| peer.gid() == gid.as_raw();
        uid.is_root() || uid == Uid::effective() || self.group.as_ref().is_some_and(is_in_group)
    }

    /// Whether the user is a member of the group. May have to ask a directory service, and wait for
    /// it.
    pub(super) fn allows_member(&self, peer: UCred) -> bool {
        let group = self.group.as_ref();
        group.is_some_and(|(gid, _)| groups_of(Uid::from_raw(peer.uid())).contains(gid))
    }

    /// Who may, in words.
    pub(super) fn words(&self) -> String {
        match &self.group {
            Some((_, name)) => format!("only root, its own user and members of group {name} may"),
            None => "only root and its own user may".to_owned(),
        }
    }
}

/// The groups that the user database knows the user in.
fn groups_of(uid: Uid) -> Vec<Gid> {
    let Ok(Some(user)) = User::from_uid(uid) else {
        return Vec::new();
    };
    let Ok(name) = CString::new(user.name) else {
        return Vec::new();
    };
    getgrouplist(&name, user.gid).unwrap_or_default()
}
