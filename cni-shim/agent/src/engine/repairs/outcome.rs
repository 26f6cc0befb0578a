//! How looks and repairs end, and what follows.

use landfall_core::{agent::Key, link::Link};
use landfall_link::Made;

use super::Engine;
use crate::{
    execute::{Job, Looked},
    records::{Facts, StoreError},
};

impl Engine {
    pub(in crate::engine) fn looked(
        &mut self,
        key: &Key,
        looked: Result<Looked, String>,
    ) -> Result<(), StoreError> {
        match looked {
            Ok(Looked::There { parent, mtu }) => {
                self.repairs.note_mtu(key, mtu);
                self.follow(key, parent)?;
                // In another namespace with its parent: nothing to do before that is back.
                if !self.has_parent(key) {
                    self.repairs.failed.insert(key.clone());
                }
                self.repaired(key);
            }
            Ok(Looked::Gone) => {
                if let Some(job) = self.remake(key)? {
                    self.jobs.push(job);
                    return Ok(());
                }
                // Its pod is about to go, or the parent has gone again.
                self.repairs.failed.insert(key.clone());
                self.repaired(key);
            }
            Err(why) => self.not_repaired(key, &why),
        }
        Ok(())
    }

    /// The parent was away in another namespace, with all that hangs from it, and has another index now.
    fn follow(&mut self, key: &Key, parent: Option<u32>) -> Result<(), StoreError> {
        let Some(index) = parent.filter(|index| self.host_link(*index).is_some()) else {
            return Ok(());
        };
        if self.has_parent(key) {
            return Ok(());
        }
        if let Some(facts) = self.facts.get_mut(key) {
            facts.parent = index;
        }
        self.save_facts(key)
    }

    fn has_parent(&self, key: &Key) -> bool {
        let facts = self.facts.get(key);
        facts.is_some_and(|facts| self.host_link(facts.parent).is_some())
    }

    /// The record says what is about to be made, before it is.
    fn note_link(&mut self, key: &Key, link: &Link) -> Result<(), StoreError> {
        if let Some(facts) = self.facts.get_mut(key) {
            let old = facts.clone();
            *facts = Facts {
                netns: old.netns,
                cookie: old.cookie,
                number: old.number,
                pod: old.pod,
                network: old.network,
                ..Facts::of(link)
            };
        }
        self.save_facts(key)
    }

    fn save_facts(&self, key: &Key) -> Result<(), StoreError> {
        match self.entry(key) {
            Some(entry) => self.store.save_entry(&entry),
            None => Ok(()),
        }
    }

    /// The old link is gone: the job that makes it anew, if it is still wanted.
    fn remake(&mut self, key: &Key) -> Result<Option<Job>, StoreError> {
        let Some(job) = self.plan_again(key) else {
            return Ok(None);
        };
        self.note_link(key, &job.link)?;
        tracing::info!(
            container = %key.container, interface = %key.interface, pod = job.facts.pod,
            "its parent has taken the link away: making it anew"
        );
        Ok(Some(Job::Remake(Box::new(job))))
    }

    pub(in crate::engine) fn remade(
        &mut self,
        key: &Key,
        remade: Result<Box<Made>, String>,
    ) -> Result<(), StoreError> {
        match remade {
            Ok(made) => {
                self.note_made(key, *made);
                self.save_facts(key)?;
                self.announce_new(key);
                self.repaired(key);
            }
            Err(why) => self.not_repaired(key, &why),
        }
        Ok(())
    }

    fn not_repaired(&mut self, key: &Key, why: &str) {
        tracing::warn!(
            container = %key.container, interface = %key.interface,
            "an attachment is not as it should be: {why}"
        );
        self.repairs.mtus.remove(key);
        self.repairs.failed.insert(key.clone());
        self.repaired(key);
    }

    /// What waited goes on; and what changed meanwhile is looked at.
    fn repaired(&mut self, key: &Key) {
        if let Some(busy) = self.repairs.busy.remove(key) {
            self.jobs.extend(busy.jobs);
            if busy.again {
                self.repairs.doubt(key);
            }
        }
        self.repair();
    }
}
