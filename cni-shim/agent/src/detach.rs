//! Removes an attachment's link, wherever its namespace is found.

use std::{path::Path, sync::Arc};

use landfall_core::agent::Event;
use landfall_link::{Chain, DetachError, Detached, Netns, detach};

use crate::{execute::DetachJob, scan::Scan};

/// Removes the link; says `Gone` only if the kernel did.
pub fn remove(job: DetachJob, netns_dir: &Path) -> Event {
    let device = job.facts.device();
    let Some(netns) = find(&job, netns_dir) else {
        // Not found is not gone: a process may hold it where we don't look. The runtime tears it
        // down after DEL has returned, and the sweep asks again.
        return Event::NotGone {
            key: job.key,
            why: format!(
                "its network namespace {} can't be found",
                job.facts.netns.display()
            ),
            left_to_kernel: true,
        };
    };
    match detach(&netns, &device) {
        Ok(Detached::Removed | Detached::Absent) => Event::Gone(job.key),
        Ok(Detached::Foreign(found)) => {
            tracing::warn!(
                container = %job.key.container, interface = %found.name,
                "another link has the attachment's name; it stays, and ours is gone"
            );
            Event::Gone(job.key)
        }
        Err(error) => Event::NotGone {
            why: Chain(&error).to_string(),
            // With the namespace open but not entered, the kernel removes the link with it.
            left_to_kernel: matches!(error, DetachError::Netns(_)),
            key: job.key,
        },
    }
}

/// The namespace with the attachment's cookie: the one that somebody has open, the one at the path
/// where it was, or any other place.
fn find(job: &DetachJob, netns_dir: &Path) -> Option<Arc<Netns>> {
    let cookie = job.facts.cookie;
    let is_it = |netns: &Netns| netns.cookie().is_ok_and(|found| found.0 == cookie);
    if let Some(brought) = job.netns.as_ref().filter(|netns| is_it(netns)) {
        return Some(Arc::clone(brought));
    }
    let at_its_place = Netns::open(&job.facts.netns).ok().filter(is_it);
    at_its_place
        .or_else(|| search(netns_dir, cookie))
        .map(Arc::new)
}

fn search(netns_dir: &Path, cookie: u64) -> Option<Netns> {
    match Scan::all(netns_dir) {
        Ok(scan) => scan.take(cookie),
        Err(error) => {
            tracing::warn!("a namespace is searched in vain: {}", Chain(&error));
            None
        }
    }
}
