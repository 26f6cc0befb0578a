//! Versions of the node's own object.

use super::{Durable, Effect, Snapshot, restore, step::Agent};

/// What to do with a version.
enum Verdict {
    Take,
    /// Only a quorum read can tell.
    Read,
    /// The cluster's state has gone back, and nobody has announced it.
    Suspect,
    Ignore,
}

/// Takes a version, unless it is older than what was seen. An object of another UID (deleted and
/// made again) counts only from a quorum read; the released set is kept over it. So does a new epoch,
/// under which nothing counts that was granted or released before.
pub(super) fn observe(agent: &mut Agent<'_>, snapshot: Snapshot, quorum: bool) {
    match judge(agent.durable, &snapshot, quorum) {
        Verdict::Take => take(agent, snapshot, quorum),
        Verdict::Read => agent.emit(Effect::ReadSpec),
        Verdict::Suspect => {
            if !agent.durable.restore_suspected {
                agent.durable.restore_suspected = true;
                agent.emit(Effect::SaveSuspicion);
                agent.emit(Effect::Publish);
            }
        }
        Verdict::Ignore => {}
    }
}

/// Whether a version would be taken now.
pub fn accepts(durable: &Durable, snapshot: &Snapshot, quorum: bool) -> bool {
    match judge(durable, snapshot, quorum) {
        Verdict::Take => true,
        Verdict::Read | Verdict::Suspect | Verdict::Ignore => false,
    }
}

/// A watch or a list may be late; a quorum read that shows less than was seen is not.
fn judge(durable: &Durable, snapshot: &Snapshot, quorum: bool) -> Verdict {
    let Some(known) = &durable.snapshot else {
        return Verdict::Take;
    };
    let same = known.uid == snapshot.uid;
    let is_older = snapshot.epoch < known.epoch || same && snapshot.generation < known.generation;
    let is_new = snapshot.epoch > known.epoch;
    if (is_new || is_older || !same) && !quorum {
        Verdict::Read
    } else if is_new {
        Verdict::Take
    } else if is_older {
        Verdict::Suspect
    } else if durable.restore_suspected {
        Verdict::Ignore
    } else {
        Verdict::Take
    }
}

fn take(agent: &mut Agent<'_>, snapshot: Snapshot, quorum: bool) {
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
    let known = agent.durable.snapshot.as_ref();
    let is_new_epoch = known.map_or(0, |known| known.epoch) < snapshot.epoch;
    if is_new_epoch {
        // Before the version lies in /run: an agent that dies in between must not find the epoch known and
        // suspect it for ever.
        restore::trust(agent);
    }
    let known = agent.durable.snapshot.as_ref();
    if known != Some(&snapshot) {
        agent.durable.snapshot = Some(snapshot);
        agent.emit(Effect::SaveSnapshot);
    }
    // After the version without the grant lies in /run: an agent that dies in between must not find the
    // grant there and its release forgotten. What was recalled says so itself; a conflict does not.
    prune(agent);
    if is_new_epoch {
        restore::adopt(agent);
    }
    if ours {
        restore::renew(agent);
    }
}

/// Forgets an acknowledgement once one version showed it in `status.released` and in neither
/// `grants` nor `recalls` (invariant 2b: never while the ledger may still hold it).
fn prune(agent: &mut Agent<'_>) {
    let Some(snapshot) = &agent.durable.snapshot else {
        return;
    };
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
