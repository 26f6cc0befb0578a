//! One event in, the effects out.

use alloc::vec::Vec;

use super::{Durable, Effect, Event, Outcome, Volatile, add, del, end, probe, recall, spec};
use crate::ledger::Rules;

/// Decides on one event.
pub fn step(volatile: &mut Volatile, durable: &mut Durable, event: Event) -> Vec<Effect> {
    step_under(Rules::SHIPPED, volatile, durable, event)
}

/// Decides on one event under rules of which a checker may have turned one off.
pub fn step_under(
    rules: Rules,
    volatile: &mut Volatile,
    durable: &mut Durable,
    event: Event,
) -> Vec<Effect> {
    let mut effects = Vec::new();
    let mut agent = Agent {
        rules,
        volatile,
        durable,
        effects: &mut effects,
    };
    match event {
        Event::Spec { snapshot, quorum } => spec::observe(&mut agent, snapshot, quorum),
        Event::Scanned(blocked) => {
            agent.volatile.scanned = true;
            agent.volatile.blocked = blocked;
        }
        Event::Parents(without) => agent.volatile.without_parent = without,
        Event::Add(request) => add::arrive(&mut agent, request),
        Event::Timeout(token) => end::time_out(&mut agent, token),
        Event::Abort(token) => end::abort(&mut agent, token),
        Event::Probed { key, found } => probe::ended(&mut agent, key, found),
        Event::Made(key) => add::made(&mut agent, &key),
        Event::NotMade { key, why, may_pass } => {
            let outcome = if may_pass {
                Outcome::TryAgain(why)
            } else {
                Outcome::Failed(why)
            };
            add::not_made(&mut agent, &key, outcome);
        }
        Event::Del {
            token,
            container,
            interface,
        } => del::arrive(&mut agent, token, container, interface),
        Event::Gone(key) => {
            agent.drop_record(&key);
            add::cleared(&mut agent, &key);
            del::gone(&mut agent, &key, None);
        }
        Event::NotGone {
            key,
            why,
            left_to_kernel,
        } => {
            add::not_cleared(&mut agent, &key, &why);
            del::gone(&mut agent, &key, (!left_to_kernel).then_some(why.as_str()));
        }
    }
    recall::acknowledge(&mut agent);
    if !rules.prune_waits {
        spec::prune_early(&mut agent);
    }
    probe::keep(&mut agent);
    add::start_waiting(&mut agent);
    effects
}

/// The state and the effects so far.
pub(super) struct Agent<'a> {
    pub(super) rules: Rules,
    pub(super) volatile: &'a mut Volatile,
    pub(super) durable: &'a mut Durable,
    pub(super) effects: &'a mut Vec<Effect>,
}

impl Agent<'_> {
    pub(super) fn is_ready(&self) -> bool {
        self.volatile.is_ready(self.durable)
            || !self.rules.cold_waits && self.volatile.is_known(self.durable)
    }

    pub(super) fn emit(&mut self, effect: Effect) {
        self.effects.push(effect);
    }

    pub(super) fn save_record(&mut self, key: &super::Key, record: super::Record) {
        self.durable.records.insert(key.clone(), record.clone());
        self.emit(Effect::SaveRecord(key.clone(), record));
    }

    pub(super) fn drop_record(&mut self, key: &super::Key) {
        if self.durable.records.remove(key).is_some() {
            self.emit(Effect::DropRecord(key.clone()));
            self.emit(Effect::Publish);
        }
    }

    /// Starts to remove the link of a record: DETACHING first, so that no crash forgets it.
    pub(super) fn detach(&mut self, key: &super::Key) {
        if let Some(record) = self.durable.records.get(key) {
            let mut record = record.clone();
            if record.phase != super::Phase::Detaching {
                record.phase = super::Phase::Detaching;
                self.save_record(key, record);
                // It may stay so: a namespace that can't be found is not gone.
                self.emit(Effect::Publish);
            }
            self.emit(Effect::Remove(key.clone()));
        }
    }
}
