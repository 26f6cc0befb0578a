//! How to find an attachment's link again, and how it was made.

use std::path::PathBuf;

use ipnet::IpNet;
use landfall_core::{
    id::{Name, Uid},
    link::{Device, Link, Setting},
    mac::Mac,
    network::{Driver, Macvlan, Neighbor, NetworkKind, Route},
};
use serde::{Deserialize, Serialize};

use crate::attach::alias;

/// Where a link is, what tells it from others, and how it was made.
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
    /// The mode in the kernel's spelling.
    pub mode: String,
    /// The flag of ipvlan in the kernel's spelling.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flag: Option<String>,
    /// MACVLAN_FLAG_NOPROMISC.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub no_promiscuous: bool,
    /// The hardware address that was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mac: Option<Mac>,
    /// The MTU that its network has of its own; without one it is the parent's, whatever that becomes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mtu: Option<u32>,
    /// IFLA_TXQLEN, packets, if its network has one of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tx_queue_length: Option<u32>,
    /// IFF_ALLMULTI.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub all_multicast: bool,
    /// All sysctls that were set.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub settings: Vec<Setting>,
    /// Its addresses.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub addresses: Vec<IpNet>,
    /// Its routes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub routes: Vec<Route>,
    /// Its permanent neighbours.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub neighbors: Vec<Neighbor>,
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
    pub fn of(link: &Link) -> Self {
        let device = &link.device;
        let macvlan = match &device.driver {
            Driver::Macvlan(macvlan) => Some(macvlan),
            Driver::Ipvlan { .. } => None,
        };
        Self {
            netns: PathBuf::new(),
            cookie: 0,
            number: None,
            name: device.name.clone(),
            index: device.index,
            parent: device.parent,
            kind: device.driver.kind(),
            mode: device.driver.mode().to_owned(),
            flag: device.driver.flag().map(|flag| flag.to_string()),
            no_promiscuous: macvlan.is_some_and(|macvlan| macvlan.no_promiscuous),
            mac: device.mac,
            mtu: device.mtu,
            tx_queue_length: device.tx_queue_length,
            all_multicast: device.all_multicast,
            settings: link.settings.clone(),
            addresses: link.addresses.clone(),
            routes: link.routes.clone(),
            neighbors: link.neighbors.clone(),
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

    /// The link as it was made, for a network.
    pub fn link(&self, network: Uid) -> Link {
        Link {
            device: Device {
                mtu: self.mtu,
                tx_queue_length: self.tx_queue_length,
                all_multicast: self.all_multicast,
                alias: Some(alias(network)),
                ..self.device()
            },
            settings: self.settings.clone(),
            // Of no account for a link that is there.
            dad: false,
            addresses: self.addresses.clone(),
            routes: self.routes.clone(),
            neighbors: self.neighbors.clone(),
        }
    }

    /// What drives the link. Words of a newer agent stand for the default: such a link is known again all
    /// the same.
    pub fn driver(&self) -> Driver {
        let flag = self.flag.as_deref().unwrap_or_default();
        match self.kind {
            NetworkKind::Macvlan => Driver::Macvlan(Macvlan {
                mode: self.mode.parse().unwrap_or_default(),
                no_promiscuous: self.no_promiscuous,
                ..Macvlan::default()
            }),
            NetworkKind::Ipvlan => Driver::Ipvlan {
                mode: self.mode.parse().unwrap_or_default(),
                flag: flag.parse().unwrap_or_default(),
            },
        }
    }
}
