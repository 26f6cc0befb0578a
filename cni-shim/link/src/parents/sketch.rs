//! A link of a node in a few words, for tests and simulations.

use landfall_core::{id::Name, link::ObservedDriver};

use super::Parent;

// === impl Parent ===

impl Parent {
    /// Ethernet hardware that is up and has had its carrier since it came. Nothing else is known of it.
    pub fn sketch(index: u32, name: &str) -> Self {
        Self {
            index,
            name: Name::from(name),
            driver: ObservedDriver::Other(Name::default()),
            ethernet: true,
            mac: None,
            permanent_mac: None,
            pci: None,
            mtu: 1500,
            up: true,
            carrier: true,
            carrier_ups: 1,
            below: None,
            tag: None,
            port_of: None,
            alias: None,
            addresses: Vec::new(),
            default_route: None,
        }
    }
}
