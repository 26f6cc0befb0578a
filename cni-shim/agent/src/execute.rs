//! Links are made and removed here, on the thread of whoever asked or on threads of our own, never on one
//! of tokio's: a netlink request holds its caller in the kernel, and a tokio worker that is held serves
//! nobody.

use std::sync::Arc;

use landfall_core::{
    agent::{Event, Key},
    id::Name,
    link::Link,
};
use landfall_link::{Chain, Hint, Netns, Node, detach};

use crate::{engine::Input, parents::NodeLink, records::Facts};

mod again;
mod gate;
mod mend;
mod node_link;
mod nodes;
mod pool;
mod probe;

pub use again::Wanted;
pub(crate) use gate::Gate;
pub use mend::{LookJob, Looked, RemakeJob};
pub use pool::{Pool, PoolError, Workers};
pub use probe::{Found, ProbeJob, Probed};

/// A link to make.
#[derive(Debug)]
pub struct AttachJob {
    /// The attachment.
    pub key: Key,
    /// The pod's network namespace.
    pub netns: Arc<Netns>,
    /// The link.
    pub link: Link,
    /// The network's name, for messages.
    pub network: String,
    /// What may pass is tried again until this says no.
    pub wanted: Wanted,
    /// The link is there, and the kernel asks the LAN for its addresses.
    pub probed: bool,
}

/// A link to remove.
#[derive(Debug)]
pub struct DetachJob {
    /// The attachment.
    pub key: Key,
    /// Which link.
    pub facts: Facts,
    /// A namespace that may be the one, if somebody has it open.
    pub netns: Option<Arc<Netns>>,
}

/// A link of the node to make for a network, or to remove: a VLAN, or the parent of a network without one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NodeLinkJob {
    /// Make it.
    Make(NodeLink),
    /// Give it an MTU.
    SetMtu {
        /// Its index.
        index: u32,
        /// In bytes.
        mtu: u32,
    },
    /// Remove it.
    Remove {
        /// Its name.
        name: Name,
        /// Its index.
        index: u32,
    },
}

/// Something to do with links. Whoever does it tells the engine how it went.
#[derive(Debug)]
pub enum Job {
    /// Make a link: `Made` or `NotMade`.
    Attach(AttachJob),
    /// Remove one: `Gone` or `NotGone`.
    Detach(DetachJob),
    /// Look for a link that is in place: `Looked`.
    Look(LookJob),
    /// Make one anew: `Remade`.
    Remake(Box<RemakeJob>),
    /// Make or remove a link of the node.
    NodeLink(NodeLinkJob),
    /// Ask the LAN who has addresses: `Probed`, one for each.
    Probe(ProbeJob),
}

// === impl Job ===

impl Job {
    /// Whether it is for that sandbox, and nothing has to be searched for it: who asked may wait for it.
    pub(crate) fn is_quick(&self, container: &Name) -> bool {
        match self {
            Self::Attach(job) => job.key.container == *container,
            Self::Detach(job) => job.key.container == *container && job.netns.is_some(),
            Self::Look(_) | Self::Remake(_) | Self::NodeLink(_) | Self::Probe(_) => false,
        }
    }
}

/// How an attempt to make a link ended.
enum Attempt {
    Over(Input),
    /// What failed may pass in a moment: why it did.
    Again(Box<AttachJob>, String),
}

fn make(node: &mut Node, mut job: AttachJob) -> Attempt {
    match node.attach(&job.netns, &job.link) {
        Ok(made) if job.link.is_probed(&made.link) => {
            job.probed = true;
            let network = &job.network;
            let why = format!("network {network}: the LAN is still asked for its addresses");
            Attempt::Again(Box::new(job), why)
        }
        Ok(made) => Attempt::Over(Input::Made(job.key, Box::new(made))),
        Err(error) => {
            let why = format!("network {}: {}", job.network, Chain(&error));
            if error.hint().is_some_and(Hint::may_pass) {
                return Attempt::Again(Box::new(job), why);
            }
            Attempt::Over(not_made(job, why, false))
        }
    }
}

/// `may_pass`: the same may succeed later, only nobody waits for it any more.
fn not_made(job: AttachJob, mut why: String, may_pass: bool) -> Input {
    if job.probed
        && let Err(error) = detach(&job.netns, &job.link.device)
    {
        why = format!("{why}; and undoing failed: {}", Chain(&error));
    }
    tracing::warn!(container = %job.key.container, "{why}");
    Input::Event(Event::NotMade {
        key: job.key,
        why,
        may_pass,
    })
}
