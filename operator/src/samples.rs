//! Networks, nodes and pods for tests.

use std::collections::BTreeMap;

use landfall_core::{
    id::{Name, Uid},
    network::{
        Announce, DefaultRoute, Driver, Ipam, IpamType, LinkMatch, Macvlan, Network, NodeDeletion,
        Parent, ParentRule, Selector, Subnet, usable,
    },
};

use crate::pods::{PodFacts, PodKey};

/// A macvlan network on `eth1` with these subnets and everything else at its default.
pub(crate) fn network(uid: u128, name: &str, cidrs: &[&str]) -> Network {
    let subnets = cidrs.iter().map(|cidr| {
        let cidr = cidr.parse().unwrap();
        Subnet {
            cidr,
            gateway: None,
            nodes: None,
            usable: usable(cidr, None, &[], &[]),
        }
    });
    Network {
        uid: Uid(uid),
        name: Name::from(name),
        driver: Driver::Macvlan(Macvlan::default()),
        segment: Name::from("default"),
        namespaces: Selector::default(),
        parents: vec![ParentRule {
            nodes: None,
            parent: Parent {
                link: LinkMatch::Interface(Name::from("eth1")),
                vlan: None,
            },
        }],
        mtu: None,
        tx_queue_length: None,
        all_multicast: false,
        ipam: Ipam {
            kind: IpamType::Cluster,
            subnets: subnets.collect(),
            reuse_preferred_ms: 30_000,
            reuse_minimum_ms: 1_000,
            conflict_probe: false,
            foreign_ms: landfall_core::network::FOREIGN_MS,
        },
        accept_router_advertisements: false,
        duplicate_address_detection: false,
        routes: Vec::new(),
        neighbors: Vec::new(),
        default_route: DefaultRoute::Never,
        default_route_metric: None,
        announce: Announce {
            count: 3,
            interval_ms: 1_000,
        },
        host_access: false,
        isolated: false,
        sysctls: BTreeMap::new(),
        paused: false,
        limit_per_namespace: None,
        node_deletion: NodeDeletion::Auto,
        attachment_definition: None,
    }
}

/// A running pod `default/web` on node `a` with UID 1 that has this annotation.
pub(crate) fn pod(annotation: &str) -> PodFacts {
    PodFacts {
        key: PodKey {
            namespace: "default".to_owned(),
            name: "web".to_owned(),
        },
        uid: Uid(1).to_string(),
        owner: Uid(1),
        node: Name::from("a"),
        host_network: false,
        may_start: true,
        npwg: Some(annotation.to_owned()),
        landfall: None,
        addresses: Vec::new(),
        network_status: None,
        controller: None,
        pod_index: None,
        is_migration_target: false,
        agent: None,
    }
}

/// A reproducible sequence of numbers (a linear congruential generator with Knuth's constants).
pub(crate) struct Random(pub(crate) u64);

impl Random {
    /// A number below `limit`.
    pub(crate) fn below(&mut self, limit: usize) -> usize {
        let next = self.0.wrapping_mul(6_364_136_223_846_793_005);
        self.0 = next.wrapping_add(1_442_695_040_888_963_407);
        let high = usize::try_from(self.0 >> 33).unwrap();
        high % limit
    }
}
