//! Quarantine and fence: nodes that do not answer.

use alloc::{collections::BTreeSet, vec::Vec};
use core::net::IpAddr;

use super::{
    Block, BlockId, Entry, Holder, Rules, State, View, Write,
    draft::{Drafts, Held},
    fresh::{Quorum, Seen},
    view::{Evidence, NodeView},
};
use crate::network::NodeDeletion;

/// GRANTED on an unreachable node is QUARANTINED until the node is back: both are held, so nothing
/// is freed by it; it tells people where their addresses are.
pub(super) fn quarantine(view: &View, held: &Held<'_>, drafts: &mut Drafts<'_>) {
    for (id, address, entry, holder) in held.values().flatten() {
        let Some(node) = view.nodes.get(&holder.node) else {
            continue;
        };
        match entry.state {
            State::Granted if !node.reachable => drafts.turn(id, *address, State::Quarantined),
            State::Quarantined if node.reachable => drafts.turn(id, *address, State::Granted),
            State::Reserved
            | State::Granted
            | State::Recalling
            | State::Quarantined
            | State::Fencing
            | State::Claimed
            | State::Cooling
            | State::Foreign => {}
        }
    }
}

/// **Fence**, three re-entrant steps: 1. the block says FENCING; 2. the node object is written
/// without the grant (`node.rs`); 3. node object, then evidence, are read with quorum: if it stands
/// the entry is closed, by a write from the version of the block read before both.
///
/// Returns the reads that closing waits for.
pub(super) fn fence(
    view: &View,
    rules: Rules,
    held: &Held<'_>,
    drafts: &mut Drafts<'_>,
) -> BTreeSet<Write> {
    let mut reads = BTreeSet::new();
    for (id, address, entry, holder) in held.values().flatten() {
        let Some(node) = view.nodes.get(&holder.node) else {
            continue;
        };
        let policy = view
            .networks
            .get(&entry.network)
            .map(|n| n.network.node_deletion);
        // Of a network that is not known (after a restore, or not yet) a deleted Node says nothing.
        let policy = policy.unwrap_or(NodeDeletion::Hold);
        match entry.state {
            State::Granted | State::Recalling | State::Quarantined => {
                // The start may rest on a cache: FENCING can be taken back.
                if node.is_dead(&node.evidence.value, holder, policy) {
                    if rules.fence_starts_in_ledger {
                        drafts.turn(id, *address, State::Fencing);
                    } else {
                        drafts.close(id, *address);
                    }
                }
            }
            State::Fencing => {
                let fencing = Fencing {
                    view,
                    rules,
                    id,
                    address: *address,
                    entry,
                    holder,
                };
                match fencing.judge(node, policy) {
                    Verdict::Wait(waits) => reads.extend(waits),
                    Verdict::Close => drafts.close(id, *address),
                    Verdict::TakeBack => drafts.turn(id, *address, State::Recalling),
                }
            }
            State::Reserved | State::Claimed | State::Cooling | State::Foreign => {}
        }
    }
    reads
}

struct Fencing<'v> {
    view: &'v View,
    rules: Rules,
    id: &'v BlockId,
    address: IpAddr,
    entry: &'v Entry,
    holder: &'v Holder,
}

enum Verdict {
    Wait(Vec<Write>),
    Close,
    TakeBack,
}

impl Fencing<'_> {
    fn judge(&self, node: &NodeView, policy: NodeDeletion) -> Verdict {
        if !self.rules.fence_needs_quorum {
            return self.conclude(node, &node.evidence.value, policy);
        }
        let name = &self.holder.node;
        let block = self.view.blocks.get(self.id).and_then(Seen::quorum_read);
        let Some((block, block_at)) = block else {
            let reads = [
                Write::ReadBlock(self.id.clone()),
                Write::ReadNode(name.clone()),
                Write::ReadEvidence(name.clone()),
            ];
            return Verdict::Wait(reads.into());
        };
        let Some(node_at) = node.read_at.filter(|at| *at > block_at) else {
            let reads = [
                Write::ReadNode(name.clone()),
                Write::ReadEvidence(name.clone()),
            ];
            return Verdict::Wait(reads.into());
        };
        match node.evidence.quorum_after(node_at) {
            None => Verdict::Wait([Write::ReadEvidence(name.clone())].into()),
            Some(evidence) => self.close(block, node, evidence, policy),
        }
    }

    /// Only with a block, a node object and evidence that were read with quorum, in this order.
    fn close(
        &self,
        block: Quorum<&Block>,
        node: &NodeView,
        evidence: Quorum<&Evidence>,
        policy: NodeDeletion,
    ) -> Verdict {
        if block.get().entries.get(&self.address) != Some(self.entry) {
            return Verdict::Wait(Vec::new());
        }
        self.conclude(node, evidence.get(), policy)
    }

    fn conclude(&self, node: &NodeView, evidence: &Evidence, policy: NodeDeletion) -> Verdict {
        let key = Some((self.address, self.entry.seq));
        let granted = node.spec.grants.iter().any(|grant| grant.address == key);
        let marked = node.spec.fenced.iter().any(|grant| grant.address == key);
        if !node.is_dead(evidence, self.holder, policy) {
            Verdict::TakeBack
        } else if granted || (self.rules.fence_needs_mark && !marked) {
            Verdict::Wait(Vec::new())
        } else {
            Verdict::Close
        }
    }
}
