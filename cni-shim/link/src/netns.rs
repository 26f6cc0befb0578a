//! Network namespaces: the only place that changes one.
//!
//! A thread that has entered another namespace and fails on the way back would do the next pod's work
//! in this pod's namespace. So a visit is one call that does not return from the wrong place: the
//! thread is back where it was, or the process ends. (A thread of its own for each visit would do too,
//! and costs 50 us and two switches between threads, twice an attach.) What is opened inside (a netlink
//! socket) stays in the namespace, and any thread may use it.

use std::{
    fs::File,
    io::{self, Write as _},
    marker::PhantomData,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    path::{Path, PathBuf},
    process,
};

use nix::{errno::Errno, sched::CloneFlags};

use crate::socket::{NetlinkError, Socket};

mod cookie;

pub use cookie::Cookie;

/// An open network namespace. It lives as long as this is open, even when nobody else uses it.
#[derive(Debug)]
pub struct Netns {
    fd: OwnedFd,
    /// Where it was found, for messages.
    path: PathBuf,
}

/// Shows that the current thread is inside a namespace. It can't leave the thread.
#[derive(Debug)]
pub struct Inside<'a> {
    netns: &'a Netns,
    stays_here: PhantomData<*const ()>,
}

/// Brings the thread back to where it was.
#[derive(Debug)]
struct Home(File);

/// The namespace of the thread that opens it.
const OWN: &str = "/proc/thread-self/ns/net";

/// A namespace that can't be used.
#[derive(Debug, thiserror::Error)]
pub enum NetnsError {
    /// It can't be opened.
    #[error("cannot open the network namespace {}", .path.display())]
    Open {
        /// Where.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// It can't be entered.
    #[error("cannot enter the network namespace {}{}", .path.display(), hint(*.source))]
    Enter {
        /// Where.
        path: PathBuf,
        /// Why.
        #[source]
        source: Errno,
    },
    /// No way to come back from it.
    #[error("cannot open {OWN}")]
    Own(#[source] io::Error),
    /// The kernel does not tell its cookie.
    #[error("cannot read the cookie of a network namespace; Linux 5.14 or newer is needed")]
    Cookie(#[source] Errno),
    /// No socket inside.
    #[error("the network namespace {} gives no netlink socket", .path.display())]
    Socket {
        /// Where.
        path: PathBuf,
        /// Why.
        #[source]
        source: NetlinkError,
    },
}

fn hint(errno: Errno) -> &'static str {
    if errno == Errno::EINVAL {
        " (it is no network namespace)"
    } else if errno == Errno::EPERM {
        " (CAP_SYS_ADMIN is needed)"
    } else {
        ""
    }
}

// === impl Netns ===

impl Netns {
    /// Opens the namespace bound at a path, as runtimes do in `/run/netns`, or `/proc/<pid>/ns/net`.
    pub fn open(path: &Path) -> Result<Self, NetnsError> {
        let file = File::open(path).map_err(|source| NetnsError::Open {
            path: path.to_owned(),
            source,
        })?;
        Ok(Self::from_fd(file.into(), path))
    }

    /// A namespace that another process opened. `path` is what messages call it.
    pub fn from_fd(fd: OwnedFd, path: &Path) -> Self {
        Self {
            fd,
            path: path.to_owned(),
        }
    }

    /// What messages call it.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Runs `work` inside, on the calling thread. What awaits nothing may be called from anywhere.
    pub fn enter<T>(&self, work: impl FnOnce(&Inside<'_>) -> T) -> Result<T, NetnsError> {
        let own = File::open(OWN).map_err(NetnsError::Own)?;
        set(self.fd.as_fd()).map_err(|source| NetnsError::Enter {
            path: self.path.clone(),
            source,
        })?;
        // Its end is the way back, after a panic too.
        let _home = Home(own);
        Ok(work(&Inside {
            netns: self,
            stays_here: PhantomData,
        }))
    }

    /// Opens a netlink socket inside.
    pub fn socket(&self) -> Result<Socket, NetnsError> {
        self.enter(|_| Socket::open())?
            .map_err(|source| NetnsError::Socket {
                path: self.path.clone(),
                source,
            })
    }

    /// Its identity, for as long as the machine runs. (The inode number of a namespace is given to the
    /// next one at once.)
    pub fn cookie(&self) -> Result<Cookie, NetnsError> {
        let socket = self.socket()?;
        Cookie::of(&socket).map_err(NetnsError::Cookie)
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the one place: for the way in, and for the way back, which can't be missed"
)]
fn set(netns: BorrowedFd<'_>) -> Result<(), Errno> {
    nix::sched::setns(netns, CloneFlags::CLONE_NEWNET)
}

impl AsFd for Netns {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

// === impl Home ===

impl Drop for Home {
    fn drop(&mut self) {
        if let Err(errno) = set(self.0.as_fd()) {
            // Nowhere to complain that there is no room to complain.
            drop(writeln!(
                io::stderr(),
                "landfall: no way back from a pod's network namespace ({errno}): this process ends, so \
                 that it does no other pod's work there"
            ));
            process::abort();
        }
    }
}

// === impl Inside ===

impl Inside<'_> {
    /// Opens a netlink socket here.
    pub fn socket(&self) -> Result<Socket, NetnsError> {
        Socket::open().map_err(|source| NetnsError::Socket {
            path: self.netns.path.clone(),
            source,
        })
    }

    /// The namespace.
    pub fn netns(&self) -> &Netns {
        self.netns
    }
}

// === impl Cookie ===

impl Cookie {
    /// The identity of the namespace that the calling thread is in.
    pub fn own() -> Result<Self, NetnsError> {
        let socket = Socket::open().map_err(|source| NetnsError::Socket {
            path: PathBuf::from(OWN),
            source,
        })?;
        Self::of(&socket).map_err(NetnsError::Cookie)
    }
}
