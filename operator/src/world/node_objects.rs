//! Nodes and their LandfallNodes.

use kube::{ResourceExt as _, runtime::watcher::Event};
use landfall_core::{
    id::Name,
    ledger::{
        fresh::{Seen, Tick},
        view::{Evidence, NodeView},
    },
    network::Labels,
};
use landfall_crds::{guarded::Unread, node::LandfallNode};

use super::{
    World,
    node_faults::{blocked_chain, without_parent},
    reclaim::reclaimed,
    relist::Step,
    version,
};
use crate::{convert, nodes::NodeFacts, watches::Read};

// === impl World ===

impl World {
    pub(super) fn observe_node(&mut self, event: Event<NodeFacts>) {
        let relist = &mut self.watches.nodes;
        for step in relist.steps(event, |facts| facts.name.clone(), &self.nodes) {
            let name = match step {
                Step::Put(facts) if self.nodes.get(&facts.name) == Some(&facts) => continue,
                Step::Put(facts) => {
                    let name = facts.name.clone();
                    self.nodes.insert(name.clone(), facts);
                    name
                }
                Step::Deleted(NodeFacts { name, .. }) | Step::Absent(name) => {
                    self.nodes.remove(&name);
                    name
                }
            };
            self.refresh_node(&name);
            self.stale.nodes.insert(name);
        }
    }

    pub(super) fn observe_node_object(&mut self, event: Event<Read<LandfallNode>>) {
        self.unread_nodes.follow(&event);
        let relist = &mut self.watches.node_objects;
        for step in relist.steps(event, key, &self.node_objects) {
            match step {
                Step::Put(Ok(object)) => self.put_node_object(*object),
                Step::Put(Err(unread)) => self.put_unread_node(*unread),
                Step::Deleted(Err(unread)) => self.drop_unread_node(&unread),
                Step::Deleted(Ok(object)) => {
                    self.unread_nodes.remove(&name_of(&object));
                    let known = self.node_objects.get(&name_of(&object));
                    if known.is_some_and(|k| version(&k.metadata) <= version(&object.metadata)) {
                        self.drop_node_object(&name_of(&object));
                    }
                }
                Step::Absent(name) => {
                    self.doubts.nodes.insert(name);
                }
            }
        }
        self.note_unread();
    }

    /// Sets a node object aside that can't be read: to the ledger it is as if it were not there, only that
    /// it may list anything and is not made anew.
    fn put_unread_node(&mut self, unread: Unread) {
        let name = unread_name(&unread);
        let known = self.node_objects.get(&name);
        let is_old = known.is_some_and(|known| version(&unread.meta) < version(&known.metadata))
            || self.unread_nodes.is_overtaken(&name, &unread.meta);
        if !is_old {
            self.drop_node_object(&name);
            self.unread_nodes.insert(name, unread);
        }
    }

    fn drop_unread_node(&mut self, unread: &Unread) {
        let name = unread_name(unread);
        if self.unread_nodes.is_overtaken(&name, &unread.meta) {
            return;
        }
        self.unread_nodes.remove(&name);
        let known = self.node_objects.get(&name);
        if known.is_none_or(|known| version(&known.metadata) <= version(&unread.meta)) {
            self.drop_node_object(&name);
        }
    }

    /// Takes a node object, unless a later version is known.
    ///
    /// A spec that is new gets a tick now, after it was learned: a push into it needs a block read
    /// that begins later (the push rule). A new status alone changes nothing in that order.
    pub(crate) fn put_node_object(&mut self, object: LandfallNode) {
        let name = name_of(&object);
        let known = self.node_objects.get(&name);
        let is_overtaken = self.unread_nodes.is_overtaken(&name, &object.metadata);
        if is_overtaken
            || known.is_some_and(|known| version(&object.metadata) < version(&known.metadata))
        {
            return;
        }
        self.unread_nodes.remove(&name);
        let same_spec = known.is_some_and(|known| {
            known.metadata.generation == object.metadata.generation
                && known.metadata.uid == object.metadata.uid
        });
        if known.is_none_or(|known| reports_differ(known, &object)) {
            self.stale.reported.insert(name.clone());
        }
        if !same_spec {
            self.stale.nodes.insert(name.clone());
        }
        let seen_at = match self.view.nodes.get(&name) {
            Some(node) if same_spec => node.seen_at,
            _ => self.tick(),
        };
        let before = self.view.nodes.get(&name);
        let spec = &object.spec;
        let node = NodeView {
            seen_at,
            uid: spec.node.uid,
            machine: spec.node.machine_id,
            labels: self.labels_of(&name),
            live: self.is_live(&name),
            reachable: self.is_reachable(&name),
            has_provider: spec.node.provider_id.is_some(),
            read_at: before.filter(|_| same_spec).and_then(|node| node.read_at),
            evidence: self.evidence_beside(&name, &object),
            spec: convert::node::read_spec(spec),
            namespaces: convert::node::namespaces(spec),
            status: object
                .status
                .as_ref()
                .map(convert::node::read_status)
                .unwrap_or_default(),
            without_parent: without_parent(&object),
        };
        self.changed |= self.view.nodes.get(&name) != Some(&node);
        self.view.nodes.insert(name.clone(), node);
        self.node_objects.insert(name, object);
        self.note_unread();
    }

