//! What a node's agent says about it.

use std::net::IpAddr;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use landfall_core::{
    id::{Seq, Uid},
    mac::Mac,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{AddressSeq, is_false, is_zero};

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
    /// Of `released`, what was given back because another host of the LAN was found to use it.
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
    /// Ready, ParentsReady, ChainBlocked, GatewaySilent, RestoreSuspected.
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
    /// That link's MTU, which is its attachments' unless the network has one of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mtu: Option<u32>,
    /// That link's hardware address, which ipvlan attachments share.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    pub mac: Option<Mac>,
    /// Whether pods can attach to it.
    pub ready: bool,
    /// Why not, or why nothing gets through it, in CamelCase.
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
