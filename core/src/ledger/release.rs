//! Recall and free: how a held address comes back.

use alloc::vec::Vec;
use core::net::IpAddr;

use super::{
    BlockId, Conflict, Entry, Holder, Rules, State, View, Write, choose,
    draft::{Drafts, Held},
    word::reads_for_certainty,
};
use crate::address::Family;

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
            State::Granted | State::Quarantined => drafts.forget(id, *address),
            State::Reserved => drafts.give_back(id, *address),
            State::Recalling
            | State::Fencing
            | State::Claimed
            | State::Cooling
            | State::Foreign => {}
        }
    }
}

/// Whether the owner may still start a sandbox on that node that uses the entry.
pub(super) fn is_wanted(view: &View, entry: &Entry, holder: &Holder) -> bool {
    view.pods.get(&holder.owner).is_some_and(|pod| {
        pod.node == holder.node
            && pod
                .wants
                .iter()
                .any(|want| want.network == entry.network && want.interface == holder.interface)
    })
}

/// Two addresses in one place: two operators took them from two blocks, or somebody copied an entry.
/// The one that the node does not list goes back, of two that it lists the second. Certain only if
/// the block was read first and the node object after it; returns the reads that are missing.
pub(super) fn recall_second(view: &View, held: &Held<'_>, drafts: &mut Drafts<'_>) -> Vec<Write> {
    let mut reads = Vec::new();
    for mine in held.values().filter(|mine| mine.len() > 1) {
        for (at, (id, address, entry, holder)) in mine.iter().enumerate() {
            let is_in_place = |other: &(&BlockId, IpAddr, &Entry, &Holder)| {
                let (_, a, e, h) = other;
                is_granted(entry)
                    && is_granted(e)
                    && is_one_place((*address, entry, holder), (*a, e, h))
            };
            let mut others = mine.iter().enumerate();
            if !others.any(|(index, other)| index != at && is_in_place(other)) {
                continue;
            }
            let Some((node, block)) = view.nodes.get(&holder.node).zip(view.blocks.get(*id)) else {
                continue;
            };
            let is_listed =
                |(_, a, e, _): &(&BlockId, IpAddr, &Entry, &Holder)| node.spec.lists((*a, e.seq));
            let listed = node.spec.lists((*address, entry.seq));
            let mut others = mine.iter().enumerate().filter(|(index, _)| *index != at);
            let is_second = others
                .any(|(i, other)| is_in_place(other) && is_listed(other) && (!listed || i < at));
            if !is_second {
                continue;
            }
            let missing = reads_for_certainty(id, block, &holder.node, node);
            if missing.is_empty() {
                drafts.turn(id, *address, State::Recalling);
            }
            reads.extend(missing);
        }
    }
    reads
}

fn is_granted(entry: &Entry) -> bool {
    matches!(entry.state, State::Granted | State::Quarantined)
}

fn is_one_place(a: (IpAddr, &Entry, &Holder), b: (IpAddr, &Entry, &Holder)) -> bool {
    Family::of(a.0) == Family::of(b.0)
        && a.1.network == b.1.network
        && a.2.node == b.2.node
        && a.2.interface == b.2.interface
        && a.2.index == b.2.index
}

/// **Free**, ledger first: a held entry that its node acknowledged becomes COOLING, or CLAIMED again, or
/// FOREIGN if the node found another host there. Returns the latter.
///
/// `released(address, seq)` is a stable fact: it may come from a cache of any age (Rule F). A conflict
/// alone is none: the node may still attach the address.
pub(super) fn free(
    view: &View,
    rules: Rules,
    held: &Held<'_>,
    drafts: &mut Drafts<'_>,
) -> Vec<Conflict> {
    let mut conflicts = Vec::new();
    for (id, address, entry, holder) in held.values().flatten() {
        let Some(node) = view.nodes.get(&holder.node) else {
            continue;
        };
        let conflict = node.status.conflicts.get(&(*address, entry.seq));
        let acknowledged = if rules.released_matches_seq {
            let is_enough = !rules.conflict_is_released && conflict.is_some();
            node.status.released.contains(&(*address, entry.seq)) || is_enough
        } else {
            node.status
                .released
                .iter()
                .any(|(released, _)| released == address)
        };
        let may_speak = !rules.released_needs_voice || node.status.speaks_for(holder);
        let waits = matches!(entry.state, State::Recalling | State::Quarantined);
        let listed = node.spec.recalls.contains(&(*address, entry.seq));
        // What the rules are there to prevent.
        let is_late = !rules.held_outlasts_time && waits;
        let is_alone = !rules.recall_waits_for_node && waits && listed;
        if entry.state.is_held() && (acknowledged && may_speak || is_late || is_alone) {
            let Some(mac) = conflict.filter(|_| acknowledged && may_speak) else {
                drafts.close(id, *address);
                continue;
            };
            drafts.turn_foreign(id, *address, *mac);
            conflicts.push(Conflict {
                network: entry.network,
                owner: holder.owner,
                node: holder.node.clone(),
                address: *address,
                mac: *mac,
            });
        }
    }
    conflicts
}

/// COOLING that lasted as long as the network prefers becomes FREE: the entry is forgotten; so does FOREIGN
/// after its time: whoever is granted the address then asks for it again before its use. One that
/// was released in the future, by a clock that was ahead of this one, begins its rest anew: it would
/// last until then.
pub(super) fn forget_rested(view: &View, drafts: &mut Drafts<'_>) {
    for (id, seen) in &view.blocks {
        for (address, entry) in &seen.value.entries {
            if choose::has_rested(view, id, *address, entry) {
                if entry.state == State::Foreign {
                    // What a claim keeps goes back to it.
                    drafts.give_back(id, *address);
                } else {
                    drafts.forget(id, *address);
                }
            } else if matches!(entry.state, State::Cooling | State::Foreign)
                && entry.since > view.now
            {
                drafts.turn(id, *address, entry.state);
            }
        }
    }
}

#[cfg(test)]
mod tests;
