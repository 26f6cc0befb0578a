//! Networks whose pods are by themselves: without a way out, and one pod on a parent.

use anyhow::{Context, Result, bail, ensure};
use landfall_tests::{
    case,
    cluster::NodeKind,
    kernel,
    manifest::with,
    pod::{self, condition, text},
    wait::until,
};
use serde_json::{Value, json};

use crate::{cluster, sharing::Link};

/// Without a parent the agent makes a bridge without ports on each node.
#[test]
fn pods_of_an_isolated_network_without_parents_reach_each_other_on_one_node() -> Result<()> {
    case::run(cluster(), "isolated", |case| {
        let node = &cluster().nodes(NodeKind::Namespace, 1)?[0];
        let spec = with(case.spec("eth1"), "/parents", json!([]));
        let spec = with(spec, "/isolated", json!(true));
        let subnets = json!([
            {"cidr": format!("{}/24", case.ipv4(0))},
            {"cidr": format!("{}/64", case.ipv6(0))},
        ]);
        let spec = with(spec, "/ipam/subnets", subnets);
        let network = case.ready_network("MacvlanNetwork", "alone", &spec)?;
        until("the network says NodeLocal", 20, || {
            let object = cluster().get(&["mvn", &network])?;
            match condition(&object, "NodeLocal") {
                Some(("True", _, _)) => Ok(()),
                other => bail!("{other:?}"),
            }
        })?;

        case.pod("one", node, &network)?;
        case.pod("two", node, &network)?;
        case.ready(&["one", "two"])?;
        let two = kernel::one(cluster(), &case.namespace, "two", "net1")?;
        let addresses = [two.ipv4()?, two.ipv6()?];
        kernel::reaches(cluster(), &case.namespace, "one", "net1", &addresses)?;
        let words = ["ip", "-j", "route", "show", "default", "dev", "net1"];
        let output = cluster().in_pod(&case.namespace, "one", &words)?;
        let routes: Vec<Value> = serde_json::from_slice(&output.stdout).context("ip -j route")?;
        ensure!(routes.is_empty(), "{routes:?}");
        Ok(())
    })
}

/// A parent in mode passthru is its one pod's, with its hardware address.
#[test]
fn a_passthru_network_serves_one_pod_of_a_node_at_a_time() -> Result<()> {
    case::run(cluster(), "passthru", |case| {
        let node = &cluster().nodes(NodeKind::Namespace, 1)?[0];
        let _link = Link::new(node, "lf-whole")?;
        let parents = json!([{
            "interface": "lf-whole",
            "nodeSelector": {"matchLabels": {"kubernetes.io/hostname": node}},
        }]);
        let spec = with(case.spec("eth1"), "/parents", parents);
        let spec = with(spec, "/mode", json!("passthru"));
        let network = case.ready_network("MacvlanNetwork", "whole", &spec)?;

        case.pod("one", node, &network)?;
        case.ready(&["one"])?;
        let words = ["ip", "-j", "-d", "link", "show", "net1"];
        let output = cluster().in_pod(&case.namespace, "one", &words)?;
        let links: Vec<Value> = serde_json::from_slice(&output.stdout).context("ip -j link")?;
        let link = links.first().context("no link")?;
        let mode = text(link, "/linkinfo/info_data/mode");
        ensure!(mode == "passthru", "{link}");
        let words = ["cat", "/sys/class/net/lf-whole/address"];
        let mac = cluster().on_node(node, &words)?;
        ensure!(text(link, "/address") == mac.trim(), "{mac} of {link}");

        case.pod("two", node, &network)?;
        pod::not_ready(cluster(), &case.namespace, "two")?;
        case.delete_pod("one")?;
        case.ready(&["two"])
    })
}
