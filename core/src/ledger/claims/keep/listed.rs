//! What a claim takes of what it names.

use alloc::{format, vec::Vec};
use core::net::IpAddr;

use super::{super::Kept, Taking, is_adopted};
use crate::ledger::{
    Decision, State,
    choose::{self, Choice},
    view::Refusal,
};

// === impl Taking ===

impl Taking<'_, '_, '_> {
    /// Addresses that the claim names: each by itself, as soon as it is free.
    pub(super) fn listed(&mut self, decision: &mut Decision) -> Result<(), Refusal> {
        let mut outcome = Ok(());
        for address in &self.claim.addresses {
            let mark = self.mark(self.claim.ordinal_of(*address));
            let mut mine = self.mine.iter();
            if let Some((id, _, entry, old)) = mine.find(|(_, known, ..)| known == address) {
                // A view that is behind the mark has nothing to say about it.
                if *old != mark && old.generation <= mark.generation {
                    self.drafts.mark(id, *address, Some(mark));
                } else if entry.is_open() {
                    // RESERVED with others, before the claim named it: it waits for no others now.
                    self.drafts.turn(id, *address, State::Claimed);
                }
                continue;
            }
            if self.adopts(*address, mark) {
                continue;
            }
            if let Err(refusal) = self.take_listed(*address, mark, decision) {
                outcome = Err(refusal);
            }
        }
        outcome
    }

    fn take_listed(
        &mut self,
        address: IpAddr,
        mark: Kept,
        decision: &mut Decision,
    ) -> Result<(), Refusal> {
        if let Some(refusal) = &self.network.closed {
            return Err(refusal.clone());
        }
        let segment = &self.network.network.segment;
        let barred: Vec<IpAddr> = self.drafts.barred(segment).collect();
        let choice =
            choose::requested(self.view, self.drafts, self.network, address, &barred, None);
        match choice {
            Choice::Take(id, address) => {
                self.take(&id, address, mark, State::Claimed);
                Ok(())
            }
            Choice::Missing(id, _) => {
                self.drafts.miss(id);
                Ok(())
            }
            other @ (Choice::Resting(_) | Choice::Full | Choice::Invalid(_) | Choice::Refused(_)) => Err(other.refusal(decision, || {
                format!(
                    "address {address} of network {} is in use: the claim gets it when it is released",
                    self.network.network.name
                )
            })),
        }
    }

    /// A pod that the claim is for has had the address since before the claim.
    fn adopts(&mut self, address: IpAddr, mark: Kept) -> bool {
        let own = self
            .pods
            .iter()
            .filter(|(share, _)| share.claim == self.uid);
        for (owner, want) in own.flat_map(|(_, pods)| pods) {
            let entries = self.held.get(owner).into_iter().flatten();
            for (id, other, entry, holder) in entries {
                let is_its = *other == address && holder.interface == want.interface;
                if is_its && is_adopted(entry, want) {
                    self.drafts.mark(id, address, Some(mark));
                    return true;
                }
            }
        }
        false
    }
}
