//! What claims are promised: what they keep is their pods' only, and stays theirs (invariant 6).

use std::net::IpAddr;

use landfall_core::{
    id::Uid,
    ledger::{Block, Entry, State, claims::Kept},
};

use super::Checker;
use crate::api::Api;

// === impl Checker ===

impl Checker {
    pub(super) fn claims_written(&mut self, api: &Api, before: &Block, after: &Block) {
        let kept = before.entries.iter().chain(&after.entries);
        let kept = kept.filter(|(_, entry)| entry.kept.is_some());
        let broken = kept.map(|(address, _)| *address).find_map(|address| {
            let (old, new) = (before.entries.get(&address), after.entries.get(&address));
            let what = self.claim_written(api, address, old, new)?;
            let name = after.id.object_name();
            Some(format!(
                "6: {what} (block {name}, {address}: {old:?} -> {new:?})"
            ))
        });
        if let Some(text) = broken {
            self.fail(text);
        }
    }

    fn claim_written(
        &self,
        api: &Api,
        address: IpAddr,
        old: Option<&Entry>,
        new: Option<&Entry>,
    ) -> Option<&'static str> {
        // What is RESERVED for a claim is not its own yet, and may go back.
        let is_open = |entry: &&Entry| entry.state == State::Reserved && entry.holder.is_none();
        let was = old
            .filter(|entry| !is_open(entry))
            .and_then(|entry| entry.kept);
        let is = new.and_then(|entry| entry.kept);
        let is_same = was.map(|kept| kept.share.claim) == is.map(|kept| kept.share.claim);
        if let Some(kept) = was.filter(|_| !is_same)
            && !self.may_let_go(api, address, kept)
        {
            return Some("what a claim keeps is taken from it");
        }
        let (new, kept) = new.zip(is)?;
        let owner = new.holder.as_ref()?.owner;
        if old.is_none_or(|old| old.seq != new.seq) {
            let is_its = self.register.may_have(owner, address, kept);
            return (!is_its).then_some("what a claim keeps is given to a pod that it is not for");
        }
        // Of a StatefulSet's the list says whose it is next: the pod that has it may be another.
        let is_its = was.is_some() || self.register.is_for(owner, kept.share.claim);
        (!is_its).then_some("a claim takes what a pod has that it is not for")
    }

    /// Whether the claim is over, or has asked for other addresses since.
    fn may_let_go(&self, api: &Api, address: IpAddr, kept: Kept) -> bool {
        !is_standing(api, kept.share.claim) || self.register.has_dropped(address, kept)
    }
}

/// Whether there is a claim of this UID that is not on its way out.
pub(crate) fn is_standing(api: &Api, claim: Uid) -> bool {
    let mut claims = api.claims.all();
    claims.any(|object| object.meta.uid == claim && !object.meta.is_deleting)
}
