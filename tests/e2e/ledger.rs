//! The ledger, and what it is about, deleted under pods that run.

use std::collections::BTreeSet;

use crate::cluster;
use anyhow::{Result, bail, ensure};
use landfall_tests::{
    case::{self, Case},
    cluster::NodeKind,
    fault, kernel, ledger,
    pod::text,
    truth::Truth,
    wait::{as_long_as, until},
};

#[test]
fn ledger_block_deleted_by_hand() -> Result<()> {
    case::alone(cluster(), "blocks", |case| {
        let nodes = cluster().nodes(NodeKind::Namespace, 2)?;
        // Few addresses: whoever forgets one hands it out again.
        let network = case.ready_network("MacvlanNetwork", "net", &case.part("eth1", 10, 13))?;
        case.pod("one", &nodes[0], &network)?;
        case.pod("two", &nodes[1], &network)?;
        case.ready(&["one", "two"])?;
        let before = uids(case)?;
        let pings = fault::through(case, ["one", "two"], || {
            cluster().kubectl(&["delete", "abl", "--all", "--wait=false"])?;
            // As long as something is held, the deleted block is the ledger.
            case.pod("three", &nodes[0], &network)?;
            as_long_as("the blocks stay", 3, || {
                ensure!(uids(case)? == before, "{:?} after {before:?}", uids(case)?);
                Ok(())
            })?;
            // Unless somebody insists.
            for block in ledger::blocks(cluster(), &case.namespace)? {
                let name = text(&block, "/metadata/name");
                let patch = ["-p", r#"{"metadata":{"finalizers":null}}"#, "--type=merge"];
                cluster().kubectl(&[&["patch", "abl", name], &patch[..]].concat())?;
            }
            case.pod("four", &nodes[1], &network)?;
            case.ready(&["three", "four"])
        })?;
        pings.none_lost()?;
        let after = uids(case)?;
        ensure!(after.is_disjoint(&before), "{after:?} after {before:?}");
        let held = ledger::held(cluster(), &case.namespace)?;
        ensure!(held.len() == 8, "four pods: {held:?}");
        Ok(())
    })
}

/// The UIDs of the test's blocks.
fn uids(case: &Case<'_>) -> Result<BTreeSet<String>> {
    let blocks = ledger::blocks(cluster(), &case.namespace)?;
    let uid = |block| text(block, "/metadata/uid").to_owned();
    Ok(blocks.iter().map(uid).collect())
}

#[test]
fn network_deleted_and_made_again() -> Result<()> {
    case::run(cluster(), "again", |case| {
        let nodes = cluster().nodes(NodeKind::Namespace, 2)?;
        let spec = case.part("eth1", 10, 17);
        let network = case.ready_network("MacvlanNetwork", "net", &spec)?;
        case.pod("one", &nodes[0], &network)?;
        case.pod("two", &nodes[1], &network)?;
        case.ready(&["one", "two"])?;
        let uid = || -> Result<String> {
            Ok(text(&cluster().get(&["mvn", &network])?, "/metadata/uid").to_owned())
        };
        let old = uid()?;
        let pings = fault::through(case, ["one", "two"], || {
            cluster().kubectl(&["delete", "mvn", &network, "--wait=false"])?;
            as_long_as("the finalizer holds it", 5, || {
                ensure!(uid()? == old, "another network");
                Ok(())
            })
        })?;
        pings.none_lost()?;
        for pod in ["one", "two"] {
            case.delete_pod(pod)?;
        }
        until("the old network is gone", 30, || {
            if let Ok(uid) = uid() {
                bail!("it is still there: {uid}");
            }
            Ok(())
        })?;
        case.ready_network("MacvlanNetwork", "net", &spec)?;
        ensure!(uid()? != old, "the same UID");
        for (pod, node) in [("one", 0), ("two", 1)] {
            case.pod(pod, &nodes[node], &network)?;
        }
        case.ready(&["one", "two"])?;
        insisted(case, &nodes, &network)
    })
}

/// Without its finalizer the old one goes under its pods; the new one hands out none of their
/// addresses, to them neither: they keep what they have.
fn insisted(case: &Case<'_>, nodes: &[String], network: &str) -> Result<()> {
    let pings = fault::through(case, ["one", "two"], || {
        cluster().kubectl(&["delete", "mvn", network, "--wait=false"])?;
        let patch = ["-p", r#"{"metadata":{"finalizers":null}}"#, "--type=merge"];
        cluster().kubectl(&[&["patch", "mvn", network], &patch[..]].concat())?;
        case.ready_network("MacvlanNetwork", "net", &case.part("eth1", 10, 17))?;
        case.pod("three", &nodes[0], network)?;
        case.pod("four", &nodes[1], network)?;
        case.ready(&["three", "four"])?;
        let one = kernel::one(cluster(), &case.namespace, "one", "net1")?;
        kernel::reaches(cluster(), &case.namespace, "four", "net1", &one.addresses)
    })?;
    pings.none_lost()?;
    for pod in ["one", "two", "three", "four"] {
        case.delete_pod(pod)?;
    }
    Truth::of(case).nothing_held_at_rest()?;
    let held = ledger::held(cluster(), &case.namespace)?;
    ensure!(held.is_empty(), "{held:?}");
    Ok(())
}
