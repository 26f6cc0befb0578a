//! Pods: which may attach, and what they ask for.

use std::{collections::BTreeMap, net::IpAddr};

use k8s_openapi::api::core::v1::Pod;
use landfall_core::{
    id::{Name, Uid},
    ledger::Millis,
    network::Labels,
};
use landfall_crds::keys::{annotation, label};

use crate::claims::Controller;

mod resolve;

pub(crate) use resolve::{Directory, Element, Listing, Resolved, Surroundings, resolve};

/// Names a pod.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct PodKey {
    /// Its namespace.
    pub(crate) namespace: String,
    /// Its name.
    pub(crate) name: String,
}

/// How to tell our DaemonSet's pods.
#[derive(Clone, Debug)]
pub(crate) struct AgentPods {
    /// Their namespace.
    pub(crate) namespace: String,
    /// Labels that all of them have.
    pub(crate) labels: Labels,
}

/// What is kept of a pod.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PodFacts {
    /// Its name.
    pub(crate) key: PodKey,
    /// Its UID as the API server spells it.
    pub(crate) uid: String,
    /// The UID that the runtime knows.
    pub(crate) owner: Uid,
    /// The node it is bound to.
    pub(crate) node: Name,
    /// When it was created, in milliseconds since 1970.
    pub(crate) created: Millis,
    /// Whether it has the node's own network.
    pub(crate) host_network: bool,
    /// Whether it may still start a sandbox.
    pub(crate) may_start: bool,
    /// `k8s.v1.cni.cncf.io/networks`.
    pub(crate) npwg: Option<String>,
    /// `landfall.dev/networks`.
    pub(crate) landfall: Option<String>,
    /// Its addresses on the cluster's network.
    pub(crate) addresses: Vec<IpAddr>,
    /// The network status that it shows.
    pub(crate) network_status: Option<String>,
    /// Who manages it.
    pub(crate) controller: Option<Controller>,
    /// The label that says which of a StatefulSet's pods it is.
    pub(crate) pod_index: Option<String>,
    /// KubeVirt moves a running machine into it.
    pub(crate) is_migration_target: bool,
    /// For a pod of our DaemonSet: whether it is Ready.
    pub(crate) agent: Option<bool>,
}

// === impl PodFacts ===

impl PodFacts {
    pub(crate) fn of(pod: Pod, agents: &AgentPods) -> Self {
        let meta = pod.metadata;
        let controller = Controller::of(&meta);
        let spec = pod.spec.unwrap_or_default();
        let status = pod.status.unwrap_or_default();
        let mut annotations = meta.annotations.unwrap_or_default();
        let uid = meta.uid.unwrap_or_default();
        let owner = Uid::of(annotations.get(annotation::MIRROR).unwrap_or(&uid));
        let created = meta.creation_timestamp.as_ref();
        let created = created.map(|time| time.0.as_millisecond());
        let mut labels = meta.labels.unwrap_or_default();
        let namespace = meta.namespace.unwrap_or_default();
        let is_agent = namespace == agents.namespace
            && agents
                .labels
                .iter()
                .all(|(key, value)| labels.get(key) == Some(value));
        let conditions = status.conditions.unwrap_or_default();
        let ready = conditions
            .iter()
            .any(|c| c.type_ == "Ready" && c.status == "True");
        let phase = status.phase.as_deref();
        let addresses = status.pod_ips.unwrap_or_default();
        Self {
            key: PodKey {
                namespace,
                name: meta.name.unwrap_or_default(),
            },
            uid,
            owner,
            node: Name::from(spec.node_name.as_deref().unwrap_or_default()),
            created: created
                .and_then(|ms| ms.try_into().ok())
                .unwrap_or_default(),
            host_network: spec.host_network.unwrap_or_default(),
            may_start: spec.node_name.is_some()
                && meta.deletion_timestamp.is_none()
                && !matches!(phase, Some("Succeeded" | "Failed")),
            npwg: annotations.remove(annotation::NETWORKS),
            landfall: annotations.remove(annotation::LANDFALL_NETWORKS),
            addresses: addresses
                .iter()
                .filter_map(|address| address.ip.parse().ok())
                .collect(),
            network_status: annotations.remove(annotation::NETWORK_STATUS),
            controller,
            pod_index: labels.remove(label::POD_INDEX),
            is_migration_target: labels.contains_key(label::KUBEVIRT_MIGRATION),
            agent: is_agent.then_some(ready),
        }
    }

    /// Whether it asks for a network, or is one of our agents.
    pub(crate) fn concerns_us(&self) -> bool {
        self.agent.is_some() || self.asks()
    }

    /// Whether an annotation is there. An empty one asks for nothing.
    pub(crate) fn asks(&self) -> bool {
        let texts = [self.npwg.as_deref(), self.landfall.as_deref()];
        texts
            .into_iter()
            .flatten()
            .any(|text| !text.trim().is_empty())
    }
}

/// The default routes that a pod asks for, by interface.
pub(crate) type DefaultRoutes = BTreeMap<Name, Vec<IpAddr>>;

#[cfg(test)]
mod tests;
