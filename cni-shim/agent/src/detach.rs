//! Removes an attachment's link, wherever its namespace is found.

use std::{path::Path, sync::Arc, thread, time::Duration};

use landfall_core::{agent::Event, link::Device};
use landfall_link::{Chain, DetachError, Detached, Netns, Socket, detach, detach_by_number};

use crate::{
    execute::{DetachJob, Gate},
    records::Facts,
    scan::{Roots, Scan},
};

/// A namespace that ends loses its number first and its links up to 0.2 s later.
const DYING: Duration = Duration::from_millis(500);

/// Removes the link; says `Gone` only if the kernel did.
pub(crate) fn remove(job: DetachJob, roots: &Roots, gate: &Gate) -> Event {
    let device = job.facts.device();
    let found = find(&job.facts, job.netns.as_ref(), roots);
    let detached = match (found, job.facts.number) {
        (Some(netns), _) => {
            let _pass = gate.remove();
            detach(&netns, &device)
        }
        (None, Some(number)) => by_number(number, &device, gate),
        // Not found is not gone: a process may hold it where we don't look. The runtime tears it down
        // after DEL has returned, and the sweep asks again.
        (None, None) => {
            let netns = job.facts.netns.display();
            return Event::NotGone {
                why: format!("its network namespace {netns} can't be found"),
                left_to_kernel: true,
                key: job.key,
            };
        }
    };
    match detached {
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
            // A namespace that can't be entered takes the link with it when it ends.
            left_to_kernel: matches!(error, DetachError::Netns(_)),
            key: job.key,
        },
    }
}

fn by_number(number: i32, device: &Device, gate: &Gate) -> Result<Detached, DetachError> {
    let mut socket = Socket::open().map_err(|source| DetachError::Remove {
        name: device.name.clone(),
        source,
    })?;
    let pass = gate.remove();
    let detached = detach_by_number(&mut socket, number, device)?;
    drop(pass);
    if detached == Detached::Absent {
        thread::sleep(DYING);
    }
    Ok(detached)
}

/// The namespace with the attachment's cookie: the one that somebody has open, the one at the path
/// where it was, or any other place.
pub(crate) fn find(facts: &Facts, open: Option<&Arc<Netns>>, roots: &Roots) -> Option<Arc<Netns>> {
    let cookie = facts.cookie;
    let is_it = |netns: &Netns| netns.cookie().is_ok_and(|found| found.0 == cookie);
    if let Some(open) = open.filter(|netns| is_it(netns)) {
        return Some(Arc::clone(open));
    }
    at_its_place(&facts.netns, roots)
        .filter(is_it)
        .or_else(|| search(roots, cookie))
        .map(Arc::new)
}

/// Runtimes say `/var/run/netns`, which is no name in our container.
pub(crate) fn at_its_place(path: &Path, roots: &Roots) -> Option<Netns> {
    let here = roots.netns_dir.join(path.file_name()?);
    Netns::open(&here).or_else(|_| Netns::open(path)).ok()
}

fn search(roots: &Roots, cookie: u64) -> Option<Netns> {
    match Scan::all(roots) {
        Ok(scan) => scan.take(cookie),
        Err(error) => {
            tracing::warn!("a namespace is searched in vain: {}", Chain(&error));
            None
        }
    }
}
