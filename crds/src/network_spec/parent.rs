//! The host interfaces that links hang from.

use kube::KubeSchema;
use landfall_core::network::VlanProtocol;
use serde::{Deserialize, Serialize};

use super::SelectorSpec;
use crate::schema;

/// A host interface, and the nodes that it is for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = Rule::new("[has(self.interface), has(self.macAddress), has(self.pciAddress), has(self.subnet), has(self.fromDefaultRoute) && self.fromDefaultRoute].filter(given, given).size() == 1")
        .message("a parent needs exactly one of interface, macAddress, pciAddress, subnet and fromDefaultRoute: true"),
    validation = Rule::new("!has(self.subnet) || isCIDR(self.subnet)")
        .message("subnet must be a CIDR such as 10.20.0.0/24")
)]
pub struct ParentSpec {
    /// The nodes that this entry is for. Absent: every node. Next attachment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node_selector: Option<SelectorSpec>,
    /// The interface's name, or a glob with * and ?. Two matches on a node are none
    /// (AmbiguousParent). Next attachment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 32), regex(pattern = r"^[!-$&-.0-9;-~]+$"))]
    pub interface: Option<String>,
    /// The interface's hardware address. Next attachment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(
        length(max = 17),
        regex(pattern = r"^[0-9a-fA-F][02468aceACE]([:-][0-9a-fA-F]{2}){5}$")
    )]
    pub mac_address: Option<String>,
    /// The interface's PCI address, such as 0000:3b:00.1. Next attachment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(
        length(max = 18),
        regex(pattern = r"^[0-9a-fA-F]{4,8}:[0-9a-fA-F]{2}:[0-9a-fA-F]{2}\.[0-7]$")
    )]
    pub pci_address: Option<String>,
    /// The interface that has an address in this subnet. Next attachment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 43))]
    pub subnet: Option<String>,
    /// true: the interface of the node's default route. Next attachment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from_default_route: Option<bool>,
    /// A VLAN interface on top of it: used if it is there, else created, and then removed after its
    /// last user. Next attachment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vlan: Option<VlanSpec>,
}

/// A VLAN interface.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
pub struct VlanSpec {
    /// The VLAN's number. Next attachment.
    #[schemars(range(min = 1, max = 4094))]
    pub id: u16,
    /// The interface's name. Absent: the parent's name, a dot and the id. Next attachment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 15), regex(pattern = r"^[!-$&-.0-9;-~]+$"))]
    pub name: Option<String>,
    /// 802.1Q (default) or 802.1ad. Next attachment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::vlan_protocol")]
    pub protocol: Option<VlanProtocol>,
}
