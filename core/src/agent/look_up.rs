//! What a node's own object says of an ADD.

use alloc::{borrow::ToOwned, collections::BTreeMap, string::String, vec::Vec};
use core::net::IpAddr;

use super::{AddRequest, Asked, Snapshot, probe, step::Agent};
use crate::{address::Family, id::Name, ledger::view::Grant};

/// What the own object says of a request.
pub(super) enum LookUp {
    Granted(BTreeMap<Name, Vec<Grant>>),
    /// Other plugins serve all of it.
    Nothing,
    Final(String),
    NotYet,
}

/// The grants of everything that is asked for: complete, none under recall, none released.
pub(super) fn look_up(agent: &Agent<'_>, request: &AddRequest) -> LookUp {
    let Some(snapshot) = agent.durable.snapshot.as_ref().filter(|_| agent.is_ready()) else {
        return LookUp::NotYet;
    };
    let mut grants: BTreeMap<Name, Vec<Grant>> = BTreeMap::new();
    let usable = |grant: &&Grant| {
        grant.owner == request.owner
            && grant.address.is_none_or(|key| {
                !snapshot.recalls.contains(&key)
                    && (snapshot.is_of_epoch(key) || !agent.rules.restored_grants_end)
                    && !agent.durable.released.contains(&key)
                    && !agent.volatile.blocked.contains(&key.0)
                    && !is_held_by_another(agent, grant, key.0)
            })
    };
    let is_ours = |asked: &&Asked| {
        let (interface, network) = (asked.interface.clone(), asked.network.clone());
        !snapshot
            .not_ours
            .contains(&(request.owner, interface, network))
    };
    let ours: Vec<&Asked> = request.asked.iter().filter(is_ours).collect();
    if ours.is_empty() {
        return LookUp::Nothing;
    }
    for asked in &ours {
        let found: Vec<Grant> = snapshot
            .grants
            .iter()
            .filter(usable)
            .filter(|grant| grant.interface == asked.interface)
            .filter(|grant| is_of(snapshot, grant, &asked.network))
            .cloned()
            .collect();
        if is_complete(snapshot, asked, &found) {
            grants.insert(asked.interface.clone(), found);
        }
    }
    if grants.len() == ours.len() {
        // A parent may come back in a moment: a link that is made again, a VLAN that is being made. A probe
        // ends soon.
        let is_open = |grant: &Grant| probe::is_open(agent, snapshot, grant);
        if missing_parent(agent, &grants).is_some() || grants.values().flatten().any(is_open) {
            return LookUp::NotYet;
        }
        return LookUp::Granted(grants);
    }
    match snapshot.refusals.get(&request.owner) {
        Some(refusal) if refusal.is_final => LookUp::Final(refusal.message.clone()),
        _ => LookUp::NotYet,
    }
}

/// Whether another attachment of this node has the address: its grant was written by hand over one that
/// is in use, whatever the ledger says of it (invariant 1).
fn is_held_by_another(agent: &Agent<'_>, grant: &Grant, address: IpAddr) -> bool {
    let mut records = agent.durable.records.iter();
    records.any(|(key, record)| {
        let is_other = record.owner != grant.owner || key.interface != grant.interface;
        is_other && record.addresses.iter().any(|(held, _)| *held == address)
    })
}

fn missing_parent<'a>(
    agent: &'a Agent<'_>,
    grants: &BTreeMap<Name, Vec<Grant>>,
) -> Option<&'a String> {
    let mut networks = grants.values().flatten().map(|grant| grant.network);
    networks.find_map(|network| agent.volatile.without_parent.get(&network))
}

fn is_of(snapshot: &Snapshot, grant: &Grant, network: &Name) -> bool {
    snapshot
        .networks
        .get(&grant.network)
        .is_some_and(|served| served.name == *network)
}

/// Whether the grants are all that the pod asks for on this interface. All grants of a pod enter
/// the spec in one write, but a wrong recall (by an operator with an old cache) may take one of
/// two families back: half a dual stack is never attached.
fn is_complete(snapshot: &Snapshot, asked: &Asked, found: &[Grant]) -> bool {
    let Some(first) = found.first() else {
        return false;
    };
    let has = |address: &IpAddr| {
        found
            .iter()
            .any(|g| g.address.is_some_and(|(a, _)| a == *address))
    };
    if !asked.addresses.is_empty() {
        return asked.addresses.iter().all(has);
    }
    let served = snapshot.networks.get(&first.network);
    served.is_some_and(|served| {
        served.families.iter().all(|family| {
            found
                .iter()
                .any(|g| g.address.is_some_and(|(a, _)| Family::of(a) == *family))
        })
    })
}

/// What an ADD waited for in vain.
pub(super) fn missing(agent: &Agent<'_>, request: &AddRequest) -> String {
    let Some(snapshot) = agent.durable.snapshot.as_ref() else {
        return "the agent has not read its node object yet".to_owned();
    };
    if let Some(refusal) = snapshot.refusals.get(&request.owner) {
        return refusal.message.clone();
    }
    if !agent.is_ready() {
        return "the agent is still starting".to_owned();
    }
    if agent.volatile.flights.contains_key(&request.owner) {
        return "an earlier request for this pod is still being served".to_owned();
    }
    let named = request.asked.iter().find_map(|asked| {
        let mut served = snapshot.networks.iter();
        let (uid, _) = served.find(|(_, served)| served.name == asked.network)?;
        agent.volatile.without_parent.get(uid)
    });
    if named.is_none() && agent.durable.restore_suspected {
        return "etcd seems to have been restored from a backup: no new grant is taken until \
                `kubectl landfall restored` was run"
            .to_owned();
    }
    let asked = || probe::waits_for(agent, snapshot, request);
    let no_grant = "no grant for this pod has arrived yet; is landfall-operator running?";
    let named = named.cloned().or_else(asked);
    named.unwrap_or_else(|| no_grant.to_owned())
}
