//! What claims take, and let go.

use alloc::{collections::BTreeMap, vec::Vec};
use core::net::IpAddr;

use super::{ByClaim, Claim, Kept, Share};
use crate::{
    id::Uid,
    ledger::{
        BlockId, Decision, Entry, Rules, State, View,
        draft::{Drafts, Held},
        view::{NetworkView, Want},
    },
};

mod chosen;
mod listed;

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
                    } else if let Some(network) = known.network {
                        bring_home(id, *address, entry, network, drafts);
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
    if entry.state == State::Claimed || entry.is_open() {
        drafts.forget(id, address);
    } else {
        drafts.mark(id, address, None);
    }
}

/// A pod that asked for the address had it through another network of the segment: the claim's pods look
/// for it in the claim's.
fn bring_home(id: &BlockId, address: IpAddr, entry: &Entry, network: Uid, drafts: &mut Drafts<'_>) {
    if entry.state == State::Claimed && entry.network != network {
        let entry = Entry {
            network,
            ..entry.clone()
        };
        drafts.put(id, address, entry);
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

    fn take(&mut self, id: &BlockId, address: IpAddr, mark: Kept, state: State) {
        let network = self.network.network.uid;
        self.drafts.keep(id, address, network, mark, state);
    }
}
