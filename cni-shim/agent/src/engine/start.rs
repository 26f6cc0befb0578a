//! What an engine starts from, and when that start is over.

use std::collections::BTreeMap;

use landfall_core::agent::{Durable, Volatile};

use super::{Engine, Outlets, node_links::NodeLinks, probes::Probes, repairs::Repairs};
use crate::{
    config::snapshot,
    identity::Machine,
    parents::Parents,
    records::{Loaded, Mark, Store, StoreError},
};

impl Engine {
    /// Takes up what lies in `/run`: warm, if it is complete and of this boot and machine.
    pub fn start(store: Store, machine: Machine, outlets: Outlets) -> Result<Self, StoreError> {
        let loaded = store.load();
        let ours = |mark: &Mark| mark.boot == machine.boot && mark.machine == machine.id;
        let mark = loaded.mark.filter(ours);
        if mark.is_none() {
            store.clear_mark()?;
        }
        let mut engine = Self {
            machine,
            store,
            outlets,
            volatile: Volatile::start(machine.id, mark.is_none()),
            durable: Durable::default(),
            object: None,
            overtaken: None,
            identity: None,
            complete: mark.is_some(),
            epoch: mark.map(|mark| mark.epoch).unwrap_or_default(),
            host_links: Vec::new(),
            parents: Parents::default(),
            node_links: NodeLinks::default(),
            repairs: Repairs::default(),
            probes: Probes::default(),
            facts: BTreeMap::new(),
            flights: BTreeMap::new(),
            replies: BTreeMap::new(),
            brought: BTreeMap::new(),
            news: false,
            jobs: Vec::new(),
        };
        engine.take_up(loaded);
        tracing::info!(
            warm = engine.complete,
            records = engine.durable.records.len(),
            released = engine.durable.released.len(),
            "took up what lies in the run folder"
        );
        engine.publish();
        engine.say();
        Ok(engine)
    }

    fn take_up(&mut self, loaded: Loaded) {
        for (key, entry) in loaded.entries {
            self.facts
                .extend(entry.facts.map(|facts| (key.clone(), facts)));
            self.durable.records.insert(key, entry.record);
        }
        self.durable.released = loaded.released;
        self.durable.restore_suspected = loaded.restore_suspected;
        if let Some(object) = loaded.object {
            self.durable.snapshot = snapshot(&object);
            self.object = Some(Box::new(object));
        }
    }

    pub(super) fn become_ready(&mut self) {
        if self.volatile.cold && !self.complete {
            self.epoch += 1;
            self.complete = true;
        }
        tracing::info!(epoch = self.epoch, "ready: grants are served");
        self.publish();
    }

    /// From here on a start with this folder is a warm one.
    pub(super) fn mark(&self) -> Result<(), StoreError> {
        self.store.save_mark(&Mark {
            boot: self.machine.boot,
            machine: self.machine.id,
            epoch: self.epoch,
        })
    }
}
