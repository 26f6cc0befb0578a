//! Operators that end, well or badly: the other one goes on.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, bail, ensure};
use landfall_tests::{
    case::{self, Case},
    cluster::NodeKind,
    diagnosis::SYSTEM,
    pod::text,
    wait::until,
};
use serde_json::Value;

use crate::cluster;

/// The pod of the operator that leads.
fn leader() -> Result<String> {
    let lease = cluster().get(&["lease", "-n", SYSTEM, "landfall-operator"])?;
    let holder = text(&lease, "/spec/holderIdentity");
    let (pod, _) = holder.split_once('_').context("nobody leads")?;
    Ok(pod.to_owned())
}

fn operators() -> Result<Vec<Value>> {
    let labels = "app.kubernetes.io/name=landfall,app.kubernetes.io/component=operator";
    cluster().items(&["pods", "-n", SYSTEM, "-l", labels])
}

/// Sends a signal to an operator's process and returns when it was sent. Its container is asked by its
/// ID, so nothing else can be meant.
#[expect(clippy::disallowed_methods, reason = "the test's own clock")]
fn signal(pod: &str, signal: &str) -> Result<SystemTime> {
    let object = cluster().get(&["pod", "-n", SYSTEM, pod])?;
    let id = text(&object, "/status/containerStatuses/0/containerID");
    let id = id.strip_prefix("containerd://").context("no container")?;
    let node = text(&object, "/spec/nodeName");
    let words = [
        "ctr", "-n", "k8s.io", "task", "kill", "--signal", signal, id,
    ];
    let now = SystemTime::now();
    cluster().on_node(node, &words)?;
    Ok(now)
}

/// What an operator's metrics say of its leadership.
fn says(pod: &str) -> Result<bool> {
    let path = format!("/api/v1/namespaces/{SYSTEM}/pods/{pod}:9481/proxy/metrics");
    let text = cluster().kubectl(&["get", "--raw", &path])?;
    if text
        .lines()
        .any(|line| line == "landfall_operator_leader 1")
    {
        return Ok(true);
    }
    let waits = text
        .lines()
        .any(|line| line == "landfall_operator_leader 0");
    ensure!(waits, "no landfall_operator_leader in {text}");
    Ok(false)
}

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// The time of day of `2026-11-24T16:57:33.123456Z`.
fn time_of_day(stamp: &str) -> Result<Duration> {
    let time = stamp.split(['T', 'Z']).nth(1).context("no time")?;
    let mut seconds = 0.0;
    for part in time.split(':') {
        seconds = seconds * 60.0 + part.parse::<f64>()?;
    }
    Ok(Duration::from_secs_f64(seconds))
}

/// How long after that the ledger says that an address of this network was granted.
fn granted(case: &Case<'_>, network: &str, after: SystemTime) -> Result<Duration> {
    let network = cluster().get(&["mvn", network])?;
    let uid = text(&network, "/metadata/uid");
    let selector = format!("landfall.dev/segment={}", case.namespace);
    let blocks = cluster().items(&["addressblocks", "-l", &selector])?;
    let entries = blocks
        .iter()
        .filter_map(|block| block.pointer("/spec/entries")?.as_object());
    let mut entries = entries.flat_map(serde_json::Map::values);
    let entry =
        entries.find(|entry| text(entry, "/network") == uid && text(entry, "/state") == "Granted");
    let since = entry.context("nothing is granted")?;
    let at = time_of_day(text(since, "/since"))?;
    let day = DAY.as_secs_f64();
    let after = after.duration_since(UNIX_EPOCH)?.as_secs_f64() % day;
    Ok(Duration::from_secs_f64(
        (at.as_secs_f64() - after).rem_euclid(day),
    ))
}

/// Waits until two operators run, one of which leads, and says so.
fn settled() -> Result<(String, String)> {
    until("one operator leads and another waits", 90, || {
        let leader = leader()?;
        let operators = operators()?;
        let ready = |pod: &&Value| {
            let statuses = pod.pointer("/status/containerStatuses/0/ready");
            statuses.and_then(Value::as_bool) == Some(true)
        };
        let ready: Vec<_> = operators.iter().filter(ready).collect();
        let names: Vec<_> = ready
            .iter()
            .map(|pod| text(pod, "/metadata/name"))
            .collect();
        let other = names.iter().find(|name| **name != leader);
        let (Some(other), true) = (other, names.contains(&leader.as_str())) else {
            bail!("{leader} leads, ready are {names:?}");
        };
        ensure!(says(&leader)?, "{leader} does not know that it leads");
        ensure!(!says(other)?, "{other} believes that it leads too");
        Ok((leader, (*other).to_owned()))
    })
}

/// A pod asks for an address at the moment when the leader gets the signal: who grants it, and how long
/// after.
fn next_grant(case: &Case<'_>, name: &str) -> Result<(String, Duration)> {
    let nodes = cluster().nodes(NodeKind::Namespace, 1)?;
    let network = case.ready_network("MacvlanNetwork", name, &case.part("eth1", 10, 20))?;
    let (before, other) = settled()?;
    let sent = signal(&before, name)?;
    case.pod(name, &nodes[0], &network)?;
    let took = until("the next grant", 30, || granted(case, &network, sent))?;
    case.ready(&[name])?;
    let after = leader()?;
    ensure!(after == other, "{after} leads, not {other}");
    let (after, _) = settled()?;
    ensure!(after == other, "{after} leads, not {other}");
    Ok((before, took))
}

#[test]
fn the_other_operator_takes_over_when_the_leader_is_killed() -> Result<()> {
    case::alone(cluster(), "killed", |case| {
        let (_, took) = next_grant(case, "sigkill")?;
        println!(
            "next grant {} ms after kill -9 of the leader",
            took.as_millis()
        );
        Ok(())
    })
}

#[test]
fn a_leader_that_ends_hands_over() -> Result<()> {
    case::alone(cluster(), "ends", |case| {
        let (ended, took) = next_grant(case, "sigterm")?;
        println!(
            "next grant {} ms after SIGTERM of the leader",
            took.as_millis()
        );
        let pod = cluster().get(&["pod", "-n", SYSTEM, &ended])?;
        let last = pod.pointer("/status/containerStatuses/0/lastState/terminated");
        let last = last.context("the container did not end")?;
        ensure!(last["exitCode"] == 0, "{last}");
        Ok(())
    })
}
