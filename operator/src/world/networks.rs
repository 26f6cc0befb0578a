//! Networks of both kinds, judged together.

use std::collections::BTreeSet;

use kube::runtime::watcher::Event;
use landfall_core::{
    id::{Name, Uid},
    ledger::{Entry, view::NetworkView},
};

use super::{World, relist::Step, version};
use crate::{
    network::{
        NetworkObject, dereference,
        validate::{Candidate, Verdict, validate},
    },
    pods::Listing,
};

// === impl World ===

impl World {
    pub(super) fn observe_macvlan(&mut self, event: Event<NetworkObject>) {
        let relist = &mut self.watches.macvlan;
        for step in relist.steps(event, NetworkObject::uid, &self.macvlan) {
            self.stale.networks |= match step {
                Step::Put(object) => put(&mut self.macvlan, object),
                Step::Deleted(object) => self.macvlan.remove(&object.uid()).is_some(),
                Step::Absent(uid) => self.macvlan.remove(&uid).is_some(),
            };
        }
    }

    pub(super) fn observe_ipvlan(&mut self, event: Event<NetworkObject>) {
        let relist = &mut self.watches.ipvlan;
        for step in relist.steps(event, NetworkObject::uid, &self.ipvlan) {
            self.stale.networks |= match step {
                Step::Put(object) => put(&mut self.ipvlan, object),
                Step::Deleted(object) => self.ipvlan.remove(&object.uid()).is_some(),
                Step::Absent(uid) => self.ipvlan.remove(&uid).is_some(),
            };
        }
    }

    /// All networks' objects.
    pub(crate) fn network_objects(&self) -> impl Iterator<Item = (&Uid, &NetworkObject)> {
        self.macvlan.iter().chain(&self.ipvlan)
    }

    /// A network's object.
    pub(crate) fn network_object(&self, uid: Uid) -> Option<&NetworkObject> {
        self.macvlan.get(&uid).or_else(|| self.ipvlan.get(&uid))
    }

    /// When a network was made, and its name: the older one has what only one can have. One whose object
    /// has gone is older than all: it holds what it has.
    pub(super) fn age(&self, network: Uid) -> (i64, Name) {
        self.network_object(network).map_or_else(
            || (i64::MIN, Name::default()),
            |object| (object.created(), object.name()),
        )
    }

    /// What was found about a network.
    pub(crate) fn verdict(&self, uid: Uid) -> Option<&Verdict> {
        self.networks.verdicts.get(&uid)
    }

    /// Judges all networks again if one changed, and what hangs on them: nodes and pods.
    pub(super) fn settle_networks(&mut self) {
        if std::mem::take(&mut self.stale.networks) {
            self.judge_networks();
            self.stale.nodes.extend(self.view.nodes.keys().cloned());
            self.resolve_pods(|_| true);
        }
        self.release_networks();
    }

    fn judge_networks(&mut self) {
        let candidates = self.network_objects().map(|(uid, object)| Candidate {
            uid: *uid,
            kind: object.kind(),
            name: object.name(),
            created: object.created(),
            is_deleting: object.is_deleting(),
            is_guarded: object.is_guarded(),
            network: object.network(),
            not_implemented: object.not_implemented(),
            last_valid: self.networks.last_valid.get(uid).cloned(),
            held_segment: self.held_segment(*uid),
        });
        let verdicts = validate(candidates.collect());
        self.view.networks.clear();
        self.networks.directory.clear();
        self.networks.last_valid.clear();
        for (uid, verdict) in &verdicts {
            if let Some(network) = &verdict.network {
                let view = NetworkView {
                    network: network.clone(),
                    closed: verdict.closed.clone(),
                };
                self.view.networks.insert(*uid, view);
                self.networks.last_valid.insert(*uid, network.clone());
            }
            if let Some(listing) = listing(*uid, verdict) {
                self.networks
                    .directory
                    .insert(verdict.name.clone(), listing);
            }
        }
        self.networks.verdicts = verdicts;
        self.changed = true;
    }

