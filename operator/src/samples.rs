//! Networks, nodes and pods for tests.

use landfall_core::{
    id::{Name, Uid},
    network::{LinkMatch, Network, Parent, ParentRule},
};

use crate::pods::{PodFacts, PodKey};

/// A macvlan network on `eth1` with these subnets and everything else at its default.
pub(crate) fn network(uid: u128, name: &str, cidrs: &[&str]) -> Network {
    let cidrs = cidrs.iter().map(|cidr| cidr.parse().unwrap());
    let mut network = Network::sketch(Uid(uid), Name::from(name), cidrs);
    network.segment = Name::from("default");
    network.parents = vec![ParentRule {
        nodes: None,
        parent: Parent {
            link: LinkMatch::Interface(Name::from("eth1")),
            vlan: None,
        },
    }];
    network.ipam.reuse_minimum_ms = 1_000;
    network.announce.count = 3;
    network
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
        created: 0,
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
