//! Claims, and what they are judged by: networks, namespaces, StatefulSets, owners of ReplicaSets.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
};

use kube::runtime::watcher::Event;
use landfall_core::{
    id::{Name, Uid},
    ledger::{
        self,
        claims::{Kept, Share, Shares},
        rebuild::Named,
    },
    network::Labels,
};
use landfall_crds::claim::ClaimHolder;

use super::{World, relist::Step, version};
use crate::{
    claims::{
        Book, ClaimFacts, ClaimKey, ClaimKind, Entry, Judged, Owner, ReplicaSetFacts, SetKey,
        StatefulSetFacts, judge,
    },
    pods::Listing,
};

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

    /// Judges all claims again if something that they hang on changed, and the pods that may be theirs.
    pub(super) fn settle_claims(&mut self) {
        let sets = std::mem::take(&mut self.stale.replica_sets);
        if std::mem::take(&mut self.stale.claims) {
            self.judge_claims();
        }
        let namespaces: BTreeSet<String> = sets.into_iter().map(|set| set.namespace).collect();
        let with_workloads = |namespace: &String| {
            let mut claims = self.claims.book.claims.iter();
            claims.any(|(key, entry)| {
                key.namespace == *namespace && matches!(entry.owner, Owner::Workload { .. })
            })
        };
        let namespaces: BTreeSet<String> = namespaces.into_iter().filter(with_workloads).collect();
        if !namespaces.is_empty() {
            self.resolve_pods(|key| namespaces.contains(&key.namespace));
        }
    }

    fn judge_claims(&mut self) {
        let none = Labels::new();
        let judged = self.claims.all().map(|(key, facts)| {
            let labels = self.namespaces.get(&key.namespace).unwrap_or(&none);
            let set = match &facts.owner {
                Owner::StatefulSet(name) => Some(SetKey {
                    namespace: key.namespace.clone(),
                    name: name.clone(),
                }),
                Owner::Pod(_) | Owner::Workload { .. } | Owner::Named => None,
            };
            let ordinals = set.and_then(|set| self.claims.stateful_sets.get(&set).copied());
            let network = self.network_of_claim(&facts.network);
            (key.clone(), judge(facts, network, labels, ordinals))
        });
        let judged: BTreeMap<ClaimKey, Judged> = judged.collect();
        let objects = &self.claims;
        let known = judged.iter().filter_map(|(key, judged)| {
            let facts = objects.get(key)?;
            Some((facts.uid(), judged.claim.clone()))
        });
        self.view.claims.known = known.collect();
        let book = judged.iter().filter_map(|(key, judged)| {
            let facts = objects.get(key)?;
            let fault = judged.accepted.as_ref().err();
            // An address that is wrong keeps no pod from the others.
            let fault = fault.filter(|_| judged.claim.network.is_none());
            let entry = Entry {
                uid: facts.uid(),
                network: judged.network,
                network_name: facts.network.clone(),
                owner: facts.owner.clone(),
                created: facts.created(),
                is_deleting: facts.is_deleting(),
                fault: fault.map(|fault| fault.message.clone()),
            };
            Some((key.clone(), entry))
        });
        let book: BTreeMap<ClaimKey, Entry> = book.collect();
        self.claims.judged = judged;
        self.changed = true;
        let old = std::mem::replace(&mut self.claims.book.claims, book);
        let new = &self.claims.book.claims;
        let differs = |(key, entry): (&ClaimKey, &Entry)| {
            old.get(key) != Some(entry) || new.get(key) != Some(entry)
        };
        let stale = old.iter().chain(new).filter(|row| differs(*row));
        let stale: BTreeSet<String> = stale.map(|(key, _)| key.namespace.clone()).collect();
        if !stale.is_empty() {
            self.resolve_pods(|key| stale.contains(&key.namespace));
        }
    }

    fn network_of_claim(&self, name: &str) -> Result<&landfall_core::network::Network, String> {
        match self.networks.directory.get(&Name::from(name)) {
            Some(Listing::Network(uid)) => {
                let network = self.view.networks.get(uid);
                let network = network.map(|network| &network.network);
                network.ok_or_else(|| format!("network {name} is not accepted yet"))
            }
            Some(Listing::Invalid(_, message)) => {
                Err(format!("network {name} is not accepted: {message}"))
            }
            None => Err(format!(
                "there is no MacvlanNetwork or IpvlanNetwork {name}: create it, or make a claim on \
                 another"
            )),
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

    /// Whether an entry names a claim, or may.
    pub(crate) fn is_kept_for(&self, claim: Uid) -> bool {
        if !self.view.unread.blocks.is_empty() {
            return true;
        }
        let entries = self
            .view
            .blocks
            .values()
            .flat_map(|seen| seen.value.entries.values());
        let mut kept = entries.filter_map(|entry| entry.kept);
        kept.any(|kept| kept.share.claim == claim)
    }

    /// The pods that hold a claim's addresses.
    pub(crate) fn claim_holders(
        &self,
        keeps: &[(IpAddr, &ledger::Entry, Kept)],
    ) -> Vec<ClaimHolder> {
        let held = keeps.iter().filter(|(_, entry, _)| entry.state.is_held());
        let holders = held.filter_map(|(address, entry, _)| {
            let holder = entry.holder.as_ref()?;
            let pod = self.pod_of(holder.owner);
            // Of a pod that is gone its node still knows the name.
            let listed = || {
                let grants = self
                    .node_objects
                    .get(&holder.node)
                    .map(|node| &node.spec.grants);
                let mut grants = grants.into_iter().flatten();
                grants.find(|grant| grant.owner == holder.owner)
            };
            let name = pod.map(|pod| pod.key.name.clone());
            let name = name.or_else(|| listed().map(|grant| grant.pod.name.clone()));
            Some(ClaimHolder {
                address: address.to_string(),
                pod: name.unwrap_or_default(),
                uid: pod.map_or_else(|| holder.owner.to_string(), |pod| pod.uid.clone()),
                node: holder.node.to_string(),
            })
        });
        holders.collect()
    }

    /// What claims say that they keep, for a block that is made anew. One that is being deleted keeps
    /// nothing.
    pub(crate) fn named_by_claims(&self, claims: &[ClaimFacts]) -> Vec<Named> {
        let standing = claims.iter().filter(|claim| !claim.is_deleting());
        standing.flat_map(|claim| self.named_by(claim)).collect()
    }

    fn named_by(&self, claim: &ClaimFacts) -> Vec<Named> {
        let Ok(network) = self.network_of_claim(&claim.network) else {
            return Vec::new();
        };
        let first = match self.claims.judged.get(&claim.key).map(|j| j.claim.shares) {
            Some(Shares::Ordinals { first, .. }) => first,
            Some(Shares::Whole | Shares::Drawn) | None => 0,
        };
        let is_set = matches!(claim.owner, Owner::StatefulSet(_));
        let listed = claim.addresses.as_deref().unwrap_or_default();
        let (mut next_ipv4, mut next_ipv6) = (first, first);
        let mut ordinal = |address: IpAddr| {
            let next = if address.is_ipv6() {
                &mut next_ipv6
            } else {
                &mut next_ipv4
            };
            let position = *next;
            *next += 1;
            // Of those that the claim asks for, its place there tells.
            let own = listed.iter().filter(|a| a.is_ipv6() == address.is_ipv6());
            let asked = (0_u32..).zip(own).find(|(_, asked)| **asked == address);
            is_set.then_some(asked.map_or(position, |(position, _)| position))
        };
        let named = claim.named().into_iter().map(|address| Named {
            address,
            network: network.uid,
            kept: Kept {
                share: Share {
                    claim: claim.uid(),
                    ordinal: ordinal(address),
                },
                generation: claim.generation(),
            },
        });
        named.collect()
    }
}
