//! Pods without networks never need us.

use anyhow::{Context, Result, ensure};
use landfall_tests::{
    case::{self, Case},
    cluster::NodeKind,
    diagnosis::SYSTEM,
    kernel,
    manifest::with,
    pod,
};
use serde_json::Value;

use crate::cluster;

/// Deletes the agents' DaemonSet, and makes the same again at the end, also after a failure.
struct NoAgents(Value);

const AGENTS: &str = "app.kubernetes.io/name=landfall,app.kubernetes.io/component=agent";

impl NoAgents {
    fn new() -> Result<Self> {
        let sets = cluster().items(&["daemonsets", "-n", SYSTEM, "-l", AGENTS])?;
        let set = sets.into_iter().next().context("no DaemonSet of agents")?;
        let made_by_the_server = [
            "/metadata/uid",
            "/metadata/resourceVersion",
            "/metadata/creationTimestamp",
            "/metadata/generation",
            "/metadata/managedFields",
            "/status",
        ];
        let bare = |set, pointer: &str| with(set, pointer, Value::Null);
        let gone = Self(made_by_the_server.into_iter().fold(set, bare));
        let delete = ["delete", "daemonset", "-n", SYSTEM, "-l", AGENTS];
        cluster().kubectl(&delete)?;
        let wait = [
            "wait",
            "--for=delete",
            "pod",
            "-n",
            SYSTEM,
            "-l",
            AGENTS,
            "--timeout=60s",
        ];
        cluster().kubectl(&wait)?;
        Ok(gone)
    }

    fn back() -> Result<()> {
        let rollout = [
            "rollout",
            "status",
            "daemonset",
            "-n",
            SYSTEM,
            "--timeout=90s",
        ];
        cluster().kubectl(&rollout).map(drop)
    }
}

impl Drop for NoAgents {
    fn drop(&mut self) {
        let created = cluster().feed_kubectl(&["create", "-f", "-"], &self.0.to_string());
        created.expect("the agents' DaemonSet comes back: cargo dev install");
    }
}

#[test]
fn without_agents_plain_pods_start_what_is_attached_stays_and_others_wait() -> Result<()> {
    case::alone(cluster(), "plain", |case| {
        let nodes = cluster().nodes(NodeKind::Namespace, 2)?;
        let network = case.ready_network("MacvlanNetwork", "net", &case.spec("eth1"))?;
        case.pod("one", &nodes[0], &network)?;
        case.pod("two", &nodes[1], &network)?;
        case.ready(&["one", "two"])?;
        let agents = NoAgents::new()?;
        while_they_are_gone(case, &nodes, &network)?;
        drop(agents);
        NoAgents::back()?;
        case.ready(&["waits"])?;
        kernel::one(cluster(), &case.namespace, "waits", "net1").map(drop)
    })
}

fn while_they_are_gone(case: &Case<'_>, nodes: &[String], network: &str) -> Result<()> {
    case.pod("waits", &nodes[0], network)?;
    let mut plain = Vec::new();
    for node in cluster().status()?.nodes {
        let name = format!("plain-{}", node.name);
        case.pod(&name, &node.name, "")?;
        plain.push(name);
    }
    let plain: Vec<_> = plain.iter().map(String::as_str).collect();
    case.ready(&plain)?;
    let two = kernel::one(cluster(), &case.namespace, "two", "net1")?;
    kernel::reaches(cluster(), &case.namespace, "one", "net1", &two.addresses)?;
    pod::event(
        cluster(),
        &case.namespace,
        "waits",
        "NoAgentOnNode",
        &nodes[0],
    )?;
    let reason = "FailedCreatePodSandBox";
    let message = pod::event(cluster(), &case.namespace, "waits", reason, "agent")?;
    ensure!(message.contains("landfall"), "{message}");
    pod::not_ready(cluster(), &case.namespace, "waits")
}
