//! Pods that come and go one by one at a steady rate, with addresses for all.

use std::{sync::Arc, time::Duration};

use anyhow::Result;
use serde_json::json;
use tokio::{
    task::JoinSet,
    time::{self, MissedTickBehavior},
};

use crate::{life::Ended, report::Report, world::World};

const NETWORK: &str = "wide";
const SUBNET: &str = "10.100.0.0/16";
/// How long a pod stays.
const STAY: Duration = Duration::from_secs(5);

/// So many pods, so many a second. `plain`: they ask for no network, and nothing of ours is in their lives.
pub(crate) async fn measure(
    world: &Arc<World>,
    pods: u16,
    a_second: u16,
    plain: bool,
) -> Result<Report> {
    if !plain {
        world
            .cluster
            .network(NETWORK, &json!({"cidr": SUBNET}))
            .await?;
    }
    let mut ticks = time::interval(Duration::from_secs(1) / u32::from(a_second));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut lives = JoinSet::new();
    for index in 0..usize::from(pods) {
        ticks.tick().await;
        lives.spawn(live(Arc::clone(world), index, plain));
    }
    let mut report = Report::default();
    while let Some(life) = lives.join_next().await {
        match life?? {
            Some(life) => report.time("wait", life.granted.saturating_sub(life.bound)),
            None => report.count("plain", 1),
        }
    }
    if !plain {
        world.cluster.end_network(NETWORK).await?;
    }
    Ok(report)
}

async fn live(world: Arc<World>, index: usize, plain: bool) -> Result<Option<Ended>> {
    if plain {
        let (name, node) = (format!("plain-{index}"), world.node(index)?);
        world.cluster.pod(&name, None).await?;
        world.cluster.bind(&name, &node.name).await?;
        world.cluster.running(&name).await?;
        time::sleep(STAY).await;
        world.cluster.delete(&name).await?;
        world.cluster.remove(&name).await?;
        return Ok(None);
    }
    let created = world.create(format!("{NETWORK}-{index}"), NETWORK).await?;
    let attached = world.attach(created, index).await?;
    time::sleep(STAY).await;
    world.end(attached).await.map(Some)
}
