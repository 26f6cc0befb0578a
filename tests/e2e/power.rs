//! Nodes whose power is cut, with and without evidence for it.

use anyhow::{Result, ensure};
use landfall_tests::{
    case::{self, Case},
    cluster::NodeKind,
    kernel,
    manifest::with,
    outage, pod,
    truth::Truth,
    wait::{as_long_as, timed, until},
};
use serde_json::json;

use crate::{
    cluster,
    kubectl::ask,
    traffic::{address, at_rest, nodes},
};

/// A pod that waits for the only address of a network: nobody has given it back.
fn waits(case: &Case<'_>, heir: &str, node: &str, network: &str) -> Result<()> {
    case.pod(heir, node, network)?;
    let reason = "AddressPoolExhausted";
    pod::event(cluster(), &case.namespace, heir, reason, network)?;
    as_long_as("the address is held", 3, || {
        pod::not_ready(cluster(), &case.namespace, heir)
    })
}

#[test]
fn a_node_without_power_keeps_its_addresses_until_it_is_back() -> Result<()> {
    case::alone(cluster(), "power", |case| {
        let [node, other] = nodes()?;
        let network = case.ready_network("MacvlanNetwork", "net", &case.part("eth1", 10, 10))?;
        case.pod("one", &node, &network)?;
        case.ready(&["one"])?;
        let before = address(case, "one")?;
        let off = outage::power_off(cluster(), &node)?;
        waits(case, "heir", &other, &network)?;
        off.end()?;
        ensure!(
            address(case, "one")? == before,
            "another address than {before}"
        );
        Truth::of(case).no_duplicates()?;
        pod::not_ready(cluster(), &case.namespace, "heir")?;
        case.delete_pod("one")?;
        case.ready(&["heir"])?;
        ensure!(
            address(case, "heir")? == before,
            "another address than {before}"
        );
        at_rest(case)
    })
}

#[test]
fn taint_set_and_removed_around_a_power_cut_moves_the_address_once() -> Result<()> {
    case::alone(cluster(), "taint", |case| {
        let [node, other] = nodes()?;
        let network = case.ready_network("MacvlanNetwork", "net", &case.part("eth1", 10, 10))?;
        case.pod("one", &node, &network)?;
        case.ready(&["one"])?;
        let before = address(case, "one")?;
        let off = outage::power_off(cluster(), &node)?;
        waits(case, "heir", &other, &network)?;
        let tainted = outage::taint(cluster(), &node, outage::OUT_OF_SERVICE)?;
        timed("from the taint to the heir's start", || {
            case.ready(&["heir"])
        })?;
        ensure!(
            address(case, "heir")? == before,
            "another address than {before}"
        );

        // Its machine is back before anybody takes the taint away.
        off.end()?;
        Truth::of(case).no_duplicates()?;
        let gone = ["wait", "pod/one", "--for=delete", "--timeout=90s", "-n"];
        cluster().kubectl(&[&gone[..], &[&case.namespace]].concat())?;
        tainted.end()?;
        Truth::of(case).no_duplicates()?;
        case.delete_pod("heir")?;
        case.pod("again", &node, &network)?;
        case.ready(&["again"])?;
        at_rest(case)
    })
}

#[test]
fn a_node_that_is_off_and_deleted_gives_back_what_its_networks_let_it() -> Result<()> {
    case::alone(cluster(), "deleted", |case| {
        let [_, other] = nodes()?;
        let node = &rebooting_node()?;
        let both = ["Auto", "Hold"].map(|policy| {
            let host = if policy == "Auto" { 10 } else { 20 };
            let spec = with(
                case.part("eth2", host, host),
                "/nodeDeletion",
                json!(policy),
            );
            case.ready_network("MacvlanNetwork", &policy.to_lowercase(), &spec)
        });
        let [auto, hold] = both;
        let (auto, hold) = (auto?, hold?);
        case.pod("one", node, &format!("{auto},{hold}"))?;
        case.ready(&["one"])?;
        let off = outage::power_off(cluster(), node)?;
        waits(case, "heir", &other, &auto)?;
        cluster().kubectl(&["delete", "node", node])?;
        timed("from the deletion to the heir's start", || {
            case.ready(&["heir"])
        })?;
        waits(case, "waits", &other, &hold)?;
        let force = ["--force", "--grace-period=0", "--ignore-not-found"];
        let words = ["delete", "pod", "one", "-n", &case.namespace];
        cluster().kubectl(&[&words[..], &force].concat())?;

        // It registers again, and speaks for the Node that it was, unless nothing says that it has
        // booted since: a node made of namespaces keeps the boot ID of the machine.
        off.end()?;
        if !is_uml(node) {
            let fenced = r#"{"spec":{"nodeDeletion":"Fenced"}}"#;
            cluster().kubectl(&["patch", "mvn", &hold, "--type=merge", "-p", fenced])?;
        }
        case.ready(&["waits"])?;
        Truth::of(case).no_duplicates()?;
        at_rest(case)
    })
}

