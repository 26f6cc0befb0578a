//! What a start finds in its records and not in the kernel.

use std::collections::BTreeSet;

use landfall_core::agent::{Key, Phase};
use landfall_link::{Chain, Socket, list};
use tokio::task::spawn_blocking;

use crate::{
    engine::Input,
    records::Entry,
    scan::{Roots, Scan, ScanError},
    server::Server,
};

/// Detaches what is gone, or is no longer ours, though its sandbox lives: a pod with NET_ADMIN may have
/// removed it while nobody looked. Before the first ADD, which would make such a link anew.
///
/// A record whose sandbox is nowhere is the sweep's, which looks twice. A PENDING one is left by a crash:
/// the runtime, which got no answer, calls ADD or DEL again. A link whose parent is gone went with it, and
/// is made anew when the parent is back.
pub async fn compare(server: &Server) {
    detach_lost(server).await;
    server.engine.tell(Input::Compared);
}

async fn detach_lost(server: &Server) {
    let records = server.records();
    let roots = server.roots.clone();
    let lost = spawn_blocking(move || lost(&records, &roots)).await;
    let lost = match lost {
        Ok(Ok(lost)) => lost,
        Ok(Err(error)) => {
            tracing::warn!(
                "records are not compared with the kernel: {}",
                Chain(&error)
            );
            return;
        }
        Err(error) => {
            tracing::error!(%error, "records are not compared with the kernel");
            return;
        }
    };
    for Key {
        container,
        interface,
    } in lost
    {
        tracing::warn!(%container, %interface, "the link is gone though its sandbox lives: detaching");
        if let Err(error) = server.del(container, Some(interface), None).await {
            tracing::warn!("{error}");
        }
    }
}

fn lost(records: &[Entry], roots: &Roots) -> Result<BTreeSet<Key>, ScanError> {
    let mut lost = BTreeSet::new();
    if records.is_empty() {
        return Ok(lost);
    }
    let scan = Scan::all(roots)?;
    let parents = parents()?;
    let active = records
        .iter()
        .filter(|entry| entry.record.phase == Phase::Active);
    for (entry, facts) in active.filter_map(|entry| Some((entry, entry.facts.as_ref()?))) {
        let device = facts.device();
        if !parents.contains(&facts.parent) {
            continue;
        }
        if let Some(found) = scan.devices_of(facts.cookie)
            && !found?.iter().any(|found| device.is(found))
        {
            lost.insert(entry.key.clone());
        }
    }
    Ok(lost)
}

/// The indexes of the node's links.
fn parents() -> Result<BTreeSet<u32>, ScanError> {
    let mut socket = Socket::open().map_err(ScanError::Socket)?;
    let links = list(&mut socket)?;
    Ok(links.iter().map(|link| link.index).collect())
}
