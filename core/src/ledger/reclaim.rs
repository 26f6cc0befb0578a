//! Reclaim: what becomes of a user's word that a machine is off.
//!
//! It is the third kind of evidence (`fence.rs`), and the only one that somebody must take back: it
//! stands until nothing that it speaks of is held any more, and is refused if it speaks of no Node of
//! this name, or of a machine that is on. A refused one must not lie there until the node is out of
//! reach some day.

use super::{
    Holder, View,
    view::{Evidence, NodeView},
};
use crate::id::{Name, Uid};

/// What is to be done with the word about a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reclaim {
    /// Something is still to be closed on it.
    Stands,
    /// All is closed.
    Done,
    /// The Node has another UID, and nothing is held under the one that was named.
    WrongUid,
    /// The machine's kubelet reports.
    IsOn,
}

/// Judges what a user says of a node, if anything.
pub fn judge(view: &View, name: &Name) -> Option<Reclaim> {
    let node = view.nodes.get(name)?;
    let off = node.evidence.value.reclaimed?;
    let blocks = view.blocks.values();
    let entries = blocks.flat_map(|seen| seen.value.entries.values());
    let held = entries.filter(|entry| entry.state.is_held());
    let holders = held.filter_map(|entry| entry.holder.as_ref());
    let mut named = holders
        .filter(|holder| holder.node == *name && node.is_named(off, holder))
        .peekable();
    let evidence = &node.evidence.value;
    if named.peek().is_none() {
        // After a restore the ledger does not say yet what was held; nor does a block that can't be read.
        let is_known = !view.restore.is_under_way() && view.unread.blocks.is_empty();
        let is_on = evidence.reports && evidence.current == Some(off);
        return Some(match off == node.uid {
            true if is_known => Reclaim::Done,
            true if is_on => Reclaim::IsOn,
            true => Reclaim::Stands,
            false => Reclaim::WrongUid,
        });
    }
    Some(
        if named.any(|holder| NodeView::is_on(evidence, off, holder)) {
            Reclaim::IsOn
        } else {
            Reclaim::Stands
        },
    )
}

// === impl NodeView ===

impl NodeView {
    /// Whether the holder's machine is the one that was called by the Node UID `off`. A machine that
    /// was registered again has one ID and several UIDs.
    pub(super) fn is_named(&self, off: Uid, holder: &Holder) -> bool {
        off == holder.node_uid || (off == self.uid && holder.machine == self.machine)
    }

    /// Whether the kubelet of the holder's machine reports: then it is on, whatever anybody says.
    pub(super) fn is_on(evidence: &Evidence, off: Uid, holder: &Holder) -> bool {
        let may_report = evidence.current == Some(off) || evidence.may_be(holder.machine);
        evidence.reports && may_report
    }
}

#[cfg(test)]
mod tests;
