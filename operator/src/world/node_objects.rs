//! Nodes and their LandfallNodes.

use kube::{ResourceExt as _, runtime::watcher::Event};
use landfall_core::{
    id::Name,
    ledger::view::{NodeSpec, NodeView},
};
use landfall_crds::node::{LandfallNode, LandfallNodeSpec, ServedNetwork};

use super::{World, relist::Step, version};
use crate::{convert, network::plan, nodes::NodeFacts};

/// What must be written about a node.
#[derive(Debug)]
pub(crate) enum NodeWrite {
    /// It has an agent and no object yet.
    Create(Box<LandfallNode>),
    /// Its spec must become this, if its generation is still that of `before`.
    Spec {
        before: Box<LandfallNode>,
        spec: Box<LandfallNodeSpec>,
    },
}

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

    pub(super) fn observe_node_object(&mut self, event: Event<Box<LandfallNode>>) {
        let relist = &mut self.watches.node_objects;
        for step in relist.steps(event, |object| name_of(object), &self.node_objects) {
            match step {
                Step::Put(object) => self.put_node_object(*object),
                Step::Deleted(object) => {
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
    }

    /// Takes a node object, unless a later version is known.
    ///
    /// A spec that is new gets a tick now, after it was learned: a push into it needs a block read
    /// that begins later (the push rule). A new status alone changes nothing in that order.
    pub(crate) fn put_node_object(&mut self, object: LandfallNode) {
        let name = name_of(&object);
        let known = self.node_objects.get(&name);
        if known.is_some_and(|known| version(&object.metadata) < version(&known.metadata)) {
            return;
        }
        let same_spec = known.is_some_and(|known| {
            known.metadata.generation == object.metadata.generation
                && known.metadata.uid == object.metadata.uid
        });
        let attached = |object: &LandfallNode| {
            let status = object.status.as_ref();
            status.map(|s| (s.attached.clone(), s.attached_links.clone()))
        };
        if known.and_then(attached) != attached(&object) {
            self.stale.attached.insert(name.clone());
        }
        if !same_spec {
            self.stale.nodes.insert(name.clone());
        }
        let seen_at = match self.view.nodes.get(&name) {
            Some(node) if same_spec => node.seen_at,
            _ => self.tick(),
        };
        let spec = &object.spec;
        let node = NodeView {
            seen_at,
            uid: spec.node.uid,
            machine: spec.node.machine_id,
            labels: self.labels_of(&name),
            live: self.is_live(&name),
            spec: convert::node::read_spec(spec),
            status: object
                .status
                .as_ref()
                .map(convert::node::read_status)
                .unwrap_or_default(),
        };
        self.view.nodes.insert(name.clone(), node);
        self.node_objects.insert(name, object);
    }

    /// A node's object as last seen.
    pub(crate) fn node_object(&self, name: &Name) -> Option<&LandfallNode> {
        self.node_objects.get(name)
    }

    /// Forgets a node object that a quorum read did not find.
    pub(crate) fn drop_node_object(&mut self, name: &Name) {
        self.node_objects.remove(name);
        self.view.nodes.remove(name);
        self.stale.nodes.insert(name.clone());
    }

    /// The part of a node's view that other objects than its own decide.
    pub(super) fn refresh_node(&mut self, name: &Name) {
        let (labels, live) = (self.labels_of(name), self.is_live(name));
        if let Some(node) = self.view.nodes.get_mut(name) {
            node.labels = labels;
            node.live = live;
        }
    }

    fn labels_of(&self, name: &Name) -> landfall_core::network::Labels {
        let facts = self.nodes.get(name);
        facts.map(|facts| facts.labels.clone()).unwrap_or_default()
    }

    fn is_live(&self, name: &Name) -> bool {
        let agents = self.agents.get(name);
        agents.is_some_and(|agents| agents.values().any(|ready| *ready))
    }

    /// Nodes whose object may have to say something else beside what the ledger decides.
    pub(crate) fn take_stale_nodes(&mut self) -> Vec<Name> {
        std::mem::take(&mut self.stale.nodes).into_iter().collect()
    }

    /// A write about a node failed: it is looked at again.
    pub(crate) fn doubt_node(&mut self, name: Name) {
        self.stale.nodes.insert(name.clone());
        self.doubts.nodes.insert(name);
    }

    /// Looks at a node again without reading its object.
    pub(crate) fn retry_node(&mut self, name: Name) {
        self.stale.nodes.insert(name);
    }

    /// The write that brings a node's object up to date, with the protocol's part if it changed.
    pub(crate) fn node_write(&self, name: &Name, protocol: Option<&NodeSpec>) -> Option<NodeWrite> {
        let Some(object) = self.node_objects.get(name) else {
            return self.new_node_object(name);
        };
        let mut spec = object.spec.clone();
        if let Some(protocol) = protocol {
            convert::node::write_spec(protocol, &mut spec, &self.view, self);
        }
        if let Some(identity) = self.nodes.get(name).and_then(|n| n.identity.as_ref())
            && plan::may_become(&object.spec, identity)
        {
            spec.node = identity.clone();
        }
        spec.networks = self.served_on(name, &object.spec.networks);
        (spec != object.spec).then(|| NodeWrite::Spec {
            before: Box::new(object.clone()),
            spec: Box::new(spec),
        })
    }

    /// Each node with a pod of our DaemonSet gets an object, as soon as its machine is known.
    fn new_node_object(&self, name: &Name) -> Option<NodeWrite> {
        let has_agent = self.agents.contains_key(name);
        let identity = self.nodes.get(name)?.identity.clone()?;
        let spec = LandfallNodeSpec {
            node: identity,
            networks: self.served_on(name, &[]),
            ..LandfallNodeSpec::default()
        };
        has_agent.then(|| NodeWrite::Create(Box::new(LandfallNode::new(name.as_str(), spec))))
    }

    /// The networks as a node must serve them. One that its object shows no more (its user broke it)
    /// stays as the node has it, as long as something is held.
    fn served_on(&self, name: &Name, before: &[ServedNetwork]) -> Vec<ServedNetwork> {
        let labels = self.labels_of(name);
        let networks = self.view.networks.values();
        let networks = networks.filter(|network| self.is_served(network.network.uid));
        let shown = networks.map(|network| ServedNetwork::new(&network.network, &labels));
        let broken = before.iter().filter(|served| {
            !self.view.networks.contains_key(&served.uid) && self.is_served(served.uid)
        });
        shown.chain(broken.cloned()).collect()
    }
}

pub(crate) fn name_of(object: &LandfallNode) -> Name {
    Name::from(object.name_any().as_str())
}
