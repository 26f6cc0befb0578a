//! As many pods as there are addresses, all at once.

use std::{collections::BTreeSet, time::Duration};

use anyhow::{Result, ensure};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use serde_json::json;

use crate::{
    report::Report,
    world::{AT_ONCE, World},
};

const NETWORK: &str = "exact";

/// Measures from the first bind to the last grant that a node sees, and that each address was given once.
pub(crate) async fn measure(world: &World, addresses: u16) -> Result<Report> {
    let last = std::net::Ipv4Addr::from(0x0a62_0000_u32.saturating_add(addresses.into()));
    let ranges = json!([{"from": "10.98.0.1", "to": last.to_string()}]);
    let subnet = json!({"cidr": "10.98.0.0/16", "ranges": ranges});
    world.cluster.network(NETWORK, &subnet).await?;
    let count = usize::from(addresses);
    let created = world.create_all(count, NETWORK).await?;
    eprintln!("  {count} pods for {count} addresses");
    let (mut report, first) = (Report::default(), world.now());
    let attached = stream::iter(created.into_iter().enumerate())
        .map(|(index, created)| world.attach(created, index))
        .buffer_unordered(count);
    let attached: Vec<_> = attached.try_collect().await?;
    let used: BTreeSet<_> = attached.iter().map(|one| one.address).collect();
    ensure!(
        used.len() == count && world.grants.attached() == count,
        "{count} pods use {} addresses",
        used.len()
    );
    let granted = attached.iter().map(|one| one.granted).max();
    let bound = attached.iter().map(|one| one.bound).max();
    let since = |at: Option<Duration>| at.unwrap_or_default().saturating_sub(first);
    report.time("network-part", since(granted));
    report.time("binding", since(bound));
    report.count("addresses", used.len());
    for one in &attached {
        report.time("wait", one.granted.saturating_sub(one.bound));
    }
    let begun = world.now();
    let ended = stream::iter(attached)
        .map(|one| world.end(one))
        .buffer_unordered(AT_ONCE);
    let ended: Vec<_> = ended.try_collect().await?;
    eprintln!("  {} pods ended", ended.len());
    world.cluster.end_network(NETWORK).await?;
    report.time("end", world.now().saturating_sub(begun));
    Ok(report)
}
