//! A sandbox: a network namespace that a runtime would make, and a socket in it that looks at it.

use std::{
    collections::BTreeSet,
    fs::{self, File},
    net::IpAddr,
    os::fd::OwnedFd,
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
    thread,
};

use anyhow::{Context, Result, anyhow};
use nix::{
    mount::{MntFlags, MsFlags, mount, umount2},
    sched::{CloneFlags, unshare},
};

use super::{history::Id, netlink};

/// A sandbox of a pod.
#[derive(Debug)]
pub(super) struct Sandbox {
    /// Never used twice.
    pub(super) id: Id,
    /// CNI_NETNS.
    pub(super) path: PathBuf,
    /// Its node's place.
    pub(super) node: usize,
    /// In its namespace, until the sandbox goes: it would keep the namespace alive.
    socket: Mutex<Option<OwnedFd>>,
}

// === impl Sandbox ===

impl Sandbox {
    /// Makes one.
    pub(super) fn make(id: Id, folder: &Path, node: usize) -> Result<Self> {
        let path = folder.join(format!("cni-{id:x}"));
        let socket = make(&path).with_context(|| path.display().to_string())?;
        Ok(Self {
            id,
            path,
            node,
            socket: Mutex::new(Some(socket)),
        })
    }

    /// CNI_CONTAINERID.
    pub(super) fn container(&self) -> String {
        format!("{:064x}", self.id)
    }

    /// The addresses in it; `None` once it has gone.
    pub(super) fn addresses(&self) -> Result<Option<BTreeSet<IpAddr>>> {
        let socket = self.socket();
        socket.as_ref().map(netlink::addresses).transpose()
    }

    /// Removes it. Says whether it was there.
    pub(super) fn remove(&self) -> Result<bool> {
        let Some(socket) = self.socket().take() else {
            return Ok(false);
        };
        drop(socket);
        let path = || self.path.display().to_string();
        umount2(&self.path, MntFlags::MNT_DETACH).with_context(path)?;
        fs::remove_file(&self.path).with_context(path)?;
        Ok(true)
    }

    /// Whether it has gone.
    pub(super) fn has_gone(&self) -> bool {
        self.socket().is_none()
    }

    fn socket(&self) -> MutexGuard<'_, Option<OwnedFd>> {
        self.socket.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// On a thread that ends in the new namespace.
fn make(path: &Path) -> Result<OwnedFd> {
    File::create(path)?;
    let work = || {
        unshare(CloneFlags::CLONE_NEWNET)?;
        let own = Path::new("/proc/thread-self/ns/net");
        mount(
            Some(own),
            path,
            None::<&str>,
            MsFlags::MS_BIND,
            None::<&str>,
        )?;
        netlink::open()
    };
    thread::scope(|scope| {
        let result = scope.spawn(work).join();
        result.unwrap_or_else(|_| Err(anyhow!("a panic")))
    })
}
