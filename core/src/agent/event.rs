//! What happens to the agent, and what it does about it.

use alloc::{
    collections::{BTreeMap, BTreeSet},
    string::String,
    vec::Vec,
};
use core::net::IpAddr;

use super::{Key, Phase, Record, Snapshot};
use crate::{
    id::{Name, Seq, Uid},
    ledger::view::Grant,
    mac::Mac,
};

/// Names one request of the plugin while it lasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Token(pub u64);

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
    /// The LAN was asked for the address of a grant.
    Probed {
        /// The grant.
        key: (IpAddr, Seq),
        /// Who has it; `None`: nobody has said so.
        found: Option<Mac>,
    },
    /// A link was made and is right.
    Made(Key),
    /// A link could not be made; nothing of it is left behind.
    NotMade {
        /// The attachment.
        key: Key,
        /// Why.
        why: String,
        /// The same request may succeed later: what is in the way may go by itself.
        may_pass: bool,
    },
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
    /// Write to `/run` whether a restore of etcd is suspected.
    SaveSuspicion,
    /// Read the own object with quorum and report it as `Event::Spec`.
    ReadSpec,
    /// Ask the LAN who has the address of a grant; report `Probed`.
    Probe {
        /// The grant.
        key: (IpAddr, Seq),
        /// Its network, which has a parent now.
        network: Uid,
    },
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

// === impl Effect ===

impl Effect {
    /// Whether it is a step of serving an ADD: the record of a link to come, or the link.
    pub fn serves_an_add(&self) -> bool {
        match self {
            Self::Make { .. } => true,
            Self::SaveRecord(_, record) => record.phase == Phase::Pending,
            Self::DropRecord(_)
            | Self::SaveReleased
            | Self::SaveSnapshot
            | Self::SaveSuspicion
            | Self::ReadSpec
            | Self::Probe { .. }
            | Self::Remove(_)
            | Self::Reply(..)
            | Self::Publish => false,
        }
    }
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