    /// The segment that addresses of a network are held in, or may be. A segment can't change while some are.
    fn held_segment(&self, network: Uid) -> Option<Name> {
        let last = self.networks.last_valid.get(&network);
        if let Some(last) = last.filter(|last| self.may_be_held(last)) {
            return Some(last.segment.clone());
        }
        let mut blocks = self.view.blocks.iter();
        let (id, _) = blocks.find(|(_, seen)| {
            let mut entries = seen.value.entries.values();
            let is_used = |entry: &Entry| entry.holder.is_some() || entry.kept.is_some();
            entries.any(|entry| entry.network == network && is_used(entry))
        })?;
        Some(id.segment.clone())
    }

    /// A network that is not wanted any more stays on the nodes as long as something is held.
    fn release_networks(&mut self) {
        let verdicts = self.networks.verdicts.iter();
        let unwanted: Vec<Uid> = verdicts
            .filter(|(_, verdict)| !verdict.is_wanted())
            .map(|(uid, _)| *uid)
            .collect();
        if unwanted.is_empty() {
            self.networks.held.clear();
            return;
        }
        let held = self.held();
        let gone = |uid: &Uid| unwanted.contains(uid) && !held.contains(uid);
        let nodes = self.node_objects.iter().filter(|(_, object)| {
            let mut networks = object.spec.networks.iter();
            networks.any(|network| gone(&network.uid))
        });
        let nodes: BTreeSet<Name> = nodes.map(|(name, _)| name.clone()).collect();
        self.stale.nodes.extend(nodes);
        self.networks.held = held;
    }

    /// Whether nodes must know a network.
    pub(super) fn is_served(&self, network: Uid) -> bool {
        self.networks.held.contains(&network)
            || self.verdict(network).is_some_and(Verdict::is_wanted)
    }

    /// Whether anything still needs a network that is being deleted.
    pub(crate) fn is_needed(&self, network: Uid) -> bool {
        let listed = self.node_objects.values().any(|object| {
            let mut networks = object.spec.networks.iter();
            networks.any(|served| served.uid == network)
        });
        // A node object that can't be read may list it.
        let is_unsure = self.is_restored() || !self.view.unread.nodes.is_empty();
        listed || is_unsure || self.held().contains(&network)
    }

    /// Networks that an entry or a node's grant names, or may.
    fn held(&self) -> BTreeSet<Uid> {
        let networks = self.view.networks.iter();
        let unsure = networks.filter(|(_, network)| self.may_be_held(&network.network));
        let mut held = dereference::held(&self.view);
        held.extend(unsure.map(|(uid, _)| *uid));
        held
    }

    /// All node objects.
    pub(crate) fn node_objects(
        &self,
    ) -> impl Iterator<Item = (&Name, &landfall_crds::node::LandfallNode)> {
        self.node_objects.iter()
    }
}

/// Returns whether the verdicts must be made again.
fn put(
    objects: &mut std::collections::BTreeMap<Uid, NetworkObject>,
    object: NetworkObject,
) -> bool {
    let uid = object.uid();
    let old = objects.get(&uid);
    if old.is_some_and(|old| version(object.meta()) < version(old.meta())) {
        return false;
    }
    let is_news = old.is_none_or(|old| object.is_news_after(old));
    objects.insert(uid, object);
    is_news
}

/// What stands behind the network's name; `None` if the name is another object's.
fn listing(uid: Uid, verdict: &Verdict) -> Option<Listing> {
    match (&verdict.network, &verdict.accepted) {
        (_, Err(fault)) if fault.is_name_taken() => None,
        (Some(_), _) => Some(Listing::Network(uid)),
        (None, Err(fault)) => Some(Listing::Invalid(uid, fault.message.clone())),
        (None, Ok(())) => None,
    }
}
