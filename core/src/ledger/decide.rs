//! The operator's decision: level-triggered, from what was seen to what must be written.
//!
//! No program counters: "died between two writes", "lost reply" and "zombie" are all "another view
//! decides next".

use alloc::{
    collections::{BTreeMap, BTreeSet},
    vec::Vec,
};
use core::net::IpAddr;

use super::{
    Block, BlockId, Millis, Rules, View, claims,
    draft::{self, Drafts},
    fence,
    finding::Finding,
    grant,
    macs::Macs,
    mend, node, push, release,
    restore::{self, Halt},
    specs::Specs,
    view::{NodeSpec, Refusal},
};
use crate::{
    id::{Name, Uid},
    mac::Mac,
};

/// A write (or the read that a write needs), complete in itself with its precondition.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Write {
    /// Replace a node object's protocol fields, if its spec is still the version in the view.
    /// Sent before the block writes of the same decision, and answered before those that grant
    /// something on the node, so that the pushes which follow need no further read.
    Node {
        /// The node object.
        name: Name,
        /// Its protocol fields in full.
        spec: NodeSpec,
    },
    /// Make the block under a newly drawn epoch, after a quorum read of what the nodes hold.
    CreateBlock(BlockId),
    /// Replace the block, if it is still the version in the view.
    Block(Block),
    /// Read the block with quorum: a push or a fence waits for it. Reads are done in the order of
    /// these variants, each kind after the one before has ended.
    ReadBlock(BlockId),
    /// Read the node object with quorum: a fence waits for it.
    ReadNode(Name),
    /// Read the Node with quorum: a fence waits for it.
    ReadEvidence(Name),
    /// Read with quorum what is known of restores of etcd.
    ReadRestore,
    /// Note that the ledger has been rewritten after the restore of this epoch; but first list all blocks
    /// with quorum: one that no watch has shown yet must not stay as it was before.
    Adopted(u64),
}

/// A grant that met another host of the LAN.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Conflict {
    /// The network's UID.
    pub network: Uid,
    /// The pod's UID.
    pub owner: Uid,
    /// The node that asked.
    pub node: Name,
    /// The address.
    pub address: IpAddr,
    /// Who answered.
    pub mac: Mac,
}

/// What one decision comes to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Decision {
    /// Independent of each other; any subset may be lost.
    pub writes: Vec<Write>,
    /// Owners that get nothing now, and why.
    pub refusals: BTreeMap<Uid, Refusal>,
    /// Claims that do not have all that they ask for, and why.
    pub claims: BTreeMap<Uid, Refusal>,
    /// Claims that entries name and the view does not know: whether they are gone must be read.
    pub unknown_claims: BTreeSet<Uid>,
    /// When time alone may change the decision (an address has rested).
    pub wake_at: Option<Millis>,
    /// Addresses that the writes leave alone for a while: other hosts have them.
    pub conflicts: Vec<Conflict>,
    /// What the writes put right: edits by hand. Each is certain, and named until a write has come
    /// through.
    pub repairs: Vec<Finding>,
    /// Set if nothing is granted, pushed, recalled or freed: etcd was restored.
    pub halt: Option<Halt>,
}

/// Decides on a view.
pub fn decide(view: &View, rules: Rules) -> Decision {
    if let Some(decision) = restore::decide(view, rules) {
        return decision;
    }
    let held = draft::by_owner(view);
    let kept = claims::by_claim(view);
    let mut drafts = Drafts::new(view, rules);
    let mut specs = Specs::new(view);
    let mut decision = Decision {
        conflicts: release::free(view, rules, &held, &mut drafts),
        ..Decision::default()
    };
    let reads = fence::fence(view, rules, &held, &mut drafts);
    decision.writes.extend(reads);
    mend::mend(view, rules, &held, &mut drafts, &mut specs, &mut decision);
    release::recall(view, rules, &held, &mut drafts);
    let reads = release::recall_second(view, &held, &mut drafts);
    decision.writes.extend(reads);
    fence::quarantine(view, &held, &mut drafts);
    release::forget_rested(view, &mut drafts);
    claims::keep(view, rules, &held, &kept, &mut drafts, &mut decision);
    let mut macs = Macs::new(view);
    let entries = grant::Entries {
        held: &held,
        kept: &kept,
    };
    grant::grant(view, entries, &mut drafts, &specs, &mut macs, &mut decision);
    node::list_recalls(view, rules, &held, &mut specs);
    node::mark_fenced(&held, &mut specs);
    node::list_refusals(view, &decision.refusals, &mut specs);
    let reads = push::push(view, rules, &held, &mut drafts, &mut specs, &mut macs);
    decision.writes.extend(reads);
    decision.writes.extend(specs.into_writes());
    decision.writes.extend(drafts.into_writes());
    decision.writes.sort();
    decision.writes.dedup();
    decision
}
