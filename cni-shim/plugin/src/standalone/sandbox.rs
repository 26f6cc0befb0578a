//! CNI_NETNS, looked at before anything is done.

use std::{
    fs, io,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
};

use landfall_link::{Netns, NetnsError, Node, PROC_SYS};
use nix::{
    errno::Errno,
    sys::statfs::{FsType, PROC_SUPER_MAGIC, statfs},
};

use super::{Call, internal};
use crate::spec::{CniError, Code};

/// linux/magic.h.
const NSFS_MAGIC: FsType = FsType(0x6e73_6673);

/// A path that leads to no network namespace.
#[derive(Debug, thiserror::Error)]
pub(super) enum SandboxError {
    /// Nothing is there: the sandbox is gone.
    #[error("failed to Statfs {0:?}: no such file or directory")]
    Missing(PathBuf),
    /// It can't be looked at.
    #[error("failed to Statfs {path:?}: {why}")]
    Unreadable {
        /// The path.
        path: PathBuf,
        /// Why.
        why: &'static str,
    },
    /// It is a file of another kind.
    #[error("unknown FS magic on {path:?}: {magic:x}")]
    NoNamespace {
        /// The path.
        path: PathBuf,
        /// The type of its file system.
        magic: i128,
    },
    /// It can't be opened.
    #[error("{0}")]
    Open(NetnsError),
}

/// Opens the namespace at a path.
pub(super) fn open(path: &Path) -> Result<Netns, SandboxError> {
    let found = match statfs(path) {
        Err(Errno::ENOENT) => return Err(SandboxError::Missing(path.to_owned())),
        found => found.map_err(|errno| SandboxError::Unreadable {
            path: path.to_owned(),
            why: errno.desc(),
        })?,
    };
    let FsType(magic) = found.filesystem_type();
    if ![NSFS_MAGIC, PROC_SUPER_MAGIC].contains(&found.filesystem_type()) {
        return Err(SandboxError::NoNamespace {
            path: path.to_owned(),
            magic: magic.into(),
        });
    }
    Netns::open(path).map_err(SandboxError::Open)
}

/// The namespace that we are in.
pub(super) fn own() -> Result<Netns, CniError> {
    let path = Path::new("/proc/thread-self/ns/net");
    Netns::open(path).map_err(|error| internal(landfall_link::Chain(&error)))
}

/// A socket inside.
pub(super) fn inside(netns: &Netns) -> Result<Node, CniError> {
    netns
        .enter(|_| node())
        .unwrap_or_else(|error| Err(internal(landfall_link::Chain(&error))))
}

/// A socket here.
pub(super) fn node() -> Result<Node, CniError> {
    Node::open(Path::new(PROC_SYS)).map_err(|error| internal(landfall_link::Chain(&error)))
}

fn is_own(path: &Path) -> io::Result<bool> {
    let theirs = fs::metadata(path)?;
    let ours = fs::metadata("/proc/self/ns/net")?;
    Ok((theirs.dev(), theirs.ino()) == (ours.dev(), ours.ino()))
}

impl Call<'_> {
    /// CNI_NETNS as it came.
    pub(super) fn netns_path(&self) -> &Path {
        self.environment
            .netns
            .as_deref()
            .unwrap_or_else(|| Path::new(""))
    }

    /// Opens the sandbox.
    pub(super) fn sandbox(&self) -> Result<Netns, CniError> {
        let path = self.netns_path();
        open(path).map_err(|error| {
            let path = path.display();
            internal(format!("failed to open netns \"{path}\": {error}"))
        })
    }

    /// A link must not be made, or removed, in the node's own namespace, unless the runtime insists.
    /// The reference looks at it when all is done.
    pub(super) fn refuse_own_netns(&self) -> Result<(), CniError> {
        if self.environment.netns_override || !is_own(self.netns_path()).unwrap_or(false) {
            return Ok(());
        }
        let msg = "plugin's netns and netns from CNI_NETNS should not be the same";
        Err(CniError::new(Code::INVALID_NETNS, msg))
    }
}
