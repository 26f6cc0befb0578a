//! A network in a few words, for tests and simulations.

use alloc::{collections::BTreeMap, vec::Vec};

use ipnet::IpNet;

use super::{
    Announce, DefaultRoute, Driver, FOREIGN_MS, Ipam, IpamType, Macvlan, Network, NodeDeletion,
    Selector, Subnet, usable,
};
use crate::id::{Name, Uid};

// === impl Network ===

impl Network {
    /// A macvlan network with these subnets, whole, in the segment of its name and open to all
    /// namespaces. Nothing else is set: no parent, no rest that must be kept.
    pub fn sketch(uid: Uid, name: Name, subnets: impl IntoIterator<Item = IpNet>) -> Self {
        let subnets = subnets.into_iter().map(|cidr| Subnet {
            cidr,
            gateway: None,
            nodes: None,
            usable: usable(cidr, None, &[], &[]),
        });
        Self {
            uid,
            segment: name.clone(),
            name,
            driver: Driver::Macvlan(Macvlan::default()),
            namespaces: Selector::default(),
            parents: Vec::new(),
            mtu: None,
            tx_queue_length: None,
            all_multicast: false,
            ipam: Ipam {
                kind: IpamType::Cluster,
                subnets: subnets.collect(),
                reuse_preferred_ms: 30_000,
                reuse_minimum_ms: 0,
                conflict_probe: false,
                foreign_ms: FOREIGN_MS,
            },
            accept_router_advertisements: false,
            duplicate_address_detection: false,
            routes: Vec::new(),
            neighbors: Vec::new(),
            default_route: DefaultRoute::default(),
            default_route_metric: None,
            announce: Announce {
                count: 1,
                interval_ms: 1000,
            },
            host_access: false,
            isolated: false,
            sysctls: BTreeMap::new(),
            paused: false,
            limit_per_namespace: None,
            node_deletion: NodeDeletion::default(),
            attachment_definition: None,
        }
    }
}
