//! Network namespaces: the only place that changes one.
//!
//! A thread that has entered another namespace and fails on the way back would do the next pod's work
//! in this pod's namespace. So no thread ever comes back: a short-lived one enters, does its work and
//! ends. What it opened (a netlink socket) stays in the namespace, and any thread may use it.

use std::{
    fs::File,
    io,
    marker::PhantomData,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    path::{Path, PathBuf},
    thread,
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
    /// No thread to enter it with.
    #[error("cannot start a thread for the network namespace {}", .path.display())]
    Thread {
        /// Where.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
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

    /// Runs `work` inside, on a thread of its own, and waits for it. Do all there is to do in one
    /// visit: a thread costs about 30 us.
    pub fn enter<T, F>(&self, work: F) -> Result<T, NetnsError>
    where
        F: FnOnce(&Inside<'_>) -> T + Send,
        T: Send,
    {
        thread::scope(|scope| {
            let visit = thread::Builder::new()
                .name("netns".to_owned())
                .spawn_scoped(scope, || {
                    self.become_part_of_it().map(|inside| work(&inside))
                })
                .map_err(|source| NetnsError::Thread {
                    path: self.path.clone(),
                    source,
                })?;
            match visit.join() {
                Ok(result) => result,
                Err(panic) => std::panic::resume_unwind(panic),
            }
        })
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

    #[expect(
        clippy::disallowed_methods,
        reason = "the one place: only ever called on a thread that ends without coming back"
    )]
    fn become_part_of_it(&self) -> Result<Inside<'_>, NetnsError> {
        nix::sched::setns(&self.fd, CloneFlags::CLONE_NEWNET).map_err(|source| {
            NetnsError::Enter {
                path: self.path.clone(),
                source,
            }
        })?;
        Ok(Inside {
            netns: self,
            stays_here: PhantomData,
        })
    }
}

impl AsFd for Netns {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
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
            path: PathBuf::from("/proc/thread-self/ns/net"),
            source,
        })?;
        Self::of(&socket).map_err(NetnsError::Cookie)
    }
}
