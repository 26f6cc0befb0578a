//! Operators: one that reads fresh at every decision and keeps nothing, and others whose view of
//! each object lags by itself.
//!
//! A decision has no program counter: each of its writes may be the only one that is done. "Dies
//! between two writes" is another operator that decides next.

use std::{collections::BTreeMap, string::String, vec::Vec};

use super::{
    config::{EPOCH, Fault},
    state::{Restored, Seen, State, Ticks},
    world::{Act, Next, Object, Thing, What, World},
};
use crate::ledger::{
    fresh::{self, Tick},
    rebuild,
};

/// Evidence in a byte: the registration, the taint, and whether the node answers.
pub(super) const TAINTED: u8 = 4;
pub(super) const SILENT: u8 = 8;

/// All reads of the operator that reads fresh, in the order that is good for everything.
const FRESH: Ticks = Ticks {
    block: [2; 2],
    seen: [1; 2],
    read: [4; 2],
    evidence: [5; 2],
};

// === impl World ===

impl World {
    fn evidence(&self, state: &State, node: usize) -> u8 {
        let m = Self::machine_of(node, state.registered[node]);
        let off = self.machines.get(state.machines[m]).is_off;
        let silent = self.config.quarantine && (off || state.cut & (1 << m) != 0);
        state.registered[node]
            | if state.tainted & (1 << node) != 0 {
                TAINTED
            } else {
                0
            }
            | if silent { SILENT } else { 0 }
    }

    fn evidences(&self, state: &State) -> [u8; 2] {
        [0, 1].map(|node| self.evidence(state, node))
    }

    /// The operator that reads fresh.
    pub(super) fn lead(&mut self, state: &State, out: &mut Vec<Next>) {
        let seen = Seen {
            blocks: state.blocks,
            specs: state.specs,
            statuses: state.statuses,
            pods: state.exists,
            claim: state.claim,
            evidence: self.evidences(state),
            restored: state.restored,
            ticks: FRESH,
        };
        let acts = self.decide(&seen);
        let acts = acts.iter().copied();
        for act in acts.filter(|act| act.is_write() || *act == Act::Mends) {
            let mut next = *state;
            let broken = self.apply(state, &mut next, None, act, false);
            if act == Act::Adopted {
                next.restored = Restored::Adopted;
            }
            done(out, What::Leader(act), next, broken);
        }
        self.let_claim_go(state, None, out);
        for node in 0..2 {
            let object = self.objects.get(state.specs[node]);
            // The shell's rule: an object in which grants are listed is not handed to another machine.
            let (from, to) = (object.registered, state.registered[node]);
            let same = Self::machine_of(node, from) == Self::machine_of(node, to);
            let spec = &object.spec;
            let is_free =
                spec.grants.is_empty() && spec.recalls.is_empty() && spec.fenced.is_empty();
            if from != to && (same || is_free) {
                let object = self.objects.number(Object {
                    registered: state.registered[node],
                    ..(*object).clone()
                });
                let mut next = *state;
                Self::write_node(&mut next, None, node, object, false);
                done(out, What::Registers(node), next, None);
            }
        }
    }

    /// What one with lagging caches may see next: one object at a time.
    pub(super) fn look(&mut self, state: &State, o: usize, out: &mut Vec<Next>) {
        let operator = state.operators[o];
        for family in 0..self.block_ids.len() {
            if operator.current & (1 << family) == 0 {
                let mut next = *state;
                Self::see_block(&mut next, o, family, false);
                done(out, What::Sees(o, Thing::Block(family)), next, None);
            }
        }
        let evidence = self.evidences(state);
        for (node, evidence) in evidence.into_iter().enumerate() {
            let is_known = operator.current & (4 << node) != 0
                && operator.view.statuses[node] == state.statuses[node];
            if !is_known {
                let mut next = *state;
                Self::see_node(&mut next, o, node);
                done(out, What::Sees(o, Thing::Node(node)), next, None);
            }
            if operator.view.evidence[node] != evidence {
                let mut next = *state;
                let view = &mut next.operators[o].view;
                view.evidence[node] = evidence;
                view.ticks.evidence[node] = 0;
                view.ticks = view.ticks.normal();
                done(out, What::Sees(o, Thing::Evidence(node)), next, None);
            }
        }
        Self::see_claim(state, o, out);
        self.let_claim_go(state, Some(o), out);
        if operator.view.pods != state.exists {
            let mut next = *state;
            next.operators[o].view.pods = state.exists;
            done(out, What::Sees(o, Thing::Pods), next, None);
        }
    }

