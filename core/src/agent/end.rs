//! An ADD that ends before its link is there: superseded, deleted, timed out, given up by its plugin, or
//! failed. What it made is taken back, and nothing of another sandbox.

use alloc::{borrow::ToOwned, vec::Vec};
use core::mem;

use super::{
    AddRequest, Deletion, Effect, Flight, Key, Outcome, Token, add::over, look_up::missing,
    step::Agent,
};
use crate::id::Uid;

/// Ends the owner's ADD in flight with that answer, once what it does now is over.
pub(super) fn end(agent: &mut Agent<'_>, owner: Uid, outcome: Outcome) {
    if let Some(flight) = agent.volatile.flights.get_mut(&owner) {
        flight.ended.get_or_insert(outcome);
    }
}

/// Ends every ADD of what is being deleted.
pub(super) fn end_deleted(agent: &mut Agent<'_>, deletion: &Deletion) {
    if !agent.rules.add_ends {
        return;
    }
    let gone = || Outcome::TryAgain("the sandbox was deleted while it was attached".to_owned());
    let (ended, waiting) = mem::take(&mut agent.volatile.waiting)
        .into_iter()
        .partition(|request| request.is_of(deletion));
    agent.volatile.waiting = waiting;
    let ended: Vec<AddRequest> = ended;
    for request in ended {
        agent.emit(Effect::Reply(request.token, gone()));
    }
    let owners: Vec<Uid> = agent
        .volatile
        .flights
        .iter()
        .filter(|(_, flight)| flight.request.is_of(deletion))
        .map(|(owner, _)| *owner)
        .collect();
    for owner in owners {
        end(agent, owner, gone());
    }
}

/// Whether an ADD of what is being deleted is in flight.
pub(super) fn flies(agent: &Agent<'_>, deletion: &Deletion) -> bool {
    agent
        .volatile
        .flights
        .values()
        .any(|flight| flight.request.is_of(deletion))
}

/// An ADD waited as long as it may.
pub(super) fn time_out(agent: &mut Agent<'_>, token: Token) {
    let Some(at) = agent.volatile.waiting.iter().position(|r| r.token == token) else {
        return;
    };
    let request = agent.volatile.waiting.remove(at);
    let message = missing(agent, &request);
    agent.emit(Effect::Reply(token, Outcome::TryAgain(message)));
}

/// The plugin closed its connection. Nobody reads the answer, but it tells the shell that the request
/// is over and its network namespace need not be kept open.
pub(super) fn abort(agent: &mut Agent<'_>, token: Token) {
    let closed = || Outcome::TryAgain("the plugin closed its connection".to_owned());
    let before = agent.volatile.waiting.len();
    agent
        .volatile
        .waiting
        .retain(|request| request.token != token);
    if agent.volatile.waiting.len() != before {
        agent.emit(Effect::Reply(token, closed()));
    }
    let flight = agent
        .volatile
        .flights
        .iter()
        .find(|(_, f)| f.request.token == token);
    if let Some(owner) = flight.map(|(owner, _)| *owner) {
        end(agent, owner, closed());
    }
}

/// Removes in reverse what the ended flight made.
pub(super) fn undo(agent: &mut Agent<'_>, owner: Uid) {
    let Some(flight) = agent.volatile.flights.get(&owner) else {
        return;
    };
    let keys: Vec<Key> = flight
        .grants
        .keys()
        .rev()
        .map(|interface| flight.key(interface))
        .filter(|key| agent.durable.records.contains_key(key))
        .collect();
    if let Some(flight) = agent.volatile.flights.get_mut(&owner) {
        flight.undoing = keys.iter().cloned().collect();
    }
    for key in &keys {
        agent.detach(key);
    }
    finish_if_undone(agent, owner);
}

pub(super) fn finish_if_undone(agent: &mut Agent<'_>, owner: Uid) {
    let undone = |flight: &Flight| flight.undoing.is_empty() && flight.making.is_empty();
    if agent.volatile.flights.get(&owner).is_some_and(undone)
        && let Some(flight) = agent.volatile.flights.remove(&owner)
    {
        let outcome = flight.ended.clone().unwrap_or(Outcome::Done);
        over(agent, &flight.request, outcome);
    }
}
