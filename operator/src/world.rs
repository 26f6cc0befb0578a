//! What the operator knows: the ledger's view, and the objects that it was made from.
//!
//! ```text
//!   watches ──────────┐
//!   quorum reads ─────┼──> World (one task owns it) ──> View ──> decide
//!   own writes ───────┘
//! ```
//!
//! An object never goes back: whatever is older than what is known, by resourceVersion, is dropped.

use std::collections::{BTreeMap, BTreeSet};

use kube::core::ObjectMeta;
use landfall_core::{
    id::{Name, Uid},
    ledger::{BlockId, View, fresh::Tick, restore::Halt, view::Refusal},
    network::Labels,
};
use landfall_crds::{block::AddressBlock, node::LandfallNode};

use crate::{
    args::Door,
    claims::{ClaimKey, ClaimKind, SetKey},
    definitions::{Definition, DefinitionKey},
    events::Notice,
    network::{NetworkObject, Networks},
    nodes::NodeFacts,
    pods::{PodFacts, PodKey},
    watches::Change,
};

mod blocks;
mod claims;
mod definitions;
mod namespaces;
mod networks;
mod node_faults;
mod node_objects;
mod node_writes;
mod pods;
mod reclaim;
mod relist;
mod restore;
mod unread;

pub(crate) use namespaces::NamespaceFacts;
pub(crate) use node_objects::name_of;
pub(crate) use node_writes::NodeWrite;
pub(crate) use reclaim::{reclaimed, refusal};
use relist::Relist;
use unread::Unreads;
pub(crate) use unread::usable;

/// All that is known. One task owns it.
#[derive(Debug)]
pub(crate) struct World {
    /// What the ledger decides on.
    pub(crate) view: View,
    /// The operator's own namespace: a network may be named with it.
    home: String,
    ticks: u64,
    pods: BTreeMap<PodKey, PodFacts>,
    /// The pod of each owner in the view.
    owners: BTreeMap<Uid, PodKey>,
    default_routes: pods::DefaultRoutesOf,
    /// Our DaemonSet's pods on each node, and whether each is Ready.
    agents: BTreeMap<Name, BTreeMap<PodKey, bool>>,
    nodes: BTreeMap<Name, NodeFacts>,
    namespaces: BTreeMap<String, Labels>,
    macvlan: BTreeMap<Uid, NetworkObject>,
    ipvlan: BTreeMap<Uid, NetworkObject>,
    networks: Networks,
    node_objects: BTreeMap<Name, LandfallNode>,
    blocks: BTreeMap<BlockId, AddressBlock>,
    unread_nodes: Unreads<Name>,
    unread_blocks: Unreads<BlockId>,
    definitions: BTreeMap<DefinitionKey, Definition>,
    claims: claims::ClaimWorld,
    /// Why claims lack what they lack, by the last decision.
    pub(crate) claim_refusals: BTreeMap<Uid, Refusal>,
    /// What pods ask for that is not ours.
    others: definitions::Others,
    /// Whether the API server can give pods the networks of their namespace.
    has_namespace_default: bool,
    /// The door through which pods reach their networks.
    pub(crate) door: Door,
    /// Objects that a list did not name: read before they are believed gone, for the list may be
    /// older than our own write.
    pub(crate) doubts: Doubts,
    pub(crate) due: Due,
    /// Why nothing is decided, as of the last decision.
    pub(crate) halt: Option<Halt>,
    /// Whether the view changed since the last decision.
    changed: bool,
    /// What changed since the last look.
    stale: Stale,
    /// AddressBlocks that are none of the ledger's, by name: what is told of them.
    strangers: BTreeMap<String, Notice>,
    /// Sentences for users that came up since the last look.
    pub(crate) notices: Vec<Notice>,
    watches: Watched,
}

/// What must be read with quorum before the next decision.
#[derive(Debug)]
pub(crate) struct Due {
    /// What is known of restores of etcd.
    pub(crate) restore: bool,
    /// Claims: their watch may be behind that of pods.
    pub(crate) claims: bool,
}

/// Objects to be read with quorum.
#[derive(Debug, Default)]
pub(crate) struct Doubts {
    pub(crate) nodes: BTreeSet<Name>,
    pub(crate) blocks: BTreeSet<BlockId>,
}

/// What must be worked out again.
#[derive(Debug, Default)]
struct Stale {
    /// A network object changed.
    networks: bool,
    /// Namespaces whose labels changed.
    namespaces: BTreeSet<String>,
    /// A NetworkAttachmentDefinition changed.
    definitions: bool,
    /// A claim changed, or what claims are judged by.
    claims: bool,
    /// ReplicaSets that another object controls than before.
    replica_sets: BTreeSet<SetKey>,
    /// Nodes whose object may have to say something else beside grants.
    nodes: BTreeSet<Name>,
    /// Nodes whose attachments or parents changed, for what pods are told.
    reported: BTreeSet<Name>,
    /// Owners whose pod changed, likewise.
    owners: BTreeSet<Uid>,
}

#[derive(Debug, Default)]
struct Watched {
    pods: Relist<PodKey>,
    nodes: Relist<Name>,
    namespaces: Relist<String>,
    macvlan: Relist<Uid>,
    ipvlan: Relist<Uid>,
    node_objects: Relist<Name>,
    blocks: Relist<BlockId>,
    definitions: Relist<DefinitionKey>,
    claims: Relist<ClaimKey>,
    ipam_claims: Relist<ClaimKey>,
    stateful_sets: Relist<SetKey>,
    replica_sets: Relist<SetKey>,
}

