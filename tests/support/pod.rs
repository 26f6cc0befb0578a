//! What pods show: readiness, Events, the network status.

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::{cluster::Cluster, manifest::NETWORK_STATUS, wait};

/// A pod takes 2 s; a node of User-Mode Linux needs 7 s, and more when others start too.
pub const START_SECONDS: u64 = 90;

/// The text at a JSON pointer, or nothing.
pub fn text<'a>(object: &'a Value, pointer: &str) -> &'a str {
    let value = object.pointer(pointer);
    value.and_then(Value::as_str).unwrap_or_default()
}

/// A condition of an object: (status, reason, message).
pub fn condition<'a>(object: &'a Value, kind: &str) -> Option<(&'a str, &'a str, &'a str)> {
    let conditions = object.pointer("/status/conditions")?.as_array()?;
    let condition = conditions.iter().find(|one| text(one, "/type") == kind)?;
    Some((
        text(condition, "/status"),
        text(condition, "/reason"),
        text(condition, "/message"),
    ))
}

/// Waits until all these pods are Ready.
pub fn ready(cluster: &Cluster, namespace: &str, pods: &[&str]) -> Result<()> {
    ready_within(cluster, namespace, pods, START_SECONDS)
}

/// Waits until all these pods are Ready, at most so long.
pub fn ready_within(cluster: &Cluster, namespace: &str, pods: &[&str], seconds: u64) -> Result<()> {
    let timeout = format!("--timeout={seconds}s");
    let words = ["wait", "-n", namespace, "--for=condition=Ready", &timeout];
    let names: Vec<_> = pods.iter().map(|pod| format!("pod/{pod}")).collect();
    let names: Vec<_> = names.iter().map(String::as_str).collect();
    cluster.kubectl(&[&words, names.as_slice()].concat())?;
    Ok(())
}

/// Fails if a pod is Ready.
pub fn not_ready(cluster: &Cluster, namespace: &str, name: &str) -> Result<()> {
    let pod = cluster.get(&["pod", "-n", namespace, name])?;
    match condition(&pod, "Ready") {
        Some(("True", ..)) => bail!("pod {name} is Ready"),
        _ => Ok(()),
    }
}

/// The Events of a pod: (reason, message).
pub fn events(cluster: &Cluster, namespace: &str, name: &str) -> Result<Vec<(String, String)>> {
    let selector = format!("involvedObject.name={name}");
    let events = cluster.items(&["events", "-n", namespace, "--field-selector", &selector])?;
    let pair = |event: &Value| {
        (
            text(event, "/reason").to_owned(),
            text(event, "/message").to_owned(),
        )
    };
    Ok(events.iter().map(pair).collect())
}

/// Waits for an Event of a pod whose message holds some text; returns the message.
pub fn event(
    cluster: &Cluster,
    namespace: &str,
    pod: &str,
    reason: &str,
    holds: &str,
) -> Result<String> {
    let what = format!("pod {pod} has an Event {reason} with {holds:?}");
    wait::until(&what, 40, || {
        let events = events(cluster, namespace, pod)?;
        let mut matching = events.iter();
        let found = matching.find(|(of, message)| of == reason && message.contains(holds));
        match found {
            Some((_, message)) => Ok(message.clone()),
            None => bail!("only {events:?}"),
        }
    })
}

/// The network status of a pod, once it is there.
pub fn network_status(cluster: &Cluster, namespace: &str, name: &str) -> Result<Vec<Value>> {
    wait::until(&format!("pod {name} shows its network status"), 15, || {
        let pod = cluster.get(&["pod", "-n", namespace, name])?;
        let annotations = pod.pointer("/metadata/annotations");
        let status = annotations.and_then(|all| all.get(NETWORK_STATUS)?.as_str());
        let status = status.with_context(|| format!("no annotation {NETWORK_STATUS}"))?;
        serde_json::from_str(status).context("the network status is no list")
    })
}
