//! What leaves a node object, and what is put right: every node object is compared with the ledger.
//!
//! **Removal rule**: (address, seq) leaves a node's grants only if the block shows this address at
//! this seq or a later one, and not held by (node, seq), *and the node has released it*. A block
//! that shows a lower seq is behind: do nothing. The release is always there where nobody edits
//! anything: an entry is closed on the release alone, or by a fence after the grant was taken out.
//!
//! **Repair**: what no run of the protocol can bring about was written by hand. It is believed only
//! of what was read in the order that rules out an old cache, and it is never a reason to give an
//! address away: a grant that the ledger does not hold is entered as held, or, where somebody else
//! holds the address, asked back.

use alloc::{collections::BTreeSet, vec::Vec};
use core::net::IpAddr;

use super::{
    Block, BlockId, Decision, Entry, Holder, Rules, State, View, Write,
    draft::{Drafts, Held},
    finding::Finding,
    fresh::Seen,
    grant, node, release,
    specs::Specs,
    view::{Grant, NodeView},
    word::{Word, reads_for_certainty, word_on},
};
use crate::id::{Name, Seq};

/// Epochs and counters from here on are no drawn ones: etcd's revisions and a block's counter don't
/// come near, and the API's integers end at twice the square of it.
const INCREDIBLE: u64 = 1 << 53;

/// Removes from node objects what is over, and puts right what was edited.
pub(super) fn mend<'v>(
    view: &'v View,
    rules: Rules,
    held: &Held<'v>,
    drafts: &mut Drafts<'v>,
    specs: &mut Specs<'v>,
    decision: &mut Decision,
) {
    for (id, seen) in &view.blocks {
        mend_block(id, &seen.value, drafts, decision);
    }
    for (name, node) in &view.nodes {
        let mut mender = Mender {
            view,
            rules,
            held,
            name,
            node,
            drafts,
            specs,
            decision,
        };
        mender.grants();
        mender.recalls();
        mender.fenced();
        mender.released();
    }
}

/// A block alone: entries that are not its own go, and no seq is drawn twice.
fn mend_block(id: &BlockId, block: &Block, drafts: &mut Drafts<'_>, decision: &mut Decision) {
    let ends = [
        block.entries.first_key_value(),
        block.entries.last_key_value(),
    ];
    let is_outside = |address: &IpAddr| !id.covers(*address);
    if ends
        .iter()
        .flatten()
        .any(|(address, _)| is_outside(address))
    {
        for address in block.entries.keys().filter(|address| is_outside(address)) {
            drafts.forget(id, *address);
            let finding = Finding::misplaced(id, *address);
            let what = "it is taken out; what a node holds of it is entered in its own block";
            decision.repairs.push(finding.and(what));
        }
    }
    let entries = block.entries.iter().filter(|(a, _)| !is_outside(a));
    let credible = entries.filter(|(_, entry)| is_credible(entry.seq));
    if let Some((address, entry)) = credible.max_by_key(|(_, entry)| entry.seq)
        && block.seq < entry.seq
    {
        drafts.raise(id, entry.seq);
        let finding = Finding::entry_ahead(id, (*address, entry.seq), block.seq);
        decision
            .repairs
            .push(finding.and("the block draws on from there"));
    }
}

/// Whether the seq may have been drawn.
pub(super) fn is_credible(seq: Seq) -> bool {
    seq.epoch < INCREDIBLE && seq.counter < INCREDIBLE
}

/// One node object, compared with the ledger.
struct Mender<'v, 'd> {
    view: &'v View,
    rules: Rules,
    held: &'d Held<'v>,
    name: &'v Name,
    node: &'v NodeView,
    drafts: &'d mut Drafts<'v>,
    specs: &'d mut Specs<'v>,
    decision: &'d mut Decision,
}

// === impl Mender ===

