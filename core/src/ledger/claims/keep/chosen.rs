//! What a claim that names nothing takes, of the operator's choice.

use alloc::{collections::BTreeSet, format, vec::Vec};
use core::net::IpAddr;

use super::{super::Shares, Taking, is_adopted};
use crate::{
    address::Family,
    ledger::{BlockId, Decision, State, choose, view::Refusal},
    network::Labels,
};

// === impl Taking ===

impl Taking<'_, '_, '_> {
    /// Addresses of the operator's choice: all that are lacking, or none. In one block that is one
    /// write; over several all are RESERVED first.
    pub(super) fn chosen(&mut self, decision: &mut Decision) -> Result<(), Refusal> {
        let lacking = self.lacking();
        let reserved: Vec<(&BlockId, IpAddr)> = self
            .mine
            .iter()
            .filter(|(_, _, entry, _)| entry.is_open())
            .map(|(id, address, ..)| (*id, *address))
            .collect();
        if lacking.is_empty() {
            for (id, address) in reserved {
                self.drafts.turn(id, address, State::Claimed);
            }
            return Ok(());
        }
        let chosen = match self.choose(&lacking, decision) {
            Ok(chosen) => chosen,
            Err(refusal) => {
                for (id, address) in reserved {
                    self.drafts.forget(id, address);
                }
                return Err(refusal);
            }
        };
        if chosen.iter().any(|(id, ..)| self.drafts.is_missing(id)) {
            return Ok(());
        }
        let first = chosen.first().map(|(id, ..)| id);
        let alone = reserved.is_empty() && chosen.iter().all(|(id, ..)| Some(id) == first);
        let state = if alone {
            State::Claimed
        } else {
            State::Reserved
        };
        for (id, address, ordinal) in chosen {
            let mark = self.mark(ordinal);
            self.take(&id, address, mark, state);
        }
        Ok(())
    }

    /// Shares and families for which the claim has nothing. What its pods have had since before it
    /// becomes the claim's.
    fn lacking(&mut self) -> Vec<(Option<u32>, Family)> {
        let own = self
            .pods
            .iter()
            .filter(|(share, _)| share.claim == self.uid);
        let mut ordinals: BTreeSet<Option<u32>> = match self.claim.shares {
            Shares::Whole => [None].into(),
            Shares::Drawn => BTreeSet::new(),
            Shares::Ordinals { first, count } => {
                let all = (first..).take(usize::try_from(count).unwrap_or(usize::MAX));
                all.map(Some).collect()
            }
        };
        let is_drawn = self.claim.shares == Shares::Drawn;
        if !is_drawn {
            ordinals.extend(own.clone().map(|(share, _)| share.ordinal));
        }
        let mut have: BTreeSet<(Option<u32>, Family)> = self
            .mine
            .iter()
            .map(|(_, address, _, kept)| (kept.share.ordinal, Family::of(*address)))
            .collect();
        for (share, pods) in own {
            for (owner, want) in pods {
                for (id, address, entry, holder) in self.held.get(owner).into_iter().flatten() {
                    let place = (share.ordinal, Family::of(*address));
                    if holder.interface == want.interface
                        && holder.index == 0
                        && is_adopted(entry, want)
                        && (is_drawn || have.insert(place))
                    {
                        self.drafts
                            .mark(id, *address, Some(self.mark(share.ordinal)));
                    }
                }
            }
        }
        let families = || self.network.network.families();
        let all = ordinals
            .iter()
            .flat_map(|ordinal| families().map(|family| (*ordinal, family)));
        all.filter(|place| !have.contains(place)).collect()
    }

    fn choose(
        &mut self,
        lacking: &[(Option<u32>, Family)],
        decision: &mut Decision,
    ) -> Result<Vec<(BlockId, IpAddr, Option<u32>)>, Refusal> {
        if let Some(refusal) = &self.network.closed {
            return Err(refusal.clone());
        }
        let network = &self.network.network;
        // What it keeps may be in there.
        if let Some(refusal) = self.view.unread.refusal_of(network) {
            return Err(refusal);
        }
        let mut taken: Vec<IpAddr> = self.drafts.barred(&network.segment).collect();
        let mut chosen = Vec::new();
        // A claim is bound to no node: subnets that are only some nodes' are not for it.
        let labels = Labels::new();
        for (ordinal, family) in lacking {
            let choice = choose::choose(
                self.view,
                self.drafts,
                self.network,
                &labels,
                *family,
                &taken,
            );
            let shortage = || {
                format!(
                    "network {} has too few free {family} addresses for the claim: it lacks \
                     {}, and takes all at once; widen spec.ipam.subnets (those with a \
                     nodeSelector do not count)",
                    network.name,
                    lacking.len()
                )
            };
            let had = choice.had(self.drafts);
            let (id, address) = had.map_err(|choice| choice.refusal(decision, shortage))?;
            taken.push(address);
            chosen.push((id, address, *ordinal));
        }
        Ok(chosen)
    }
}
