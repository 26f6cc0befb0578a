//! Fewer addresses than pods: a /26, every placement, and churn at full occupancy.

use std::{
    collections::BTreeSet,
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use anyhow::{Result, ensure};
use futures::{StreamExt as _, TryStreamExt as _, future, stream};
use landfall_sim::dice::Dice;
use serde_json::json;

use crate::{
    free::{self, Stretch},
    life::{Attached, Ended},
    report::Report,
    world::{AT_ONCE, World},
};

const NETWORK: &str = "tight";
const SUBNET: &str = "10.99.0.0/26";
/// The usable addresses of that subnet.
const USABLE: usize = 62;
/// Pods that wait at any time.
const WAITING: usize = 8;
/// How long a released address must rest, by default (`reuseDelay.minimum`).
const REST: Duration = Duration::from_secs(1);
/// How long a pod stays attached, in milliseconds: at least, and so much more.
const STAY: [usize; 2] = [4_000, 8_000];

/// Measures placements, and churn for so long.
pub(crate) async fn measure(world: &World, time: Duration) -> Result<Report> {
    let mut report = Report::default();
    world
        .cluster
        .network(NETWORK, &json!({"cidr": SUBNET}))
        .await?;
    // All on one node, then as many nodes as there are.
    for (place, step) in [0, 1].into_iter().enumerate() {
        let used = place_all(world, place, step).await?;
        ensure!(used == USABLE, "{used} of {USABLE} addresses are in use");
        report.count("placement", used);
    }
    eprintln!("  all addresses on one node, and on all: done");
    let end = world.now().saturating_add(time);
    let next = AtomicUsize::new(0);
    let workers = (0..USABLE.saturating_add(WAITING)).map(|seed| churn(world, end, seed, &next));
    let lives: Vec<Ended> = future::try_join_all(workers).await?.concat();
    world.cluster.end_network(NETWORK).await?;
    judge(&lives, world.now(), &mut report);
    Ok(report)
}

/// As many pods as there are addresses, each so many nodes after the one before. Returns how many
/// addresses they use at once.
async fn place_all(world: &World, place: usize, step: usize) -> Result<usize> {
    let pods = stream::iter(0..USABLE)
        .map(|index| async move {
            let name = format!("place-{place}-{index}");
            let created = world.create(name, NETWORK).await?;
            world.attach(created, index.saturating_mul(step)).await
        })
        .buffer_unordered(USABLE);
    let pods: Vec<Attached> = pods.try_collect().await?;
    let used: BTreeSet<_> = pods.iter().map(|pod| pod.address).collect();
    let ended = stream::iter(pods)
        .map(|pod| world.end(pod))
        .buffer_unordered(AT_ONCE);
    ended.try_collect::<Vec<_>>().await?;
    Ok(used.len())
}

/// One pod after another, each on another node.
async fn churn(
    world: &World,
    end: Duration,
    seed: usize,
    next: &AtomicUsize,
) -> Result<Vec<Ended>> {
    let mut dice = Dice::new(u64::try_from(seed)?);
    let mut lives = Vec::new();
    while world.now() < end {
        let number = next.fetch_add(1, Ordering::Relaxed);
        let created = world.create(format!("churn-{number}"), NETWORK).await?;
        let attached = world.attach(created, dice.below(world.nodes.len())).await?;
        let [least, more] = STAY;
        let stay = least.saturating_add(dice.below(more));
        tokio::time::sleep(Duration::from_millis(u64::try_from(stay)?)).await;
        lives.push(world.end(attached).await?);
        if number.is_multiple_of(500) {
            eprintln!("  {number} pods");
        }
    }
    Ok(lives)
}

fn judge(lives: &[Ended], end: Duration, report: &mut Report) {
    let addresses = free::by_address(lives);
    let stretches = addresses
        .values()
        .map(|lives| free::stretches(lives, REST, end));
    let stretches = stretches.collect::<Vec<_>>().concat();
    for life in lives {
        let wait = Stretch {
            from: life.bound,
            to: life.granted,
        };
        report.time("wait", life.granted.saturating_sub(life.bound));
        report.time("wait-beside-free", free::beside_one(wait, &stretches));
    }
    for lives in addresses.values() {
        for reuse in free::reuses(lives, REST) {
            report.time("reuse", reuse.took);
        }
    }
    report.count("addresses", addresses.len());
}
