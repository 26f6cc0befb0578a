//! What claims take, and let go.

use alloc::{
    collections::{BTreeMap, BTreeSet},
    format,
    string::String,
    vec::Vec,
};
use core::net::IpAddr;

use super::{ByClaim, Claim, Kept, Share, Shares};
use crate::{
    address::Family,
    id::Uid,
    ledger::{
        BlockId, Decision, Entry, Rules, State, View,
        choose::{self, Choice},
        draft::{Drafts, Held},
        view::{NetworkView, Refusal, Want},
    },
    network::Labels,
};

/// Which pods may have a share: owner and want.
type Pods<'v> = BTreeMap<Share, Vec<(Uid, &'v Want)>>;

/// Every claim lets go what it does not want any more, and takes what it lacks.
pub(in crate::ledger) fn keep(
    view: &View,
    rules: Rules,
    held: &Held<'_>,
    kept: &ByClaim<'_>,
    drafts: &mut Drafts<'_>,
    decision: &mut Decision,
) {
    for (claim, mine) in kept {
        let is_gone = view.claims.gone.contains(claim);
        match view.claims.known.get(claim).filter(|_| !is_gone) {
            Some(known) => {
                for (id, address, entry, mark) in mine {
                    if known.is_ending || !known.wants(*address, mark.generation) {
                        let_go(id, *address, entry, drafts);
                    }
                }
            }
            None if is_gone || !rules.claim_is_seen_ending => {
                for (id, address, entry, _) in mine {
                    let_go(id, *address, entry, drafts);
                }
            }
            // It may only be missing in a cache.
            None => {
                decision.unknown_claims.insert(*claim);
            }
        }
    }
    if view.claims.known.is_empty() {
        return;
    }
    let pods = pods(view);
    for uid in view.claims.known.keys() {
        let Some(claim) = view.claims.standing(*uid) else {
            continue;
        };
        let Some(network) = claim.network.and_then(|uid| view.networks.get(&uid)) else {
            continue;
        };
        let mut taking = Taking {
            view,
            uid: *uid,
            claim,
            network,
            mine: kept.get(uid).map_or(&[], Vec::as_slice),
            held,
            pods: &pods,
            drafts: &mut *drafts,
        };
        let outcome = if claim.addresses.is_empty() {
            taking.chosen(decision)
        } else {
            taking.listed(decision)
        };
        if let Err(refusal) = outcome {
            decision.claims.insert(*uid, refusal);
        }
    }
}

/// What no node can use goes back at once; what a pod has, when it is released.
fn let_go(id: &BlockId, address: IpAddr, entry: &Entry, drafts: &mut Drafts<'_>) {
    let is_idle =
        entry.state == State::Claimed || entry.state == State::Reserved && entry.holder.is_none();
    if is_idle {
        drafts.forget(id, address);
    } else {
        drafts.mark(id, address, None);
    }
}

fn pods(view: &View) -> Pods<'_> {
    let mut pods = Pods::new();
    for (owner, pod) in &view.pods {
        for want in &pod.wants {
            if let Some(share) = want.claim {
                pods.entry(share).or_default().push((*owner, want));
            }
        }
    }
    pods
}

/// Whether an entry of a claim's pod may become the claim's.
fn is_adopted(entry: &Entry, want: &Want) -> bool {
    let is_granted = matches!(entry.state, State::Granted | State::Quarantined);
    is_granted && entry.kept.is_none() && entry.network == want.network
}

/// A claim that takes what it lacks.
struct Taking<'t, 'v, 'd> {
    view: &'v View,
    uid: Uid,
    claim: &'v Claim,
    network: &'v NetworkView,
    /// What it has.
    mine: &'t [(&'v BlockId, IpAddr, &'v Entry, Kept)],
    held: &'t Held<'v>,
    pods: &'t Pods<'v>,
    drafts: &'t mut Drafts<'d>,
}

// === impl Taking ===

impl Taking<'_, '_, '_> {
    fn mark(&self, ordinal: Option<u32>) -> Kept {
        Kept {
            share: Share {
                claim: self.uid,
                ordinal,
            },
            generation: self.claim.generation,
        }
    }

    /// Addresses that the claim names: each by itself, as soon as it is free.
    fn listed(&mut self, decision: &mut Decision) -> Result<(), Refusal> {
        let mut outcome = Ok(());
        for address in &self.claim.addresses {
            let mark = self.mark(self.claim.ordinal_of(*address));
            let mut mine = self.mine.iter();
            if let Some((id, _, _, old)) = mine.find(|(_, known, ..)| known == address) {
                // A view that is behind the mark has nothing to say about it.
                if *old != mark && old.generation <= mark.generation {
                    self.drafts.mark(id, *address, Some(mark));
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

    /// Addresses of the operator's choice: all that are lacking, or none. In one block that is one
    /// write; over several all are RESERVED first.
    fn chosen(&mut self, decision: &mut Decision) -> Result<(), Refusal> {
        let lacking = self.lacking();
        let reserved: Vec<(&BlockId, IpAddr)> = self
            .mine
            .iter()
            .filter(|(_, _, entry, _)| entry.state == State::Reserved && entry.holder.is_none())
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
            match choice {
                Choice::Take(id, address) => {
                    taken.push(address);
                    chosen.push((id, address, *ordinal));
                }
                Choice::Missing(id, address) => {
                    self.drafts.miss(id.clone());
                    taken.push(address);
                    chosen.push((id, address, *ordinal));
                }
                other @ (Choice::Resting(_)
                | Choice::Full
                | Choice::Invalid(_)
                | Choice::Refused(_)) => {
                    return Err(other.refusal(decision, || {
                        format!(
                            "network {} has too few free {family} addresses for the claim: it lacks \
                             {}, and takes all at once; widen spec.ipam.subnets (those with a \
                             nodeSelector do not count)",
                            network.name,
                            lacking.len()
                        )
                    }));
                }
            }
        }
        Ok(chosen)
    }

    fn take(&mut self, id: &BlockId, address: IpAddr, mark: Kept, state: State) {
        let network = self.network.network.uid;
        self.drafts.keep(id, address, network, mark, state);
    }
}

// === impl Choice ===

impl Choice {
    /// Why an address is not to be had. `shortage` says it of one that nobody can have now.
    pub(in crate::ledger) fn refusal(
        self,
        decision: &mut Decision,
        shortage: impl FnOnce() -> String,
    ) -> Refusal {
        match self {
            Self::Invalid(message) => Refusal {
                reason: String::from("InvalidAnnotation"),
                message,
                is_final: true,
            },
            Self::Refused(refusal) => refusal,
            Self::Resting(until) => {
                decision.wake_at = Some(decision.wake_at.map_or(until, |at| at.min(until)));
                exhausted(shortage())
            }
            Self::Take(..) | Self::Missing(..) | Self::Full => exhausted(shortage()),
        }
    }
}

fn exhausted(message: String) -> Refusal {
    Refusal {
        reason: String::from("AddressPoolExhausted"),
        message,
        is_final: false,
    }
}
