//! Networks that can't share a parent on a node.

use anyhow::{Context, Result, bail, ensure};
use landfall_tests::{
    case,
    cluster::NodeKind,
    kernel,
    manifest::with,
    pod::{self, condition},
    wait::until,
};
use serde_json::{Value, json};

use crate::{cluster, kubectl::ask};

/// A link that only this test's networks hang from, on one node.
pub(crate) struct Link<'n> {
    node: &'n str,
    name: &'static str,
}

impl<'n> Link<'n> {
    pub(crate) fn new(node: &'n str, name: &'static str) -> Result<Self> {
        // Its other end stays on the node: not every kernel has dummy interfaces.
        let peer = format!("{name}-peer");
        let add = ["ip", "link", "add", name, "type", "veth", "peer", &peer];
        cluster().on_node(node, &add)?;
        let link = Self { node, name };
        link.ip(&["link", "set", &peer, "up"])?;
        link.ip(&["link", "set", name, "up"])?;
        Ok(link)
    }

    fn ip(&self, words: &[&str]) -> Result<()> {
        let words = [&["ip"], words].concat();
        cluster().on_node(self.node, &words).map(drop)
    }
}

impl Drop for Link<'_> {
    fn drop(&mut self) {
        self.ip(&["link", "del", self.name]).expect("the link goes");
    }
}

/// Waits until a condition of an IpvlanNetwork has this reason; its message.
fn says(network: &str, kind: &str, reason: &str) -> Result<String> {
    until(&format!("{network} says {reason}"), 20, || {
        let object = cluster().get(&["ivn", network])?;
        match condition(&object, kind) {
            Some((_, seen, message)) if seen == reason => Ok(message.to_owned()),
            _ => bail!("{:?}", object.pointer("/status/conditions")),
        }
    })
}

#[test]
fn of_two_networks_that_cant_share_a_parent_the_younger_is_not_served_and_says_so() -> Result<()> {
    case::run(cluster(), "sharing", |case| {
        let node = &cluster().nodes(NodeKind::Namespace, 1)?[0];
        let _link = Link::new(node, "lf-shared")?;
        let only = json!([{
            "interface": "lf-shared",
            "nodeSelector": {"matchLabels": {"kubernetes.io/hostname": node}},
        }]);
        let on_link = |spec: Value| with(spec, "/parents", only.clone());
        let older = on_link(case.part("eth1", 10, 99));
        let older = case.ready_network("MacvlanNetwork", "older", &older)?;
        let younger = on_link(case.part("eth1", 100, 199));
        let younger = case.network("IpvlanNetwork", "younger", &younger)?;

        let message = says(&younger, "Degraded", "ParentConflict")?;
        let names_both = message.contains(node.as_str()) && message.contains(&older);
        ensure!(names_both, "{message}");
        says(&younger, "Ready", "ParentConflict")?;

        case.pod("one", node, &older)?;
        case.pod("two", node, &younger)?;
        case.ready(&["one"])?;
        let reason = "ParentInterfaceMissing";
        let message = pod::event(cluster(), &case.namespace, "two", reason, &older)?;
        ensure!(message.contains("is not served"), "{message}");
        let (answer, code) = ask(&["pod", &format!("{}/two", case.namespace)])?;
        ensure!(code == 1 && answer["holdings"] == json!([]), "{answer}");
        pod::not_ready(cluster(), &case.namespace, "two")?;
        case.delete_pod("two")?;

        // The older one goes, and with it what kept the younger one from the link.
        let mtu = kernel::one(cluster(), &case.namespace, "one", "net1")?.mtu;
        let status = pod::network_status(cluster(), &case.namespace, "one")?;
        let told = status.get(1).and_then(|entry| entry.get("mtu"));
        ensure!(told == Some(&json!(mtu)), "{status:?} of {mtu}");
        case.delete_pod("one")?;
        let delete = ["delete", "mvn", &older, "--timeout=60s"];
        cluster()
            .kubectl(&delete)
            .context("the older network goes")?;
        says(&younger, "Ready", "ParentsFound").map(drop)
    })
}
