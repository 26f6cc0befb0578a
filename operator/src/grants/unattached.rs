//! Pods that run without an interface that they were granted: their runtime did not call the plugin
//! when it started them. Nothing else tells of it, for the pod looks well.

use std::collections::{BTreeMap, BTreeSet};

use landfall_core::{id::Uid, ledger::Millis};

use super::Shell;

/// How long a pod may run without its interface. An agent reports an attachment within a second; one
/// that has just started may need a few.
const PATIENCE: Millis = 10_000;

/// Since when pods run without an interface; `None` once that was told.
#[derive(Debug, Default)]
pub(crate) struct Unattached(BTreeMap<Uid, Option<Millis>>);

// === impl Shell ===

impl Shell {
    /// Looks at owners whose pod or attachments changed, and tells of those that have waited for long.
    /// Returns when it wants to be called again.
    pub(super) fn tell_unattached(
        &mut self,
        changed: &BTreeSet<Uid>,
        now: Millis,
    ) -> Option<Millis> {
        let since = &mut self.unattached.0;
        for owner in changed {
            if self.world.unattached(*owner).is_some() {
                since.entry(*owner).or_insert(Some(now));
            } else {
                since.remove(owner);
            }
        }
        let mut next = None;
        for (owner, since) in since {
            let Some(began) = *since else { continue };
            let mut due = began.saturating_add(PATIENCE);
            if due <= now {
                if self.world.is_heard(*owner)
                    && let Some(notice) = self.world.unattached(*owner)
                {
                    self.events.tell(notice);
                    *since = None;
                    continue;
                }
                // Its agent is away, and nobody says what is attached there.
                *since = Some(now);
                due = now.saturating_add(PATIENCE);
            }
            next = Some(next.map_or(due, |at: Millis| at.min(due)));
        }
        next
    }
}
