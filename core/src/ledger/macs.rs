//! Hardware addresses: each only once in a segment.
//!
//! A derived one collides rarely (a hash of 32 bits) and is then hashed again; a requested one may be
//! anybody's. Two operators at once could still choose the same one for two nodes: what hangs on it
//! is a connection, not the ledger.

use alloc::collections::BTreeMap;
use core::net::IpAddr;

use super::View;
use crate::{
    id::{Name, Uid},
    mac::{self, Mac},
    network::{Driver, Network},
};

/// How often a hash is tried again: with 20 000 others in the segment each try fails with 1 in
/// 200 000.
const SALTS: u32 = 16;

/// By segment and hardware address: the pod and its interface.
type Used<'v> = BTreeMap<(&'v Name, Mac), (Uid, Name)>;

/// A requested hardware address is another attachment's.
pub(super) struct Taken;

/// Who has which hardware address in each segment. Made when the first one is chosen: most decisions
/// choose none.
pub(super) struct Macs<'v> {
    view: &'v View,
    used: Option<Used<'v>>,
}

// === impl Macs ===

impl<'v> Macs<'v> {
    pub(super) fn new(view: &'v View) -> Self {
        Self { view, used: None }
    }

    /// Takes a requested address for an interface on a macvlan network, unless another attachment of
    /// the segment has it. Returns whether it is this one's.
    pub(super) fn take(&mut self, owner: Uid, interface: &Name, network: Uid, mac: Mac) -> bool {
        let view = self.view;
        let Some(network) = view.networks.get(&network).map(|n| &n.network) else {
            return true;
        };
        if !network.driver.has_own_mac() {
            return true;
        }
        let all = self.used.get_or_insert_with(|| used(view));
        let me = || (owner, interface.clone());
        let (user, place) = all.entry((&network.segment, mac)).or_insert_with(me);
        *user == owner && *place == *interface
    }

    /// The hardware address of an interface: the requested one, or one derived from its address or
    /// its place. `None` on a network whose links have their parent's.
    pub(super) fn choose(
        &mut self,
        owner: Uid,
        interface: &Name,
        network: Uid,
        address: Option<IpAddr>,
        asked: Option<Mac>,
    ) -> Result<Option<Mac>, Taken> {
        let seen = self.view.networks.get(&network);
        let driver = seen.map(|n| &n.network.driver);
        let Some(Driver::Macvlan(macvlan)) = driver.filter(|driver| driver.has_own_mac()) else {
            return Ok(None);
        };
        if let Some(mac) = asked {
            let is_mine = self.take(owner, interface, network, mac);
            return is_mine.then_some(Some(mac)).ok_or(Taken);
        }
        let source = match address {
            Some(address) => mac::Source::Address(address),
            None => mac::Source::Attachment {
                owner,
                network,
                interface: interface.as_str(),
            },
        };
        let derived = (0..SALTS).map(|salt| mac::derive(macvlan.prefix, source, salt));
        for mac in derived {
            if self.take(owner, interface, network, mac) {
                return Ok(Some(mac));
            }
        }
        Err(Taken)
    }
}

/// All hardware addresses that node objects list.
fn used(view: &View) -> Used<'_> {
    let segment = |network: &Uid| -> Option<&Name> {
        let network: &Network = &view.networks.get(network)?.network;
        Some(&network.segment)
    };
    let grants = view.nodes.values().flat_map(|node| &node.spec.grants);
    grants
        .filter_map(|grant| {
            let key = (segment(&grant.network)?, grant.mac?);
            Some((key, (grant.owner, grant.interface.clone())))
        })
        .collect()
}

#[cfg(test)]
mod tests;
