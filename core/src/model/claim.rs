//! The claim of a run: a user deletes it, an operator lets go of what it keeps and then of the object.

use std::{format, net::IpAddr, string::String, vec::Vec};

use super::{
    config::{CLAIM, Fault, pod_of},
    operator,
    state::State,
    world::{Next, Thing, What, World},
};
use crate::ledger::{Block, Entry, State as Standing};

/// It has not been seen.
pub(super) const UNKNOWN: u8 = 0;
/// It stands.
pub(super) const THERE: u8 = 1;
/// It has a deletionTimestamp, and our finalizer.
pub(super) const ENDING: u8 = 2;
/// The object is gone.
pub(super) const GONE: u8 = 3;

// === impl World ===

impl World {
    /// A user deletes the claim.
    pub(super) fn end_claim(&self, state: &State, out: &mut Vec<Next>) {
        if state.claim == THERE {
            let fault = Some(Fault::EndClaim);
            self.push(out, What::EndClaim, state, fault, |next| {
                next.claim = ENDING;
            });
        }
    }

    /// An operator takes the finalizer away when, as it sees things, no entry names the claim.
    pub(super) fn let_claim_go(&self, state: &State, o: Option<usize>, out: &mut Vec<Next>) {
        let (claim, blocks) = match o {
            None => (state.claim, state.blocks),
            Some(o) => (
                state.operators[o].view.claim,
                state.operators[o].view.blocks,
            ),
        };
        if claim != ENDING || state.claim != ENDING {
            return;
        }
        let mut blocks = blocks.into_iter().take(self.block_ids.len());
        let is_named = blocks.any(|block| {
            let block = self.blocks.get(block);
            let entries = block.iter().flat_map(|block| block.entries.values());
            entries.into_iter().any(|entry| entry.kept.is_some())
        });
        if !is_named {
            let mut next = *state;
            next.claim = GONE;
            operator::done(out, What::LetsClaimGo, next, None);
        }
    }

    /// One with lagging caches sees the claim.
    pub(super) fn see_claim(state: &State, o: usize, out: &mut Vec<Next>) {
        if state.operators[o].view.claim != state.claim {
            let mut next = *state;
            next.operators[o].view.claim = state.claim;
            operator::done(out, What::Sees(o, Thing::Claim), next, None);
        }
    }

    /// Invariant 6: while the claim stands, what it keeps is granted to its pods only, and stays its own.
    pub(super) fn claimed(&self, state: &State, before: &Block, after: &Block) -> Option<String> {
        if state.claim >= ENDING {
            return None;
        }
        let kept = before
            .entries
            .iter()
            .filter(|(_, entry)| entry.kept.is_some());
        for (address, entry) in kept {
            let now = after.entries.get(address);
            let is_kept = now.is_some_and(|now| now.kept.map(|k| k.share.claim) == Some(CLAIM));
            if !is_kept {
                return Some(format!("6: {address} leaves the claim, {:?}", entry.state));
            }
            if !now.is_none_or(|now| self.is_for(*address, now)) {
                return Some(format!("6: {address} is another pod's than the claim's"));
            }
        }
        None
    }

    fn is_for(&self, _: IpAddr, entry: &Entry) -> bool {
        let is_taken = entry.state.is_held() || entry.state == Standing::Reserved;
        let holder = entry.holder.as_ref().filter(|_| is_taken);
        holder.is_none_or(|holder| self.config.claim.contains(&pod_of(holder.owner)))
    }
}