    /// What it may do next: any one of its decision's writes and reads, or all writes.
    pub(super) fn act_on_caches(&mut self, state: &State, o: usize, out: &mut Vec<Next>) {
        let acts = self.decide(&state.operators[o].view);
        for act in acts.iter().copied() {
            let mut next = *state;
            let broken = self.apply(state, &mut next, Some(o), act, false);
            done(out, What::Lagging(o, act), next, broken);
            let lost = match act {
                Act::Node(node, object) => Act::LostNode(node, object),
                Act::Block(family, block) => Act::LostBlock(family, block),
                Act::Create(_)
                | Act::ReadBlock(_)
                | Act::ReadNode(_)
                | Act::ReadEvidence(_)
                | Act::Adopted
                | Act::All
                | Act::Mends
                | Act::LostBlock(..)
                | Act::LostNode(..) => continue,
            };
            if let Some(mut next) = state.after(Some(Fault::Reply), &self.config) {
                let broken = self.apply(state, &mut next, Some(o), act, true);
                done(out, What::Lagging(o, lost), next, broken);
                if let Some(last) = out.last_mut() {
                    last.progress = false;
                }
            }
        }
        // All of them, nodes first, decided on what was seen before the first.
        let writes: Vec<Act> = acts.iter().copied().filter(|act| act.is_write()).collect();
        if writes.len() > 1 {
            let mut next = *state;
            let mut broken = None;
            for act in writes {
                let own = self.apply(state, &mut next, Some(o), act, false);
                broken = broken.or(own);
            }
            done(out, What::Lagging(o, Act::All), next, broken);
        }
    }

    /// Does one write or read of a decision. A write whose object has changed since it was seen is
    /// refused, and the object read with quorum.
    fn apply(
        &mut self,
        before: &State,
        next: &mut State,
        o: Option<usize>,
        act: Act,
        lost: bool,
    ) -> Option<String> {
        let current =
            |next: &State, bit: u8| o.is_none_or(|o| next.operators[o].current & bit != 0);
        match (act, o) {
            (Act::Node(node, object) | Act::LostNode(node, object), _) => {
                if current(next, 4 << node) {
                    Self::write_node(next, o, node, object, lost);
                } else if let Some(o) = o {
                    Self::see_node(next, o, node);
                }
                None
            }
            (Act::Block(family, block) | Act::LostBlock(family, block), _) => {
                if current(next, 1 << family) {
                    let broken = self.transition(before, family, block);
                    Self::write_block(next, o, family, block, lost);
                    broken
                } else if let Some(o) = o {
                    Self::see_block(next, o, family, true);
                    None
                } else {
                    None
                }
            }
            (Act::Create(family), _) => {
                if next.blocks[family] == 0 {
                    self.create_block(next, o, family);
                } else if let Some(o) = o {
                    Self::see_block(next, o, family, true);
                }
                None
            }
            (Act::ReadBlock(family), Some(o)) => {
                Self::see_block(next, o, family, true);
                None
            }
            (Act::ReadNode(node), Some(o)) => {
                Self::see_node(next, o, node);
                let view = &mut next.operators[o].view;
                view.ticks.read[node] = view.ticks.next();
                view.ticks = view.ticks.normal();
                None
            }
            (Act::ReadEvidence(node), Some(o)) => {
                let evidence = self.evidence(next, node);
                let view = &mut next.operators[o].view;
                view.evidence[node] = evidence;
                view.ticks.evidence[node] = view.ticks.next();
                view.ticks = view.ticks.normal();
                None
            }
            (Act::Mends, _) => {
                // A status that the machine of before had under way can take back what the new one
                // said: that looks like an edit, and what is done about it must be safe as well.
                let edited = before.had(Fault::Block) || before.had(Fault::Rename);
                (!edited).then(|| String::from("what nobody edited is mended"))
            }
            (Act::ReadBlock(_) | Act::ReadNode(_) | Act::ReadEvidence(_), None)
            | (Act::All | Act::Adopted, _) => None,
        }
    }

