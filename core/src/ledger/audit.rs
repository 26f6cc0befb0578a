//! The auditor: the invariants over the whole state, as far as a state alone can show them.
//!
//! Exact on a state that was read at one moment. On caches of different ages it may name what is only
//! in transit; such a finding is gone with the next look, one that stays is real.
//!
//! What it can't see: invariants 1, 8 and 12 are about kernels; 11 is about time.

use alloc::collections::{BTreeMap, BTreeSet};
use core::net::IpAddr;

use super::{
    Block, BlockId, Entry, State, View,
    finding::Finding,
    fresh::Seen,
    view::{Grant, NodeView},
    word::{Word, word_on},
};
use crate::{
    address::Family,
    id::{Name, Seq, Uid},
};

/// What each node's agent says is attached, `status.attached`. Decisions don't look at it, so it is
/// not in the view.
pub type Attached = BTreeMap<Name, BTreeSet<(IpAddr, Seq)>>;

/// Everything in this state that breaks an invariant.
pub fn audit(view: &View, attached: &Attached) -> BTreeSet<Finding> {
    let mut findings = BTreeSet::new();
    for (id, seen) in &view.blocks {
        audit_block(view, id, &seen.value, &mut findings);
    }
    let none = BTreeSet::new();
    for (name, node) in &view.nodes {
        let audited = Audited {
            view,
            name,
            node,
            attached: attached.get(name).unwrap_or(&none),
        };
        audited.grants(&mut findings);
        audited.asked_back(&mut findings);
        audited.attachments(&mut findings);
    }
    findings
}

/// A block alone, and whether its entries' nodes exist (invariants 5, 9, 10).
fn audit_block(view: &View, id: &BlockId, block: &Block, findings: &mut BTreeSet<Finding>) {
    for (address, entry) in &block.entries {
        if !id.covers(*address) {
            findings.insert(Finding::misplaced(id, *address));
            continue;
        }
        if block.seq < entry.seq {
            let key = (*address, entry.seq);
            findings.insert(Finding::entry_ahead(id, key, block.seq));
        }
        audit_claim(view, id, *address, entry, findings);
        let is_taken = entry.state.is_held() || entry.state == State::Reserved;
        // RESERVED for a claim has no holder yet.
        let is_claims = entry.state == State::Reserved && entry.kept.is_some();
        if !is_taken || is_claims && entry.holder.is_none() {
            continue;
        }
        let holder = entry.holder.as_ref();
        let named = holder.filter(|h| !h.node.as_str().is_empty() && h.owner != Uid::default());
        match named {
            None => {
                findings.insert(Finding::no_holder(id, *address, entry.state));
            }
            Some(_) if !entry.state.is_held() => {}
            Some(holder) => {
                let finding = match view.nodes.get(&holder.node) {
                    None if view.unread.nodes.contains(&holder.node) => None,
                    None => Some(Finding::no_node(id, *address, &holder.node)),
                    // Of one that is listed, the grant tells more.
                    Some(node) if node.machine == holder.machine => None,
                    Some(node) if node.spec.lists((*address, entry.seq)) => None,
                    Some(_) => Some(Finding::no_voice(id, *address, &holder.node)),
                };
                findings.extend(finding);
            }
        }
    }
}

/// What a claim keeps is had by nobody else (invariant 6), and comes back when the claim goes (10).
fn audit_claim(
    view: &View,
    id: &BlockId,
    address: IpAddr,
    entry: &Entry,
    findings: &mut BTreeSet<Finding>,
) {
    let Some(kept) = entry.kept else {
        if entry.state == State::Claimed {
            findings.insert(Finding::no_claim(id, address));
        }
        return;
    };
    let claims = &view.claims;
    let Some(claim) = claims.known.get(&kept.share.claim) else {
        findings.insert(Finding::claim_gone(id, address, kept.share.claim));
        return;
    };
    let holder = entry.holder.as_ref();
    let pod = holder.and_then(|holder| view.pods.get(&holder.owner));
    if let Some(pod) = pod.filter(|pod| pod.namespace != claim.namespace) {
        findings.insert(Finding::others_claim(id, address, claim, pod));
    }
}

