//! Many pods at once.

use std::{collections::BTreeMap, net::IpAddr};

use anyhow::{Context, Result, bail, ensure};
use landfall_tests::{
    case::{self, Case},
    kernel, ledger, manifest,
    pod::text,
    wait::until,
};
use serde_json::Value;

use crate::cluster;

const PODS: u32 = 30;

#[test]
fn thirty_pods_have_thirty_addresses_and_all_are_free_when_they_have_gone() -> Result<()> {
    case::run(cluster(), "scale", |case| {
        let network = case.ready_network("MacvlanNetwork", "net", &case.spec("eth1"))?;
        let deployment = manifest::deployment(&case.namespace, "web", PODS, &network);
        cluster().apply(&[deployment])?;
        let rollout = [
            "rollout",
            "status",
            "deployment/web",
            "--timeout=180s",
            "-n",
        ];
        cluster().kubectl(&[&rollout[..], &[&case.namespace]].concat())?;
        let seen = addresses(case)?;
        let expected = usize::try_from(PODS)? * 2;
        ensure!(seen.len() == expected, "{} addresses: {seen:?}", seen.len());
        let held = ledger::held(cluster(), &case.namespace)?;
        ensure!(held.len() == expected, "the ledger holds {held:?}");

        let scale = ["scale", "deployment/web", "--replicas=0", "-n"];
        cluster().kubectl(&[&scale[..], &[&case.namespace]].concat())?;
        let gone = [
            "wait",
            "--for=delete",
            "pod",
            "-l",
            "app=web",
            "--timeout=90s",
            "-n",
        ];
        cluster().kubectl(&[&gone[..], &[&case.namespace]].concat())?;
        until("the ledger holds nothing", 30, || {
            let held = ledger::held(cluster(), &case.namespace)?;
            ensure!(held.is_empty(), "{held:?}");
            let listed = listed(&network, &seen)?;
            ensure!(listed.is_empty(), "{listed:?}");
            Ok(())
        })
    })
}

/// The pod of each address on net1, from the kernel of every pod's network namespace: fails if two
/// have the same.
fn addresses(case: &Case<'_>) -> Result<BTreeMap<IpAddr, String>> {
    let mut owners = BTreeMap::new();
    for pod in cluster().items(&["pods", "-n", &case.namespace, "-l", "app=web"])? {
        let pod = text(&pod, "/metadata/name");
        let interface = kernel::one(cluster(), &case.namespace, pod, "net1")?;
        ensure!(interface.addresses.len() == 2, "{pod} has {interface:?}");
        for address in interface.addresses {
            if let Some(other) = owners.insert(address, pod.to_owned()) {
                bail!("{address} is live in {other} and in {pod}");
            }
        }
    }
    Ok(owners)
}

/// What nodes' objects still say about a network or its addresses.
fn listed(network: &str, addresses: &BTreeMap<IpAddr, String>) -> Result<Vec<String>> {
    let mut listed = Vec::new();
    for node in cluster().items(&["landfallnodes"])? {
        let lists = ["/spec/grants", "/spec/recalls", "/status/attached"];
        for list in lists {
            let entries = node.pointer(list).and_then(Value::as_array);
            for entry in entries.into_iter().flatten() {
                let address = text(entry, "/address");
                let address: IpAddr = address.parse().context(address.to_owned())?;
                if text(entry, "/networkName") == network || addresses.contains_key(&address) {
                    listed.push(format!("{} {list} {entry}", text(&node, "/metadata/name")));
                }
            }
        }
    }
    Ok(listed)
}
