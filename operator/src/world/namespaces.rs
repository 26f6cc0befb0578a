//! Namespaces: their labels say which networks their pods may attach to.

use kube::{core::ObjectMeta, runtime::watcher::Event};
use landfall_core::network::Labels;

use super::{World, relist::Step};

/// What is kept of a Namespace.
#[derive(Clone, Debug)]
pub(crate) struct NamespaceFacts {
    name: String,
    labels: Labels,
}

// === impl NamespaceFacts ===

impl NamespaceFacts {
    pub(crate) fn of(meta: ObjectMeta) -> Self {
        Self {
            name: meta.name.unwrap_or_default(),
            labels: meta.labels.unwrap_or_default(),
        }
    }
}

// === impl World ===

impl World {
    pub(super) fn observe_namespace(&mut self, event: Event<NamespaceFacts>) {
        let relist = &mut self.watches.namespaces;
        for step in relist.steps(event, |facts| facts.name.clone(), &self.namespaces) {
            match step {
                Step::Put(facts) => {
                    let old = self.namespaces.insert(facts.name.clone(), facts.labels);
                    if old.as_ref() != self.namespaces.get(&facts.name) {
                        self.stale.namespaces.insert(facts.name);
                    }
                }
                Step::Deleted(facts) => {
                    self.namespaces.remove(&facts.name);
                }
                Step::Absent(name) => {
                    self.namespaces.remove(&name);
                }
            }
        }
    }

    /// Pods of a namespace whose labels changed may have become entitled, or not.
    pub(super) fn settle_namespaces(&mut self) {
        let stale = std::mem::take(&mut self.stale.namespaces);
        if !stale.is_empty() {
            self.resolve_pods(|key| stale.contains(&key.namespace));
        }
    }
}
