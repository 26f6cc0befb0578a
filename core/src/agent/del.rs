//! DEL: detach all interfaces of a sandbox.

use alloc::{
    borrow::ToOwned,
    collections::{BTreeMap, BTreeSet},
    string::String,
    vec::Vec,
};

use super::{Effect, Key, Outcome, Token, end, step::Agent};
use crate::id::Name;

/// A DEL in progress.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Deletion {
    pub(super) container: Name,
    /// `None` is all.
    interface: Option<Name>,
    left: BTreeSet<Key>,
    failure: Option<String>,
}

/// A DEL ends an ADD of what it deletes that is in flight, and waits for its end. A detached grant
/// stays this node's: DEL never means that the pod is finished.
pub(super) fn arrive(
    agent: &mut Agent<'_>,
    token: Token,
    container: Name,
    interface: Option<Name>,
) {
    let deletion = Deletion {
        container,
        interface,
        ..Deletion::default()
    };
    end::end_deleted(agent, &deletion);
    let in_flight = end::flies(agent, &deletion);
    agent.volatile.deletions.insert(token, deletion);
    if !in_flight {
        begin(agent, token);
    }
}

/// An ADD of the sandbox has ended: the DELs that waited for it begin.
pub(super) fn flight_over(agent: &mut Agent<'_>, container: &Name) {
    let waiting: Vec<Token> = agent
        .volatile
        .deletions
        .iter()
        .filter(|(_, d)| d.container == *container && d.left.is_empty())
        .filter(|(_, d)| !end::flies(agent, d))
        .map(|(token, _)| *token)
        .collect();
    for token in waiting {
        begin(agent, token);
    }
}

fn begin(agent: &mut Agent<'_>, token: Token) {
    let Some(deletion) = agent.volatile.deletions.get_mut(&token) else {
        return;
    };
    let keys: BTreeSet<Key> = agent
        .durable
        .records
        .keys()
        .filter(|key| deletion.concerns(key))
        .cloned()
        .collect();
    deletion.left.clone_from(&keys);
    if keys.is_empty() {
        agent.volatile.deletions.remove(&token);
        agent.emit(Effect::Reply(token, Outcome::Done));
        return;
    }
    for key in keys {
        agent.detach(&key);
    }
}

/// A link is gone, or its removal failed.
pub(super) fn gone(agent: &mut Agent<'_>, key: &Key, failure: Option<&str>) {
    let mut over: BTreeMap<Token, Option<String>> = BTreeMap::new();
    for (token, deletion) in &mut agent.volatile.deletions {
        if deletion.left.remove(key) {
            if failure.is_some() {
                deletion.failure = failure.map(ToOwned::to_owned);
            }
            if deletion.left.is_empty() {
                over.insert(*token, deletion.failure.take());
            }
        }
    }
    for (token, failure) in over {
        agent.volatile.deletions.remove(&token);
        let outcome = failure.map_or(Outcome::Done, Outcome::Failed);
        agent.emit(Effect::Reply(token, outcome));
    }
}

// === impl Deletion ===

impl Deletion {
    /// Whether the attachment is to be deleted.
    fn concerns(&self, key: &Key) -> bool {
        key.container == self.container && self.names(&key.interface)
    }

    /// Whether an interface of the sandbox is to be deleted.
    pub(super) fn names(&self, interface: &Name) -> bool {
        self.interface.as_ref().is_none_or(|own| own == interface)
    }
}
