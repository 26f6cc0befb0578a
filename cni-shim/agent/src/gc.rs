//! The sweep: attachments whose sandbox is gone though nobody called DEL, and DELs that could not be
//! finished.

use std::collections::BTreeSet;

use landfall_core::{agent::Phase, id::Name};

use crate::{
    records::Entry,
    scan::{Roots, Scan, ScanError},
};

mod compare;
mod rounds;

pub use compare::compare;
pub use rounds::{first_scan, rounds};

/// What the sweep remembers from one time to the next.
#[derive(Debug, Default)]
pub struct Sweep {
    suspects: BTreeSet<Name>,
}

// === impl Sweep ===

impl Sweep {
    /// Looks at all namespaces; returns the sandboxes to detach.
    pub fn observe(
        &mut self,
        records: &[Entry],
        roots: &Roots,
    ) -> Result<BTreeSet<Name>, ScanError> {
        if records.is_empty() {
            self.suspects.clear();
            return Ok(BTreeSet::new());
        }
        let scan = Scan::all(roots)?;
        Ok(self.judge(records, |cookie| scan.has(cookie)))
    }

    /// A sandbox is given up on the second observation in a row: a namespace that is being made or
    /// handed over may be in no place where we look for a moment. The same for a removal that was left
    /// to the kernel or failed.
    pub fn judge(&mut self, records: &[Entry], is_alive: impl Fn(u64) -> bool) -> BTreeSet<Name> {
        let suspects: BTreeSet<Name> = records
            .iter()
            .filter(|entry| {
                let alive = entry
                    .facts
                    .as_ref()
                    .is_some_and(|facts| is_alive(facts.cookie));
                !alive || entry.record.phase == Phase::Detaching
            })
            .map(|entry| entry.key.container.clone())
            .collect();
        let given_up = suspects.intersection(&self.suspects).cloned().collect();
        self.suspects = suspects;
        given_up
    }
}

#[cfg(test)]
mod tests;