    /// A node's object as last seen.
    pub(crate) fn node_object(&self, name: &Name) -> Option<&LandfallNode> {
        self.node_objects.get(name)
    }

    /// Forgets a node object that a quorum read did not find.
    pub(crate) fn drop_node_object(&mut self, name: &Name) {
        self.changed = true;
        self.node_objects.remove(name);
        self.view.nodes.remove(name);
        self.stale.nodes.insert(name.clone());
    }

    /// The part of a node's view that other objects than its own decide.
    pub(super) fn refresh_node(&mut self, name: &Name) {
        self.changed = true;
        let (labels, live) = (self.labels_of(name), self.is_live(name));
        let (reachable, evidence) = (self.is_reachable(name), self.evidence_of(name));
        if let Some(node) = self.view.nodes.get_mut(name) {
            node.labels = labels;
            node.live = live;
            node.reachable = reachable;
            // The watch repeats what was read: that takes no freshness away.
            if node.evidence.value != evidence {
                node.evidence = Seen::cached(evidence);
            }
        }
    }

    /// A quorum read of the node's object, which has been taken already, began at `at`.
    pub(crate) fn confirm_node_object(&mut self, name: &Name, at: Tick) {
        self.changed = true;
        if let Some(node) = self.view.nodes.get_mut(name) {
            node.read_at = Some(at);
        }
    }

    /// Takes the Node, and what stands on its object, from quorum reads that began at `at`.
    pub(crate) fn put_evidence(&mut self, name: &Name, evidence: Evidence, at: Tick) {
        self.changed = true;
        if let Some(node) = self.view.nodes.get_mut(name) {
            node.evidence = Seen::quorum(evidence, at);
        }
    }

    fn evidence_of(&self, name: &Name) -> Evidence {
        let facts = self.nodes.get(name);
        let evidence = facts.map(|facts| facts.evidence).unwrap_or_default();
        Evidence {
            reclaimed: self.node_objects.get(name).and_then(reclaimed),
            ..evidence
        }
    }

    /// The evidence about a node whose object is now this. A user's word that is new, or was taken
    /// back, takes the freshness away.
    fn evidence_beside(&self, name: &Name, object: &LandfallNode) -> Seen<Evidence> {
        let reclaimed = reclaimed(object);
        match self.view.nodes.get(name) {
            Some(node) if node.evidence.value.reclaimed == reclaimed => node.evidence.clone(),
            before => {
                let evidence = before.map(|node| node.evidence.value);
                let evidence = evidence.unwrap_or_else(|| self.evidence_of(name));
                Seen::cached(Evidence {
                    reclaimed,
                    ..evidence
                })
            }
        }
    }

    /// A node that is not there is not unreachable: what that means is the fence's to judge.
    fn is_reachable(&self, name: &Name) -> bool {
        self.nodes.get(name).is_none_or(|facts| facts.is_reachable)
    }

    pub(super) fn labels_of(&self, name: &Name) -> Labels {
        let facts = self.nodes.get(name);
        facts.map(|facts| facts.labels.clone()).unwrap_or_default()
    }

    fn is_live(&self, name: &Name) -> bool {
        let agents = self.agents.get(name);
        agents.is_some_and(|agents| agents.values().any(|ready| *ready))
    }
}

/// Whether pods must be told something else.
fn reports_differ(before: &LandfallNode, after: &LandfallNode) -> bool {
    let report = |object: &LandfallNode| {
        let status = object.status.clone().unwrap_or_default();
        (status.attached, status.attached_links, status.parents)
    };
    before.spec.grants != after.spec.grants
        || report(before) != report(after)
        || blocked_chain(before) != blocked_chain(after)
}

fn key(object: &Read<LandfallNode>) -> Name {
    match object {
        Ok(object) => name_of(object),
        Err(unread) => unread_name(unread),
    }
}

fn unread_name(unread: &Unread) -> Name {
    Name::from(unread.meta.name.as_deref().unwrap_or_default())
}

pub(crate) fn name_of(object: &LandfallNode) -> Name {
    Name::from(object.name_any().as_str())
}
