//! What must be written about nodes' objects.

use landfall_core::{
    id::{Name, Uid},
    ledger::{reclaim::Reclaim, view::NodeSpec},
};
use landfall_crds::{
    keys::finalizer,
    node::{LandfallNode, LandfallNodeSpec, ServedNetwork},
};

use super::World;
use crate::{convert, network::plan};

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
    /// Its Node has gone for good, and nothing is held there.
    Delete(Box<LandfallNode>),
    /// It is being deleted, and nothing is held there.
    LetGo(Box<LandfallNode>),
    /// The user's word that its machine is off has done its work, or can't do it.
    EndReclaim {
        object: Box<LandfallNode>,
        verdict: Reclaim,
    },
}

// === impl World ===

impl World {
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
            let is_there = self.is_unread_node(name);
            return self.new_node_object(name).filter(|_| !is_there);
        };
        if let Some(end) = self.end_of(name, object) {
            return Some(end);
        }
        let mut spec = object.spec.clone();
        if let Some(protocol) = protocol {
            convert::node::write_spec(protocol, &mut spec, &self.view, self);
        }
        let identity = self.nodes.get(name).and_then(|n| n.identity.as_ref());
        // After a restore the machine that the object names must have its say first.
        let is_other = |machine: Uid| object.spec.node.machine_id != machine;
        if let Some(identity) =
            identity.filter(|new| !self.is_restored() || !is_other(new.machine_id))
        {
            if plan::may_become(&object.spec, identity)
                || self.view.is_granted_to(
                    name,
                    &convert::node::read_spec(&object.spec),
                    identity.machine_id,
                )
            {
                spec.node = identity.clone();
            } else {
                tracing::warn!(node = %name, "another machine has this node's name: it is served \
                    when all addresses of the machine before it are released or reclaimed");
            }
        }
        spec.networks = self.served_on(name, &object.spec.networks);
        spec.not_ours = self.others_on(name);
        if spec == object.spec {
            return self.end_of_reclaim(name, object);
        }
        Some(NodeWrite::Spec {
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
            not_ours: self.others_on(name),
            ledger_epoch: self.view.restore.epoch,
            ..LandfallNodeSpec::default()
        };
        let mut object = LandfallNode::new(name.as_str(), spec);
        object.metadata.finalizers = Some(vec![finalizer::ADDRESSES.to_owned()]);
        has_agent.then(|| NodeWrite::Create(Box::new(object)))
    }

    /// An object ends with its Node, or because somebody deleted it, but never while an entry names
    /// the node: its agent could not release any more.
    fn end_of(&self, name: &Name, object: &LandfallNode) -> Option<NodeWrite> {
        let meta = &object.metadata;
        let is_over = !self.nodes.contains_key(name) && !self.agents.contains_key(name);
        let is_deleting = meta.deletion_timestamp.is_some();
        let spec = &object.spec;
        let is_listed = [&spec.grants, &spec.fenced]
            .into_iter()
            .any(|list| !list.is_empty())
            || !spec.recalls.is_empty();
        let is_needed = is_listed || self.is_named(name) || self.is_restored();
        if !(is_over || is_deleting) || is_needed {
            return None;
        }
        if !is_deleting {
            return Some(NodeWrite::Delete(Box::new(object.clone())));
        }
        let finalizers = meta.finalizers.as_ref();
        let is_guarded =
            finalizers.is_some_and(|all| all.iter().any(|f| f == finalizer::ADDRESSES));
        is_guarded.then(|| NodeWrite::LetGo(Box::new(object.clone())))
    }

    /// Whether an entry names the node, or may.
    fn is_named(&self, name: &Name) -> bool {
        if !self.view.unread.blocks.is_empty() {
            return true;
        }
        let blocks = self.view.blocks.values();
        let mut entries = blocks.flat_map(|seen| seen.value.entries.values());
        entries.any(|entry| entry.holder.as_ref().is_some_and(|h| h.node == *name))
    }

    /// The networks as a node must serve them, the oldest first. One that its object shows no more (its
    /// user broke it) stays as the node has it, as long as something is held.
    fn served_on(&self, name: &Name, before: &[ServedNetwork]) -> Vec<ServedNetwork> {
        let labels = self.labels_of(name);
        let networks = self.view.networks.values();
        let networks = networks.filter(|network| self.is_served(network.network.uid));
        let shown = networks.map(|network| ServedNetwork::new(&network.network, &labels));
        let broken = before.iter().filter(|served| {
            !self.view.networks.contains_key(&served.uid) && self.is_served(served.uid)
        });
        let mut all: Vec<ServedNetwork> = shown.chain(broken.cloned()).collect();
        all.sort_by_cached_key(|served| self.age(served.uid));
        all
    }
}
