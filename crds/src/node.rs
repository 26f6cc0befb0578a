//! LandfallNode: what one node must serve, and what it says about it.
//!
//! The spec is the operator's alone, the status the agent's of that node alone. Every list is
//! atomic: a writer replaces it as a whole.

use std::net::IpAddr;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::CustomResource;
use landfall_core::{
    id::{Seq, Uid},
    mac::Mac,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

mod served;

pub use served::{
    Announce, Ipv6Options, LinkOptions, MacvlanOptions, ServedNeighbor, ServedNetwork,
    ServedParent, ServedRoute, ServedSubnet, ServedVlan,
};

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
    /// The networks as this node must serve them.
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
    /// Counts the writes that closed this node, so that each changes the generation.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub fence: u64,
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

/// What the node's agent says.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LandfallNodeStatus {
    /// The generation of the spec that the agent acts on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// The Node's UID as the writing agent knows it.
    #[serde(default, rename = "nodeUID", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    pub node_uid: Option<Uid>,
    /// The writing agent's own machine ID.
    #[serde(default, rename = "machineID", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    pub machine_id: Option<Uid>,
    /// The UIDs of earlier Nodes that were this machine: it may release their grants.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(with = "Vec<String>")]
    pub speaks_for: Vec<Uid>,
    /// The kernel's boot ID.
    #[serde(default, rename = "bootID", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    pub boot_id: Option<Uid>,
    /// Counts the cold starts of the agent.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub agent_epoch: u64,
    /// The ledger epoch that the agent has adopted.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub ledger_epoch: u64,
    /// The parent of each network.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parents: Vec<ParentStatus>,
    /// Grants whose attachment is in place.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attached: Vec<AddressSeq>,
    /// Attachments without an address that are in place. Beside `attached`, because they have no
    /// sequence number to be named by.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attached_links: Vec<AttachedLink>,
    /// Recalled grants that nothing on this node can use any more.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub released: Vec<AddressSeq>,
    /// Every address in use, published while a new ledger epoch is being adopted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub in_use: Option<Vec<InUse>>,
    /// Addresses that another host of the LAN was found to use.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conflicts: Vec<Conflict>,
    /// The name of the primary network's CNI configuration, the first entry of a pod's network status.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub primary_network: Option<String>,
    /// Whether the plugin is out of the node's CNI configuration, as `spec.uninstall` asks.
    #[serde(default, skip_serializing_if = "is_false")]
    pub unchained: bool,
    /// Counts, because columns can't count lists.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub summary: Option<NodeSummary>,
    /// Ready, ParentsReady, ChainBlocked, RestoreSuspected.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<Condition>,
}

/// The parent of one network on this node.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ParentStatus {
    /// The network's UID.
    #[schemars(with = "String")]
    pub network: Uid,
    /// The host link that was found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interface: Option<String>,
    /// Whether pods can attach to it.
    pub ready: bool,
    /// Why not, in CamelCase.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The same as a sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

/// An attachment without an address.
#[derive(
    Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
pub struct AttachedLink {
    /// The pod's UID.
    #[schemars(with = "String")]
    pub owner: Uid,
    /// The network's UID.
    #[schemars(with = "String")]
    pub network: Uid,
    /// The interface's name in the pod.
    pub interface: String,
}

/// An address in use on this node, whether granted or not.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct InUse {
    /// The address.
    #[schemars(with = "String")]
    pub address: IpAddr,
    /// The network's UID.
    #[schemars(with = "String")]
    pub network: Uid,
    /// The pod's UID.
    #[schemars(with = "String")]
    pub owner: Uid,
    /// The interface's name in the pod.
    pub interface: String,
    /// The interface's hardware address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    pub mac: Option<Mac>,
}

/// An address that another host uses.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Conflict {
    /// The address.
    #[schemars(with = "String")]
    pub address: IpAddr,
    /// The sequence number of the grant that met it.
    #[schemars(with = "String")]
    pub seq: Seq,
    /// Who answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    pub mac: Option<Mac>,
}

/// Counts for `kubectl get lfn`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NodeSummary {
    /// Networks in the spec.
    pub networks: u32,
    /// Grants in the spec.
    pub granted: u32,
    /// Attachments in place.
    pub attached: u32,
    /// Networks whose parent is ready, of all: `2/3`.
    pub parents: String,
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
