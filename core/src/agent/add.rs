//! ADD: attach a pod's interfaces under its grants.

use alloc::{
    borrow::ToOwned,
    collections::{BTreeMap, BTreeSet},
    format,
    vec::Vec,
};
use core::{mem, net::IpAddr};

use super::{
    AddRequest, Effect, Flight, Key, Outcome, Phase, Record, del,
    end::{end, finish_if_undone, undo},
    flight::flight_of,
    look_up::{LookUp, look_up},
    step::Agent,
};
use crate::{
    id::{Name, Uid},
    ledger::view::Grant,
};

/// A newer ADD of the same owner ends the one in flight, if that is of another sandbox; the same
/// sandbox again waits for it and gets the same result.
pub(super) fn arrive(agent: &mut Agent<'_>, request: AddRequest) {
    let ends = agent.rules.add_ends;
    let superseded = |other: &AddRequest| {
        ends && other.owner == request.owner && other.container != request.container
    };
    let (ended, waiting) = mem::take(&mut agent.volatile.waiting)
        .into_iter()
        .partition(|other| superseded(other));
    agent.volatile.waiting = waiting;
    let ended: Vec<AddRequest> = ended;
    for other in ended {
        agent.emit(Effect::Reply(other.token, newer()));
    }
    if agent
        .volatile
        .flights
        .get(&request.owner)
        .is_some_and(|f| superseded(&f.request))
    {
        end(agent, request.owner, newer());
    }
    agent.volatile.waiting.push(request);
}

fn newer() -> Outcome {
    Outcome::TryAgain("a newer sandbox of the same pod has taken over".to_owned())
}

/// Starts every waiting ADD whose grants are there and whose owner has none in flight.
pub(super) fn start_waiting(agent: &mut Agent<'_>) {
    for request in mem::take(&mut agent.volatile.waiting) {
        if agent.volatile.flights.contains_key(&request.owner) {
            agent.volatile.waiting.push(request);
            continue;
        }
        match look_up(agent, &request) {
            LookUp::Granted(grants) => start(agent, request, grants),
            LookUp::Nothing => agent.emit(Effect::Reply(request.token, Outcome::Done)),
            LookUp::Final(message) => {
                agent.emit(Effect::Reply(request.token, Outcome::Refused(message)));
            }
            LookUp::NotYet => agent.volatile.waiting.push(request),
        }
    }
}

/// Writes PENDING for each interface; older attachments of the owner on the same interfaces go
/// first: device, then record, in this order. So does one of the same sandbox under other addresses:
/// its record would be overwritten while its link still has them.
fn start(agent: &mut Agent<'_>, request: AddRequest, grants: BTreeMap<Name, Vec<Grant>>) {
    let clearing: BTreeSet<Key> = agent
        .durable
        .records
        .iter()
        .filter(|(key, record)| {
            record.owner == request.owner
                && grants.get(&key.interface).is_some_and(|granted| {
                    key.container != request.container
                        || record.phase == Phase::Detaching
                        || !has_addresses(record, granted)
                })
        })
        .map(|(key, _)| key.clone())
        .collect();
    let owner = request.owner;
    for (interface, granted) in &grants {
        let key = Key {
            container: request.container.clone(),
            interface: interface.clone(),
        };
        let known = agent.durable.records.get(&key).map(|record| record.phase);
        if known.is_none() {
            let record = record(Phase::Pending, owner, granted);
            agent.save_record(&key, record);
        }
    }
    for key in &clearing {
        agent.detach(key);
        if !agent.rules.device_before_record {
            agent.drop_record(key);
        }
    }
    let done = clearing.is_empty();
    let flight = Flight {
        request,
        grants,
        clearing,
        making: BTreeSet::new(),
        ended: None,
        undoing: BTreeSet::new(),
    };
    agent.volatile.flights.insert(owner, flight);
    if done {
        make(agent, owner);
    }
}

/// Whether a record is of these addresses, under whatever seq.
fn has_addresses(record: &Record, grants: &[Grant]) -> bool {
    let recorded = record.addresses.iter().map(|(address, _)| *address);
    let granted = grants.iter().filter_map(|grant| grant.address);
    let granted: BTreeSet<IpAddr> = granted.map(|(address, _)| address).collect();
    recorded.collect::<BTreeSet<IpAddr>>() == granted
}

