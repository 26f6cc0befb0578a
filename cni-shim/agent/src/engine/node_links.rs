//! Links of the node that networks need, VLANs and the parents of networks without one: made where they
//! are missing, and removed after their last user if we made them.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use landfall_core::id::Name;
use landfall_link::Parent as HostLink;

use super::Engine;
use crate::{
    execute::{Job, NodeLinkJob},
    parents::{NodeLink, is_made, with_index},
};

/// What is being done, and what failed, about such links.
#[derive(Debug, Default)]
pub(super) struct NodeLinks {
    /// Being made, by name.
    making: BTreeSet<Name>,
    /// Being removed, by index: nothing is hung from these any more.
    removing: BTreeMap<u32, Name>,
    /// Could not be made: tried again when the links or the networks change.
    failed: Vec<(NodeLink, String)>,
    /// Could not be removed, by index: tried again then, and when an attachment ends.
    stuck: BTreeSet<u32>,
    /// Are given their parent's MTU, by index: not again before the links change.
    widened: BTreeSet<u32>,
}

// === impl NodeLinks ===

impl NodeLinks {
    fn is_removing(&self, name: &Name) -> bool {
        self.removing.values().any(|removing| removing == name)
    }
}

// === impl Engine ===

impl Engine {
    /// Asks for what is missing, and takes away what nobody needs.
    pub(super) fn tend_node_links(&mut self) {
        let missing: Vec<NodeLink> = self.parents.to_make().collect();
        for link in missing {
            let known = self
                .node_links
                .failed
                .iter()
                .any(|(failed, _)| failed.is(&link));
            let removed = self.node_links.is_removing(link.name());
            if !known && !removed && self.node_links.making.insert(link.name().clone()) {
                self.jobs.push(Job::NodeLink(NodeLinkJob::Make(link)));
            }
        }
        for (index, mtu) in self.narrow_vlans() {
            if self.node_links.widened.insert(index) {
                self.jobs
                    .push(Job::NodeLink(NodeLinkJob::SetMtu { index, mtu }));
            }
        }
        for (name, index) in self.unused_node_links() {
            let before = self.node_links.removing.insert(index, name.clone());
            if before.is_none() {
                tracing::info!(link = %name, "removing a parent that no network needs any more");
                self.jobs
                    .push(Job::NodeLink(NodeLinkJob::Remove { name, index }));
            }
        }
    }

    /// The node's links that something may hang from.
    pub(super) fn usable_links(&self) -> Vec<Arc<HostLink>> {
        let removing = &self.node_links.removing;
        self.host_links
            .iter()
            .filter(|link| !removing.contains_key(&link.index))
            .map(Arc::clone)
            .collect()
    }

    /// A job is done. What that changed is told by the watch of the links.
    pub(super) fn node_link_done(&mut self, job: &NodeLinkJob, failure: Option<String>) {
        match job {
            NodeLinkJob::Make(link) => {
                self.node_links.making.remove(link.name());
                if let Some(why) = failure {
                    tracing::warn!(link = %link.name(), "{why}");
                    self.node_links.failed.push((link.clone(), why));
                    self.resolve_parents();
                }
            }
            NodeLinkJob::SetMtu { index, .. } => {
                if let Some(why) = failure {
                    tracing::warn!(index, "{why}");
                }
            }
            NodeLinkJob::Remove { name, index } => match failure {
                // Forgotten when the links show that it is gone: until then nothing hangs from it.
                None => {}
                Some(why) => {
                    tracing::warn!(link = %name, "{why}");
                    self.node_links.removing.remove(index);
                    self.node_links.stuck.insert(*index);
                    self.resolve_parents();
                }
            },
        }
    }

    /// The links have changed: what was removed is no longer there.
    pub(super) fn forget_removed_node_links(&mut self) {
        let links = &self.host_links;
        let is_there = |index: &u32| links.iter().any(|link| link.index == *index);
        self.node_links.removing.retain(|index, _| is_there(index));
    }

    /// What failed is tried again after any change, and what was made is no longer missing.
    pub(super) fn retry_node_links(&mut self) {
        self.node_links.failed.clear();
        self.node_links.stuck.clear();
        self.node_links.widened.clear();
    }

    /// An attachment has ended: its parent may have lost its last user.
    pub(super) fn release_node_links(&mut self) {
        self.node_links.stuck.clear();
        self.tend_node_links();
    }

    /// Tells why a link is still missing.
    pub(super) fn explain_node_links(&mut self) {
        for (link, why) in &self.node_links.failed {
            self.parents.explain(link, why);
        }
    }

    /// Made by us, with an MTU below the parent's: the kernel lowers it with the parent's and leaves it there.
    fn narrow_vlans(&self) -> Vec<(u32, u32)> {
        let links = &self.host_links;
        let parents_mtu = |link: &HostLink| Some(with_index(links, link.below?)?.mtu);
        links
            .iter()
            .filter(|link| is_made(link))
            .filter_map(|link| Some((link.index, link.mtu, parents_mtu(link)?)))
            .filter(|(_, own, parents)| own < parents)
            .map(|(index, _, parents)| (index, parents))
            .collect()
    }

    /// Made by us, chosen by no network, below no attachment, and nothing else of the node's. A cold start
    /// may not know all attachments: as long as there are strangers everything stays.
    fn unused_node_links(&self) -> Vec<(Name, u32)> {
        if !self.volatile.is_ready(&self.durable) || !self.volatile.blocked.is_empty() {
            return Vec::new();
        }
        self.host_links
            .iter()
            .filter(|link| is_made(link) && !self.is_used(link))
            .filter(|link| !self.node_links.stuck.contains(&link.index))
            .map(|link| (link.name.clone(), link.index))
            .collect()
    }

    fn is_used(&self, link: &HostLink) -> bool {
        let attached = self.facts.values().any(|facts| facts.parent == link.index);
        let chosen = self.parents.chosen().any(|one| one.index == link.index);
        // The node itself, or whoever set that up by hand.
        let links = self.host_links.iter().map(Arc::as_ref);
        attached || chosen || link.is_used(links)
    }
}
