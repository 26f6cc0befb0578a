//! IPAMClaims of the NPWG: addresses that pods name.

use anyhow::{Context, Result, ensure};
use landfall_tests::{
    case::{self, Case},
    cluster::NodeKind,
    kernel, ledger,
    manifest::{self, annotation, with},
    truth::Truth,
    wait::until,
};
use serde_json::{Value, json};

use crate::{cluster, definition::Definition};

/// The definition of IPAMClaims, which is the NPWG's (github.com/k8snetworkplumbingwg/ipamclaims).
fn definition() -> Result<Definition> {
    let schema = json!({
        "type": "object",
        "properties": {
            "spec": {
                "type": "object",
                "required": ["interface", "network"],
                "properties": {
                    "interface": {"type": "string"},
                    "network": {"type": "string"},
                    "ipRequests": {"type": "array", "items": {"type": "string"}},
                },
            },
            "status": {
                "type": "object",
                "properties": {
                    "ips": {"type": "array", "items": {"type": "string"}},
                    "ownerPod": {
                        "type": "object",
                        "required": ["name"],
                        "properties": {"name": {"type": "string"}},
                    },
                },
            },
        },
    });
    let names = json!({
        "plural": "ipamclaims",
        "singular": "ipamclaim",
        "kind": "IPAMClaim",
        "listKind": "IPAMClaimList",
    });
    let version = json!({
        "name": "v1alpha1",
        "schema": {"openAPIV3Schema": schema},
        "subresources": {"status": {}},
    });
    Definition::new(&names, version)
}

/// `status.ips`, which are in CIDR notation.
fn ips(claim: &Value) -> Vec<&str> {
    let ips = claim.pointer("/status/ips").and_then(Value::as_array);
    let ips = ips.into_iter().flatten();
    ips.filter_map(Value::as_str).collect()
}

/// Waits until the claim's status names two addresses and this pod, or none.
fn claim_says(case: &Case<'_>, pod: Option<&str>) -> Result<Value> {
    // The operator looks for the definition every ten seconds.
    until(
        "the claim's status names its addresses and its pod",
        45,
        || {
            let claim = cluster().get(&["ipamclaim", "-n", &case.namespace, "vm.net"])?;
            let owner = claim.pointer("/status/ownerPod/name");
            let owner = owner.and_then(Value::as_str);
            let is_due = ips(&claim).len() == 2 && owner == pod;
            ensure!(is_due, "{:?}", claim.pointer("/status"));
            Ok(claim)
        },
    )
}

/// The addresses of the pod's interface, in CIDR notation.
fn has(case: &Case<'_>, pod: &str) -> Result<[String; 2]> {
    let net1 = kernel::one(cluster(), &case.namespace, pod, "net1")?;
    Ok([
        format!("{}/24", net1.ipv4()?),
        format!("{}/64", net1.ipv6()?),
    ])
}

/// As KubeVirt uses them: the claim outlives the virtual machine's pod, which comes again elsewhere.
#[test]
fn a_pod_that_names_an_ipam_claim_has_its_addresses_on_every_node_until_the_claim_is_deleted()
-> Result<()> {
    case::alone(cluster(), "ipam-claim", |case| {
        let _definition = definition()?;
        let nodes = cluster().nodes(NodeKind::Namespace, 2)?;
        let network = case.ready_network("MacvlanNetwork", "net", &case.spec("eth1"))?;
        let claim = json!({
            "apiVersion": "k8s.cni.cncf.io/v1alpha1",
            "kind": "IPAMClaim",
            "metadata": {"namespace": case.namespace, "name": "vm.net"},
            "spec": {"network": network, "interface": "net1"},
        });
        until("the new kind is served", 20, || {
            cluster().apply(std::slice::from_ref(&claim))
        })?;
        let claim = claim_says(case, None)?;
        let kept: Vec<String> = ips(&claim).into_iter().map(str::to_owned).collect();

        let asks = format!(r#"[{{"name": "{network}", "ipam-claim-reference": "vm.net"}}]"#);
        for node in [&nodes[0], &nodes[1], &nodes[0]] {
            // It would get the claim's, if that were free.
            case.pod("other", node, &network)?;
            let pod = manifest::pod(&case.namespace, "vm", node, "");
            cluster().apply(&[with(pod, &annotation(manifest::NETWORKS), json!(asks))])?;
            case.ready(&["vm", "other"])?;
            let (vm, other) = (has(case, "vm")?, has(case, "other")?);
            ensure!(
                kept == vm,
                "the claim keeps {kept:?}, and the pod has {vm:?}"
            );
            ensure!(other.iter().all(|ip| !kept.contains(ip)), "{other:?}");
            claim_says(case, Some("vm"))?;
            case.delete_pod("vm")?;
            case.delete_pod("other")?;
        }
        claim_says(case, None)?;
        Truth::of(case).no_duplicates()?;

        let delete = "delete ipamclaim vm.net --timeout=30s -n";
        let delete: Vec<_> = delete.split(' ').chain([case.namespace.as_str()]).collect();
        cluster().kubectl(&delete)?;
        let address = kept.first().and_then(|ip| ip.split('/').next());
        let address = address.context("an address")?;
        until("nothing is kept for the claim", 45, || {
            let blocks = ledger::blocks(cluster(), &case.namespace)?;
            let entries = blocks
                .iter()
                .filter_map(|block| block.pointer("/spec/entries"));
            let mut kept = entries.filter_map(|entries| entries.get(address));
            ensure!(
                kept.all(|entry| entry.get("claim").is_none()),
                "{address} is still kept"
            );
            Ok(())
        })
    })
}
