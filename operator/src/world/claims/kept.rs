//! What is kept for claims: who holds it, and what a block that is made anew must keep for them.

use std::net::IpAddr;

use landfall_core::{
    id::Uid,
    ledger::{
        self,
        claims::{Kept, Shares},
        rebuild::Named,
    },
};
use landfall_crds::claim::ClaimHolder;

use super::World;
use crate::claims::{ClaimFacts, Owner};

// === impl World ===

impl World {
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
        let asked = claim.addresses.as_deref().unwrap_or_default();
        let of = (claim.uid(), claim.generation());
        Named::by_claim(
            network.uid,
            of,
            is_set.then_some(first),
            claim.named(),
            asked,
        )
    }
}
