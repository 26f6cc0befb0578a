//! The sweep's rounds, and the scan of a cold start.

use std::{sync::Arc, time::Duration};

use anyhow::Context as _;
use landfall_core::agent::Event;
use tokio::{task::spawn_blocking, time::sleep};

use super::Sweep;
use crate::{engine::Input, scan::Scan, server::Server};

/// How often the sweep looks.
const ROUND: Duration = Duration::from_secs(30);
/// After a scan that failed.
const RETRY: Duration = Duration::from_secs(2);

/// The scan that a cold start needs; a warm one has no use for it.
pub async fn first_scan(server: Arc<Server>) {
    while server.published.borrow().cold {
        match scan_strangers(&server).await {
            Ok(()) => return,
            Err(error) => tracing::warn!("the network namespaces can't be scanned: {error:#}"),
        }
        sleep(RETRY).await;
    }
}

/// Sweeps. Does not end.
pub async fn rounds(server: Arc<Server>) {
    let mut sweep = Sweep::default();
    loop {
        sleep(ROUND).await;
        server.engine.tell(Input::Retry);
        match round(&server, sweep).await {
            Ok(after) => sweep = after,
            Err(error) => {
                tracing::warn!("the sweep saw nothing: {error:#}");
                sweep = Sweep::default();
            }
        }
    }
}

async fn round(server: &Server, mut sweep: Sweep) -> anyhow::Result<Sweep> {
    let records = server.records();
    let roots = server.roots.clone();
    let looked = spawn_blocking(move || {
        let gone = sweep.observe(&records, &roots);
        gone.map(|gone| (sweep, gone))
    });
    let (sweep, gone) = looked.await??;
    for container in gone {
        tracing::info!(%container, "its sandbox is gone, or its DEL is not finished: detaching");
        if let Err(error) = server.del(container, None, None).await {
            tracing::warn!("{error}");
        }
    }
    if !server.published.borrow().blocked.is_empty() {
        scan_strangers(server)
            .await
            .context("blocked addresses stay blocked")?;
    }
    Ok(sweep)
}

/// A device may come or go while we look: it is a stranger if neither the records before nor those
/// after explain it.
async fn scan_strangers(server: &Server) -> anyhow::Result<()> {
    let mut records = server.records();
    let roots = server.roots.clone();
    let devices = spawn_blocking(move || Scan::all(&roots)?.devices()).await??;
    records.extend(server.records());
    let strangers = devices.strangers(&records);
    if !strangers.is_empty() {
        tracing::warn!(
            ?strangers,
            "interfaces that no record explains have these addresses"
        );
    }
    server.engine.tell(Input::Event(Event::Scanned(strangers)));
    Ok(())
}