    /// The watch, or (`quorum`) a read. The echo of what is known does not make it older.
    fn see_block(next: &mut State, o: usize, family: usize, quorum: bool) {
        let stored = next.blocks[family];
        let operator = &mut next.operators[o];
        let ticks = &mut operator.view.ticks;
        let at = ticks.next();
        if quorum {
            ticks.block[family] = at;
        } else if operator.current & (1 << family) == 0 {
            ticks.block[family] = 0;
        }
        if stored == 0 {
            ticks.block[family] = 0;
        }
        operator.view.blocks[family] = stored;
        operator.current |= 1 << family;
        operator.view.ticks = operator.view.ticks.normal();
    }

    /// A spec that is new is later than every block that was read before.
    fn see_node(next: &mut State, o: usize, node: usize) {
        let operator = &mut next.operators[o];
        let ticks = &mut operator.view.ticks;
        if operator.current & (4 << node) == 0 {
            ticks.seen[node] = ticks.next();
            ticks.read[node] = 0;
        }
        operator.view.specs[node] = next.specs[node];
        operator.view.statuses[node] = next.statuses[node];
        operator.current |= 4 << node;
        operator.view.ticks = operator.view.ticks.normal();
    }

    fn write_node(next: &mut State, o: Option<usize>, node: usize, object: u32, lost: bool) {
        next.specs[node] = object;
        for operator in &mut next.operators {
            operator.current &= !(4 << node);
        }
        if let Some(o) = o.filter(|_| !lost) {
            Self::see_node(next, o, node);
        }
    }

    fn write_block(next: &mut State, o: Option<usize>, family: usize, block: u32, lost: bool) {
        next.blocks[family] = block;
        for operator in &mut next.operators {
            operator.current &= !(1 << family);
        }
        if let Some(o) = o.filter(|_| !lost) {
            Self::see_block(next, o, family, true);
        }
    }

    fn create_block(&mut self, next: &mut State, o: Option<usize>, family: usize) {
        let first = match next.restored {
            Restored::Never => 1,
            Restored::UnderWay | Restored::Adopted => EPOCH,
        };
        let epoch = first + u64::from(next.used.iter().sum::<u8>());
        let nodes: BTreeMap<_, _> = (0..2)
            .map(|node| {
                (
                    self.names[node].clone(),
                    self.node_view(&Seen::of(next), node),
                )
            })
            .collect();
        let nodes = fresh::Seen::quorum(nodes, Tick(1));
        let nodes = nodes.quorum_after(Tick(0)).expect("made with quorum");
        let networks = self.networks.iter();
        let segments = networks
            .map(|(uid, network)| (*uid, network.network.segment.clone()))
            .collect();
        let id = self.block_ids[family].clone();
        let claims = fresh::Seen::quorum(Vec::new(), Tick(1));
        let claims = claims.quorum_after(Tick(0)).expect("made with quorum");
        let claims = claims.map(Vec::as_slice);
        let block = rebuild::rebuild(id, epoch, 0, nodes, claims, &segments);
        next.blocks[family] = self.blocks.number(Some(block));
        for operator in &mut next.operators {
            operator.current &= !(1 << family);
        }
        if let Some(o) = o {
            Self::see_block(next, o, family, true);
        }
    }
}

// === impl Act ===

impl Act {
    fn is_write(self) -> bool {
        match self {
            Self::Node(..)
            | Self::Block(..)
            | Self::Create(_)
            | Self::Adopted
            | Self::LostBlock(..)
            | Self::LostNode(..) => true,
            Self::Mends
            | Self::ReadBlock(_)
            | Self::ReadNode(_)
            | Self::ReadEvidence(_)
            | Self::All => false,
        }
    }
}

// === impl Seen ===

impl Seen {
    /// What the API server has of node objects.
    fn of(state: &State) -> Self {
        Self {
            specs: state.specs,
            statuses: state.statuses,
            ..Self::default()
        }
    }
}

/// Adds a state that an operator leads to.
pub(super) fn done(out: &mut Vec<Next>, what: What, state: State, broken: Option<String>) {
    out.push(Next {
        what,
        state,
        progress: true,
        broken,
    });
}
