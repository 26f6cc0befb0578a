//! Namespaces: their labels say which networks their pods may attach to.

use kube::{core::ObjectMeta, runtime::watcher::Event};
use landfall_core::network::Labels;
use landfall_crds::keys::{event, label};

use super::{World, relist::Step};
use crate::events::{Notice, Regarding};

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
                        self.notices.extend(self.lacks_default(&facts.name));
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

    pub(super) fn observe_namespace_default(&mut self, is_served: bool) {
        if self.has_namespace_default && !is_served {
            tracing::warn!(
                "the API server is older than Kubernetes 1.36: pods do not get the networks of their \
                 namespace (label {}), and each needs an annotation of its own",
                label::ATTACH
            );
        }
        let is_news = self.has_namespace_default != is_served;
        self.has_namespace_default = is_served;
        if is_news {
            self.tell_namespaces();
        }
    }

    /// Tells namespaces that ask for what this API server can't do.
    pub(super) fn tell_namespaces(&mut self) {
        let notices = self
            .namespaces
            .keys()
            .filter_map(|name| self.lacks_default(name));
        let notices: Vec<Notice> = notices.collect();
        self.notices.extend(notices);
    }

    fn lacks_default(&self, name: &str) -> Option<Notice> {
        let labels = self.namespaces.get(name)?;
        let asks = labels
            .get(label::ATTACH)
            .is_some_and(|value| value == label::ATTACH_ENABLED);
        let message = "pods of this namespace do not get its networks: that needs Kubernetes 1.36; put the \
                       annotation landfall.dev/networks on the pods themselves";
        (asks && !self.has_namespace_default).then(|| {
            let about = Regarding {
                api_version: "v1".to_owned(),
                kind: "Namespace",
                namespace: None,
                name: name.to_owned(),
                uid: None,
            };
            Notice::about(about, event::NAMESPACE_DEFAULT_NOT_SERVED, message)
        })
    }

    /// Pods of a namespace whose labels changed may have become entitled, or not.
    pub(super) fn settle_namespaces(&mut self) {
        let stale = std::mem::take(&mut self.stale.namespaces);
        if !stale.is_empty() {
            self.resolve_pods(|key| stale.contains(&key.namespace));
        }
    }
}
