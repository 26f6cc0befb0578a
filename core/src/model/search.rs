//! Breadth-first search: every state that a run can come to, once. States are kept whole, so "seen"
//! is never a guess; a counterexample is the shortest there is.

use std::{
    hash::{Hash as _, Hasher as _},
    string::String,
    time::Instant,
    vec,
    vec::Vec,
};

use super::{
    config::Config,
    pool::{Fold, index},
    state::State,
    world::World,
};
use crate::ledger::Rules;

/// No state.
pub(super) const NONE: u32 = u32::MAX;

/// What a search came to.
pub(super) enum Verdict {
    /// Every state within the bounds was seen, and all is well.
    Holds,
    /// An invariant is broken: which, and the shortest trace to it.
    Broken(String, Vec<String>),
    /// The bound on states was reached.
    CutOff,
}

/// The record of a search.
pub(super) struct Report {
    pub(super) verdict: Verdict,
    pub(super) states: usize,
    pub(super) transitions: usize,
    pub(super) depth: usize,
    pub(super) seconds: f64,
}

/// What is asked of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Question {
    /// No state breaks an invariant.
    Safety,
    /// Also: from every state progress alone leads to rest (invariants 10 and 11).
    Liveness,
}

/// The states that were seen, and how each was come to.
pub(super) struct Visited {
    pub(super) states: Vec<State>,
    pub(super) parents: Vec<u32>,
    table: Vec<u32>,
}

/// A search.
pub(super) struct Search {
    pub(super) world: World,
    pub(super) visited: Visited,
    /// Steps of progress, for liveness.
    edges: Vec<(u32, u32)>,
    question: Question,
    limit: usize,
}

// === impl Visited ===

impl Visited {
    fn new() -> Self {
        Self {
            states: Vec::new(),
            parents: Vec::new(),
            table: vec![NONE; 1 << 16],
        }
    }

    fn slot(&self, state: &State) -> usize {
        let mut hash = Fold::default();
        state.hash(&mut hash);
        let mask = self.table.len() - 1;
        let hash = hash.finish() ^ (hash.finish() >> 32);
        let mut at = usize::try_from(hash).expect("64 bits fit") & mask;
        while self.table[at] != NONE && self.states[index(self.table[at])] != *state {
            at = (at + 1) & mask;
        }
        at
    }

    /// The state's number, and whether it is new.
    fn insert(&mut self, state: &State, parent: u32) -> (u32, bool) {
        let at = self.slot(state);
        if self.table[at] != NONE {
            return (self.table[at], false);
        }
        let number = u32::try_from(self.states.len()).expect("fewer than 2^32 states");
        self.states.push(*state);
        self.parents.push(parent);
        self.table[at] = number;
        if self.states.len() * 3 > self.table.len() * 2 {
            self.grow();
        }
        (number, true)
    }

    fn grow(&mut self) {
        self.table = vec![NONE; self.table.len() * 2];
        for number in 0..self.states.len() {
            let at = self.slot(&self.states[number]);
            self.table[at] = u32::try_from(number).expect("fewer than 2^32 states");
        }
    }
}

// === impl Search ===

impl Search {
    pub(super) fn new(config: Config, rules: Rules, question: Question, limit: usize) -> Self {
        Self {
            world: World::new(config, rules),
            visited: Visited::new(),
            edges: Vec::new(),
            question,
            limit,
        }
    }

    /// Searches to the end, to a counterexample, or to the limit.
    #[expect(
        clippy::disallowed_methods,
        reason = "the record says how long it took"
    )]
    pub(super) fn run(mut self) -> Report {
        let start = Instant::now();
        let initial = self.world.initial();
        self.visited.insert(&initial, NONE);
        let (mut depth, mut last, mut at, mut transitions) = (0, 1, 0, 0);
        let mut out = Vec::new();
        let mut verdict = Verdict::Holds;
        'search: while at < self.visited.states.len() {
            if at == last {
                depth += 1;
                last = self.visited.states.len();
                if last > self.limit {
                    verdict = Verdict::CutOff;
                    break;
                }
            }
            let state = self.visited.states[at];
            let parent = u32::try_from(at).expect("fewer than 2^32 states");
            self.world.next(&state, &mut out);
            for next in &out {
                if next.state == state && next.broken.is_none() {
                    continue;
                }
                transitions += 1;
                let (number, new) = self.visited.insert(&next.state, parent);
                let broken = next.broken.clone().or_else(|| {
                    let broken = if new {
                        self.world.broken(&next.state)
                    } else {
                        None
                    };
                    broken.map(|broken| (*broken).clone())
                });
                if let Some(broken) = broken {
                    depth += 1;
                    let trace = self.trace(parent, Some(&next.clone()));
                    verdict = Verdict::Broken(broken, trace);
                    break 'search;
                }
                if self.question == Question::Liveness && next.progress {
                    self.edges.push((parent, number));
                }
            }
            at += 1;
        }
        if self.question == Question::Liveness && matches!(verdict, Verdict::Holds) {
            verdict = self.settles();
        }
        Report {
            verdict,
            states: self.visited.states.len(),
            transitions,
            depth,
            seconds: start.elapsed().as_secs_f64(),
        }
    }

    /// Whether from every state a path of progress alone leads to one in which all is at rest: a walk
    /// backwards from those.
    fn settles(&mut self) -> Verdict {
        let count = self.visited.states.len();
        let mut first = vec![0_u32; count + 1];
        for (_, to) in &self.edges {
            first[index(*to) + 1] += 1;
        }
        for at in 0..count {
            first[at + 1] += first[at];
        }
        let mut fill = first.clone();
        let mut before = vec![0_u32; self.edges.len()];
        for (from, to) in &self.edges {
            let place = &mut fill[index(*to)];
            before[index(*place)] = *from;
            *place += 1;
        }
        let mut good: Vec<bool> = self
            .visited
            .states
            .iter()
            .map(|state| self.world.is_settled(state))
            .collect();
        let mut open: Vec<usize> = (0..count).filter(|at| good[*at]).collect();
        while let Some(at) = open.pop() {
            for from in &before[index(first[at])..index(first[at + 1])] {
                let from = index(*from);
                if !good[from] {
                    good[from] = true;
                    open.push(from);
                }
            }
        }
        match good.iter().position(|good| !good) {
            None => Verdict::Holds,
            Some(stuck) => {
                let stuck = u32::try_from(stuck).expect("fewer than 2^32 states");
                let trace = self.trace(stuck, None);
                Verdict::Broken(String::from("10, 11: progress alone never settles"), trace)
            }
        }
    }
}
