//! The API server is away.

use std::net::IpAddr;

use anyhow::{Context, Result, ensure};
use landfall_tests::{
    case::{self, Case},
    outage,
    pinger::Pinger,
    pod::text,
    truth::Truth,
    wait::until,
};

use crate::{
    cluster,
    traffic::{address, at_rest, nodes},
};

/// The inodes of a node's network namespaces that have an address.
fn namespaces_with(node: &str, address: IpAddr) -> Result<Vec<String>> {
    let script = r#"for file in /run/netns/*; do
        nsenter --net="$file" ip -o address 2>/dev/null | grep -qwF "$1/24" && stat -Lc %i "$file"
    done; :"#;
    let address = address.to_string();
    let found = cluster().on_node(node, &["sh", "-c", script, "sh", &address])?;
    Ok(found.lines().map(str::to_owned).collect())
}

/// The process that keeps a pod's sandbox.
fn pause_process(case: &Case<'_>, pod: &str, node: &str) -> Result<String> {
    let pod = cluster().get(&["pod", "-n", &case.namespace, pod])?;
    let filter = format!(
        "labels.\"io.kubernetes.pod.uid\"=={},labels.\"io.cri-containerd.kind\"==sandbox",
        text(&pod, "/metadata/uid")
    );
    let ctr = ["ctr", "-n", "k8s.io"];
    let sandbox = [&ctr[..], &["containers", "ls", "-q", &filter]].concat();
    let sandbox = cluster().on_node(node, &sandbox)?;
    let tasks = cluster().on_node(node, &[&ctr[..], &["tasks", "ls"]].concat())?;
    let task = tasks.lines().find(|line| line.starts_with(sandbox.trim()));
    let pid = task.and_then(|line| line.split_whitespace().nth(1));
    pid.map(str::to_owned)
        .with_context(|| format!("no process of {sandbox:?}: {tasks}"))
}

#[test]
fn api_server_down_and_a_granted_pod_attaches_again() -> Result<()> {
    case::alone(cluster(), "api", |case| {
        case.lan_host()?;
        let [node, _] = nodes()?;
        let network = case.ready_network("MacvlanNetwork", "net", &case.spec("eth1"))?;
        case.pod("one", &node, &network)?;
        case.ready(&["one"])?;
        let before = address(case, "one")?;
        let pause = pause_process(case, "one", &node)?;
        let first = namespaces_with(&node, before)?;
        ensure!(first.len() == 1, "{before} is in {first:?}");
        let pinger = Pinger::on_node(cluster(), "lan", before)?;

        let down = outage::hold(cluster(), "kube-apiserver")?;
        cluster().on_node(&node, &["kill", "-KILL", &pause])?;
        until("a new sandbox has the address", 60, || {
            let now = namespaces_with(&node, before)?;
            ensure!(now.len() == 1 && now != first, "{before} is in {now:?}");
            Ok(())
        })?;
        let answered = cluster().kubectl(&["get", "--raw", "/readyz"]);
        ensure!(answered.is_err(), "the API server is not down");
        // Those between the two sandboxes are lost.
        let pings = pinger.stop()?;
        ensure!(pings.lost < pings.sent, "{pings}");
        down.end()?;
        case.ready(&["one"])?;
        ensure!(
            address(case, "one")? == before,
            "another address than {before}"
        );
        Truth::of(case).no_duplicates()?;
        at_rest(case)
    })
}