// === impl Due ===

impl Due {
    fn all() -> Self {
        Self {
            restore: true,
            claims: true,
        }
    }
}

// === impl World ===

impl World {
    pub(crate) fn new(home: String) -> Self {
        Self {
            view: View::default(),
            home,
            ticks: 0,
            pods: BTreeMap::new(),
            owners: BTreeMap::new(),
            default_routes: BTreeMap::new(),
            agents: BTreeMap::new(),
            nodes: BTreeMap::new(),
            namespaces: BTreeMap::new(),
            macvlan: BTreeMap::new(),
            ipvlan: BTreeMap::new(),
            networks: Networks::default(),
            node_objects: BTreeMap::new(),
            blocks: BTreeMap::new(),
            unread_nodes: Unreads::default(),
            unread_blocks: Unreads::default(),
            definitions: BTreeMap::new(),
            claims: claims::ClaimWorld::default(),
            claim_refusals: BTreeMap::new(),
            others: BTreeMap::new(),
            has_namespace_default: true,
            door: Door::Auto,
            doubts: Doubts::default(),
            due: Due::all(),
            halt: None,
            changed: true,
            stale: Stale::default(),
            strangers: BTreeMap::new(),
            notices: Vec::new(),
            watches: Watched::default(),
        }
    }

    /// The next point in the shell's own order of reads.
    pub(crate) fn tick(&mut self) -> Tick {
        self.ticks += 1;
        Tick(self.ticks)
    }

    /// Whether every watch has read its first list to the end. Nothing is decided before.
    pub(crate) fn is_synced(&self) -> bool {
        let watches = &self.watches;
        watches.pods.is_synced()
            && watches.nodes.is_synced()
            && watches.namespaces.is_synced()
            && watches.macvlan.is_synced()
            && watches.ipvlan.is_synced()
            && watches.node_objects.is_synced()
            && watches.blocks.is_synced()
            && watches.definitions.is_synced()
            && watches.claims.is_synced()
            && watches.ipam_claims.is_synced()
            && watches.stateful_sets.is_synced()
            && watches.replica_sets.is_synced()
    }

    /// Takes what a watch saw.
    pub(crate) fn observe(&mut self, change: Change) {
        // Objects of which there are many say themselves whether they are news.
        self.changed |= !matches!(
            change,
            Change::Pod(_)
                | Change::NodeObject(_)
                | Change::Claim(_)
                | Change::IpamClaim(_)
                | Change::StatefulSet(_)
                | Change::ReplicaSet(_)
        );
        match change {
            Change::Pod(event) => self.observe_pod(event),
            Change::Node(event) => self.observe_node(event),
            Change::Namespace(event) => self.observe_namespace(event),
            Change::Macvlan(event) => self.observe_macvlan(event),
            Change::Ipvlan(event) => self.observe_ipvlan(event),
            Change::NodeObject(event) => self.observe_node_object(event),
            Change::Block(event) => self.observe_block(event),
            Change::Definition(event) => self.observe_definition(event),
            Change::Claim(event) => self.observe_claim(ClaimKind::Address, event),
            Change::IpamClaim(event) => self.observe_claim(ClaimKind::Ipam, event),
            Change::StatefulSet(event) => self.observe_stateful_set(event),
            Change::ReplicaSet(event) => self.observe_replica_set(event),
            Change::NamespaceDefault(is_served) => self.observe_namespace_default(is_served),
        }
    }

    /// Whether another decision may come to something else than the last one.
    pub(crate) fn is_news(&self) -> bool {
        let stale = &self.stale;
        let is_stale = stale.networks
            || stale.definitions
            || stale.claims
            || !stale.replica_sets.is_empty()
            || !stale.namespaces.is_empty()
            || !stale.nodes.is_empty();
        let is_doubted = !self.doubts.nodes.is_empty() || !self.doubts.blocks.is_empty();
        self.changed || is_stale || is_doubted || !self.notices.is_empty()
    }

    /// A decision begins.
    pub(crate) fn is_decided_on(&mut self) {
        self.changed = false;
    }

    /// Another operator decides: what hangs on several objects is worked out, and nothing is kept that
    /// only whoever decides has to tell or write.
    pub(crate) fn follow(&mut self) {
        self.settle();
        self.notices.clear();
        self.stale = Stale::default();
    }

    /// This operator decides from now on: everything is looked at.
    pub(crate) fn begin(&mut self) {
        self.changed = true;
        self.due = Due::all();
        self.notices.clear();
        self.tell_namespaces();
        // Pods too: they hang on networks.
        self.stale.networks = true;
        self.stale.claims = true;
        let nodes = self.nodes.keys().chain(self.node_objects.keys());
        self.stale.nodes.extend(nodes.cloned());
        self.stale
            .reported
            .extend(self.node_objects.keys().cloned());
    }

    /// Works out again what hangs on several objects. To be called before each decision.
    pub(crate) fn settle(&mut self) {
        self.stale.claims |= self.stale.networks || !self.stale.namespaces.is_empty();
        self.settle_networks();
        self.settle_claims();
        self.settle_namespaces();
        self.settle_definitions();
        self.settle_restore();
        self.settle_reclaims();
    }
}

/// The resourceVersion as a number: since Kubernetes 1.35 it is promised to be one that grows, and it
/// always was. 0 if there is none.
fn version(meta: &ObjectMeta) -> u64 {
    let text = meta.resource_version.as_deref();
    text.and_then(|text| text.parse().ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests;
