//! The agent's decisions: what a node does with its grants.
//!
//! `step(&mut Volatile, &mut Durable, Event) -> Vec<Effect>`. [`Durable`] is what lies in `/run`
//! (it lives as long as the sandboxes it describes), [`Volatile`] is lost when the agent ends. The
//! shell executes the effects in their order and may die after any prefix of them: the next start
//! finds a `Durable` from which everything can be taken up again.
//!
//! Of a record, as seen in `/run`:
//!
//! ```text
//!  (none) ── ADD ──> PENDING ── link made ──> ACTIVE
//!                       └──────── DEL, GC, a newer ADD, undo ───> DETACHING ── link gone ──> (none)
//! ```

use alloc::{
    collections::{BTreeMap, BTreeSet},
    string::String,
    vec::Vec,
};
use core::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::{
    address::Family,
    id::{Name, Seq, Uid},
    ledger::view::{Grant, Refusal},
};

mod add;
mod del;
mod look_up;
mod recall;
mod spec;
mod step;

pub use step::step;

/// Names one request of the plugin while it lasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Token(pub u64);

/// An attachment on this node: the sandbox and the interface in it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Key {
    /// CNI's container ID, which is the sandbox's.
    pub container: Name,
    /// The interface in the pod.
    pub interface: Name,
}

/// How far an attachment is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Phase {
    /// The link may exist.
    Pending,
    /// The link exists and was reported.
    Active,
    /// The link is being removed and may still exist.
    Detaching,
}

/// What `/run` says of one attachment.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Record {
    /// How far it is.
    pub phase: Phase,
    /// The pod's UID.
    pub owner: Uid,
    /// The network's UID.
    pub network: Uid,
    /// The addresses on the link; empty for a network without IPAM.
    pub addresses: Vec<(IpAddr, Seq)>,
}

/// The node's own object, as of one version.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Snapshot {
    /// UID of the LandfallNode object.
    pub uid: Uid,
    /// Its `metadata.generation`.
    pub generation: u64,
    /// Machine ID for which the spec was written.
    pub machine: Uid,
    /// The networks served here, by UID.
    pub networks: BTreeMap<Uid, Served>,
    /// What was granted to this node.
    pub grants: Vec<Grant>,
    /// What the node is asked to give back.
    pub recalls: BTreeSet<(IpAddr, Seq)>,
    /// Owners that get no grant now, and why.
    pub refusals: BTreeMap<Uid, Refusal>,
    /// `status.released` of the same version.
    pub status_released: BTreeSet<(IpAddr, Seq)>,
}

/// What the agent's decisions need to know of a network.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Served {
    /// The network's name, as pods ask for it.
    pub name: Name,
    /// The families that an attachment needs an address of; empty for a network without IPAM.
    pub families: BTreeSet<Family>,
}

/// What survives the agent: the content of `/run/landfall`.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Durable {
    /// All attachments.
    pub records: BTreeMap<Key, Record>,
    /// (address, seq) that no sandbox of this node uses, nor ever will.
    pub released: BTreeSet<(IpAddr, Seq)>,
    /// The last version of the own object seen.
    pub snapshot: Option<Snapshot>,
}

/// What the agent knows while it runs.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Volatile {
    /// This machine's ID.
    pub machine: Uid,
    /// Started without a complete `/run`: nothing is served, acknowledged or written before the
    /// own object was read with quorum and the namespaces were scanned (invariant 8).
    pub cold: bool,
    /// The quorum read that a cold start needs was done.
    pub read: bool,
    /// The scan that a cold start needs was done.
    pub scanned: bool,
    /// Addresses of devices that no record explains: not served on this node.
    pub blocked: BTreeSet<IpAddr>,
    /// Networks that have no parent on this node now, and why: their ADDs wait.
    pub without_parent: BTreeMap<Uid, String>,
    /// The ADD in progress of each owner.
    flights: BTreeMap<Uid, Flight>,
    /// ADDs that wait for a grant or for their turn, in the order of arrival.
    waiting: Vec<AddRequest>,
    /// DELs that wait for links to go.
    deletions: BTreeMap<Token, Deletion>,
}

/// An ADD: all attachments of a pod in one call.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AddRequest {
    /// The request.
    pub token: Token,
    /// The sandbox.
    pub container: Name,
    /// The pod's UID.
    pub owner: Uid,
    /// Everything that the pod's annotations ask for.
    pub asked: Vec<Asked>,
}

/// One interface that a pod asks for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Asked {
    /// The network's name.
    pub network: Name,
    /// The interface in the pod.
    pub interface: Name,
    /// Requested addresses; empty: one of each of the network's families.
    pub addresses: Vec<IpAddr>,
}

