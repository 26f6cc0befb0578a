//! Versions of the node's own object.

use super::{Effect, Snapshot, step::Agent};

/// Takes a version, unless it is older than what was seen. An object of another UID (deleted and
/// made again) counts only from a quorum read; the released set is kept over it.
pub(super) fn observe(agent: &mut Agent<'_>, snapshot: Snapshot, quorum: bool) {
    if let Some(known) = &agent.durable.snapshot {
        let same = known.uid == snapshot.uid;
        if same && snapshot.generation < known.generation {
            return;
        }
        if !same && !quorum {
            agent.emit(Effect::ReadSpec);
            return;
        }
    }
    // An object for another machine says nothing of what this one may serve.
    let ours = snapshot.machine == agent.volatile.machine;
    if quorum && ours && agent.volatile.cold && !agent.volatile.read {
        agent.volatile.read = true;
        // What was acknowledged before /run was lost stays acknowledged.
        agent
            .durable
            .released
            .extend(snapshot.status_released.iter().copied());
        agent.emit(Effect::SaveReleased);
    }
    prune(agent, &snapshot);
    if agent.durable.snapshot.as_ref() != Some(&snapshot) {
        agent.durable.snapshot = Some(snapshot);
        agent.emit(Effect::SaveSnapshot);
    }
}

/// Forgets an acknowledgement once one version showed it in `status.released` and in neither
/// `grants` nor `recalls` (invariant 2b: never while the ledger may still hold it).
fn prune(agent: &mut Agent<'_>, snapshot: &Snapshot) {
    let before = agent.durable.released.len();
    agent.durable.released.retain(|key| {
        let granted = snapshot
            .grants
            .iter()
            .any(|grant| grant.address == Some(*key));
        let shown = snapshot.status_released.contains(key);
        !shown || granted || snapshot.recalls.contains(key)
    });
    if agent.durable.released.len() != before {
        agent.emit(Effect::SaveReleased);
        agent.emit(Effect::Publish);
    }
}

/// What pruning waits for is ignored: an acknowledgement is forgotten as soon as the status shows it.
pub(super) fn prune_early(agent: &mut Agent<'_>) {
    if let Some(snapshot) = &agent.durable.snapshot {
        let shown = &snapshot.status_released;
        agent.durable.released.retain(|key| !shown.contains(key));
        agent.emit(Effect::SaveReleased);
    }
}
