//! DEL: detach all interfaces of a sandbox.

use alloc::{
    borrow::ToOwned,
    collections::{BTreeMap, BTreeSet},
    string::String,
    vec::Vec,
};

use super::{Deletion, Effect, Key, Outcome, Token, add, step::Agent};
use crate::id::Name;

/// A DEL ends an ADD of the same sandbox that is in flight and waits for its end. A detached grant
/// stays this node's: DEL never means that the pod is finished.
pub(super) fn arrive(agent: &mut Agent<'_>, token: Token, container: &Name) {
    add::end_of_container(agent, container);
    let in_flight = add::flies(agent, container);
    let deletion = Deletion {
        container: Some(container.clone()),
        ..Deletion::default()
    };
    agent.volatile.deletions.insert(token, deletion);
    if !in_flight {
        begin(agent, token, container);
    }
}

/// The ADD that the DELs of this sandbox waited for has ended.
pub(super) fn flight_over(agent: &mut Agent<'_>, container: &Name) {
    let waiting: Vec<Token> = agent
        .volatile
        .deletions
        .iter()
        .filter(|(_, d)| d.container.as_ref() == Some(container) && d.left.is_empty())
        .map(|(token, _)| *token)
        .collect();
    for token in waiting {
        begin(agent, token, container);
    }
}

fn begin(agent: &mut Agent<'_>, token: Token, container: &Name) {
    let keys: BTreeSet<Key> = agent
        .durable
        .records
        .keys()
        .filter(|key| key.container == *container)
        .cloned()
        .collect();
    if keys.is_empty() {
        agent.volatile.deletions.remove(&token);
        agent.emit(Effect::Reply(token, Outcome::Done));
        return;
    }
    if let Some(deletion) = agent.volatile.deletions.get_mut(&token) {
        deletion.left.clone_from(&keys);
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
