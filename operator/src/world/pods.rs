//! Pods that ask for networks, and our agents' pods.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
};

use kube::runtime::watcher::Event;
use landfall_core::{
    id::{Name, Uid},
    network::Labels,
};
use landfall_crds::{keys::event, node::PodName};

use super::{World, relist::Step};
use crate::{
    convert::node::Names,
    events::Notice,
    pods::{PodFacts, PodKey, Resolved, Surroundings, resolve},
};

// === impl World ===

impl World {
    pub(super) fn observe_pod(&mut self, event: Event<PodFacts>) {
        let relist = &mut self.watches.pods;
        for step in relist.steps(event, |facts| facts.key.clone(), &self.pods) {
            match step {
                Step::Put(facts) => self.put_pod(facts),
                // A pod of the same name may have been seen since.
                Step::Deleted(facts) => {
                    if self
                        .pods
                        .get(&facts.key)
                        .is_some_and(|known| known.uid == facts.uid)
                    {
                        self.drop_pod(&facts.key);
                    }
                }
                Step::Absent(key) => self.drop_pod(&key),
            }
        }
    }

    fn put_pod(&mut self, facts: PodFacts) {
        let key = facts.key.clone();
        if self.pods.get(&key) == Some(&facts) {
            return;
        }
        let is_same = |known: &PodFacts| known.uid == facts.uid && known.agent.is_none();
        if !self.pods.get(&key).is_some_and(is_same) {
            self.drop_pod(&key);
        }
        if let Some(ready) = facts.agent {
            let agents = self.agents.entry(facts.node.clone()).or_default();
            agents.insert(key.clone(), ready);
            self.refresh_node(&facts.node);
            self.stale.nodes.insert(facts.node.clone());
        }
        self.pods.insert(key.clone(), facts);
        self.resolve_pod(&key);
    }

    fn drop_pod(&mut self, key: &PodKey) {
        let Some(facts) = self.pods.remove(key) else {
            return;
        };
        if facts.agent.is_some() {
            if let Some(agents) = self.agents.get_mut(&facts.node) {
                agents.remove(key);
            }
            self.agents.retain(|_, agents| !agents.is_empty());
            self.refresh_node(&facts.node);
            self.stale.nodes.insert(facts.node.clone());
        }
        self.drop_others(&facts.node, facts.owner);
        self.withdraw(key, facts.owner);
    }

    /// The pod can start no further sandbox, or asks for nothing of ours.
    fn withdraw(&mut self, key: &PodKey, owner: Uid) {
        if self.owners.get(&owner) == Some(key) {
            self.owners.remove(&owner);
            self.changed |= self.view.pods.remove(&owner).is_some();
            self.default_routes.remove(&owner);
            self.stale.owners.insert(owner);
        }
    }

    /// Resolves the pods that are selected again.
    pub(super) fn resolve_pods(&mut self, selected: impl Fn(&PodKey) -> bool) {
        let keys: Vec<PodKey> = self
            .pods
            .keys()
            .filter(|key| selected(key))
            .cloned()
            .collect();
        for key in keys {
            self.resolve_pod(&key);
        }
    }

    fn resolve_pod(&mut self, key: &PodKey) {
        let Some(facts) = self.pods.get(key).cloned() else {
            return;
        };
        let owner = facts.owner;
        if !facts.asks() || !facts.may_start {
            self.drop_others(&facts.node, owner);
            self.withdraw(key, owner);
            return;
        }
        if facts.host_network {
            self.notices.push(on_host_network(&facts));
            self.drop_others(&facts.node, owner);
            self.withdraw(key, owner);
            return;
        }
        let resolved = self.resolve(&facts);
        let is_ours = !resolved.pod.wants.is_empty() || resolved.pod.refusal.is_some();
        self.put_others(&facts, resolved.others);
        if !is_ours {
            self.withdraw(key, owner);
            return;
        }
        self.owners.insert(owner, key.clone());
        self.stale.owners.insert(owner);
        self.changed |= self.view.pods.get(&owner) != Some(&resolved.pod);
        self.view.pods.insert(owner, resolved.pod);
        self.default_routes.insert(owner, resolved.default_routes);
    }

    fn resolve(&self, facts: &PodFacts) -> Resolved {
        let none = Labels::new();
        let namespace = self.namespaces.get(&facts.key.namespace).unwrap_or(&none);
        let is_served = self.view.nodes.get(&facts.node).is_some_and(|node| {
            let mut grants = node.spec.grants.iter();
            grants.any(|grant| grant.owner == facts.owner)
        });
        let around = Surroundings {
            directory: &self.networks.directory,
            network: |uid| self.view.networks.get(&uid).map(|n| &n.network),
            namespace,
            home: &self.home,
            definitions: &self.definitions,
            claims: &self.claims.book,
            door: self.door,
            is_served,
        };
        resolve(facts, &around)
    }

    /// Owners whose pod or attachments changed since the last call.
    pub(crate) fn take_stale_owners(&mut self) -> BTreeSet<Uid> {
        let mut owners = std::mem::take(&mut self.stale.owners);
        for name in std::mem::take(&mut self.stale.reported) {
            let grants = self
                .node_objects
                .get(&name)
                .map(|object| &object.spec.grants);
            owners.extend(grants.into_iter().flatten().map(|grant| grant.owner));
        }
        owners
    }

    /// Looks at an owner again.
    pub(crate) fn retry_owner(&mut self, owner: Uid) {
        self.stale.owners.insert(owner);
    }

    /// What is known of an owner's pod.
    pub(crate) fn pod_of(&self, owner: Uid) -> Option<&PodFacts> {
        self.pods.get(self.owners.get(&owner)?)
    }
}

impl Names for World {
    fn pod(&self, owner: Uid) -> Option<PodName> {
        let key = self.owners.get(&owner)?;
        Some(PodName {
            namespace: key.namespace.clone(),
            name: key.name.clone(),
        })
    }

    fn default_route(&self, owner: Uid, interface: &Name) -> Option<Vec<IpAddr>> {
        self.default_routes.get(&owner)?.get(interface).cloned()
    }
}

/// By owner.
pub(super) type DefaultRoutesOf = BTreeMap<Uid, crate::pods::DefaultRoutes>;

fn on_host_network(facts: &PodFacts) -> Notice {
    let message = "the pod has the node's own network (spec.hostNetwork), where nothing can be \
                   attached: remove its networks annotation, or set hostNetwork to false";
    Notice::warning(facts, event::HOST_NETWORK_HAS_NO_ATTACHMENTS, message)
}
