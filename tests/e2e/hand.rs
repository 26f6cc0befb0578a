//! What an administrator may do by hand to the ledger and to node objects.

use anyhow::{Context, Result, bail, ensure};
use landfall_tests::{
    case::{self, Case},
    cluster::NodeKind,
    kernel,
    pod::text,
    wait,
};
use serde_json::{Value, json};

use crate::cluster;

/// The block of a test's IPv4 addresses, if there is one.
fn block(case: &Case<'_>) -> Result<Option<Value>> {
    let selector = format!("landfall.dev/segment={}", case.namespace);
    let blocks = cluster().items(&["addressblocks", "-l", &selector])?;
    let first = |block: &&Value| !text(block, "/spec/first").contains(':');
    Ok(blocks.iter().find(first).cloned())
}

/// Waits for an Event about an object of the ledger that names an address, and returns its sentence.
fn told(object: &str, reason: &str, address: &str) -> Result<String> {
    wait::until(
        &format!("{object} has an Event {reason}: {address}"),
        30,
        || {
            let selector = format!("involvedObject.name={object},reason={reason}");
            let words = ["events", "-n", "default", "--field-selector", &selector];
            let events = cluster().items(&words)?;
            let mut sentences = events.iter().map(|event| text(event, "/message"));
            let it = sentences.find(|sentence| sentence.contains(address));
            Ok(it.context("no such Event")?.to_owned())
        },
    )
}

fn patch(kind: &str, name: &str, steps: &Value) -> Result<()> {
    let steps = steps.to_string();
    let words = ["patch", kind, name, "--type=json", "-p", &steps];
    cluster().kubectl(&words).map(drop)
}

#[test]
fn edits_of_the_ledger_by_hand_are_refused_or_put_right_and_told() -> Result<()> {
    case::run(cluster(), "ledger-edit", |case| {
        let node = &cluster().nodes(NodeKind::Namespace, 1)?[0];
        let network = case.ready_network("MacvlanNetwork", "net", &case.spec("eth1"))?;
        case.pod("one", node, &network)?;
        case.ready(&["one"])?;
        let address = kernel::one(cluster(), &case.namespace, "one", "net1")?.ipv4()?;
        let before = block(case)?.context("no block")?;
        let name = text(&before, "/metadata/name");
        let pointer = format!("/spec/entries/{address}");
        let seq = text(&before, &format!("{pointer}/seq"));

        for (field, value) in [("segment", "other"), ("first", "10.250.0.0")] {
            let steps =
                json!([{"op": "replace", "path": format!("/spec/{field}"), "value": value}]);
            let Err(error) = patch("addressblock", name, &steps) else {
                bail!("spec.{field} was changed");
            };
            ensure!(format!("{error:#}").contains("immutable"), "{error:#}");
        }

        let steps = json!([
            {"op": "replace", "path": "/spec/entries", "value": {}},
            {"op": "replace", "path": "/spec/counter", "value": 0},
        ]);
        patch("addressblock", name, &steps)?;
        wait::until("the entry is there again", 15, || {
            let block = block(case)?.context("no block")?;
            let (state, again) = (format!("{pointer}/state"), format!("{pointer}/seq"));
            ensure!(text(&block, &state) == "Granted", "{block:#}");
            ensure!(text(&block, &again) == seq, "{block:#}");
            Ok(())
        })?;
        println!("{}", told(node, "LedgerRepaired", &address.to_string())?);
        case.pod("two", node, &network)?;
        case.ready(&["two"])?;
        let second = kernel::one(cluster(), &case.namespace, "two", "net1")?.ipv4()?;
        let first = kernel::one(cluster(), &case.namespace, "one", "net1")?.ipv4()?;
        ensure!(first == address && second != address, "{first} {second}");
        Ok(())
    })
}

#[test]
fn a_grant_that_was_written_into_a_node_object_is_asked_back_by_its_agent() -> Result<()> {
    case::run(cluster(), "node-edit", |case| {
        let nodes = cluster().nodes(NodeKind::Namespace, 2)?;
        let network = case.ready_network("MacvlanNetwork", "net", &case.spec("eth1"))?;
        case.pod("one", &nodes[0], &network)?;
        case.ready(&["one"])?;
        let address = kernel::one(cluster(), &case.namespace, "one", "net1")?.ipv4()?;
        let grant = |node: &str| -> Result<Option<Value>> {
            let object = cluster().get(&["landfallnode", node])?;
            let grants = object.pointer("/spec/grants").and_then(Value::as_array);
            let mut grants = grants.into_iter().flatten();
            let is_it = |grant: &&Value| text(grant, "/address") == address.to_string();
            Ok(grants.find(is_it).cloned())
        };
        let mut copy = grant(&nodes[0])?.context("no grant")?;
        copy["owner"] = "00000000-0000-0000-0000-0000000000ff".into();
        let object = cluster().get(&["landfallnode", &nodes[1]])?;
        let steps = if object.pointer("/spec/grants").is_some() {
            json!([{"op": "add", "path": "/spec/grants/-", "value": copy}])
        } else {
            json!([{"op": "add", "path": "/spec/grants", "value": [copy]}])
        };
        patch("landfallnode", &nodes[1], &steps)?;
        println!(
            "{}",
            told(&nodes[1], "LedgerRepaired", &address.to_string())?
        );
        wait::until("the grant is gone", 15, || {
            ensure!(grant(&nodes[1])?.is_none(), "it is still there");
            Ok(())
        })?;
        ensure!(grant(&nodes[0])?.is_some(), "the pod's own grant is gone");
        let first = kernel::one(cluster(), &case.namespace, "one", "net1")?.ipv4()?;
        ensure!(first == address, "{first}");
        Ok(())
    })
}

#[test]
fn the_blocks_of_a_network_that_is_gone_are_deleted() -> Result<()> {
    case::run(cluster(), "gone", |case| {
        let node = &cluster().nodes(NodeKind::Namespace, 1)?[0];
        let network = case.ready_network("MacvlanNetwork", "net", &case.spec("eth1"))?;
        case.pod("one", node, &network)?;
        case.ready(&["one"])?;
        ensure!(block(case)?.is_some(), "no block");
        case.delete_pod("one")?;
        let words = ["delete", "macvlannetwork", &network, "--timeout=60s"];
        cluster().kubectl(&words)?;
        wait::until("no block is left", 30, || {
            let selector = format!("landfall.dev/segment={}", case.namespace);
            let left = cluster().items(&["addressblocks", "-l", &selector])?;
            ensure!(left.is_empty(), "{left:#?}");
            Ok(())
        })
    })
}
