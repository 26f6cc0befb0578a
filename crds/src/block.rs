//! AddressBlock: the ledger, in pieces of 256 neighbouring addresses.
//!
//! Written by the operator alone, always as a compare-and-swap on the resourceVersion: that is what
//! makes an address unique in its segment.

use std::{collections::BTreeMap, net::IpAddr};

use k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime;
use kube::{CustomResource, KubeSchema};
use landfall_core::{
    address::{Family, number},
    id::{Seq, Uid},
    mac::Mac,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Who holds which of 256 neighbouring addresses of a segment. Written by the operator; not to be
/// edited.
#[derive(CustomResource, Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[kube(
    group = "landfall.dev",
    version = "v1alpha1",
    doc = "Who holds which of 256 neighbouring addresses of a segment. Written by the operator; not to be edited.",
    kind = "AddressBlock",
    plural = "addressblocks",
    singular = "addressblock",
    shortname = "abl",
    category = "landfall",
    derive = "PartialEq",
    cel,
    printcolumn(
        name = "Segment",
        type_ = "string",
        json_path = ".spec.segment",
        description = "The L2 that the addresses are on."
    ),
    printcolumn(
        name = "First",
        type_ = "string",
        json_path = ".spec.first",
        description = "The first of the 256 addresses."
    ),
    printcolumn(
        name = "Age",
        type_ = "date",
        json_path = ".metadata.creationTimestamp",
        description = "The time since it was made."
    )
)]
#[serde(rename_all = "camelCase")]
pub struct AddressBlockSpec {
    /// The L2 that the addresses are on.
    #[x_kube(validation = Rule::new("self == oldSelf").message("segment is immutable: the object is the ledger of these addresses"))]
    pub segment: String,
    /// The first of the 256 addresses.
    #[schemars(with = "String")]
    #[x_kube(validation = Rule::new("self == oldSelf").message("first is immutable: the object is the ledger of these addresses"))]
    pub first: IpAddr,
    /// The epoch of sequence numbers drawn from this object; drawn when it was made, or at a restore.
    pub epoch: u64,
    /// The counter of the last sequence number that was drawn; only grows.
    pub counter: u64,
    /// The epoch of the last announced restore that this block was rewritten for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ledger_epoch: Option<u64>,
    /// The addresses that are not free, by address.
    // Atomic: its one writer replaces the object, and a list of who set which field of each address made
    // a third of it.
    #[serde(default)]
    #[schemars(
        with = "BTreeMap<String, Entry>",
        extend("x-kubernetes-map-type" = "atomic")
    )]
    pub entries: BTreeMap<IpAddr, Entry>,
}

/// An address that is not free.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Entry {
    /// Its state.
    pub state: EntryState,
    /// The sequence number `<epoch>.<counter>` of its last grant; absent before the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    pub seq: Option<Seq>,
    /// The UID of the network that it was handed out for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    pub network: Option<Uid>,
    /// The name of the node that holds it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node: Option<String>,
    /// The UID of the Node that holds it.
    #[serde(default, rename = "nodeUID", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    pub node_uid: Option<Uid>,
    /// The machine that holds it.
    #[serde(default, rename = "machineID", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    pub machine_id: Option<Uid>,
    /// The owner: the pod's UID as the runtime knows it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    pub owner: Option<Uid>,
    /// The interface's name in the pod. With `index` it lets a restarted operator push the same grant
    /// for the same interface.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interface: Option<String>,
    /// The position in the request's `ips`; absent: 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub index: Option<u16>,
    /// The hardware address, if it is not the one that is derived from the address: requested, or
    /// hashed again after a collision. A restarted operator can't know the latter. Of a Foreign
    /// address: of the host that uses it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    pub mac: Option<Mac>,
    /// The claim that keeps the address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub claim: Option<ClaimRef>,
    /// When it came into this state.
    pub since: MicroTime,
}

/// The claim that keeps an address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ClaimRef {
    /// The claim's UID.
    #[schemars(with = "String")]
    pub uid: Uid,
    /// The ordinal of the StatefulSet's pod.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ordinal: Option<u32>,
    /// The generation of the claim that was the last to ask for the address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub generation: Option<u64>,
}

/// The state of an address. Free ones have no entry.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
pub enum EntryState {
    /// Set aside for an owner that needs several; never pushed to a node.
    Reserved,
    /// Held by a node for an owner.
    Granted,
    /// Held; the node was asked to release it.
    Recalling,
    /// Held by a node that can't be reached.
    Quarantined,
    /// Held by a node whose machine is said to be off.
    Fencing,
    /// Kept by a claim, held by nobody.
    Claimed,
    /// Released; rests before its next use.
    Cooling,
    /// Another host of the LAN was found to use it; left alone for ten minutes.
    Foreign,
}

/// The first address of the block that an address belongs to.
pub fn first_of(address: IpAddr) -> IpAddr {
    Family::of(address).address(number(address) & !0xff)
}

/// The name of the block that an address belongs to.
pub fn name(segment: &str, address: IpAddr) -> String {
    let first = number(first_of(address));
    match Family::of(address) {
        Family::V4 => format!("{segment}-{first:08x}"),
        Family::V6 => format!("{segment}-{first:032x}"),
    }
}

// === impl EntryState ===

impl EntryState {
    /// Whether a node holds the address: it leaves these states only by that node's release or its
    /// fence (Rule F).
    pub const fn is_held(self) -> bool {
        match self {
            Self::Granted | Self::Recalling | Self::Quarantined | Self::Fencing => true,
            Self::Reserved | Self::Claimed | Self::Cooling | Self::Foreign => false,
        }
    }
}

#[cfg(test)]
mod tests;
