//! Versions of the own object, and what follows from each.

use std::{collections::BTreeMap, sync::Arc};

use landfall_core::{
    agent::{Event, Identity, Snapshot, accepts},
    id::Uid,
};
use landfall_crds::node::{LandfallNode, ServedNetwork};
use landfall_link::Parent as HostLink;

use super::Engine;
use crate::{
    attach::PlanError,
    config::snapshot,
    identity::writer,
    parents::{Missing, Parents},
    records::StoreError,
};

impl Engine {
    pub(super) fn observe(
        &mut self,
        object: Box<LandfallNode>,
        quorum: bool,
    ) -> Result<(), StoreError> {
        let Some(seen) = snapshot(&object) else {
            return Ok(());
        };
        let accepted = self.is_accepted(&seen, quorum);
        if quorum && self.overtaken.take() == Some(true) && !accepted {
            // It shows how things were before what the watch has told since: nothing has gone back.
            self.outlets.quorum_read.notify_one();
            return Ok(());
        }
        if accepted && !quorum {
            self.overtaken = self.overtaken.map(|_| true);
        }
        if accepted {
            // Effects (SaveSnapshot, Make) read the object: it must be the one core decides on.
            self.object = Some(object);
            self.retry_node_links();
            self.resolve_parents();
            self.forget_gateways();
            // Told without a decision: core still has the version before this one.
            self.volatile.without_parent = self.without_parent();
            self.identify(quorum);
        }
        self.decide(Event::Spec {
            snapshot: seen,
            quorum,
        })?;
        self.warn_of_another_machine();
        let unread = self.volatile.cold && !self.volatile.read;
        // A quorum read that was of no use (it is for another machine, or older than what was seen) would
        // be of none again before the object changes.
        if !quorum && (self.identity.is_none() || unread) {
            self.outlets.quorum_read.notify_one();
        }
        self.publish();
        self.repair();
        Ok(())
    }

    /// Whether the object is for this machine.
    fn is_ours(&self) -> bool {
        self.written_for() == Some(self.machine.id)
    }

    /// The machine that the object is for.
    pub(super) fn written_for(&self) -> Option<Uid> {
        let object = self.object.as_ref();
        object.map(|object| object.spec.node.machine_id)
    }

    /// The node's name was given to another machine, or this disk was cloned.
    fn warn_of_another_machine(&self) {
        let spec = self.written_for();
        let own = self.machine.id;
        let published = self.outlets.published.borrow().other_machine;
        if let Some(other) = spec.filter(|other| *other != own && published != Some(*other)) {
            tracing::warn!(
                %own, %other,
                "the LandfallNode is for another machine: nothing is served, acknowledged or written"
            );
        }
    }

    /// Core's rule for versions, foretold: asked on what core would decide on.
    fn is_accepted(&self, seen: &Snapshot, quorum: bool) -> bool {
        accepts(&self.durable, seen, quorum)
    }

    /// The first quorum read says for whom this machine may speak; later versions may rename it. The
    /// Node of another machine is none that this one ever was.
    fn identify(&mut self, quorum: bool) {
        let Some(object) = self.object.as_ref().filter(|_| self.is_ours()) else {
            return;
        };
        let present = object.spec.node.uid;
        match &mut self.identity {
            Some(identity) => identity.become_node(present),
            None if quorum => {
                let status = object.status.as_ref();
                let starting = self.machine.starting(self.complete);
                self.identity = Some(Identity::start(starting, &writer(status), present));
                // A lost /run has lost its counter too.
                let published = status.map(|status| status.agent_epoch).unwrap_or_default();
                self.epoch = self.epoch.max(published);
            }
            None => {}
        }
    }

    /// The node's links, as they are now.
    pub(super) fn see_links(&mut self, links: Vec<Arc<HostLink>>) -> Result<(), StoreError> {
        let before = std::mem::replace(&mut self.host_links, links);
        self.announce_returned(&before);
        self.forget_removed_node_links();
        self.retry_node_links();
        self.resolve_parents();
        self.decide_on_parents()?;
        self.links_changed(&before);
        Ok(())
    }

    pub(super) fn resolve_parents(&mut self) {
        let links = self.usable_links();
        let networks = self.object.as_ref().map(|object| &object.spec.networks);
        let parents = networks.map(|networks| Parents::resolve(networks, &links));
        self.parents = parents.unwrap_or_default();
        self.explain_node_links();
        self.tend_node_links();
    }

    /// ADDs that wait for a parent may start now.
    pub(super) fn decide_on_parents(&mut self) -> Result<(), StoreError> {
        let without = self.without_parent();
        if without != self.volatile.without_parent {
            self.decide(Event::Parents(without))?;
        }
        self.publish();
        Ok(())
    }

    fn without_parent(&self) -> BTreeMap<Uid, String> {
        let networks = self.object.iter().flat_map(|object| &object.spec.networks);
        networks
            .filter_map(|network| {
                let missing = self.parents.of(network.uid)?.as_ref().err()?;
                Some((network.uid, no_parent(network, missing).to_string()))
            })
            .collect()
    }
}

/// What is said of a network without a parent.
pub(super) fn no_parent(network: &ServedNetwork, missing: &Missing) -> PlanError {
    PlanError::NoParent {
        network: network.name.clone(),
        why: missing.to_string(),
    }
}
