//! The auditor's rounds: what contradicts the protocol is measured, and told to administrators if it
//! lasts.

use std::collections::BTreeMap;

use landfall_core::ledger::{
    Finding, Millis, Subject,
    audit::{Attached, audit},
};

use super::Shell;
use crate::{
    events::{Notice, Regarding},
    world::World,
};

/// Between two looks at everything.
const PERIOD: Millis = 5_000;
/// How long a finding must last: what is only in transit between two objects is gone by then, and so
/// is what the operator puts right.
const LASTS: Millis = 5_000;
/// The most sentences that are told of one look: if everything is broken, a few tell it.
const TOLD: usize = 50;
/// The invariants that a state alone can show (`landfall_core::ledger::audit`).
const INVARIANTS: [u8; 8] = [2, 3, 4, 5, 6, 7, 9, 10];

/// What was found, and since when.
#[derive(Debug, Default)]
pub(crate) struct Auditor {
    /// The last look.
    last: Option<Millis>,
    /// Something was decided since.
    is_due: bool,
    since: BTreeMap<Finding, Millis>,
}

// === impl Shell ===

impl Shell {
    /// Something may have changed.
    pub(super) fn audit_is_due(&mut self) {
        self.auditor.is_due = true;
    }

    /// Looks at everything, if something has changed, or was found, and the last look was a while
    /// ago. Returns when it wants to be called again.
    pub(super) fn audit(&mut self, now: Millis) -> Option<Millis> {
        if self.world.is_restored() {
            // The objects are those of a backup, and contradict each other as they may.
            self.auditor.since.clear();
            return None;
        }
        let auditor = &mut self.auditor;
        if !auditor.is_due && auditor.since.is_empty() {
            return None;
        }
        let next = auditor.last.map_or(now, |last| last.saturating_add(PERIOD));
        if now < next {
            return Some(next);
        }
        auditor.last = Some(now);
        auditor.is_due = false;
        let findings = audit(&self.world.view, &attached(&self.world));
        auditor.since.retain(|known, _| findings.contains(known));
        for finding in findings {
            auditor.since.entry(finding).or_insert(now);
        }
        let lasting = auditor
            .since
            .iter()
            .filter(|(_, since)| since.saturating_add(LASTS) <= now)
            .map(|(finding, _)| finding);
        let mut counts: BTreeMap<u8, i64> = INVARIANTS.map(|number| (number, 0)).into();
        for (index, finding) in lasting.enumerate() {
            *counts.entry(finding.kind.invariant()).or_default() += 1;
            if index < TOLD {
                let about = object_of(&self.world, &finding.subject);
                self.events
                    .tell(Notice::inconsistent(about, &finding.message));
            }
        }
        for stranger in self.world.strangers() {
            *counts.entry(9).or_default() += 1;
            self.events.tell(stranger.clone());
        }
        let unread = self.world.unread();
        self.metrics
            .unreadable(unread.iter().map(|(kind, _)| *kind));
        for (_, notice) in unread.into_iter().take(TOLD) {
            self.events.tell(notice);
        }
        self.metrics.findings(&counts);
        (!self.auditor.since.is_empty()).then(|| now.saturating_add(PERIOD))
    }

    /// What a decision's writes have put right.
    pub(super) fn tell_repairs(&self, repairs: &[Finding]) {
        for finding in repairs.iter().take(TOLD) {
            let message = &finding.message;
            tracing::warn!(message, "an edit by hand was put right");
            let about = object_of(&self.world, &finding.subject);
            self.events.tell(Notice::repaired(about, message));
        }
    }
}

/// What all agents say is attached.
fn attached(world: &World) -> Attached {
    let objects = world.node_objects();
    let statuses =
        objects.filter_map(|(name, object)| Some((name.clone(), object.status.as_ref()?)));
    statuses
        .map(|(name, status)| {
            let keys = status.attached.iter().map(|key| (key.address, key.seq));
            (name, keys.collect())
        })
        .collect()
}

fn object_of(world: &World, subject: &Subject) -> Regarding {
    match subject {
        Subject::Block(id) => {
            let object = world.block_object(id);
            let uid = object.and_then(|object| object.metadata.uid.clone());
            Regarding::ours("AddressBlock", &id.object_name(), uid)
        }
        Subject::Node(name) => {
            let object = world.node_object(name);
            let uid = object.and_then(|object| object.metadata.uid.clone());
            Regarding::ours("LandfallNode", name.as_str(), uid)
        }
    }
}
