//! Links, as the kernels have them (invariants 1, 3 and 4).

use std::net::IpAddr;

use landfall_core::id::{Name, Seq, Uid};

use super::{Checker, Device, LinkChange};
use crate::api::Api;

// === impl Checker ===

impl Checker {
    /// Invariants 1, 3 and 4 of a link.
    pub fn link_changed(&mut self, api: &Api, node: &Name, machine: Uid, change: &LinkChange) {
        match change {
            LinkChange::Gone(key, network, addresses) => {
                let segment = self.segment(*network);
                for (address, _) in addresses {
                    let place = (segment.clone(), *address);
                    let own = self
                        .devices
                        .get(&place)
                        .filter(|d| d.key == *key && d.machine == machine);
                    if own.is_some() {
                        self.devices.remove(&place);
                    }
                }
            }
            LinkChange::Made(key, network, addresses) => {
                for (address, seq) in addresses {
                    let device = Device {
                        machine,
                        key: key.clone(),
                        seq: *seq,
                    };
                    self.made(api, node, (*network, *address), &device);
                }
            }
        }
    }

    fn made(&mut self, api: &Api, node: &Name, (network, address): (Uid, IpAddr), device: &Device) {
        let seq = device.seq;
        let entry = self.entry(api, network, address);
        let is_held = entry.is_some_and(|entry| {
            let holder = entry.holder.as_ref();
            let is_its = holder.is_some_and(|h| h.machine == device.machine);
            entry.is_held_by(node, seq) && is_its
        });
        // Under a grant of before a restore: the ledger that held it is lost.
        let is_known = !self.is_unannounced && !is_old(api, seq);
        if !is_held && is_known {
            self.fail(format!(
                "3, 4: {node} attaches {address} {seq} to {:?}, and the ledger says {entry:?}",
                device.key
            ));
        }
        let place = (self.segment(network), address);
        let other = self.devices.insert(place.clone(), device.clone());
        let other =
            other.filter(|other| other.machine != device.machine || other.key != device.key);
        let Some(other) = other else { return };
        let was_open = self.is_unannounced
            || self.was_unannounced && (is_old(api, seq) || is_old(api, other.seq));
        if was_open {
            self.given_twice.insert(place);
        } else if !self.given_twice.contains(&place) {
            self.fail(format!(
                "1: {address} is live twice: {other:?} and {device:?}"
            ));
        }
    }
}

/// Whether a seq is of before the last restore.
pub(super) fn is_old(api: &Api, seq: Seq) -> bool {
    seq.epoch < api.restore.epoch
}
