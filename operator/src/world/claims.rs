//! Claims, and what they are judged by: networks, namespaces, StatefulSets, owners of ReplicaSets.

use std::collections::{BTreeMap, BTreeSet};

use kube::runtime::watcher::Event;
use landfall_core::id::Uid;

use super::{World, relist::Step, version};
use crate::claims::{
    Book, ClaimFacts, ClaimKey, ClaimKind, Judged, ReplicaSetFacts, SetKey, StatefulSetFacts,
};

mod judging;
mod kept;

/// Claims that are known to be gone are forgotten beyond this number: one that an entry still names is
/// looked for again.
const REMEMBERED: usize = 10_000;

/// What claims are judged by, and what comes of it.
#[derive(Debug, Default)]
pub(super) struct ClaimWorld {
    address: BTreeMap<ClaimKey, ClaimFacts>,
    ipam: BTreeMap<ClaimKey, ClaimFacts>,
    /// Claims whose finalizer is to be set, or to be removed.
    unguarded: BTreeSet<ClaimKey>,
    pub(super) judged: BTreeMap<ClaimKey, Judged>,
    /// The first ordinal of each StatefulSet, and their number.
    pub(super) stateful_sets: BTreeMap<SetKey, (u32, u32)>,
    /// Which claim is whose.
    pub(super) book: Book,
}

// === impl ClaimWorld ===

impl ClaimWorld {
    fn of_mut(&mut self, kind: ClaimKind) -> &mut BTreeMap<ClaimKey, ClaimFacts> {
        match kind {
            ClaimKind::Address => &mut self.address,
            ClaimKind::Ipam => &mut self.ipam,
        }
    }

    fn get(&self, key: &ClaimKey) -> Option<&ClaimFacts> {
        match key.kind {
            ClaimKind::Address => self.address.get(key),
            ClaimKind::Ipam => self.ipam.get(key),
        }
    }

    fn all(&self) -> impl Iterator<Item = (&ClaimKey, &ClaimFacts)> {
        self.address.iter().chain(&self.ipam)
    }
}

// === impl World ===

impl World {
    pub(super) fn observe_claim(&mut self, kind: ClaimKind, event: Event<ClaimFacts>) {
        let (relist, known) = match kind {
            ClaimKind::Address => (&mut self.watches.claims, &self.claims.address),
            ClaimKind::Ipam => (&mut self.watches.ipam_claims, &self.claims.ipam),
        };
        for step in relist.steps(event, |facts| facts.key.clone(), known) {
            match step {
                Step::Put(facts) => self.put_claim(facts),
                // The object of this UID is gone for ever: that is no absence from a list.
                Step::Deleted(facts) => self.claim_is_gone(facts.uid()),
                Step::Absent(key) => {
                    self.claims.of_mut(kind).remove(&key);
                    self.claims.unguarded.remove(&key);
                    self.stale.claims = true;
                }
            }
        }
    }

    /// A quorum read has shown a claim, before the watch or after it.
    pub(crate) fn claim_is_there(&mut self, facts: ClaimFacts) {
        if !self.view.claims.gone.contains(&facts.uid()) {
            self.put_claim(facts);
        }
    }

    fn put_claim(&mut self, facts: ClaimFacts) {
        let key = facts.key.clone();
        let all = self.claims.of_mut(key.kind);
        let old = all.get(&key);
        if old.is_some_and(|old| version(&facts.meta) < version(&old.meta)) {
            return;
        }
        let facts = facts.after(old);
        self.stale.claims |= old.is_none_or(|old| facts.is_news_after(old));
        let is_open = if facts.is_deleting() {
            facts.has_finalizer()
        } else {
            !facts.is_guarded()
        };
        all.insert(key.clone(), facts);
        if is_open {
            self.claims.unguarded.insert(key);
        } else {
            self.claims.unguarded.remove(&key);
        }
    }

    /// A claim is gone for ever: its deletion was seen, or a quorum read that was later than an entry
    /// that names it did not show it.
    pub(crate) fn claim_is_gone(&mut self, uid: Uid) {
        for kind in [ClaimKind::Address, ClaimKind::Ipam] {
            self.claims
                .of_mut(kind)
                .retain(|_, known| known.uid() != uid);
        }
        let gone = &mut self.view.claims.gone;
        if gone.len() >= REMEMBERED {
            gone.clear();
        }
        gone.insert(uid);
        self.stale.claims = true;
        self.changed = true;
    }

    pub(super) fn observe_stateful_set(&mut self, event: Event<StatefulSetFacts>) {
        let relist = &mut self.watches.stateful_sets;
        let known = &self.claims.stateful_sets;
        for step in relist.steps(event, |facts| facts.key.clone(), known) {
            let sets = &mut self.claims.stateful_sets;
            self.stale.claims |= match step {
                Step::Put(facts) => {
                    let now = (facts.first, facts.count);
                    sets.insert(facts.key, now) != Some(now)
                }
                // It may be made again: what it had stays kept all the same.
                Step::Deleted(facts) => sets.remove(&facts.key).is_some(),
                Step::Absent(key) => sets.remove(&key).is_some(),
            };
        }
    }

    pub(super) fn observe_replica_set(&mut self, event: Event<ReplicaSetFacts>) {
        let relist = &mut self.watches.replica_sets;
        let known = &self.claims.book.replica_sets;
        for step in relist.steps(event, |facts| facts.key.clone(), known) {
            let sets = &mut self.claims.book.replica_sets;
            match step {
                Step::Put(ReplicaSetFacts { key, controller }) => match controller {
                    Some(controller) => {
                        let is_news = sets.get(&key) != Some(&controller);
                        sets.insert(key.clone(), controller);
                        if is_news {
                            self.stale.replica_sets.insert(key);
                        }
                    }
                    None => drop(sets.remove(&key)),
                },
                Step::Deleted(facts) => drop(sets.remove(&facts.key)),
                Step::Absent(key) => drop(sets.remove(&key)),
            }
        }
    }

    /// All claims' objects.
    pub(crate) fn claims(&self) -> impl Iterator<Item = &ClaimFacts> {
        self.claims.all().map(|(_, facts)| facts)
    }

    /// Claims whose finalizer is to be set, or to be removed.
    pub(crate) fn unguarded_claims(&self) -> impl Iterator<Item = &ClaimFacts> {
        let keys = self.claims.unguarded.iter();
        keys.filter_map(|key| self.claims.get(key))
    }

    /// What was found about a claim.
    pub(crate) fn judged_claim(&self, key: &ClaimKey) -> Option<&Judged> {
        self.claims.judged.get(key)
    }
}
