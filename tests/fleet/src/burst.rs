//! Many pods on many nodes that wait for one network, which then opens.

use std::{sync::Arc, time::Duration};

use anyhow::Result;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use serde_json::json;
use tokio::time;

use crate::{
    report::Report,
    world::{AT_ONCE, World},
};

const NETWORK: &str = "burst";
const SUBNET: &str = "10.101.0.0/16";
/// After the last bind, until the operator has told every pod that it waits.
const CALM: Duration = Duration::from_secs(10);

/// Measures the grants from the network's opening until the last node has seen its last.
pub(crate) async fn measure(world: &Arc<World>, pods: u16) -> Result<Report> {
    let (count, mut report) = (usize::from(pods), Report::default());
    world
        .cluster
        .network(NETWORK, &json!({"cidr": SUBNET}))
        .await?;
    world.cluster.pause(NETWORK, true).await?;
    let created = world.create_all(count, NETWORK).await?;
    let bound = stream::iter(created.into_iter().enumerate())
        .map(|(index, created)| world.bind(created, index))
        .buffer_unordered(AT_ONCE);
    let bound: Vec<_> = bound.try_collect().await?;
    eprintln!("  {count} pods wait");
    time::sleep(CALM).await;
    let opened = world.now();
    world.cluster.pause(NETWORK, false).await?;
    let granted = stream::iter(bound)
        .map(|bound| world.granted(bound))
        .buffer_unordered(count);
    let granted: Vec<_> = granted.try_collect().await?;
    for one in &granted {
        report.time("wait", one.granted.saturating_sub(opened));
    }
    let last = granted.iter().map(|one| one.granted).max();
    let took = last.unwrap_or_default().saturating_sub(opened);
    report.add("rate", f64::from(pods) / took.as_secs_f64());
    let ended = stream::iter(granted)
        .map(|one| world.end(one))
        .buffer_unordered(AT_ONCE);
    ended.try_collect::<Vec<_>>().await?;
    world.cluster.end_network(NETWORK).await?;
    Ok(report)
}
