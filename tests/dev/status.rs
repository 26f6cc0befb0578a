//! What is up, for people and for programs.

use std::collections::BTreeMap;

use anyhow::Result;
use serde::Serialize;
use serde_json::Value;

use crate::{
    cluster,
    layout::{self, version},
    node, process,
};

/// `cargo dev status -o json`.
#[derive(Serialize)]
struct Status {
    kubeconfig: String,
    /// Of Kubernetes.
    version: &'static str,
    /// Whether the chart is.
    installed: bool,
    nodes: Vec<NodeStatus>,
    lan: Lan,
}

#[derive(Serialize)]
struct NodeStatus {
    name: String,
    kind: &'static str,
    /// `containerd 2.4.2`; empty until the node has told.
    runtime: String,
    address: String,
    /// Interfaces on the LAN.
    lan: [&'static str; 2],
    /// Whether it is switched on: a command can be run inside.
    power: bool,
    ready: bool,
}

#[derive(Serialize)]
struct Lan {
    name: &'static str,
    addresses: [&'static str; 4],
}

/// Name of the LAN host for `cargo dev node`.
pub(crate) const LAN: &str = "lan";

/// Prints it.
pub(crate) fn print(json: bool) -> Result<()> {
    cluster::need_up()?;
    let status = observe()?;
    if json {
        println!("{}", serde_json::to_string_pretty(&status)?);
        return Ok(());
    }
    println!("kubeconfig  {}", status.kubeconfig);
    println!("version     {}", status.version);
    println!(
        "installed   {}",
        if status.installed {
            "yes"
        } else {
            "no: cargo dev install"
        }
    );
    for node in &status.nodes {
        let ready = if node.ready { "ready" } else { "not ready" };
        println!(
            "{:<11} {:<9} {:<9} {:<24} {:<15} LAN {}",
            node.name,
            ready,
            node.kind,
            node.runtime,
            node.address,
            node.lan.join(" ")
        );
    }
    println!("{:<11} {}", status.lan.name, status.lan.addresses.join(" "));
    Ok(())
}

/// Whether the chart is installed.
pub(crate) fn installed() -> bool {
    let mut helm = cluster::helm();
    helm.args(["status", "landfall", "-n", "landfall-system", "-o", "json"]);
    let status = process::output(&mut helm)
        .ok()
        .and_then(|text| serde_json::from_str::<Value>(&text).ok());
    status.is_some_and(|status| {
        status
            .pointer("/info/status")
            .is_some_and(|one| one == "deployed")
    })
}

fn observe() -> Result<Status> {
    let seen = seen()?;
    let nodes = node::all().into_iter().map(|node| {
        let (runtime, ready) = seen.get(&node.name).cloned().unwrap_or_default();
        let power = node::running(&node);
        NodeStatus {
            kind: node.kind.name(),
            runtime,
            address: node.address().to_string(),
            lan: layout::LAN_INTERFACES,
            power,
            ready: ready && power,
            name: node.name,
        }
    });
    Ok(Status {
        kubeconfig: layout::kubeconfig().display().to_string(),
        version: version::KUBERNETES,
        installed: installed(),
        nodes: nodes.collect(),
        lan: Lan {
            name: LAN,
            addresses: layout::LAN_ADDRESSES,
        },
    })
}

/// Runtime and readiness by node, as the API server knows them.
fn seen() -> Result<BTreeMap<String, (String, bool)>> {
    let mut kubectl = cluster::kubectl();
    kubectl.args(["get", "nodes", "-o", "json"]);
    let list: Value = serde_json::from_str(&process::output(&mut kubectl)?)?;
    let items = list
        .get("items")
        .and_then(Value::as_array)
        .cloned()
        .unwrap_or_default();
    let text = |node: &Value, pointer: &str| {
        node.pointer(pointer)
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned()
    };
    let entry = |node: &Value| {
        let runtime = text(node, "/status/nodeInfo/containerRuntimeVersion");
        let runtime = runtime.replace("://v", " ").replace("://", " ");
        let conditions = node.pointer("/status/conditions").and_then(Value::as_array);
        let ready = conditions.into_iter().flatten().any(|condition| {
            text(condition, "/type") == "Ready" && text(condition, "/status") == "True"
        });
        (text(node, "/metadata/name"), (runtime, ready))
    };
    Ok(items.iter().map(entry).collect())
}
