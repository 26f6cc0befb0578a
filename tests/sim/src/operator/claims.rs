//! Claims as an operator sees them: which pod is whose, and what is written about claims.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
    rc::Rc,
};

use landfall_core::{
    id::{Name, Uid},
    ledger::{
        Entry,
        rebuild::Named,
        view::{Pod, Refusal},
    },
    network::IpamType,
};

use super::{Operator, job::Job};
use crate::{
    api::{ClaimObject, PodObject, Request, guard},
    claims::{ClaimKind, ClaimSpec, ClaimStatus, Owner, claim_of},
    server::Kind,
    site::Site,
    watch::News,
};

/// What a claim keeps.
type Keeps<'v> = Vec<(Option<u32>, IpAddr, &'v Entry)>;

// === impl Operator ===

impl Operator {
    pub(crate) fn take_claims(&mut self, news: News<Name, ClaimSpec, ClaimStatus>) {
        match news {
            News::List(objects) => {
                let listed: BTreeSet<&Name> = objects.iter().map(|o| &o.meta.key).collect();
                // That a list does not name one says nothing: it is no longer known, and not gone.
                let before = self.claims.len();
                self.claims.retain(|key, _| listed.contains(key));
                self.stale_claims |= self.claims.len() != before;
                for object in objects {
                    self.put_claim(object);
                }
            }
            News::Events(events) => {
                for event in events {
                    if event.kind == Kind::Deleted {
                        self.claim_is_gone(event.object.meta.uid);
                    } else {
                        self.put_claim(event.object);
                    }
                }
            }
            News::Expired => {}
        }
    }

    fn put_claim(&mut self, object: Rc<ClaimObject>) {
        let key = object.meta.key.clone();
        let known = self.claims.get(&key);
        if known.is_some_and(|known| object.meta.version < known.meta.version) {
            return;
        }
        self.stale_claims = true;
        self.claims.insert(key, object);
    }

    fn claim_is_gone(&mut self, uid: Uid) {
        self.claims.retain(|_, known| known.meta.uid != uid);
        self.view.claims.gone.insert(uid);
        self.stale_claims = true;
    }

    pub(crate) fn take_sets(&mut self, news: News<Name, u32, ()>) {
        match news {
            News::List(objects) => {
                let sets = objects.iter().map(|o| (o.meta.key.clone(), o.spec));
                self.sets = sets.collect();
            }
            News::Events(events) => {
                for event in events {
                    let object = &event.object;
                    if event.kind == Kind::Deleted {
                        self.sets.remove(&object.meta.key);
                    } else {
                        self.sets.insert(object.meta.key.clone(), object.spec);
                    }
                }
            }
            News::Expired => {}
        }
        self.stale_claims = true;
    }

    /// Judges all claims again if one changed, and resolves all pods.
    pub(crate) fn settle_claims(&mut self) {
        if !std::mem::take(&mut self.stale_claims) {
            return;
        }
        let judged = self.claims.values().map(|object| {
            let count = match &object.spec.owner {
                Owner::StatefulSet(set) => self.sets.get(set).copied(),
                Owner::Pod(_) | Owner::Workload(_) | Owner::Named => None,
            };
            let claim = object.spec.judged(object, count.unwrap_or_default());
            (object.meta.uid, claim)
        });
        self.view.claims.known = judged.collect();
        for pod in self.pods.values() {
            if self.view.pods.contains_key(&pod.spec.owner) {
                let resolved = self.resolved(pod);
                self.view.pods.insert(pod.spec.owner, resolved);
            }
        }
    }

    /// What a pod asks for, as it is resolved now.
    pub(super) fn resolved(&self, object: &PodObject) -> Pod {
        let mut pod = Pod {
            namespace: object.spec.namespace.clone(),
            node: object.spec.node.clone(),
            created: 0,
            wants: object.spec.wants.clone(),
            refusal: None,
        };
        let network = pod.wants.first().map(|want| want.network);
        let network = network.and_then(|uid| self.view.networks.get(&uid));
        if network.is_none_or(|network| network.network.ipam.kind != IpamType::Cluster) {
            return pod;
        }
        let node = self.view.nodes.get(&object.spec.node);
        let is_served = node.is_some_and(|node| {
            let mut grants = node.spec.grants.iter();
            grants.any(|grant| grant.owner == object.spec.owner)
        });
        match claim_of(object, self.claims.values()) {
            Ok(found) => {
                if let Some(want) = pod.wants.first_mut() {
                    want.claim = found.map(|(share, _)| share);
                }
            }
            // What it holds already it keeps, whatever has become of the claim.
            Err(_) if is_served => {}
            Err(message) => {
                pod.wants.clear();
                pod.refusal = Some(Refusal {
                    reason: "InvalidAnnotation".to_owned(),
                    message,
                    is_final: false,
                });
            }
        }
        pod
    }

