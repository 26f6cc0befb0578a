//! A link in a few words, for tests and simulations.

use alloc::vec::Vec;

use super::{Device, Observed, ObservedDriver};

// === impl Observed ===

impl Observed {
    /// A device that was just made, with its parent up. Nothing is on it yet.
    pub fn sketch(device: &Device) -> Self {
        Self {
            name: device.name.clone(),
            index: device.index,
            parent: Some(device.parent),
            driver: ObservedDriver::Ours(device.driver.clone()),
            mac: device.mac,
            mtu: 1500,
            tx_queue_length: 1000,
            up: true,
            all_multicast: false,
            carrier: true,
            alias: None,
            addresses: Vec::new(),
            routes: Vec::new(),
            neighbors: Vec::new(),
            settings: Vec::new(),
        }
    }
}
