//! Nodes of the cluster, as far as they matter here.

use k8s_openapi::api::core::v1::Node;
use landfall_core::{
    id::{Name, Uid},
    ledger::view::Evidence,
    network::Labels,
};
use landfall_crds::{keys::taint, node::NodeIdentity};

/// What is kept of a Node.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct NodeFacts {
    /// Its name.
    pub(crate) name: Name,
    /// Which machine it is; `None` until kubelet has reported one.
    pub(crate) identity: Option<NodeIdentity>,
    /// Its labels.
    pub(crate) labels: Labels,
    /// Its Ready condition is not Unknown: kubelet reports.
    pub(crate) is_reachable: bool,
    /// What speaks for its machine being off, without a user's word, which stands on the node object.
    pub(crate) evidence: Evidence,
}

// === impl NodeFacts ===

impl NodeFacts {
    pub(crate) fn of(node: Node) -> Self {
        let uid = node.metadata.uid.as_deref().map(Uid::of);
        let is_out_of_service = has_taint(&node, taint::OUT_OF_SERVICE);
        let is_reachable = !is_unknown(&node);
        let info = node.status.and_then(|status| status.node_info);
        let (machine, runtime) = info
            .map(|info| (info.machine_id, info.container_runtime_version))
            .unwrap_or_default();
        let machine = Some(machine).filter(|text| !text.is_empty());
        let evidence = Evidence {
            current: uid,
            machine: machine.as_deref().map(Uid::of),
            out_of_service: is_out_of_service,
            reports: is_reachable,
            reclaimed: None,
        };
        let provider_id = node.spec.and_then(|spec| spec.provider_id);
        let identity = uid.zip(machine).map(|(uid, machine)| NodeIdentity {
            uid,
            machine_id: Uid::of(&machine),
            provider_id: provider_id.filter(|id| !id.is_empty()),
            container_runtime: Some(runtime).filter(|text| !text.is_empty()),
        });
        Self {
            name: Name::from(node.metadata.name.as_deref().unwrap_or_default()),
            identity,
            labels: node.metadata.labels.unwrap_or_default(),
            is_reachable,
            evidence,
        }
    }
}

fn has_taint(node: &Node, key: &str) -> bool {
    let taints = node
        .spec
        .iter()
        .flat_map(|spec| spec.taints.iter().flatten());
    taints.into_iter().any(|taint| taint.key == key)
}

/// The node controller says so when kubelet has not renewed its lease for 50 s.
fn is_unknown(node: &Node) -> bool {
    let conditions = node
        .status
        .iter()
        .flat_map(|status| status.conditions.iter().flatten());
    conditions
        .into_iter()
        .any(|c| c.type_ == "Ready" && c.status == "Unknown")
}
