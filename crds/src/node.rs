//! LandfallNode: what one node must serve, and what it says about it.
//!
//! The spec is the operator's alone, the status the agent's of that node alone. Every list is
//! atomic: a writer replaces it as a whole.

use std::net::IpAddr;

use kube::CustomResource;
use landfall_core::{
    id::{Seq, Uid},
    mac::Mac,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

mod served;
mod status;

pub use served::{
    Announce, Ipv6Options, LinkOptions, MacvlanOptions, ServedNeighbor, ServedNetwork,
    ServedParent, ServedRoute, ServedSubnet, ServedVlan,
};
pub use status::{AttachedLink, Conflict, InUse, LandfallNodeStatus, NodeSummary, ParentStatus};

/// What one node must serve. Named like the Node. Written by the operator; not to be edited, except
/// for the annotation `landfall.dev/reclaim`.
#[derive(
    CustomResource, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema,
)]
#[kube(
    group = "landfall.dev",
    version = "v1alpha1",
    doc = "What one node must serve, and what its agent says about it. Named like the Node. Not to be edited, except for the annotation landfall.dev/reclaim.",
    kind = "LandfallNode",
    plural = "landfallnodes",
    singular = "landfallnode",
    shortname = "lfn",
    category = "landfall",
    status = "LandfallNodeStatus",
    derive = "Default",
    derive = "PartialEq",
    printcolumn(
        name = "Networks",
        type_ = "integer",
        json_path = ".status.summary.networks",
        description = "Networks that this node serves."
    ),
    printcolumn(
        name = "Granted",
        type_ = "integer",
        json_path = ".status.summary.granted",
        description = "Grants that the agent knows."
    ),
    printcolumn(
        name = "Attached",
        type_ = "integer",
        json_path = ".status.summary.attached",
        description = "Attachments that are in place."
    ),
    printcolumn(
        name = "Parents",
        type_ = "string",
        json_path = ".status.summary.parents",
        description = "Networks whose parent is ready, of all."
    ),
    printcolumn(
        name = "Ready",
        type_ = "string",
        json_path = ".status.conditions[?(@.type=='Ready')].status",
        description = "Whether the agent serves this node."
    )
)]
#[serde(rename_all = "camelCase")]
pub struct LandfallNodeSpec {
    /// Which machine this is, copied from the Node.
    #[serde(default)]
    pub node: NodeIdentity,
    /// The networks as this node must serve them, the oldest first: of two that can't share a parent the
    /// second is not served.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub networks: Vec<ServedNetwork>,
    /// What pods on this node may attach.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub grants: Vec<Grant>,
    /// Grants that end: the agent releases each as soon as nothing holds its address.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub recalls: Vec<AddressSeq>,
    /// Attachments that were asked for and are not granted, with the reason.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub refusals: Vec<Refusal>,
    /// Elements of pods' annotations that another plugin serves: the agent passes them over.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub not_ours: Vec<NotOurs>,
    /// Grants that were taken out because this node is being fenced. That one stands here shows that
    /// the object was written after the ledger said Fencing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fenced: Vec<Grant>,
    /// The epoch of the last announced restore of the cluster's state.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub ledger_epoch: u64,
    /// Whether the agent must take the plugin out of the node's CNI configuration.
    #[serde(default, skip_serializing_if = "is_false")]
    pub uninstall: bool,
}

/// Which machine a node name stands for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct NodeIdentity {
    /// The Node's UID.
    #[schemars(with = "String")]
    pub uid: Uid,
    /// The Node's `status.nodeInfo.machineID`.
    #[serde(rename = "machineID")]
    #[schemars(with = "String")]
    pub machine_id: Uid,
    /// The Node's `spec.providerID`.
    #[serde(
        default,
        rename = "providerID",
        skip_serializing_if = "Option::is_none"
    )]
    pub provider_id: Option<String>,
    /// The Node's `status.nodeInfo.containerRuntimeVersion`, for example `containerd://2.1.0`: how the
    /// plugin is chained depends on what the runtime can read, and an agent may not read Nodes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub container_runtime: Option<String>,
}

/// One address, or one link without an address, for one interface of one pod.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Grant {
    /// The address; absent if the network's ipam is None or DHCP.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    pub address: Option<IpAddr>,
    /// The prefix length of its subnet. Here and not only in the network, so that the grant outlives
    /// the subnet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prefix_length: Option<u8>,
    /// The sequence number `<epoch>.<counter>`; absent without an address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    pub seq: Option<Seq>,
    /// The network's UID.
    #[schemars(with = "String")]
    pub network: Uid,
    /// The network's name.
    pub network_name: String,
    /// The owner: the pod's UID as the runtime knows it.
    #[schemars(with = "String")]
    pub owner: Uid,
    /// The pod, for humans and messages.
    pub pod: PodName,
    /// The interface's name in the pod.
    pub interface: String,
    /// The position in the request's `ips`; 0 if none was requested.
    #[serde(default, skip_serializing_if = "is_zero_u16")]
    pub index: u16,
    /// The interface's hardware address; absent for ipvlan.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    pub mac: Option<Mac>,
    /// The gateways that the pod asked for with `default-route`, the first preferred. Absent if it did
    /// not ask; empty: the subnet's gateway.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Vec<String>")]
    pub default_route: Option<Vec<IpAddr>>,
}

/// A pod.
#[derive(
    Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
pub struct PodName {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
}

/// An address and the sequence number under which it was granted.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
pub struct AddressSeq {
    /// The address.
    #[schemars(with = "String")]
    pub address: IpAddr,
    /// Its sequence number `<epoch>.<counter>`.
    #[schemars(with = "String")]
    pub seq: Seq,
}

/// An attachment that is not granted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Refusal {
    /// The pod's UID.
    #[schemars(with = "String")]
    pub owner: Uid,
    /// The interface that was asked for; empty if the annotation as a whole can't be served.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub interface: String,
    /// The reason of the Event on the pod.
    pub reason: String,
    /// What is wrong and what to do, as a sentence.
    pub message: String,
    /// Whether only a change by the user can mend it: ADD then fails at once.
    #[serde(default, rename = "final", skip_serializing_if = "is_false")]
    pub is_final: bool,
}

/// An element of a pod's annotation that names a NetworkAttachmentDefinition of another plugin.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NotOurs {
    /// The pod's UID.
    #[schemars(with = "String")]
    pub owner: Uid,
    /// The interface that the element is for.
    pub interface: String,
    /// The name in the element.
    pub name: String,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde passes a reference"
)]
fn is_zero(n: &u64) -> bool {
    *n == 0
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde passes a reference"
)]
fn is_zero_u16(n: &u16) -> bool {
    *n == 0
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde passes a reference"
)]
fn is_false(b: &bool) -> bool {
    !*b
}