/// A node object beside the ledger.
struct Audited<'v> {
    view: &'v View,
    name: &'v Name,
    node: &'v NodeView,
    attached: &'v BTreeSet<(IpAddr, Seq)>,
}

// === impl Audited ===

impl Audited<'_> {
    /// What the node may serve is held by it, or released (invariants 3, 4, 5); and no place is
    /// granted twice.
    fn grants(&self, findings: &mut BTreeSet<Finding>) {
        let mut places = BTreeSet::new();
        for grant in &self.node.spec.grants {
            let Some(key) = grant.address else { continue };
            let finding = match word_on(self.view, self.name, Some(grant.network), key) {
                Word::Held(id, entry) => {
                    let holder = entry.holder.as_ref();
                    let is_same = holder.is_some_and(|holder| {
                        grant.is_of(entry, holder) && holder.machine == self.node.machine
                    });
                    (!is_same).then(|| Finding::differs(id, key, entry, grant))
                }
                _ if self.node.status.released.contains(&key) => None,
                Word::Behind(id, block) if block.value.seq < key.1 => {
                    Some(Finding::grant_ahead(id, self.name, key, block.value.seq))
                }
                Word::Done(_, block) | Word::Behind(_, block) => Some(self.stray(key, block)),
                Word::NoBlock(id) if self.view.unread.blocks.contains(&id) => None,
                Word::NoBlock(_) | Word::Unclear { .. } => Some(Finding::no_block(self.name, key)),
            };
            findings.extend(finding);
            if !places.insert(place(grant, key.0)) && !self.node.status.released.contains(&key) {
                findings.insert(Finding::two_for_one_place(self.name, key.0, grant));
            }
        }
    }

    fn stray(&self, key: (IpAddr, Seq), block: &Seen<Block>) -> Finding {
        Finding::stray(self.name, key, block.value.entries.get(&key.0))
    }

    /// The ledger asks first, the node object second (invariant 7).
    fn asked_back(&self, findings: &mut BTreeSet<Finding>) {
        let spec = &self.node.spec;
        if spec.recalls.is_empty() && spec.fenced.is_empty() {
            return;
        }
        let networks = spec.networks();
        let fenced = spec.fenced.iter().filter_map(|grant| grant.address);
        for key in spec.recalls.iter().copied().chain(fenced) {
            let word = word_on(self.view, self.name, networks.get(&key).copied(), key);
            if let Word::Held(_, entry) = word
                && matches!(entry.state, State::Granted | State::Quarantined)
            {
                findings.insert(Finding::asked_back_too_soon(self.name, key));
            }
        }
    }

    /// What is attached was granted and is not released (invariant 2).
    fn attachments(&self, findings: &mut BTreeSet<Finding>) {
        let both = self.attached.intersection(&self.node.status.released);
        findings.extend(both.map(|key| Finding::released_in_use(self.name, *key)));
        let listed: BTreeSet<(IpAddr, Seq)> = self
            .node
            .spec
            .grants
            .iter()
            .chain(&self.node.spec.fenced)
            .filter_map(|grant| grant.address)
            .collect();
        for key in self.attached.difference(&listed) {
            // The network is that of the entry: whichever block holds it for this node.
            let mut blocks = self.view.blocks.iter();
            let is_held = blocks.any(|(id, block)| {
                let entry = block.value.entries.get(&key.0);
                id.covers(key.0)
                    && entry.is_some_and(|entry| {
                        entry.state == State::Granted && entry.is_held_by(self.name, key.1)
                    })
            });
            if is_held {
                findings.insert(Finding::not_listed(self.name, *key));
            }
        }
    }
}

/// The place that a grant fills.
fn place(grant: &Grant, address: IpAddr) -> (Uid, Uid, &Name, Family, u16) {
    let family = Family::of(address);
    (
        grant.owner,
        grant.network,
        &grant.interface,
        family,
        grant.index,
    )
}

#[cfg(test)]
mod tests;
