//! Recall and free: how a held address comes back.

use super::{
    Entry, Holder, Rules, State, View, choose,
    draft::{Drafts, Held},
};

/// **Recall**: an entry whose owner can start no further sandbox, or no longer asks for this
/// interface on this network, goes to RECALLING; RESERVED, which no node has, goes back to FREE.
///
/// "No pod of that UID" may come from a cache: a wrong recall costs an address change, never a
/// duplicate, because only the node's acknowledgement frees the address (invariant 7).
pub(super) fn recall(view: &View, rules: Rules, held: &Held<'_>, drafts: &mut Drafts<'_>) {
    for (id, address, entry, holder) in held.values().flatten() {
        if is_wanted(view, entry, holder) {
            continue;
        }
        match entry.state {
            State::Granted | State::Quarantined if rules.missing_pod_recalls => {
                drafts.turn(id, *address, State::Recalling);
            }
            State::Granted | State::Quarantined | State::Reserved => drafts.forget(id, *address),
            State::Recalling
            | State::Fencing
            | State::Claimed
            | State::Cooling
            | State::Foreign => {}
        }
    }
}

/// Whether the owner may still start a sandbox on that node that uses the entry.
fn is_wanted(view: &View, entry: &Entry, holder: &Holder) -> bool {
    view.pods.get(&holder.owner).is_some_and(|pod| {
        pod.node == holder.node
            && pod
                .wants
                .iter()
                .any(|want| want.network == entry.network && want.interface == holder.interface)
    })
}

/// **Free**, ledger first: a held entry that its node acknowledged becomes COOLING.
///
/// `released(address, seq)` is a stable fact: it may come from a cache of any age (Rule F).
pub(super) fn free(view: &View, rules: Rules, held: &Held<'_>, drafts: &mut Drafts<'_>) {
    for (id, address, entry, holder) in held.values().flatten() {
        let Some(node) = view.nodes.get(&holder.node) else {
            continue;
        };
        let acknowledged = if rules.released_matches_seq {
            node.status.released.contains(&(*address, entry.seq))
        } else {
            node.status
                .released
                .iter()
                .any(|(released, _)| released == address)
        };
        let may_speak = !rules.released_needs_voice || node.status.speaks_for(holder);
        if entry.state.is_held() && acknowledged && may_speak {
            drafts.turn(id, *address, State::Cooling);
        }
    }
}

/// COOLING that lasted as long as the network prefers becomes FREE: the entry is forgotten. One that
/// was released in the future, by a clock that was ahead of this one, begins its rest anew: it would
/// last until then.
pub(super) fn forget_rested(view: &View, drafts: &mut Drafts<'_>) {
    for (id, seen) in &view.blocks {
        for (address, entry) in &seen.value.entries {
            if choose::has_rested(entry, view.networks.get(&entry.network), view.now) {
                drafts.forget(id, *address);
            } else if entry.state == State::Cooling && entry.since > view.now {
                drafts.turn(id, *address, State::Cooling);
            }
        }
    }
}
