//! How to find an attachment's link again.

use std::path::PathBuf;

use landfall_core::{
    id::Name,
    link::Device,
    mac::Mac,
    network::{Driver, IpvlanFlag, IpvlanMode, Macvlan, NetworkKind},
};
use serde::{Deserialize, Serialize};

/// Where a link is, and what tells it from others.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Facts {
    /// Where the runtime bound the sandbox's network namespace.
    pub netns: PathBuf,
    /// SO_NETNS_COOKIE of it: no other namespace of this boot ever has the same.
    pub cookie: u64,
    /// The number by which the node's own namespace knows it, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number: Option<i32>,
    /// The interface's name.
    pub name: Name,
    /// The interface's index in the sandbox.
    pub index: u32,
    /// The parent's index in the node's own namespace.
    pub parent: u32,
    /// The driver.
    pub kind: NetworkKind,
    /// The hardware address that was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mac: Option<Mac>,
    /// The pod as `namespace/name`, for people.
    #[serde(default)]
    pub pod: String,
    /// The network's name, for people.
    #[serde(default)]
    pub network: String,
}

// === impl Facts ===

impl Facts {
    /// As much of the device as it takes to know it again.
    pub fn device(&self) -> Device {
        Device {
            name: self.name.clone(),
            index: self.index,
            parent: self.parent,
            driver: match self.kind {
                NetworkKind::Macvlan => Driver::Macvlan(Macvlan::default()),
                NetworkKind::Ipvlan => Driver::Ipvlan {
                    mode: IpvlanMode::default(),
                    flag: IpvlanFlag::default(),
                },
            },
            mac: self.mac,
            mtu: None,
            tx_queue_length: None,
            all_multicast: false,
            alias: None,
        }
    }
}
