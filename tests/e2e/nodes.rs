//! Nodes that live, and that the cluster loses sight of.

use anyhow::{Context, Result, ensure};
use landfall_tests::{
    case::{self, Case},
    diagnosis::SYSTEM,
    manifest::with,
    outage::{self, Outage},
    pod::{self, text},
    truth::Truth,
    wait::{as_long_as, until},
};
use serde_json::json;

use crate::{
    cluster,
    traffic::{Pair, address, at_rest, killed_and_back, nodes, ours, ours_ready},
};

/// Deletes the Node of a machine that runs. Its kubelet registers it again when it starts anew.
fn delete_node(node: &str) -> Result<Outage<'_>> {
    let before = outage::node_uid(cluster(), node)?;
    let deleted = Outage::new(format!("{node} deleted"), move || {
        outage::kill(cluster(), node, "kubelet")?;
        until(&format!("{node} is registered and Ready"), 60, || {
            let object = cluster().get(&["node", node])?;
            ensure!(
                text(&object, "/metadata/uid") != before,
                "it is the old one"
            );
            let ready = pod::condition(&object, "Ready").map(|(status, ..)| status);
            ensure!(ready == Some("True"), "it is not Ready");
            Ok(())
        })
    });
    cluster().kubectl(&["delete", "node", node])?;
    Ok(deleted)
}

#[test]
fn node_deleted_and_the_same_machine_registers_again() -> Result<()> {
    case::alone(cluster(), "again", |case| {
        let nodes = nodes()?;
        let spec = with(case.spec("eth1"), "/nodeDeletion", json!("Hold"));
        let network = case.ready_network("MacvlanNetwork", "net", &spec)?;
        let pair = Pair::start(case, &network, &nodes)?;
        let before = pair.address;
        delete_node(&nodes[0])?.end()?;
        ours_ready()?;
        ensure!(
            address(case, "one")? == before,
            "another address than {before}"
        );
        // The grants are under the UID of a Node that is no more.
        killed_and_back("agent", &nodes[..1])?;
        case.pod("three", &nodes[0], &network)?;
        case.ready(&["three"])?;
        pair.stop()?.none_lost()?;
        Truth::of(case).no_duplicates()?;
        case.delete_pod("one")?;
        Truth::of(case).nothing_held_at_rest()?;
        at_rest(case)
    })
}

#[test]
fn kubelet_and_container_runtime_are_killed_under_traffic() -> Result<()> {
    case::alone(cluster(), "kubelet", |case| {
        let nodes = nodes()?;
        let network = case.ready_network("MacvlanNetwork", "net", &case.spec("eth1"))?;
        let pair = Pair::start(case, &network, &nodes)?;
        for program in ["kubelet", "containerd"] {
            let mut started = Vec::new();
            for node in &nodes {
                outage::kill(cluster(), node, program)?;
                let name = format!("{program}-{node}");
                case.pod(&name, node, &network)?;
                started.push(name);
            }
            let started: Vec<_> = started.iter().map(String::as_str).collect();
            case.ready(&started)?;
            Truth::of(case).no_duplicates()?;
        }
        pair.stop()?.none_lost()?;
        at_rest(case)
    })
}

#[test]
fn a_partitioned_node_keeps_its_addresses_until_it_is_back() -> Result<()> {
    case::alone(cluster(), "partition", |case| {
        let nodes = nodes()?;
        let network = case.ready_network("MacvlanNetwork", "net", &case.part("eth1", 10, 11))?;
        let pair = Pair::start(case, &network, &nodes)?;
        let before = pair.address;
        let parted = outage::partition(cluster(), &nodes[0])?;
        let force = ["delete", "pod", "one", "--force", "--grace-period=0", "-n"];
        cluster().kubectl(&[&force[..], &[&case.namespace]].concat())?;
        case.pod("heir", &nodes[1], &network)?;
        let reason = "AddressPoolExhausted";
        pod::event(cluster(), &case.namespace, "heir", reason, &network)?;
        // Also when all that it knows is in /run.
        outage::kill(cluster(), &nodes[0], "landfall-agent")?;
        let truth = Truth::of(case);
        as_long_as("the node is away", 15, || {
            truth.no_duplicates()?;
            pod::not_ready(cluster(), &case.namespace, "heir")
        })?;
        pair.stop()?.none_lost()?;
        parted.end()?;
        case.ready(&["heir"])?;
        ensure!(
            address(case, "heir")? == before,
            "another address than {before}"
        );
        truth.no_duplicates()?;
        ours_ready()?;
        at_rest(case)
    })
}

#[test]
fn run_lost_and_the_node_not_rebooted() -> Result<()> {
    case::alone(cluster(), "run", |case| {
        let nodes = nodes()?;
        let node = &nodes[0];
        let network = case.ready_network("MacvlanNetwork", "net", &case.spec("eth1"))?;
        let pair = Pair::start(case, &network, &nodes)?;
        let before = pair.address;
        cluster().on_node(node, &["rm", "-r", "/run/landfall"])?;
        // Nobody has told the agent.
        case.pod("three", node, &network)?;
        case.ready(&["three"])?;
        ensure!(
            address(case, "one")? == before,
            "another address than {before}"
        );
        Truth::of(case).no_duplicates()?;
        pair.stop()?.none_lost()?;
        let agent = ours("agent")?.into_iter().find(|(_, on)| on == node);
        let (agent, _) = agent.context("no agent")?;
        until("the agent says that it is ready", 60, || {
            pod::ready_within(cluster(), SYSTEM, &[&agent], 1)
        })?;
        ends_with_its_sandbox(case, &before.to_string())
    })
}

/// What lives without a record blocks its address on the node until it ends, and no longer.
fn ends_with_its_sandbox(case: &Case<'_>, address: &str) -> Result<()> {
    case.delete_pod("one")?;
    Truth::of(case)
        .nothing_held_at_rest()
        .with_context(|| format!("{address} stays"))?;
    at_rest(case)
}