    /// Finalizers and statuses that are due, and the look for claims that nobody knows.
    pub(super) fn claim_jobs(&mut self) {
        let unknown = std::mem::take(&mut self.unknown_claims);
        if !unknown.is_empty() {
            self.jobs.push(Job::ListClaims(unknown));
        }
        let keeps = self.keeps();
        let due = self.claims.values().filter_map(|object| {
            let own = keeps.get(&object.meta.uid).map_or(&[][..], Vec::as_slice);
            claim_write(object, own)
        });
        let jobs: Vec<Job> = due.map(Job::WriteClaim).collect();
        self.jobs.extend(jobs);
    }

    /// What each claim keeps: in the order of ordinals. What is RESERVED for it is named by an entry too,
    /// and may go back.
    fn keeps(&self) -> BTreeMap<Uid, Keeps<'_>> {
        let mut all: BTreeMap<Uid, Keeps<'_>> = BTreeMap::new();
        if self.claims.is_empty() {
            return all;
        }
        let blocks = self.view.blocks.values();
        for (address, entry) in blocks.flat_map(|seen| &seen.value.entries) {
            if let Some(kept) = entry.kept {
                let own = all.entry(kept.share.claim).or_default();
                own.push((kept.share.ordinal, *address, entry));
            }
        }
        for own in all.values_mut() {
            own.sort_by_key(|(ordinal, address, _)| (*ordinal, *address));
        }
        all
    }

    /// A claim that is not listed, by a quorum read that is later than the entries that name it, is gone.
    /// Those that are listed are known from now on.
    pub(super) fn look_for_claims(&mut self, unknown: &BTreeSet<Uid>, site: &Site) {
        let there: BTreeSet<Uid> = site.api.claims.all().map(|o| o.meta.uid).collect();
        for object in site.api.claims.all() {
            if !self.view.claims.gone.contains(&object.meta.uid) {
                self.put_claim(Rc::clone(object));
            }
        }
        for uid in unknown.difference(&there) {
            self.claim_is_gone(*uid);
        }
    }

    /// What claims say that they keep, for a block that is made anew. Of a StatefulSet's what it asks for
    /// tells the ordinal, else the order.
    pub(super) fn named_by_claims(site: &Site) -> Vec<Named> {
        let standing = site.api.claims.all().filter(|o| !o.meta.is_deleting);
        standing.flat_map(|object| named_by(object)).collect()
    }
}

fn claim_write(object: &ClaimObject, keeps: &[(Option<u32>, IpAddr, &Entry)]) -> Option<Request> {
    let is_guarded = !object.meta.finalizers.is_empty();
    let guarded = |finalizers| {
        let mut object = object.clone();
        object.meta.finalizers = finalizers;
        Some(Request::GuardClaim(object))
    };
    if object.spec.kind == ClaimKind::Address {
        if !object.meta.is_deleting && !is_guarded {
            return guarded(guard());
        }
        if object.meta.is_deleting && is_guarded && keeps.is_empty() {
            return guarded(BTreeSet::new());
        }
    }
    let own = keeps.iter().filter(|(_, _, entry)| !entry.is_open());
    let status = ClaimStatus {
        addresses: own.map(|(_, address, _)| *address).collect(),
    };
    let name = object.meta.key.clone();
    (object.status != status).then_some(Request::PatchClaim(name, status))
}

fn named_by(object: &ClaimObject) -> Vec<Named> {
    let spec = &object.spec;
    let is_set = matches!(spec.owner, Owner::StatefulSet(_));
    let of = (object.meta.uid, object.meta.generation);
    let keeps = object.status.addresses.iter().copied();
    Named::by_claim(
        spec.network,
        of,
        is_set.then_some(0),
        keeps,
        &spec.addresses,
    )
}
