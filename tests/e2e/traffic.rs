//! What goes on while something fails: pings between two pods, and a crowd of pods that come and go.

use std::net::IpAddr;

use anyhow::{Context, Result, ensure};
use landfall_tests::{
    case::Case,
    cluster::NodeKind,
    diagnosis::SYSTEM,
    kernel, manifest, outage,
    pinger::{Pinger, Pings},
    pod::text,
    truth::Truth,
    wait::{timed, until},
};
use serde_json::{Value, json};

use crate::cluster;

/// Pods `one` and `two`, the second pinging the first.
pub(crate) struct Pair {
    /// The IPv4 address of `one`.
    pub(crate) address: IpAddr,
    pinger: Pinger,
}

impl Pair {
    /// Starts both on a network, `one` on the first of the nodes and `two` on the second.
    pub(crate) fn start(case: &Case<'_>, network: &str, nodes: &[String]) -> Result<Self> {
        case.pod("one", &nodes[0], network)?;
        case.pod("two", &nodes[1], network)?;
        case.ready(&["one", "two"])?;
        let address = address(case, "one")?;
        kernel::reaches(cluster(), &case.namespace, "two", "net1", &[address])?;
        let pinger = Pinger::in_pod(cluster(), &case.namespace, "two", "net1", address)?;
        Ok(Self { address, pinger })
    }

    /// Ends the pings and prints how many were lost.
    pub(crate) fn stop(self) -> Result<Pings> {
        self.pinger.stop()
    }
}

/// A pod's IPv4 address in the kernel, once it has a sandbox.
pub(crate) fn address(case: &Case<'_>, pod: &str) -> Result<IpAddr> {
    until(&format!("pod {pod} has an address"), 60, || {
        kernel::one(cluster(), &case.namespace, pod, "net1")?.ipv4()
    })
}

/// A Deployment on the nodes that are made of namespaces.
pub(crate) struct Crowd<'c> {
    case: &'c Case<'c>,
}

impl<'c> Crowd<'c> {
    /// Starts so many pods.
    pub(crate) fn start(case: &'c Case<'c>, network: &str, pods: u32) -> Result<Self> {
        let nodes = cluster().nodes(NodeKind::Namespace, 2)?;
        let deployment = manifest::deployment(&case.namespace, "crowd", pods, network);
        let place = "/spec/template/spec/affinity/nodeAffinity";
        let expression =
            json!({"key": "kubernetes.io/hostname", "operator": "In", "values": nodes});
        let rule = "requiredDuringSchedulingIgnoredDuringExecution";
        let term = json!({rule: {"nodeSelectorTerms": [{"matchExpressions": [expression]}]}});
        let deployment = manifest::with(deployment, place, term);
        // All may be replaced at once.
        let deployment = manifest::with(deployment, "/spec/strategy", json!({"type": "Recreate"}));
        cluster().apply(&[deployment])?;
        let crowd = Self { case };
        crowd.settled()?;
        Ok(crowd)
    }

    fn kubectl(&self, words: &[&str]) -> Result<()> {
        let namespace = ["-n", &self.case.namespace];
        cluster().kubectl(&[words, &namespace].concat()).map(drop)
    }

    /// Has every pod replaced, and does not wait.
    pub(crate) fn replace(&self) -> Result<()> {
        // kubectl tells restarts apart by the second in which they were asked for.
        std::thread::sleep(std::time::Duration::from_secs(1));
        self.kubectl(&["rollout", "restart", "deployment/crowd"])
    }

    /// Whether all pods are Ready; a look, no wait.
    pub(crate) fn is_settled(&self) -> bool {
        self.kubectl(&["rollout", "status", "deployment/crowd", "--timeout=1s"])
            .is_ok()
    }

    /// Waits until all pods are Ready.
    pub(crate) fn settled(&self) -> Result<()> {
        self.kubectl(&["rollout", "status", "deployment/crowd", "--timeout=150s"])
    }
}

/// The end of a fault test: no duplicates, and when all pods have gone nothing is held.
pub(crate) fn at_rest(case: &Case<'_>) -> Result<()> {
    let truth = Truth::of(case);
    truth.no_duplicates()?;
    let pods = "delete deployments,pods --all --timeout=90s -n";
    let pods: Vec<_> = pods.split(' ').chain([case.namespace.as_str()]).collect();
    cluster().kubectl(&pods)?;
    truth.no_duplicates()?;
    truth.nothing_held_at_rest()
}

/// Our pods of a component: (name, node).
pub(crate) fn ours(component: &str) -> Result<Vec<(String, String)>> {
    let label = format!("app.kubernetes.io/name=landfall,app.kubernetes.io/component={component}");
    let pods = cluster().items(&["pods", "-n", SYSTEM, "-l", &label])?;
    let pair = |pod: &Value| {
        let name = text(pod, "/metadata/name").to_owned();
        (name, text(pod, "/spec/nodeName").to_owned())
    };
    Ok(pods.iter().map(pair).collect())
}

/// How often the containers of a component have been started again.
pub(crate) fn restarts(component: &str) -> Result<u64> {
    let label = format!("app.kubernetes.io/name=landfall,app.kubernetes.io/component={component}");
    let pods = cluster().items(&["pods", "-n", SYSTEM, "-l", &label])?;
    let counts = pods.iter().filter_map(|pod| {
        let count = pod.pointer("/status/containerStatuses/0/restartCount");
        count?.as_u64()
    });
    Ok(counts.sum())
}

/// Kills our program on nodes, and waits until it has been started again on each and is Ready.
pub(crate) fn killed_and_back(component: &str, nodes: &[String]) -> Result<()> {
    let before = restarts(component)?;
    for node in nodes {
        outage::kill(cluster(), node, &format!("landfall-{component}"))?;
    }
    let expected = before + u64::try_from(nodes.len())?;
    timed(&format!("the {component}'s return"), || {
        until("all have been started again", 90, || {
            let seen = restarts(component)?;
            ensure!(seen >= expected, "{seen} instead of {expected} starts");
            Ok(())
        })?;
        ours_ready()
    })
}

/// Waits until operators and agents are all Ready.
pub(crate) fn ours_ready() -> Result<()> {
    for what in ["deployment", "daemonset"] {
        let rollout = ["rollout", "status", what, "-n", SYSTEM, "--timeout=120s"];
        cluster().kubectl(&rollout)?;
    }
    Ok(())
}

/// Two nodes that are made of namespaces; the first has no operator, if there is such a node.
pub(crate) fn nodes() -> Result<[String; 2]> {
    let mut nodes = cluster().nodes(NodeKind::Namespace, 2)?;
    let operators = ours("operator")?;
    nodes.sort_by_key(|node| operators.iter().any(|(_, on)| on == node));
    nodes.truncate(2);
    nodes.try_into().ok().context("two nodes")
}
