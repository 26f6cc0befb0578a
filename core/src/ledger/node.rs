//! Recalls, fence marks and refusals: what a node object must say beside its grants.

use alloc::collections::BTreeMap;
use core::net::IpAddr;

use super::{
    Rules, State, View,
    draft::Held,
    specs::Specs,
    view::{Grant, Refusal},
};
use crate::id::{Name, Seq, Uid};

/// RECALLING entries are listed in their node's recalls; they stay in its grants too.
pub(super) fn list_recalls(view: &View, rules: Rules, held: &Held<'_>, specs: &mut Specs<'_>) {
    for (_, address, entry, holder) in held.values().flatten() {
        if entry.state == State::Recalling {
            let key = (*address, entry.seq);
            if !is_removed_early(view, rules, &holder.node, key) {
                specs.recall(&holder.node, key);
            }
        }
    }
}

/// What the ledger comes first for: a released grant leaves the node object while it is held.
pub(super) fn is_removed_early(view: &View, rules: Rules, node: &Name, key: (IpAddr, Seq)) -> bool {
    let node = view.nodes.get(node);
    !rules.ledger_first_on_free && node.is_some_and(|node| node.status.released.contains(&key))
}

/// The second step of a fence: the node object without the grant, which is kept aside as the mark
/// that this write was made.
pub(super) fn mark_fenced(held: &Held<'_>, specs: &mut Specs<'_>) {
    for (_, address, entry, holder) in held.values().flatten() {
        if entry.state != State::Fencing {
            continue;
        }
        let key = (*address, entry.seq);
        let Some(spec) = specs.get(&holder.node) else {
            continue;
        };
        let is_marked = spec.fenced.iter().any(|grant| grant.address == Some(key));
        if is_marked && !spec.lists(key) && !spec.recalls.contains(&key) {
            continue;
        }
        let Some(spec) = specs.edit(&holder.node) else {
            continue;
        };
        spec.recalls.remove(&key);
        spec.grants.retain(|grant| grant.address != Some(key));
        if !is_marked {
            spec.fenced.push(Grant {
                owner: holder.owner,
                interface: holder.interface.clone(),
                network: entry.network,
                address: Some(key),
                index: holder.index,
                mac: None,
            });
            spec.fenced.sort();
        }
    }
}

/// Owners that get nothing are listed on their node, and no others.
pub(super) fn list_refusals(view: &View, refusals: &BTreeMap<Uid, Refusal>, specs: &mut Specs<'_>) {
    let mut by_node: BTreeMap<&Name, BTreeMap<Uid, Refusal>> = BTreeMap::new();
    for (owner, refusal) in refusals {
        if let Some(pod) = view.pods.get(owner) {
            let mine = by_node.entry(&pod.node).or_default();
            mine.insert(*owner, refusal.clone());
        }
    }
    for (name, node) in &view.nodes {
        let mine = by_node.remove(name).unwrap_or_default();
        if node.spec.refusals != mine
            && let Some(spec) = specs.edit(name)
        {
            spec.refusals = mine;
        }
    }
}