/// An ADD in progress.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Flight {
    request: AddRequest,
    /// The grants that are being attached, by interface.
    grants: BTreeMap<Name, Vec<Grant>>,
    /// Older attachments of the owner that must be gone first.
    clearing: BTreeSet<Key>,
    /// Interfaces whose link is being made.
    making: BTreeSet<Name>,
    /// Set when the ADD must be undone: the answer it will get.
    ended: Option<Outcome>,
    /// Links that are being removed again.
    undoing: BTreeSet<Key>,
}

/// A DEL in progress.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Deletion {
    container: Name,
    /// `None` is all.
    interface: Option<Name>,
    left: BTreeSet<Key>,
    failure: Option<String>,
}

/// What happens to the agent.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Event {
    /// A version of the own object, from the watch or (`quorum`) from a quorum read.
    Spec {
        /// The object.
        snapshot: Snapshot,
        /// Whether it was read with quorum.
        quorum: bool,
    },
    /// All network namespaces were scanned; addresses of devices that no record explains.
    Scanned(BTreeSet<IpAddr>),
    /// The node's links, or the networks, have changed: networks without a parent, and why.
    Parents(BTreeMap<Uid, String>),
    /// The plugin asks to attach a pod.
    Add(AddRequest),
    /// An ADD waited as long as it may.
    Timeout(Token),
    /// The plugin of an ADD closed its connection.
    Abort(Token),
    /// A link was made and is right.
    Made(Key),
    /// A link could not be made; nothing of it is left behind.
    NotMade(Key, String),
    /// The plugin, or the sweep, asks to detach a sandbox.
    Del {
        /// The request.
        token: Token,
        /// The sandbox.
        container: Name,
        /// The one interface that a delegate call names; `None` is all.
        interface: Option<Name>,
    },
    /// The kernel says that the link is gone.
    Gone(Key),
    /// The link could not be removed, or its namespace could not be entered.
    NotGone {
        /// The attachment.
        key: Key,
        /// Why.
        why: String,
        /// The namespace can't be entered: the kernel removes the link with it.
        left_to_kernel: bool,
    },
}

/// What the shell must do, in this order.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Effect {
    /// Write the record to `/run`.
    SaveRecord(Key, Record),
    /// Remove the record from `/run`.
    DropRecord(Key),
    /// Write the released set to `/run`.
    SaveReleased,
    /// Write the last version seen to `/run`.
    SaveSnapshot,
    /// Read the own object with quorum and report it as `Event::Spec`.
    ReadSpec,
    /// Make the link; report `Made` or `NotMade`.
    Make {
        /// The attachment.
        key: Key,
        /// The ADD, which knows the network namespace.
        token: Token,
        /// Its grants: one an address; one without address for a network without IPAM.
        grants: Vec<Grant>,
    },
    /// Remove the link; report `Gone` or `NotGone`.
    Remove(Key),
    /// Answer the plugin.
    Reply(Token, Outcome),
    /// `attached` or `released` changed: write the status (coalesced).
    Publish,
}

/// The answer to a request.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Outcome {
    /// Done.
    Done,
    /// CNI code 11: the same request may succeed later.
    TryAgain(String),
    /// CNI code 7: only the user can mend it.
    Refused(String),
    /// The request failed on the node; nothing is left behind unless the text says so.
    Failed(String),
}

// === impl Volatile ===

impl Volatile {
    /// A start: warm with a complete `/run`, cold without.
    pub fn start(machine: Uid, cold: bool) -> Self {
        Self {
            machine,
            cold,
            ..Self::default()
        }
    }

    /// Whether grants may be served and acknowledgements given (invariant 8).
    pub fn is_ready(&self, durable: &Durable) -> bool {
        let known = durable
            .snapshot
            .as_ref()
            .is_some_and(|spec| spec.machine == self.machine);
        known && (!self.cold || (self.read && self.scanned))
    }
}

// === impl Durable ===

impl Durable {
    /// What the status must say is attached.
    pub fn attached(&self) -> BTreeSet<(IpAddr, Seq)> {
        let active = self
            .records
            .values()
            .filter(|record| record.phase == Phase::Active);
        active
            .flat_map(|record| record.addresses.iter().copied())
            .collect()
    }

    /// Whether any record, of whatever phase, holds the address under whatever seq.
    fn holds(&self, address: IpAddr) -> bool {
        self.records
            .values()
            .any(|record| record.addresses.iter().any(|(a, _)| *a == address))
    }
}

#[cfg(test)]
mod tests;