impl<'v> Mender<'v, '_> {
    fn grants(&mut self) {
        let mut gone: BTreeSet<&Grant> = BTreeSet::new();
        for grant in &self.node.spec.grants {
            let goes = match grant.address {
                None => self.is_over(grant),
                Some(key) => self.may_go(grant, key),
            };
            if goes {
                gone.insert(grant);
            }
        }
        if !gone.is_empty()
            && let Some(spec) = self.specs.edit(self.name)
        {
            spec.grants.retain(|grant| !gone.contains(grant));
        }
    }

    /// A grant without an address is in no ledger: it goes with its pod.
    fn is_over(&self, grant: &Grant) -> bool {
        let asks = |want: &super::view::Want| {
            want.network == grant.network && want.interface == grant.interface
        };
        let pod = self.view.pods.get(&grant.owner);
        !pod.is_some_and(|pod| pod.wants.iter().any(asks))
    }

    /// The removal rule, and what is to be done where it does not let a grant go.
    fn may_go(&mut self, grant: &'v Grant, key: (IpAddr, Seq)) -> bool {
        let is_released = self.node.status.released.contains(&key);
        match word_on(self.view, self.name, Some(grant.network), key) {
            Word::Held(..) if self.is_removed_early(key) => return true,
            Word::Held(id, entry) => self.compare(grant, key, id, entry),
            Word::Done(..) | Word::Behind(..) if !self.rules.removal_compares_seq => return true,
            Word::Done(..) if is_released => return true,
            Word::Done(id, block) => self.unreleased(grant, key, id, block),
            Word::Behind(id, block) => {
                if block.quorum_after(self.node.seen_at).is_none() {
                    self.doubt(id, key.0);
                    self.read(Write::ReadBlock(id.clone()));
                } else if is_released {
                    return true;
                } else {
                    self.stray(grant, key, id, block);
                }
            }
            // The block was deleted by hand: it is made anew with what the nodes hold, or what is
            // released there would never become free (invariant 10).
            Word::NoBlock(id) => self.drafts.miss(id),
            Word::Unclear { is_done } => return is_done && is_released,
        }
        false
    }

    /// A grant that is not held and not released: written by hand, or the node's status is older than
    /// the block. The block was read first, the node object after it: then it is certain.
    fn unreleased(
        &mut self,
        grant: &'v Grant,
        key: (IpAddr, Seq),
        id: &'v BlockId,
        block: &'v Seen<Block>,
    ) {
        let reads = reads_for_certainty(id, block, self.name, self.node);
        if reads.is_empty() {
            self.stray(grant, key, id, block);
        } else {
            self.doubt(id, key.0);
            self.decision.writes.extend(reads);
        }
    }

    /// A grant that certainly is none of the ledger's. Its node may serve it, now or in a moment.
    fn stray(
        &mut self,
        grant: &'v Grant,
        key: (IpAddr, Seq),
        id: &'v BlockId,
        block: &'v Seen<Block>,
    ) {
        let (address, seq) = key;
        let entry = block.value.entries.get(&address);
        let finding = Finding::stray(self.name, key, entry);
        let what = if is_credible(seq) && self.may_take_in(entry, key) {
            let kept = entry.and_then(|entry| entry.kept);
            let entry = Entry {
                kept,
                ..self.held_entry(grant, key)
            };
            let is_granted = entry.state == State::Granted;
            self.drafts.raise(id, seq);
            self.drafts.put(id, address, entry);
            if is_granted {
                "it is entered as held"
            } else {
                "it is entered as held and asked back"
            }
        } else {
            self.specs.recall(self.name, key);
            "it is asked back, and handed out to nobody before the node has released it"
        };
        self.drafts.contest(&id.segment, address);
        self.decision.repairs.push(finding.and(what));
    }

    /// Whether an entry may give way to a grant that a node lists: nobody can use it, or it is the
    /// same grant under another node's name, which does not list it.
    fn may_take_in(&self, entry: Option<&Entry>, key: (IpAddr, Seq)) -> bool {
        let Some(entry) = entry else {
            return true;
        };
        match entry.state {
            State::Reserved | State::Cooling => true,
            State::Claimed | State::Foreign => false,
            State::Granted | State::Recalling | State::Quarantined | State::Fencing => {
                let holder = entry.holder.as_ref();
                let node = holder.and_then(|holder| self.view.nodes.get(&holder.node));
                let unread = &self.view.unread.nodes;
                entry.seq == key.1
                    && !node.is_some_and(|node| node.spec.lists(key))
                    && !holder.is_some_and(|holder| unread.contains(&holder.node))
            }
        }
    }

    /// GRANTED if the pod asks for it and has no other address there, else RECALLING.
    fn held_entry(&self, grant: &Grant, key: (IpAddr, Seq)) -> Entry {
        let (address, seq) = key;
        let node = self.node;
        let holder = node.holder(self.name, grant.owner, &grant.interface, grant.index);
        let mut entry = Entry {
            state: State::Recalling,
            seq,
            network: grant.network,
            holder: Some(holder.clone()),
            kept: None,
            foreign: None,
            since: self.view.now,
        };
        let is_asked_back = self.node.spec.recalls.contains(&key);
        if !is_asked_back && self.has_place(address, &entry, &holder) {
            entry.state = State::Granted;
        }
        entry
    }

    /// Whether the pod on this node asks for the address, and has no other in its place.
    fn has_place(&self, address: IpAddr, entry: &Entry, holder: &Holder) -> bool {
        let Some(pod) = self.view.pods.get(&holder.owner) else {
            return false;
        };
        let mine = self.held.get(&holder.owner).map_or(&[][..], Vec::as_slice);
        let is_taken = |slot: &grant::Slot<'_>| {
            mine.iter()
                .any(|(_, other, e, h)| *other != address && slot.is_filled_by(*other, e, h))
        };
        pod.node == *self.name
            && grant::slots(self.view, pod)
                .iter()
                .any(|slot| slot.is_filled_by(address, entry, holder) && !is_taken(slot))
    }

    /// Entry and grant of one (address, seq) say the same, whatever the age of either. If not, the one
    /// that a pod asks for is right; if that does not tell, the address is asked back: a wrong recall
    /// costs an address change.
    fn compare(&mut self, grant: &Grant, key: (IpAddr, Seq), id: &BlockId, entry: &Entry) {
        let Some(holder) = &entry.holder else { return };
        let is_same = grant.is_of(entry, holder);
        // Who wrote the status is that machine: it tells whether the entry or the object was edited.
        let is_other_machine =
            holder.machine != self.node.machine && self.node.status.machine == self.node.machine;
        if is_same && !is_other_machine {
            return;
        }
        let mut right = self.held_entry(grant, key);
        if let Some(new) = right.holder.as_mut().filter(|_| !is_other_machine) {
            new.node_uid = holder.node_uid;
            new.machine = holder.machine;
        }
        let is_certain = right.state == State::Granted
            && (is_same || !release::is_wanted(self.view, entry, holder));
        let (state, what) = match entry.state {
            State::Granted | State::Quarantined if !is_certain => {
                (State::Recalling, "the address is asked back")
            }
            State::Reserved
            | State::Granted
            | State::Recalling
            | State::Quarantined
            | State::Fencing
            | State::Claimed
            | State::Cooling
            | State::Foreign => (entry.state, "the entry follows the grant"),
        };
        right.state = state;
        right.kept = entry.kept;
        self.drafts.put(id, key.0, right);
        let finding = Finding::differs(id, key, entry, grant);
        self.decision.repairs.push(finding.and(what));
    }

    fn recalls(&mut self) {
        if self.node.spec.recalls.is_empty() {
            return;
        }
        let networks = self.node.spec.networks();
        let left = self.specs.get(self.name).map(|spec| &spec.grants);
        let left: BTreeSet<(IpAddr, Seq)> = left
            .into_iter()
            .flatten()
            .filter_map(|g| g.address)
            .collect();
        let mut gone = BTreeSet::new();
        for key in &self.node.spec.recalls {
            let is_released = self.node.status.released.contains(key);
            let goes = match word_on(self.view, self.name, networks.get(key).copied(), *key) {
                Word::Held(..) if self.is_removed_early(*key) => true,
                Word::Held(id, entry) => {
                    self.follow(*key, id, entry);
                    false
                }
                _ if left.contains(key) => false,
                Word::Done(..) | Word::Behind(..) if !self.rules.removal_compares_seq => true,
                Word::Done(..) if is_released || !self.node.is_served() => true,
                // Somebody took the grant out and left the recall: the node may still use it.
                Word::Done(id, _) => {
                    self.doubt(id, key.0);
                    false
                }
                Word::Behind(id, block) => {
                    self.doubt(id, key.0);
                    is_released && block.quorum_after(self.node.seen_at).is_some()
                }
                Word::NoBlock(_) => false,
                // Removing one early is harmless: the next decision lists it again.
                Word::Unclear { is_done } => is_done || is_released,
            };
            if goes {
                gone.insert(*key);
            }
        }
        if !gone.is_empty()
            && let Some(spec) = self.specs.edit(self.name)
        {
            spec.recalls.retain(|key| !gone.contains(key));
        }
    }

    fn fenced(&mut self) {
        let mut gone: BTreeSet<&Grant> = BTreeSet::new();
        for mark in &self.node.spec.fenced {
            let Some(key) = mark.address else {
                gone.insert(mark);
                continue;
            };
            match word_on(self.view, self.name, Some(mark.network), key) {
                Word::Held(id, entry) => self.follow(key, id, entry),
                Word::Behind(..) if self.rules.removal_compares_seq => {}
                Word::Done(..) | Word::Behind(..) | Word::Unclear { is_done: true } => {
                    gone.insert(mark);
                }
                Word::NoBlock(id) => self.drafts.miss(id),
                Word::Unclear { is_done: false } => {}
            }
        }
        if !gone.is_empty()
            && let Some(spec) = self.specs.edit(self.name)
        {
            spec.fenced.retain(|mark| !gone.contains(mark));
        }
    }

    /// What was acknowledged was drawn: a counter that was set back must not come to it again, or the
    /// old acknowledgement would free a new grant (invariant 5).
    fn released(&mut self) {
        for key in &self.node.status.released {
            let blocks = self.view.blocks.iter();
            for (id, seen) in blocks.filter(|(id, _)| id.covers(key.0)) {
                if seen.value.seq < key.1 && is_credible(key.1) {
                    self.drafts.raise(id, key.1);
                }
            }
        }
    }

    /// A node is asked for an address back, or fenced, after the ledger says so, and GRANTED never
    /// comes again under that seq. The agent may have acted on it: the ledger follows.
    fn follow(&mut self, key: (IpAddr, Seq), id: &BlockId, entry: &Entry) {
        if !matches!(entry.state, State::Granted | State::Quarantined) {
            return;
        }
        let block = self.view.blocks.get(id);
        if block.is_none_or(|block| block.quorum_after(self.node.seen_at).is_none()) {
            self.read(Write::ReadBlock(id.clone()));
            return;
        }
        self.drafts.turn(id, key.0, State::Recalling);
        let finding = Finding::asked_back_too_soon(self.name, key);
        let what = "the ledger asks it back too";
        self.decision.repairs.push(finding.and(what));
    }

    fn is_removed_early(&self, key: (IpAddr, Seq)) -> bool {
        node::is_removed_early(self.view, self.rules, self.name, key)
    }

    /// Nobody gets the address until it is known whether this node may serve it.
    fn doubt(&mut self, id: &BlockId, address: IpAddr) {
        self.drafts.bar(&id.segment, address);
    }

    fn read(&mut self, read: Write) {
        self.decision.writes.push(read);
    }
}

#[cfg(test)]
mod tests;