fn record(phase: Phase, owner: Uid, grants: &[Grant]) -> Record {
    Record {
        phase,
        owner,
        network: grants
            .first()
            .map(|grant| grant.network)
            .unwrap_or_default(),
        addresses: grants.iter().filter_map(|grant| grant.address).collect(),
    }
}

/// Makes all links of the flight. A link that is there already, from an earlier try of the same
/// sandbox, is found right and left alone by the shell's plan.
fn make(agent: &mut Agent<'_>, owner: Uid) {
    let Some(flight) = agent.volatile.flights.get_mut(&owner) else {
        return;
    };
    flight.making = flight.grants.keys().cloned().collect();
    let token = flight.request.token;
    let links: Vec<(Key, Vec<Grant>)> = flight
        .grants
        .iter()
        .map(|(interface, grants)| (flight.key(interface), grants.clone()))
        .collect();
    for (key, grants) in links {
        // DETACHING was cleared above: the record is made anew under the grant of now.
        if !agent.durable.records.contains_key(&key) {
            agent.save_record(&key, record(Phase::Pending, owner, &grants));
        }
        agent.emit(Effect::Make { key, token, grants });
    }
}

/// An older attachment is gone, or an undone link is.
pub(super) fn cleared(agent: &mut Agent<'_>, key: &Key) {
    let Some((owner, flight)) = flight_of(agent, key) else {
        return;
    };
    let cleared = flight.clearing.remove(key);
    let undone = flight.undoing.remove(key);
    if cleared && flight.clearing.is_empty() {
        if flight.ended.is_some() {
            undo(agent, owner);
        } else {
            make(agent, owner);
        }
    } else if undone {
        finish_if_undone(agent, owner);
    }
}

/// An older attachment, or an undone link, could not be removed: the ADD fails and says so.
pub(super) fn not_cleared(agent: &mut Agent<'_>, key: &Key, why: &str) {
    let Some((owner, flight)) = flight_of(agent, key) else {
        return;
    };
    if flight.clearing.remove(key) {
        let sandbox = &key.container;
        let message = format!(
            "an older sandbox ({sandbox}) of this pod still has {}: {why}",
            key.interface
        );
        flight.ended.get_or_insert(Outcome::Failed(message));
        if flight.clearing.is_empty() {
            undo(agent, owner);
        }
    } else if flight.undoing.remove(key) {
        if let Some(Outcome::Failed(message) | Outcome::TryAgain(message)) = &mut flight.ended {
            message.push_str("; and undoing failed: ");
            message.push_str(why);
        }
        finish_if_undone(agent, owner);
    }
}

/// A link was made.
pub(super) fn made(agent: &mut Agent<'_>, key: &Key) {
    let Some((owner, flight)) = flight_of(agent, key) else {
        return;
    };
    flight.making.remove(&key.interface);
    if !flight.making.is_empty() {
        return;
    }
    if flight.ended.is_some() {
        undo(agent, owner);
        return;
    }
    let Some(flight) = agent.volatile.flights.remove(&owner) else {
        return;
    };
    for (interface, grants) in &flight.grants {
        agent.save_record(&flight.key(interface), record(Phase::Active, owner, grants));
    }
    agent.emit(Effect::Publish);
    over(agent, &flight.request, Outcome::Done);
}

/// A link could not be made, and nothing of it is left: its record goes, the others are undone.
pub(super) fn not_made(agent: &mut Agent<'_>, key: &Key, outcome: Outcome) {
    agent.drop_record(key);
    let Some((owner, flight)) = flight_of(agent, key) else {
        return;
    };
    flight.making.remove(&key.interface);
    flight.ended.get_or_insert(outcome);
    if flight.making.is_empty() {
        undo(agent, owner);
    }
}

/// The flight is over: answer, and let the DELs that waited for it begin.
pub(super) fn over(agent: &mut Agent<'_>, request: &AddRequest, outcome: Outcome) {
    agent.emit(Effect::Reply(request.token, outcome));
    del::flight_over(agent, &request.container);
}
