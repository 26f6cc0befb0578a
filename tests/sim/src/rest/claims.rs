//! Claims at rest: each has what it asks for, unless that is not to be had; none keeps what it does not
//! ask for, and none that was deleted is left.

use std::collections::BTreeSet;

use landfall_core::{
    address::Family,
    ledger::{Entry, State, claims::Share},
};

use crate::{
    api::{ClaimObject, PodObject},
    claims::{Owner, claim_of},
    world::World,
};

// === impl World ===

impl World {
    /// The claim that a pod's first interface gets its addresses from, if its network has any.
    pub(super) fn claim_of(
        &self,
        pod: &PodObject,
    ) -> Result<Option<(Share, &ClaimObject)>, String> {
        let want = pod.spec.wants.first();
        let network = want.and_then(|want| self.scenario.networks.get(want.network));
        if network.is_none_or(|network| network.families().next().is_none()) {
            return Ok(None);
        }
        claim_of(pod, self.site.api.claims.all())
    }

    /// Whether a pod with this share could have an address now.
    pub(super) fn gives(&self, (share, claim): (Share, &ClaimObject), family: Family) -> bool {
        let blocks = self.site.api.blocks.all();
        let mut entries = blocks.flat_map(|block| &block.spec.entries);
        let has = entries.any(|(address, entry)| {
            entry.state == State::Claimed
                && entry.kept.is_some_and(|kept| kept.share == share)
                && Family::of(*address) == family
        });
        let draws =
            matches!(claim.spec.owner, Owner::Workload(_)) && claim.spec.addresses.is_empty();
        has || draws && self.free_addresses(claim.spec.network, family) > 0
    }

    pub(super) fn check_claims(&self) -> Result<(), String> {
        let blocks = self.site.api.blocks.all();
        for (address, entry) in blocks.flat_map(|block| &block.spec.entries) {
            let Some(kept) = entry.kept else { continue };
            let mut claims = self.site.api.claims.all();
            let claim = claims.find(|claim| claim.meta.uid == kept.share.claim);
            let asked = claim.map(|claim| &claim.spec.addresses);
            if asked.is_none_or(|asked| !asked.is_empty() && !asked.contains(address)) {
                return Err(format!(
                    "10: {address} is kept, and nobody asks for it: {entry:?}"
                ));
            }
        }
        for claim in self.site.api.claims.all() {
            if claim.meta.is_deleting {
                return Err(format!("10: claim {} does not end", claim.meta.key));
            }
            self.check_claim(claim)?;
        }
        Ok(())
    }

    fn check_claim(&self, claim: &ClaimObject) -> Result<(), String> {
        let (name, spec) = (&claim.meta.key, &claim.spec);
        let mut asked = spec.addresses.iter();
        if let Some(address) = asked.find(|address| self.is_free(spec.network, **address)) {
            return Err(format!(
                "10: claim {name} asks for {address}, which is FREE"
            ));
        }
        if !spec.addresses.is_empty() {
            return Ok(());
        }
        let Some(network) = self.scenario.networks.get(spec.network) else {
            return Ok(());
        };
        let ordinals = self.ordinals(claim);
        let lacks = |family: Family| {
            let lacking = ordinals.iter().filter(|ordinal| {
                let share = Share {
                    claim: claim.meta.uid,
                    ordinal: **ordinal,
                };
                !self.keeps(share, family)
            });
            lacking.count()
        };
        let lacking: Vec<(Family, usize)> = network.families().map(|f| (f, lacks(f))).collect();
        let is_short = |(family, lacking): &(Family, usize)| {
            self.free_addresses(spec.network, *family) < *lacking
        };
        if lacking.iter().any(|(_, lacking)| *lacking > 0) && !lacking.iter().any(is_short) {
            return Err(format!(
                "10: claim {name} lacks {lacking:?}, and there are FREE ones"
            ));
        }
        Ok(())
    }

    fn keeps(&self, share: Share, family: Family) -> bool {
        let blocks = self.site.api.blocks.all();
        let mut entries = blocks.flat_map(|block| &block.spec.entries);
        let is_its = |entry: &Entry| entry.kept.is_some_and(|kept| kept.share == share);
        entries.any(|(address, entry)| is_its(entry) && Family::of(*address) == family)
    }

    /// For which of its pods a claim of the operator's choice must have addresses.
    fn ordinals(&self, claim: &ClaimObject) -> BTreeSet<Option<u32>> {
        match &claim.spec.owner {
            Owner::Pod(_) | Owner::Named => [None].into(),
            Owner::Workload(_) => BTreeSet::new(),
            Owner::StatefulSet(set) => {
                let count = self.site.api.sets.get(set).map_or(0, |set| set.spec);
                // A pod that is too many, and not deleted yet, has its ordinal too.
                let pods = self.site.api.pods.all();
                let pods = pods.filter(|pod| !pod.meta.is_deleting && !pod.status.is_over);
                let shares = pods.filter_map(|pod| Some(self.claim_of(pod).ok()??.0));
                let own = shares.filter(|share| share.claim == claim.meta.uid);
                let own = own.filter_map(|share| share.ordinal);
                (0..count).chain(own).map(Some).collect()
            }
        }
    }
}
