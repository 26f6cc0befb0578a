//! What a pod gets of a claim.

use alloc::{format, string::String, vec::Vec};
use core::net::IpAddr;

use super::{ByClaim, Claim, Share, Shares};
use crate::{
    address::Family,
    ledger::{
        Decision, Entry, Holder, State, View,
        choose::{self, Choice},
        draft::Drafts,
        view::{NetworkView, Refusal},
    },
    network::Labels,
};

/// What a pod draws from a claim.
#[derive(Clone, Copy)]
pub(in crate::ledger) struct Draw<'a> {
    /// Its share.
    pub(in crate::ledger) share: Share,
    pub(in crate::ledger) family: Family,
    pub(in crate::ledger) network: &'a NetworkView,
    /// Of the pod's node.
    pub(in crate::ledger) labels: &'a Labels,
    /// What the pod has drawn already, or nobody may have.
    pub(in crate::ledger) taken: &'a [IpAddr],
}

/// An address of the claim that nobody has. `None`: there will be one by itself, and shortly.
pub(in crate::ledger) fn draw(
    view: &View,
    drafts: &Drafts<'_>,
    kept: &ByClaim<'_>,
    decision: &Decision,
    draw: Draw<'_>,
) -> Option<Choice> {
    let network = &draw.network.network;
    let claim = view.claims.standing(draw.share.claim)?;
    if claim.network != Some(network.uid) {
        return None;
    }
    let own = kept.get(&draw.share.claim).map_or(&[][..], Vec::as_slice);
    let mut used = Vec::new();
    for (id, address, entry, mark) in own {
        let now = drafts
            .block(id)
            .and_then(|block| block.entries.get(address));
        // This decision may have marked it for another ordinal, which is whose it is from now on.
        let share = now.and_then(|entry| entry.kept).map(|kept| kept.share);
        let is_its = share == Some(draw.share)
            && Family::of(*address) == draw.family
            && entry.network == network.uid
            && claim.wants(*address, mark.generation);
        if !is_its {
            continue;
        }
        if now.is_none_or(|entry| entry.state != State::Claimed) {
            used.push((*address, *entry));
        } else if network.subnet_of(*address).is_none() {
            return Some(Choice::Refused(outside(
                claim,
                *address,
                network.name.as_str(),
            )));
        } else if !draw.taken.contains(address) {
            return Some(Choice::Take((*id).clone(), *address));
        }
    }
    if let Some(refusal) = view.unread.refusal_of(network) {
        return Some(Choice::Refused(refusal));
    }
    if claim.shares == Shares::Drawn && claim.addresses.is_empty() {
        let (labels, taken) = (draw.labels, draw.taken);
        let more = choose::choose(view, drafts, draw.network, labels, draw.family, taken);
        return Some(more);
    }
    if used.is_empty() {
        return nothing(claim, draw, decision);
    }
    used_up(view, claim, &used).map(Choice::Refused)
}

/// The claim has nothing for the pod: it will have, or says why not.
fn nothing(claim: &Claim, draw: Draw<'_>, decision: &Decision) -> Option<Choice> {
    if let Some(ordinal) = draw.share.ordinal
        && !claim.addresses.is_empty()
    {
        let own = claim.addresses.iter().copied();
        let count = own.filter(|a| Family::of(*a) == draw.family).count();
        if usize::try_from(ordinal).is_ok_and(|ordinal| ordinal >= count) {
            let what = format!(
                "has no {} address for ordinal {ordinal}: add it to its spec.addresses, where the \
                 n-th of a family is that of ordinal n",
                draw.family
            );
            return Some(Choice::Refused(refusal(
                "AddressPoolExhausted",
                claim,
                &what,
            )));
        }
    }
    let why = decision.claims.get(&draw.share.claim)?;
    let what = format!("has no address for the pod: {}", why.message);
    Some(Choice::Refused(Refusal {
        is_final: false,
        ..refusal(&why.reason, claim, &what)
    }))
}

/// All that the pod might have is somebody's. `None`: one is on its way back.
fn used_up(view: &View, claim: &Claim, used: &[(IpAddr, &Entry)]) -> Option<Refusal> {
    let mut away = None;
    let mut busy = None;
    for (address, entry) in used {
        let Some(holder) = &entry.holder else {
            return None;
        };
        if is_out_of_reach(view, entry, holder) {
            away = Some((address, holder));
        } else if entry.state == State::Granted && view.pods.contains_key(&holder.owner) {
            busy = Some((address, holder));
        } else {
            return None;
        }
    }
    let by = |claim: &Claim| format!("of claim {}/{}", claim.namespace, claim.name);
    match (away, busy) {
        (Some((address, holder)), _) => Some(out_of_reach(
            &format!("address {address} {}", by(claim)),
            holder,
        )),
        (None, Some((address, holder))) => {
            let what = format!(
                "has no address that is not held, {address} by another pod on node {}: the pod \
                 starts by itself when one is released",
                holder.node
            );
            Some(refusal("AddressPoolExhausted", claim, &what))
        }
        (None, None) => None,
    }
}

/// Whether the node that holds an entry can't be asked for it, and nothing speaks for its being off.
pub(in crate::ledger) fn is_out_of_reach(view: &View, entry: &Entry, holder: &Holder) -> bool {
    let is_there = view.nodes.get(&holder.node).is_some_and(|node| {
        node.reachable && node.machine == holder.machine && node.evidence.value.current.is_some()
    });
    entry.state.is_held() && entry.state != State::Fencing && !is_there
}

/// A pod waits for a node that does not answer: silence is no release.
pub(in crate::ledger) fn out_of_reach(what: &str, holder: &Holder) -> Refusal {
    let node = &holder.node;
    let message = format!(
        "{what} is held by node {node}, which can't be reached, and may be in use there: the pod \
         starts by itself when the node is back, or when it is certain that the machine is off (taint \
         node.kubernetes.io/out-of-service)"
    );
    Refusal {
        reason: String::from("WaitingForUnreachableNode"),
        message,
        is_final: false,
    }
}

fn outside(claim: &Claim, address: IpAddr, network: &str) -> Refusal {
    let what = format!(
        "keeps {address}, which network {network} does not grant any more: take it out of the claim, \
         or into the network's ranges"
    );
    refusal("AddressPoolExhausted", claim, &what)
}

fn refusal(reason: &str, claim: &Claim, what: &str) -> Refusal {
    Refusal {
        reason: String::from(reason),
        message: format!("claim {}/{} {what}", claim.namespace, claim.name),
        is_final: false,
    }
}
