//! How long the agents took: from the histogram of their requests.

use std::{collections::BTreeMap, time::Duration};

use anyhow::Result;
use landfall_tests::cluster::Cluster;

use crate::node;

/// Where an agent serves its metrics, on its node.
const METRICS: &str = "http://127.0.0.1:9480/metrics";
/// Histogram of the plugin's requests, from connect to answer.
const HISTOGRAM: &str = "landfall_agent_request_duration_seconds";

/// Of one node, since its agent started: seconds in all, and how many ADDs.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Adds {
    seconds: f64,
    count: f64,
}

/// By node.
pub(crate) type Times = BTreeMap<String, Adds>;

/// What all agents say now.
pub(crate) fn times(cluster: &Cluster) -> Result<Times> {
    let nodes = node::all().into_iter().map(|node| {
        let text = cluster.on_node(&node.name, &["curl", "-sf", METRICS])?;
        Ok((node.name, adds(&text)))
    });
    nodes.collect()
}

/// Adds up the ADDs that went well.
fn adds(metrics: &str) -> Adds {
    let sum = |suffix: &str| {
        let name = format!("{HISTOGRAM}{suffix}{{");
        let lines = metrics.lines().filter(|line| {
            line.starts_with(&name)
                && line.contains("verb=\"ADD\"")
                && line.contains("outcome=\"done\"")
        });
        lines
            .filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok())
            .sum()
    };
    Adds {
        seconds: sum("_sum"),
        count: sum("_count"),
    }
}

/// The mean of a node's ADDs between two looks; `None` if there was none.
pub(crate) fn mean(before: &Times, after: &Times, node: &str) -> Option<Duration> {
    let [before, after] = [before, after].map(|times| times.get(node).copied().unwrap_or_default());
    let mean = (after.seconds - before.seconds) / (after.count - before.count);
    Duration::try_from_secs_f64(mean).ok()
}

#[cfg(test)]
mod tests;
