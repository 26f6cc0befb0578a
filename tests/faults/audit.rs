//! What must be so at rest: the ledger, the nodes' objects, the agents' folders and the kernels say the
//! same, and nothing is left of what was.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    net::IpAddr,
    path::Path,
};

use anyhow::{Context as _, Result, ensure};
use landfall_plugin::wire;
use landfall_tests::stage::{
    cni,
    kube::{Kube, OURS},
};
use serde_json::Value;

use crate::{kubelet::Pod, node::Node, world::plain};

/// Addresses by node and owner.
type Held = BTreeSet<(String, String, IpAddr)>;

/// Waits for nothing: whoever calls repeats it until it is so.
pub(crate) fn at_rest(api: &Kube, nodes: &[&Node], pods: &[Pod<'_>]) -> Result<()> {
    let mut held = Held::new();
    for pod in pods {
        let Some(sandbox) = &pod.sandbox else {
            continue;
        };
        let addresses = sandbox.netns.addresses("net1");
        ensure!(addresses.len() == 2, "{} has {addresses:?}", pod.name);
        let name = &pod.node.name;
        held.extend(
            addresses
                .into_iter()
                .map(|one| (name.clone(), plain(&pod.uid), one)),
        );
        ensure!(
            sandbox.netns.links() == ["net1"],
            "{:?}",
            sandbox.netns.links()
        );
    }
    let ended = pods.iter().flat_map(|pod| &pod.ended);
    for sandbox in ended {
        let left = sandbox.netns.links();
        ensure!(
            left.is_empty(),
            "{} ended and has {left:?}",
            sandbox.container
        );
    }
    ledger(api, &held)?;
    for node in nodes {
        object(api, node, &held).with_context(|| node.name.clone())?;
        let links = node.netns.links();
        ensure!(links == ["eth0", "eth1"], "{}: {links:?}", node.name);
        let here = pods.iter().filter(|pod| pod.node.name == node.name);
        let sandboxes = here.filter_map(|pod| pod.sandbox.as_ref());
        let containers = sandboxes.map(|sandbox| sandbox.container.as_str());
        folders(node, &containers.collect()).with_context(|| node.name.clone())?;
    }
    Ok(())
}

fn ledger(api: &Kube, held: &Held) -> Result<()> {
    let mut found = Held::new();
    for block in api.items(&format!("{OURS}/addressblocks"))? {
        for (address, entry) in block["spec"]["entries"].as_object().into_iter().flatten() {
            // Nobody has it; it rests.
            if entry["state"] == "Cooling" {
                continue;
            }
            ensure!(entry["state"] == "Granted", "{address}: {entry}");
            found.insert(line(
                entry,
                address,
                entry["node"].as_str().unwrap_or_default(),
            )?);
        }
    }
    ensure!(found == *held, "ledger {found:?}, kernels {held:?}");
    Ok(())
}

/// Whether an owner holds nothing any more.
pub(crate) fn ledger_without(api: &Kube, uid: &str) -> Result<()> {
    for block in api.items(&format!("{OURS}/addressblocks"))? {
        for (address, entry) in block["spec"]["entries"].as_object().into_iter().flatten() {
            let is_his = entry["owner"].as_str().map(plain) == Some(plain(uid));
            ensure!(!is_his || entry["state"] == "Cooling", "{address}: {entry}");
        }
    }
    Ok(())
}

fn object(api: &Kube, node: &Node, held: &Held) -> Result<()> {
    let object = api.get(&format!("{OURS}/landfallnodes/{}", node.name))?;
    let list = |pointer: &str| -> Vec<Value> {
        let list = object.pointer(pointer).and_then(Value::as_array);
        list.cloned().unwrap_or_default()
    };
    for place in [
        "/spec/recalls",
        "/spec/fenced",
        "/spec/refusals",
        "/status/released",
    ] {
        ensure!(list(place).is_empty(), "{place}: {:?}", list(place));
    }
    let mut granted = Held::new();
    for grant in list("/spec/grants") {
        let address = grant["address"].as_str().unwrap_or_default();
        granted.insert(line(&grant, address, &node.name)?);
    }
    let mut here = held.clone();
    here.retain(|(name, ..)| *name == node.name);
    ensure!(granted == here, "granted {granted:?}, kernels {here:?}");
    let pairs = |pointer| -> BTreeMap<String, String> {
        let text = |item: &Value, key: &str| item[key].as_str().unwrap_or_default().to_owned();
        let list = list(pointer);
        let pairs = list
            .iter()
            .map(|item| (text(item, "address"), text(item, "seq")));
        pairs.collect()
    };
    let (granted, attached) = (pairs("/spec/grants"), pairs("/status/attached"));
    ensure!(
        granted == attached,
        "granted {granted:?}, attached {attached:?}"
    );
    Ok(())
}

fn line(item: &Value, address: &str, node: &str) -> Result<(String, String, IpAddr)> {
    let owner = plain(item["owner"].as_str().unwrap_or_default());
    let address = address.parse().with_context(|| item.to_string())?;
    Ok((node.to_owned(), owner, address))
}

fn folders(node: &Node, containers: &BTreeSet<&str>) -> Result<()> {
    let run = node.run_dir();
    let mut records = BTreeSet::new();
    for file in files(&run.join("attachments")) {
        let text = fs::read_to_string(run.join("attachments").join(&file))?;
        let entry: Value = serde_json::from_str(&text).with_context(|| file.clone())?;
        ensure!(entry["record"]["phase"] == "Active", "{text}");
        let container = entry["container"].as_str().with_context(|| text.clone())?;
        records.insert(container.to_owned());
    }
    let records: BTreeSet<_> = records.iter().map(String::as_str).collect();
    ensure!(
        records == *containers,
        "records {records:?}, sandboxes {containers:?}"
    );
    let spool = files(&run.join("spool"));
    ensure!(spool.is_empty(), "DELs that wait: {spool:?}");
    let released = fs::read_to_string(run.join("released.json"))?;
    ensure!(released == "[]", "released: {released}");
    let mut left = files(&run);
    left.retain(|name| name != "spool");
    let known = [
        "agent.json",
        wire::SOCKET,
        "attachments",
        "lock",
        "node.json",
        "released.json",
    ];
    ensure!(left == known, "in the run folder: {left:?}");
    let bin = files(&node.folder.join("bin"));
    ensure!(bin == ["landfall"], "plugin folder: {bin:?}");
    let conf = node.folder.join("net.d");
    let names = (files(&conf), files(&conf.join("cluster")));
    ensure!(names.0 == ["10-cluster.conflist", "cluster"], "{names:?}");
    ensure!(names.1 == ["90-landfall.conf"], "{names:?}");
    let list = fs::read_to_string(conf.join("10-cluster.conflist"))?;
    let list: Value = serde_json::from_str(&list)?;
    ensure!(list["plugins"] == cni::primary()["plugins"], "{list}");
    Ok(())
}

/// Names in a folder, hidden ones too, in their order.
fn files(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut names: Vec<_> = entries
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}
