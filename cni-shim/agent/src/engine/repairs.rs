//! Attachments whose parent changes under them.
//!
//! The kernel takes what hangs from a parent away with it: when the parent is back, each running pod gets its
//! interface again. A link follows its parent's MTU downwards by itself, ipvlan also where it has one of its
//! own, and macvlan never upwards: that is put right here.
//!
//! ```text
//! links changed ─> Look ─ there ─> (its MTU is set)
//!                   └──── gone ──> record names the new parent ─> Remake ─> announced
//! ```
//!
//! A link is worked on by one at a time: what an ADD or a DEL asks of it waits for the end of its repair. A
//! record changes its parent only when its old link is known to be gone, and before the new one is made, so
//! that a DEL always finds the link that there is.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use landfall_core::{
    agent::{Key, Phase},
    id::Name,
};
use landfall_link::Parent as HostLink;

use super::Engine;
use crate::{
    execute::{Job, LookJob},
    parents::with_index,
    records::Facts,
};

mod outcome;

/// What is known of repairs.
#[derive(Debug, Default)]
pub(super) struct Repairs {
    /// A start compares the records with the kernel first, and ends what has lost its link otherwise.
    begun: bool,
    /// Sandboxes whose links were not looked at because an ADD of theirs was in flight.
    waits_for: BTreeSet<Name>,
    /// Under way.
    busy: BTreeMap<Key, Busy>,
    /// As they were last seen or set.
    mtus: BTreeMap<Key, u32>,
    /// Those that failed: tried again after a change, or after a while.
    failed: BTreeSet<Key>,
}

/// One repair under way.
#[derive(Debug, Default)]
struct Busy {
    /// What waits for its end.
    jobs: Vec<Job>,
    /// The parent was replaced meanwhile.
    again: bool,
}

// === impl Repairs ===

impl Repairs {
    pub(super) fn note_mtu(&mut self, key: &Key, mtu: u32) {
        self.mtus.insert(key.clone(), mtu);
    }

    pub(super) fn forget(&mut self, key: &Key) {
        self.mtus.remove(key);
        self.failed.remove(key);
    }

    /// What this link's MTU is, is not known any more.
    fn doubt(&mut self, key: &Key) {
        self.mtus.remove(key);
        self.failed.remove(key);
        if let Some(busy) = self.busy.get_mut(key) {
            busy.again = true;
        }
    }
}

// === impl Engine ===

impl Engine {
    /// A job for a link, now or when its repair is over.
    pub(super) fn push_in_turn(&mut self, key: &Key, job: Job) {
        match self.repairs.busy.get_mut(key) {
            Some(busy) => busy.jobs.push(job),
            None => self.jobs.push(job),
        }
    }

    pub(super) fn begin_repairs(&mut self) {
        self.repairs.begun = true;
        self.repair();
    }

    pub(super) fn retry_repairs(&mut self) {
        self.repairs.failed.clear();
        self.repair();
    }

    /// The links are others than before.
    pub(super) fn links_changed(&mut self, before: &[Arc<HostLink>]) {
        let same = |link: &HostLink| {
            let mut before = before.iter();
            before.any(|old| (old.index, old.mtu) == (link.index, link.mtu))
        };
        let changed = self.host_links.iter().filter(|link| !same(link));
        let changed = changed.map(|link| link.index).collect();
        self.doubt(&changed);
        self.retry_repairs();
    }

    /// Links have gone and are there again under the same index.
    pub(super) fn links_replaced(&mut self, indexes: &BTreeSet<u32>) {
        self.doubt(indexes);
        self.repair();
    }

    /// What hangs from these links is looked at.
    fn doubt(&mut self, parents: &BTreeSet<u32>) {
        for (key, facts) in &self.facts {
            if parents.contains(&facts.parent) {
                self.repairs.doubt(key);
            }
        }
    }

    /// An ADD in flight has kept a repair waiting.
    pub(super) fn repair_what_waited(&mut self) {
        let waits_for = &self.repairs.waits_for;
        let mut flights = self.flights.values();
        if !waits_for.is_empty() && !flights.any(|flight| waits_for.contains(&flight.container)) {
            self.repair();
        }
    }

    /// Looks for every link that may be gone or have another MTU than it should.
    pub(super) fn repair(&mut self) {
        if !self.repairs.begun {
            return;
        }
        let active = self.durable.records.iter();
        let active = active.filter(|(_, record)| record.phase == Phase::Active);
        let jobs: Vec<LookJob> = active.filter_map(|(key, _)| self.look(key)).collect();
        let flights = self.flights.values();
        let flying: BTreeSet<&Name> = flights.map(|flight| &flight.container).collect();
        let is_flying = |job: &LookJob| flying.contains(&job.key.container);
        let (flying, jobs): (Vec<_>, Vec<_>) = jobs.into_iter().partition(is_flying);
        self.repairs.waits_for = flying.into_iter().map(|job| job.key.container).collect();
        for job in jobs {
            self.repairs.busy.insert(job.key.clone(), Busy::default());
            self.jobs.push(Job::Look(job));
        }
    }

    fn look(&self, key: &Key) -> Option<LookJob> {
        let repairs = &self.repairs;
        if repairs.busy.contains_key(key) || repairs.failed.contains(key) {
            return None;
        }
        let facts = self.facts.get(key)?;
        let mtu = match self.host_link(facts.parent) {
            Some(link) => Some(mtu(facts, link)),
            // Nothing can be made anew before there is a parent again.
            None => self.new_parent(key).map(|_| None)?,
        };
        (mtu.is_none() || repairs.mtus.get(key) != mtu.as_ref()).then(|| LookJob {
            key: key.clone(),
            facts: facts.clone(),
            mtu,
        })
    }

    fn host_link(&self, index: u32) -> Option<&Arc<HostLink>> {
        with_index(&self.host_links, index)
    }

    /// The parent that the attachment's network has now.
    fn new_parent(&self, key: &Key) -> Option<Arc<HostLink>> {
        let record = self.durable.records.get(key)?;
        let parent = self.parents.link_of(record.network)?;
        Some(Arc::clone(parent))
    }
}

/// The MTU that a link should have, in bytes: its network's own as far as the parent carries it, or the
/// parent's.
fn mtu(facts: &Facts, parent: &HostLink) -> u32 {
    facts.mtu.map_or(parent.mtu, |own| own.min(parent.mtu))
}