#[test]
fn a_machine_that_is_off_is_reclaimed_by_a_persons_word() -> Result<()> {
    case::alone(cluster(), "reclaim", |case| {
        let [_, other] = nodes()?;
        let node = &rebooting_node()?;
        // Nothing but a person's word counts here.
        let hold = with(case.part("eth2", 10, 10), "/nodeDeletion", json!("Hold"));
        let network = case.ready_network("MacvlanNetwork", "net", &hold)?;
        case.pod("one", node, &network)?;
        case.ready(&["one"])?;
        let before = address(case, "one")?;
        let (answer, code) = ask(&["reclaim", node])?;
        ensure!(code == 1 && answer["outcome"] == "unconfirmed", "{answer}");
        let confirmed = "--i-confirm-it-is-off";
        let (answer, code) = ask(&["reclaim", node, confirmed, "--timeout=3"])?;
        ensure!(code == 1 && answer["outcome"] == "on", "{answer}");

        let off = outage::power_off(cluster(), node)?;
        waits(case, "heir", &other, &network)?;
        let (answer, code) = timed("from the person's word to its end", || {
            ask(&["reclaim", node, confirmed])
        })?;
        ensure!(code == 0 && answer["outcome"] == "reclaimed", "{answer}");
        case.ready(&["heir"])?;
        ensure!(
            address(case, "heir")? == before,
            "another address than {before}"
        );
        let words = ["delete", "pod", "one", "--force", "--grace-period=0", "-n"];
        cluster().kubectl(&[&words[..], &[&case.namespace]].concat())?;

        // It is back, and served again.
        off.end()?;
        Truth::of(case).no_duplicates()?;
        case.delete_pod("heir")?;
        case.pod("again", node, &network)?;
        case.ready(&["again"])?;
        let (answer, code) = ask(&["check"])?;
        ensure!(code == 0, "{answer}");
        at_rest(case)
    })
}

/// A node whose power cuts are reboots: of a kernel of its own, if there is one.
fn rebooting_node() -> Result<String> {
    let nodes = cluster().status()?.nodes;
    let kind = if nodes.iter().any(|node| node.kind == NodeKind::Uml) {
        NodeKind::Uml
    } else {
        NodeKind::Namespace
    };
    Ok(cluster().nodes(kind, 1)?.swap_remove(0))
}

fn is_uml(node: &str) -> bool {
    node.starts_with("uml")
}

#[test]
fn reboot_starts_the_pods_again_under_their_grants() -> Result<()> {
    case::alone(cluster(), "reboot", |case| {
        let node = &rebooting_node()?;
        let network = case.ready_network("MacvlanNetwork", "net", &case.spec("eth2"))?;
        case.pod("stays", node, &network)?;
        case.pod("goes", node, &network)?;
        case.ready(&["stays", "goes"])?;
        let before = kernel::one(cluster(), &case.namespace, "stays", "net1")?;
        let boot = ["cat", "/proc/sys/kernel/random/boot_id"];
        let first = cluster().on_node(node, &boot)?;
        let off = outage::power_off(cluster(), node)?;
        let words = ["delete", "pod", "goes", "--force", "--grace-period=0", "-n"];
        cluster().kubectl(&[&words[..], &[&case.namespace]].concat())?;
        off.end()?;
        let second = cluster().on_node(node, &boot)?;
        ensure!(
            !is_uml(node) || first != second,
            "{node} has not rebooted: {first}"
        );
        let after = until("the pod runs again", 90, || {
            kernel::one(cluster(), &case.namespace, "stays", "net1")
        })?;
        ensure!(after == before, "{before:?} became {after:?}");
        let truth = Truth::of(case);
        truth.no_duplicates()?;
        // What was recalled while the machine was off is released without a DEL.
        truth.nothing_held_at_rest()?;
        at_rest(case)
    })
}
