//! Conflict probes: whether another host of the LAN has an address, asked before its first use.
//!
//! ```text
//!  grant arrives ── Probe ──> ASKED ── nobody has answered ──> CLEAR: an ADD may use it
//!                               └───── somebody has ─────────> released, and published with who it is
//! ```
//!
//! Nothing of it lies in `/run`: an agent that starts asks again, except for what it has attached already,
//! which would answer for itself.
//!
//! An answer gives the grant back: `conflicts` and `released` are published in one status. `conflicts`
//! alone would be no fact that lasts: the host goes, the pod tries again, and the address is in use while the
//! ledger has closed it (docs/ipam-protocol.md, "mutants": conflict without release).

use alloc::{collections::BTreeMap, format, string::String, vec::Vec};
use core::net::IpAddr;

use super::{AddRequest, Effect, Snapshot, Volatile, step::Agent};
use crate::{
    id::{Name, Seq, Uid},
    ledger::view::Grant,
    mac::Mac,
};

/// What is known of a grant's address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Probe {
    /// The LAN is asked.
    Asked,
    /// Nobody has it, or it is attached already.
    Clear,
}

/// Whether an attachment must wait for the LAN's answer.
pub(super) fn is_open(agent: &Agent<'_>, snapshot: &Snapshot, grant: &Grant) -> bool {
    grant.address.is_some_and(|key| {
        is_probed(snapshot, grant) && agent.volatile.probes.get(&key) != Some(&Probe::Clear)
    })
}

/// Asks for every grant that is new, and forgets what is over.
pub(super) fn keep(agent: &mut Agent<'_>) {
    let released = &agent.durable.released;
    let conflicts = &mut agent.volatile.conflicts;
    if agent.rules.conflict_is_released {
        conflicts.retain(|key, _| released.contains(key));
    }
    let Some(snapshot) = agent.durable.snapshot.as_ref().filter(|_| agent.is_ready()) else {
        agent.volatile.probes.clear();
        return;
    };
    let usable: BTreeMap<(IpAddr, Seq), &Grant> = snapshot
        .grants
        .iter()
        .filter(|grant| is_probed(snapshot, grant))
        // Of a parent that is gone nothing is known, also when it is back.
        .filter(|grant| !agent.volatile.without_parent.contains_key(&grant.network))
        .filter_map(|grant| Some((grant.address?, grant)))
        .filter(|(key, _)| !snapshot.recalls.contains(key) && !released.contains(key))
        .filter(|(key, _)| snapshot.is_of_epoch(*key) && !agent.volatile.blocked.contains(&key.0))
        .collect();
    let mut probes = core::mem::take(&mut agent.volatile.probes);
    probes.retain(|key, _| usable.contains_key(key));
    let is_new = |(key, _): &(&(IpAddr, Seq), &&Grant)| !probes.contains_key(*key);
    let new: Vec<_> = usable.iter().filter(is_new).collect();
    let attached = if new.is_empty() {
        BTreeMap::new()
    } else {
        attached(agent)
    };
    let mut ask = Vec::new();
    for (key, grant) in new {
        match attached.get(&key.0) {
            // It is in use here: its own device would answer.
            Some(place) if *place == (grant.owner, &grant.interface) => {
                probes.insert(*key, Probe::Clear);
            }
            // Another's, until that is gone.
            Some(_) => {}
            None => {
                probes.insert(*key, Probe::Asked);
                ask.push((*key, grant.network));
            }
        }
    }
    agent.volatile.probes = probes;
    for (key, network) in ask {
        agent.emit(Effect::Probe { key, network });
    }
}

/// The LAN was asked for an address: who has it, if anybody.
pub(super) fn ended(agent: &mut Agent<'_>, key: (IpAddr, Seq), found: Option<Mac>) {
    // What is recalled, or was asked for by the agent before this one, is of no interest any more.
    if agent.volatile.probes.get(&key) != Some(&Probe::Asked) || !agent.is_ready() {
        return;
    }
    let Some(mac) = found else {
        agent.volatile.probes.insert(key, Probe::Clear);
        return;
    };
    agent.volatile.probes.remove(&key);
    agent.volatile.conflicts.insert(key, mac);
    if agent.rules.conflict_is_released {
        agent.durable.released.insert(key);
        agent.emit(Effect::SaveReleased);
    }
    agent.emit(Effect::Publish);
}

/// What an ADD waits for, if it is the LAN.
pub(super) fn waits_for(
    agent: &Agent<'_>,
    snapshot: &Snapshot,
    request: &AddRequest,
) -> Option<String> {
    let grants = snapshot.grants.iter();
    let mut mine = grants.filter(|grant| grant.owner == request.owner);
    mine.find_map(|grant| {
        let key = grant.address?;
        let (address, network) = (key.0, &snapshot.networks.get(&grant.network)?.name);
        if let Some(mac) = agent.volatile.conflicts.get(&key) {
            return Some(format!(
                "network {network}: a host of the LAN with hardware address {mac} uses {address}; the pod \
                 gets another address"
            ));
        }
        is_open(agent, snapshot, grant).then(|| {
            format!("network {network}: the LAN is still asked whether a host of it uses {address}")
        })
    })
}

fn is_probed(snapshot: &Snapshot, grant: &Grant) -> bool {
    let network = snapshot.networks.get(&grant.network);
    network.is_some_and(|network| network.is_probed)
}

/// Where each address of a record is, whatever its phase and seq.
fn attached<'a>(agent: &'a Agent<'_>) -> BTreeMap<IpAddr, (Uid, &'a Name)> {
    let records = agent.durable.records.iter();
    let places = records.flat_map(|(key, record)| {
        let place = (record.owner, &key.interface);
        record.addresses.iter().map(move |(a, _)| (*a, place))
    });
    places.collect()
}

// === impl Volatile ===

impl Volatile {
    /// Whether the LAN's answer for a grant is still wanted.
    pub fn asks_for(&self, key: &(IpAddr, Seq)) -> bool {
        self.probes.get(key) == Some(&Probe::Asked)
    }

    /// What was given back because another host has it, and who that is.
    pub fn conflicts(&self) -> &BTreeMap<(IpAddr, Seq), Mac> {
        &self.conflicts
    }
}

#[cfg(test)]
mod tests;
