//! How to find an attachment's link again.

use std::{net::IpAddr, path::PathBuf};

use landfall_core::{
    id::Name,
    link::Device,
    mac::Mac,
    network::{Driver, Macvlan, NetworkKind},
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
    /// The mode in the kernel's spelling; none in the records of older agents.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<String>,
    /// The flag of ipvlan in the kernel's spelling.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flag: Option<String>,
    /// The hardware address that was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mac: Option<Mac>,
    /// The MTU that its network has of its own; without one it is the parent's, whatever that becomes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mtu: Option<u32>,
    /// Its permanent neighbours.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub neighbors: Vec<(IpAddr, Mac)>,
    /// The pod as `namespace/name`, for people.
    #[serde(default)]
    pub pod: String,
    /// The network's name, for people.
    #[serde(default)]
    pub network: String,
}

// === impl Facts ===

impl Facts {
    /// Those of a link that is to be made; where it is and whose is left to fill in.
    pub fn of(device: &Device) -> Self {
        Self {
            netns: PathBuf::new(),
            cookie: 0,
            number: None,
            name: device.name.clone(),
            index: device.index,
            parent: device.parent,
            kind: device.driver.kind(),
            mode: Some(device.driver.mode().to_owned()),
            flag: device.driver.flag().map(|flag| flag.to_string()),
            mac: device.mac,
            mtu: device.mtu,
            neighbors: Vec::new(),
            pod: String::new(),
            network: String::new(),
        }
    }

    /// As much of the device as it takes to know it again.
    pub fn device(&self) -> Device {
        Device {
            name: self.name.clone(),
            index: self.index,
            parent: self.parent,
            driver: self.driver(),
            mac: self.mac,
            mtu: None,
            tx_queue_length: None,
            all_multicast: false,
            alias: None,
        }
    }

    /// What drives the link. Words that are not there, or are of a newer agent, stand for the default:
    /// such a link is known again all the same.
    pub fn driver(&self) -> Driver {
        let word = |word: &Option<String>| word.as_deref().unwrap_or_default().to_owned();
        match self.kind {
            NetworkKind::Macvlan => Driver::Macvlan(Macvlan {
                mode: word(&self.mode).parse().unwrap_or_default(),
                ..Macvlan::default()
            }),
            NetworkKind::Ipvlan => Driver::Ipvlan {
                mode: word(&self.mode).parse().unwrap_or_default(),
                flag: word(&self.flag).parse().unwrap_or_default(),
            },
        }
    }
}
