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
    ledger::{
        Rules,
        view::{Grant, Refusal},
    },
    mac::Mac,
};

mod add;
mod del;
mod end;
mod event;
mod flight;
mod identity;
mod look_up;
mod probe;
mod recall;
mod restore;
mod spec;
mod step;

pub use event::{AddRequest, Asked, Effect, Event, Outcome, Token};
pub use identity::{Identity, Starting, Writer};
pub use spec::accepts;
pub use step::{step, step_under};

use del::Deletion;
use flight::Flight;
use probe::Probe;

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
    /// `spec.ledgerEpoch`: that of the last announced restore of etcd; 0 if there was none.
    pub epoch: u64,
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
    /// What pods ask for that another plugin serves: (owner, interface, name).
    pub not_ours: BTreeSet<(Uid, Name, Name)>,
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
    /// Whether the LAN is asked for an address before its first use.
    pub is_probed: bool,
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
    /// A quorum read has shown an older version than one that was seen: etcd was restored, and nobody
    /// has said so. No version is taken any more, until one has a new epoch.
    pub restore_suspected: bool,
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
    /// What is known of addresses of networks that are probed.
    probes: BTreeMap<(IpAddr, Seq), Probe>,
    /// What was given back because another host has it; as long as it is in the released set.
    conflicts: BTreeMap<(IpAddr, Seq), Mac>,
    /// The ADD in progress of each owner.
    flights: BTreeMap<Uid, Flight>,
    /// ADDs that wait for a grant or for their turn, in the order of arrival.
    waiting: Vec<AddRequest>,
    /// DELs that wait for links to go.
    deletions: BTreeMap<Token, Deletion>,
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
        self.is_known(durable) && (!self.cold || (self.read && self.scanned))
    }

    /// How many ADDs wait: for a grant, a parent or another sandbox.
    pub fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// Whether a start from what now lies in `/run` may be warm. Not while a device that no record
    /// explains blocks an address: only a cold start looks for those.
    pub fn may_restart_warm(&self, durable: &Durable) -> bool {
        self.is_ready(durable) && self.blocked.is_empty()
    }

    /// Whether the own object is that of this machine.
    fn is_known(&self, durable: &Durable) -> bool {
        durable
            .snapshot
            .as_ref()
            .is_some_and(|spec| spec.machine == self.machine)
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

    /// What a written effect leaves in `/run`, where `memory` is the agent's own: for whoever plays a
    /// machine. Effects that write nothing there leave nothing.
    pub fn save(&mut self, effect: Effect, memory: &Self) {
        match effect {
            Effect::SaveRecord(key, record) => {
                self.records.insert(key, record);
            }
            Effect::DropRecord(key) => {
                self.records.remove(&key);
            }
            Effect::SaveReleased => self.released.clone_from(&memory.released),
            Effect::SaveSnapshot => self.snapshot.clone_from(&memory.snapshot),
            Effect::SaveSuspicion => self.restore_suspected = memory.restore_suspected,
            Effect::ReadSpec
            | Effect::Probe { .. }
            | Effect::Make { .. }
            | Effect::Remove(_)
            | Effect::Reply(..)
            | Effect::Publish => {}
        }
    }

    /// Whether any record, of whatever phase, holds the address under whatever seq.
    fn holds(&self, rules: Rules, address: IpAddr) -> bool {
        self.records
            .values()
            .filter(|record| rules.recall_heeds_pending || record.phase != Phase::Pending)
            .any(|record| record.addresses.iter().any(|(a, _)| *a == address))
    }
}

#[cfg(test)]
mod tests;
