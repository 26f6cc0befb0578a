//! After a restore of etcd: the ledger is that of the backup, and says nothing of what came later.
//!
//! ```text
//!  announced (`kubectl landfall restored`): a new epoch, node objects without grants
//!      │  every node says what it has in use, under that epoch, or is off
//!      v
//!  the blocks are rewritten: what is in use is GRANTED under a new seq, all else that was held rests
//!      │  all blocks are
//!      v
//!  the epoch is adopted: everything goes on
//! ```
//!
//! Until then, and while a node suspects a restore that nobody has announced, nothing is granted,
//! pushed, recalled or freed.

use alloc::{
    borrow::ToOwned,
    format,
    string::{String, ToString},
    vec::Vec,
};

use super::{
    Decision, Rules, View, Write, draft,
    grant::has_all,
    view::{NodeSpec, Refusal},
};
use crate::id::Name;

mod adoption;
mod enter;

use adoption::Adoption;
pub(super) use enter::{enter, holder_of, is_in};

/// The most nodes that a sentence names.
const NAMED: usize = 3;

/// Why nothing is decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Halt {
    /// Nobody has announced the restore.
    pub is_suspected: bool,
    /// What is waited for, as a sentence.
    pub message: String,
}

/// A node object's protocol fields under a new epoch: nothing that a backup brought back is granted.
pub fn emptied(spec: &NodeSpec, epoch: u64, rules: Rules) -> NodeSpec {
    if !rules.restored_grants_end {
        return NodeSpec {
            epoch,
            ..spec.clone()
        };
    }
    NodeSpec {
        epoch,
        ..NodeSpec::default()
    }
}

/// What is to be done before anything else is; `None` if all is well.
pub(super) fn decide(view: &View, rules: Rules) -> Option<Decision> {
    let epochs = view.nodes.values().map(|node| node.spec.epoch);
    if epochs.max().unwrap_or_default() > view.restore.epoch {
        let message = "etcd was restored; what is known of that is being read";
        let reads = Vec::from([Write::ReadRestore]);
        return Some(halted(view, reads, false, message));
    }
    if view.restore.is_under_way() {
        return Some(Adoption { view, rules }.decide());
    }
    // What was suspected under an older epoch was announced since; a machine that is gone can't say so.
    let suspecting = view
        .nodes
        .iter()
        .filter(|(_, node)| node.status.suspects && node.status.epoch >= view.restore.epoch);
    let suspecting: Vec<&Name> = suspecting.map(|(name, _)| name).collect();
    if suspecting.is_empty() {
        return None;
    }
    let message = format!(
        "etcd seems to have been restored from a backup: node {} has seen a later state of the cluster; \
         no address is given or taken back until `kubectl landfall restored` was run (docs/restore.md)",
        list(&suspecting)
    );
    Some(halted(view, Vec::new(), true, &message))
}

/// Nothing but these writes. Pods that lack an address are told why.
fn halted(view: &View, writes: Vec<Write>, is_suspected: bool, message: &str) -> Decision {
    let held = draft::by_owner(view);
    let pods = view.pods.iter();
    let waiting = pods.filter(|(owner, pod)| !has_all(view, &held, **owner, pod));
    let refusals = waiting.map(|(owner, pod)| {
        let refusal = pod.refusal.clone().unwrap_or_else(|| Refusal {
            reason: "WaitingForUnreachableNode".to_owned(),
            message: message.to_owned(),
            is_final: false,
        });
        (*owner, refusal)
    });
    Decision {
        refusals: refusals.collect(),
        writes,
        halt: Some(Halt {
            is_suspected,
            message: message.to_owned(),
        }),
        ..Decision::default()
    }
}

fn list(names: &[&Name]) -> String {
    let first: Vec<String> = names.iter().take(NAMED).map(ToString::to_string).collect();
    let more = names.len().saturating_sub(NAMED);
    let first = first.join(", ");
    if more == 0 {
        first
    } else {
        format!("{first} and {more} more")
    }
}

#[cfg(test)]
mod tests;
