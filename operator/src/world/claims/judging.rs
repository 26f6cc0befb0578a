//! What is found about claims, and which pods' they are.

use std::collections::{BTreeMap, BTreeSet};

use landfall_core::{
    id::Name,
    network::{Labels, Network},
};

use super::World;
use crate::{
    claims::{ClaimKey, Entry, Judged, Owner, SetKey, judge},
    pods::Listing,
};

// === impl World ===

impl World {
    /// Judges all claims again if something that they hang on changed, and the pods that may be theirs.
    pub(in crate::world) fn settle_claims(&mut self) {
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
        let unread = objects.all().filter(|(_, facts)| facts.fault.is_some());
        let unread = unread.map(|(key, _)| format!("{}/{}", key.namespace, key.name));
        self.view.unread.claims = unread.map(|name| Name::from(name.as_str())).collect();
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

    pub(super) fn network_of_claim(&self, name: &str) -> Result<&Network, String> {
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
}
