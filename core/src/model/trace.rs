//! Counterexamples in words.

use std::{borrow::ToOwned as _, format, net::IpAddr, string::String, vec::Vec};

use super::{
    config::pod_of,
    pool::index,
    search::{NONE, Search},
    state::State,
    world::{Next, What},
};
use crate::{id::Seq, ledger::view::Grant};

// === impl Search ===

impl Search {
    /// The steps that lead to a state, and one more.
    pub(super) fn trace(&mut self, to: u32, last: Option<&Next>) -> Vec<String> {
        let mut path = Vec::from([to]);
        while let Some(at) = path.last().map(|at| self.visited.parents[index(*at)])
            && at != NONE
        {
            path.push(at);
        }
        path.reverse();
        let states: Vec<State> = path
            .iter()
            .map(|at| self.visited.states[index(*at)])
            .collect();
        let mut trace = Vec::new();
        let mut out = Vec::new();
        for pair in states.windows(2) {
            self.world.next(&pair[0], &mut out);
            let what = out.iter().find(|next| next.state == pair[1]);
            trace.push(self.line(what.map(|next| next.what), &pair[0], &pair[1]));
        }
        if let Some(next) = last {
            let before = self.visited.states[index(to)];
            trace.push(self.line(Some(next.what), &before, &next.state));
        } else {
            let state = self.visited.states[index(to)];
            for m in 0..2 {
                let machine = self.world.machines.get(state.machines[m]);
                trace.push(format!("machine {m}: {machine:?}"));
            }
            trace.push(format!(
                "exists {:b}, operators {:?}",
                state.exists, state.operators
            ));
        }
        trace
    }

    fn line(&self, what: Option<What>, before: &State, after: &State) -> String {
        let what = what.map_or_else(|| "?".to_owned(), |what| format!("{what:?}"));
        let mut line = Vec::from([what]);
        for (old, new) in before.blocks.iter().zip(&after.blocks) {
            if old != new {
                line.push(self.block(*new));
            }
        }
        for (node, (old, new)) in before.specs.iter().zip(&after.specs).enumerate() {
            if old != new {
                line.push(format!("n{node} {}", self.object(*new)));
            }
        }
        for (node, (old, new)) in before.statuses.iter().zip(&after.statuses).enumerate() {
            if old != new {
                let released = &self.world.statuses.get(*new).released;
                line.push(format!("n{node} says released {released:?}"));
            }
        }
        line.join(" => ")
    }

    fn block(&self, number: u32) -> String {
        let block = self.world.blocks.get(number);
        let Some(block) = &*block else {
            return String::from("no block");
        };
        let entries = block.entries.iter().map(|(address, entry)| {
            let holder = entry.holder.as_ref();
            let holder = holder.map(|h| format!(" {} p{}", h.node, pod_of(h.owner)));
            let (seq, state) = (entry.seq, entry.state);
            format!("{address} {seq} {state:?}{}", holder.unwrap_or_default())
        });
        let entries = entries.collect::<Vec<_>>().join(", ");
        format!("block {}: [{entries}]", block.seq)
    }

    fn object(&self, number: u32) -> String {
        let spec = &self.world.objects.get(number).spec;
        let keys = |keys: Vec<(IpAddr, Seq)>| {
            let words = keys.iter().map(|(address, seq)| format!("{address} {seq}"));
            words.collect::<Vec<_>>().join(", ")
        };
        let of = |grants: &[Grant]| keys(grants.iter().filter_map(|grant| grant.address).collect());
        format!(
            "grants [{}] recalls [{}] fenced [{}]",
            of(&spec.grants),
            keys(spec.recalls.iter().copied().collect()),
            of(&spec.fenced)
        )
    }
}
