//! What the walks need: a network and a seeded die.

extern crate std;

use std::collections::BTreeMap;

use alloc::vec::Vec;

use crate::{
    id::{Name, Uid},
    network::{
        Announce, DefaultRoute, Driver, FOREIGN_MS, Ipam, IpamType, Macvlan, Network, NodeDeletion,
        Selector, Subnet, usable,
    },
};

/// A macvlan network with these subnets, whole, in the segment of its name.
pub(crate) fn network(uid: Uid, name: &str, cidrs: &[&str]) -> Network {
    let subnets = cidrs.iter().map(|cidr| {
        let cidr = cidr.parse().expect("a CIDR");
        Subnet {
            cidr,
            gateway: None,
            nodes: None,
            usable: usable(cidr, None, &[], &[]),
        }
    });
    Network {
        uid,
        name: Name::from(name),
        driver: Driver::Macvlan(Macvlan::default()),
        segment: Name::from(name),
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

/// The UID of a thing that the walks know by name.
pub(super) fn uid_of(name: &Name) -> Uid {
    Uid::of(name.as_str())
}

/// A seeded die: xorshift64* (Vigna, 2016).
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub(crate) fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let high = self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33;
        usize::try_from(high).expect("31 bits") % n
    }

    pub(super) fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }

    pub(super) fn pick<'a, T: Clone + 'a>(
        &mut self,
        items: impl ExactSizeIterator<Item = &'a T>,
    ) -> Option<T> {
        let mut items = items;
        let count = items.len();
        if count == 0 {
            None
        } else {
            items.nth(self.below(count)).cloned()
        }
    }
}
