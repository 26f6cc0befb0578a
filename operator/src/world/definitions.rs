//! NetworkAttachmentDefinitions, and what pods ask for that is not ours.

use std::collections::BTreeMap;

use kube::runtime::watcher::Event;
use landfall_core::id::{Name, Uid};
use landfall_crds::node::NotOurs;

use super::{World, relist::Step};
use crate::{
    args::Door,
    definitions::DefinitionFacts,
    pods::{Element, PodFacts},
};

/// Elements that are not ours, by node and owner.
pub(super) type Others = BTreeMap<Name, BTreeMap<Uid, Vec<Element>>>;

// === impl World ===

impl World {
    pub(super) fn observe_definition(&mut self, event: Event<DefinitionFacts>) {
        let relist = &mut self.watches.definitions;
        for step in relist.steps(event, |facts| facts.key.clone(), &self.definitions) {
            self.stale.definitions |= match step {
                Step::Put(facts) => {
                    let (key, new) = (facts.key, facts.definition);
                    let old = self.definitions.insert(key.clone(), new);
                    old.as_ref() != self.definitions.get(&key)
                }
                Step::Deleted(facts) => self.definitions.remove(&facts.key).is_some(),
                Step::Absent(key) => self.definitions.remove(&key).is_some(),
            };
        }
    }

    /// A name may have come to mean something, or nothing, in any pod.
    pub(super) fn settle_definitions(&mut self) {
        if std::mem::take(&mut self.stale.definitions) {
            self.resolve_pods(|_| true);
        }
    }

    /// Notes which elements of a pod are not ours: its node's agent must pass them over. Where Multus
    /// calls, it never asks for them.
    pub(super) fn put_others(&mut self, facts: &PodFacts, others: Vec<Element>) {
        if others.is_empty() || self.door == Door::Delegate {
            self.drop_others(&facts.node, facts.owner);
            return;
        }
        let on_node = self.others.entry(facts.node.clone()).or_default();
        if on_node.get(&facts.owner) != Some(&others) {
            on_node.insert(facts.owner, others);
            self.stale.nodes.insert(facts.node.clone());
        }
    }

    pub(super) fn drop_others(&mut self, node: &Name, owner: Uid) {
        let Some(on_node) = self.others.get_mut(node) else {
            return;
        };
        if on_node.remove(&owner).is_some() {
            self.stale.nodes.insert(node.clone());
        }
        if on_node.is_empty() {
            self.others.remove(node);
        }
    }

    /// For `spec.notOurs`.
    pub(super) fn others_on(&self, node: &Name) -> Vec<NotOurs> {
        let owners = self.others.get(node).into_iter().flatten();
        let all = owners.flat_map(|(owner, elements)| {
            elements.iter().map(|element| NotOurs {
                owner: *owner,
                interface: element.interface.to_string(),
                name: element.name.to_string(),
            })
        });
        all.collect()
    }
}
