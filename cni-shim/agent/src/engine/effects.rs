//! Core's effects, executed in their order.

use std::sync::Arc;

use landfall_core::{
    agent::{Effect, Event, Key, Outcome, Record, Token},
    ledger::view::Grant,
};
use landfall_crds::node;

use super::{Answer, Attached, Engine, observe::no_parent};
use crate::{
    attach::{self, PlanError},
    execute::{AttachJob, DetachJob, Job},
    records::{Entry, Facts, StoreError},
};

impl Engine {
    /// Executes effects; returns what failed at once, for core to decide on.
    pub(super) fn execute(&mut self, effects: Vec<Effect>) -> Result<Vec<Event>, StoreError> {
        let mut failed = Vec::new();
        // A record is written with what it takes to find its link again, so links are planned first.
        let mut plans = Vec::new();
        for effect in &effects {
            if let Effect::Make { key, token, grants } = effect {
                let plan = self.plan(key, grants);
                if let Ok(attached) = &plan {
                    self.note_plan(key, *token, attached);
                }
                plans.push((key.clone(), plan));
            }
        }
        let mut plans = plans.into_iter();
        let mut saved = Vec::new();
        for effect in effects {
            match effect {
                Effect::SaveRecord(key, record) => {
                    self.save(&key, record)?;
                    saved.push(key);
                }
                Effect::DropRecord(key) => {
                    self.store.drop_entry(&key)?;
                    self.facts.remove(&key);
                    self.repairs.forget(&key);
                    self.release_node_links();
                }
                Effect::SaveReleased => self.store.save_released(&self.durable.released)?,
                Effect::SaveSnapshot => {
                    if let Some(object) = &self.object {
                        self.store.save_object(object)?;
                    }
                }
                Effect::SaveSuspicion => {
                    self.store.save_suspicion(self.durable.restore_suspected)?;
                }
                Effect::ReadSpec => self.outlets.quorum_read.notify_one(),
                Effect::Probe { key, network } => failed.extend(self.probe(key, network)),
                Effect::Make { token, .. } => {
                    if let Some((key, plan)) = plans.next() {
                        // An ADD that had to clear something first was written down before this plan.
                        let record = self.durable.records.get(&key).cloned();
                        if let Some(record) = record.filter(|_| !saved.contains(&key)) {
                            self.save(&key, record)?;
                        }
                        failed.extend(self.make(key, token, plan));
                    }
                }
                Effect::Remove(key) => failed.extend(self.remove(key)),
                Effect::Reply(token, outcome) => self.reply(token, outcome),
                Effect::Publish => self.publish(),
            }
        }
        Ok(failed)
    }

    fn save(&self, key: &Key, record: Record) -> Result<(), StoreError> {
        let facts = self.facts.get(key).cloned();
        let key = key.clone();
        self.store.save_entry(&Entry { key, record, facts })
    }

    fn plan(&self, key: &Key, grants: &[Grant]) -> Result<Attached, PlanError> {
        let no_network = || PlanError::NoNetwork {
            interface: key.interface.clone(),
        };
        let object = self.object.as_ref().ok_or_else(no_network)?;
        let uid = grants.first().map(|grant| grant.network);
        let mut networks = object.spec.networks.iter();
        let network = networks
            .find(|network| Some(network.uid) == uid)
            .ok_or_else(no_network)?;
        let in_full: Vec<&node::Grant> = object
            .spec
            .grants
            .iter()
            .filter(|full| grants.iter().any(|grant| is_same(grant, full)))
            .collect();
        let parent = match self.parents.of(network.uid) {
            Some(Ok(parent)) => Arc::clone(parent),
            Some(Err(missing)) => return Err(no_parent(network, missing)),
            None => return Err(no_network()),
        };
        let wanted = attach::plan(key, network, &in_full, &parent)?;
        self.share(key, network, &wanted.device.driver, &parent)?;
        Ok(Attached {
            wanted,
            made: None,
            network: network.name.clone(),
        })
    }

    fn note_plan(&mut self, key: &Key, token: Token, attached: &Attached) {
        let Some(flight) = self.flights.get_mut(&token) else {
            return;
        };
        let facts = Facts {
            netns: flight.sandbox.path.clone(),
            cookie: flight.sandbox.cookie,
            number: flight.sandbox.number,
            pod: flight.sandbox.pod.clone(),
            network: attached.network.clone(),
            ..Facts::of(&attached.wanted)
        };
        self.facts.insert(key.clone(), facts);
        flight.attached.insert(key.clone(), attached.clone());
    }

    fn make(&mut self, key: Key, token: Token, plan: Result<Attached, PlanError>) -> Option<Event> {
        let attached = match plan {
            Ok(attached) => attached,
            Err(error) => {
                return Some(Event::NotMade {
                    key,
                    why: error.to_string(),
                    may_pass: error.is_passing(),
                });
            }
        };
        let Some(flight) = self.flights.get(&token) else {
            return Some(Event::NotMade {
                key,
                why: "its sandbox is no longer known".to_owned(),
                may_pass: false,
            });
        };
        let job = Job::Attach(AttachJob {
            probed: false,
            netns: Arc::clone(&flight.sandbox.netns),
            link: attached.wanted,
            network: attached.network,
            wanted: flight.wanted.clone(),
            key: key.clone(),
        });
        self.push_in_turn(&key, job);
        None
    }

    fn remove(&mut self, key: Key) -> Option<Event> {
        let Some(facts) = self.facts.get(&key) else {
            // No plan, so no link.
            return Some(Event::Gone(key));
        };
        let brought = self.brought.get(&key.container);
        let flying = self
            .flights
            .values()
            .find(|flight| flight.container == key.container);
        let job = Job::Detach(DetachJob {
            facts: facts.clone(),
            netns: brought
                .or_else(|| flying.map(|flight| &flight.sandbox.netns))
                .map(Arc::clone),
            key: key.clone(),
        });
        self.push_in_turn(&key, job);
        None
    }

    fn reply(&mut self, token: Token, outcome: Outcome) {
        let flight = self.flights.remove(&token);
        let links: Vec<Attached> = match (&outcome, flight) {
            (Outcome::Done, Some(flight)) => {
                for key in flight.attached.keys() {
                    self.announce_new(key);
                }
                flight.attached.into_values().collect()
            }
            _ => Vec::new(),
        };
        if let Some(reply) = self.replies.remove(&token) {
            // Nobody waits if the plugin has closed its connection.
            reply.send(Answer { outcome, links }).ok();
        }
        // Namespaces are held open only while somebody works in them.
        if self.replies.is_empty() {
            self.brought.clear();
        }
    }
}

fn is_same(grant: &Grant, full: &node::Grant) -> bool {
    let address = full.address.zip(full.seq);
    full.owner == grant.owner
        && full.network == grant.network
        && full.interface == grant.interface.as_str()
        && address == grant.address
}
