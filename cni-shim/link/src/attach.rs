//! Attach: plan, execute, read back; on error undo. What is there is observed if the kernel refuses to
//! make the link.

use std::path::{Path, PathBuf};

use landfall_core::{
    id::Name,
    link::{Conflict, Difference, Link, Observed, next_index},
};

use crate::{
    error::Hint,
    netns::{Netns, NetnsError},
    observe::ObserveError,
    parents::{self, Parent},
    socket::{NetlinkError, Socket},
    sysctl::{PROC_SYS, SysctlError, Sysctls},
};

use visit::Visit;

mod execute;
mod step;
mod visit;

pub use step::StepError;

/// How many indexes are tried.
const INDEX_ATTEMPTS: usize = 3;

/// The node's side of attaching: a netlink socket in the node's namespace, kept open. For one thread at
/// a time; each worker has its own.
#[derive(Debug)]
pub struct Node {
    host: Socket,
    proc_sys: PathBuf,
}

/// A link that is as wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Made {
    /// As the kernel shows it now.
    pub link: Observed,
    /// False if it was there before.
    pub created: bool,
}

/// An attach that failed. What it had done is undone, but for `undo_failures`.
#[derive(Debug, thiserror::Error)]
#[error("cannot attach {name}{}", Failures(undo_failures))]
pub struct AttachError {
    /// The interface's name in the sandbox.
    pub name: Name,
    /// The first thing that went wrong.
    #[source]
    pub cause: Cause,
    /// What could not be taken back afterwards.
    pub undo_failures: Vec<Cause>,
}

/// Why an attach failed.
#[derive(Debug, thiserror::Error)]
pub enum Cause {
    /// No way into the sandbox.
    #[error(transparent)]
    Netns(#[from] NetnsError),
    /// What is there can't be read.
    #[error(transparent)]
    Observe(#[from] ObserveError),
    /// Something else has the name.
    #[error(transparent)]
    Conflict(#[from] Conflict),
    /// The kernel refused a step.
    #[error(transparent)]
    Step(#[from] Box<StepError>),
    /// A sysctl was not taken.
    #[error(transparent)]
    Sysctl(#[from] SysctlError),
    /// Everything was accepted and yet the link is not as wanted.
    #[error("the kernel accepted everything, but the link is not as wanted{}", Listed(.0))]
    Differs(Vec<Difference>),
}

struct Failures<'a>(&'a [Cause]);
struct Listed<'a>(&'a [Difference]);

// === impl Node ===

impl Node {
    /// Opens the node's side in the network namespace of the calling thread. `proc_sys` is where the
    /// node's `/proc/sys` can be written.
    pub fn open(proc_sys: &Path) -> Result<Self, NetlinkError> {
        Ok(Self {
            host: Socket::open()?,
            proc_sys: proc_sys.to_owned(),
        })
    }

    /// Makes a link as wanted, or completes one that is ours. On an error nothing is left behind.
    pub fn attach(&mut self, netns: &Netns, wanted: &Link) -> Result<Made, AttachError> {
        let mut wanted = wanted.clone();
        let mut result = self.try_attach(netns, &wanted);
        for _ in 1..INDEX_ATTEMPTS {
            if !matches!(&result, Err(error) if error.hint() == Some(&Hint::IndexTaken)) {
                break;
            }
            wanted.device.index = next_index(wanted.device.index);
            result = self.try_attach(netns, &wanted);
        }
        result
    }

    fn try_attach(&mut self, netns: &Netns, wanted: &Link) -> Result<Made, AttachError> {
        self.visit(netns, &wanted.device.name, |visit| visit.attach(wanted))
    }

    /// Does something about a link inside a sandbox.
    pub(crate) fn visit<T>(
        &mut self,
        netns: &Netns,
        name: &Name,
        work: impl FnOnce(&mut Visit<'_>) -> Result<T, (Cause, Vec<Cause>)>,
    ) -> Result<T, AttachError> {
        let failed = |(cause, undo_failures)| AttachError {
            name: name.clone(),
            cause,
            undo_failures,
        };
        let host = &mut self.host;
        let proc_sys = self.proc_sys.as_path();
        netns
            .enter(|inside| match Visit::begin(host, inside, proc_sys) {
                Ok(mut visit) => work(&mut visit),
                Err(error) => Err((error.into(), Vec::new())),
            })
            .unwrap_or_else(|error| Err((error.into(), Vec::new())))
            .map_err(failed)
    }

    pub(crate) fn host(&mut self) -> &mut Socket {
        &mut self.host
    }

    /// The node's own links.
    pub fn parents(&mut self) -> Result<Vec<Parent>, ObserveError> {
        parents::list(&mut self.host)
    }
}

/// What is there in place of the wanted link.
pub fn observe(netns: &Netns, wanted: &Link) -> Result<Option<Observed>, ObserveError> {
    netns.enter(|inside| {
        // To read, the container's own will do.
        let sysctls = Sysctls::of(inside, PROC_SYS.as_ref());
        visit::observe(&mut inside.socket()?, sysctls, wanted)
    })?
}

// === impl AttachError ===

impl AttachError {
    /// What may help, where we know.
    pub fn hint(&self) -> Option<&Hint> {
        match &self.cause {
            Cause::Step(error) => error.hint.as_ref(),
            Cause::Netns(_)
            | Cause::Observe(_)
            | Cause::Conflict(_)
            | Cause::Sysctl(_)
            | Cause::Differs(_) => None,
        }
    }
}

impl std::fmt::Display for Failures<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for failure in self.0 {
            let chain = crate::error::Chain(failure);
            write!(f, " (and it could not be undone: {chain})")?;
        }
        Ok(())
    }
}

impl std::fmt::Display for Listed<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (index, difference) in self.0.iter().enumerate() {
            let separator = if index == 0 { ": " } else { "; " };
            write!(f, "{separator}{difference}")?;
        }
        Ok(())
    }
}
