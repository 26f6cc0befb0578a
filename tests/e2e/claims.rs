//! Claims: addresses that outlive pods.

use anyhow::{Context, Result, ensure};
use landfall_tests::{
    case::{self, Case},
    cluster::NodeKind,
    kernel, ledger,
    manifest::{self, annotation, with},
    pod::{self, text},
    truth::Truth,
    wait::{as_long_as, until},
};
use serde_json::{Value, json};

use crate::cluster;

/// Makes a claim of the test's namespace.
fn claim(case: &Case<'_>, name: &str, spec: &Value) -> Result<()> {
    let claim = manifest::landfall("AddressClaim", name, spec);
    let namespace = json!(case.namespace);
    cluster().apply(&[with(claim, "/metadata/namespace", namespace)])
}

/// Waits for a condition of a claim, and returns the claim.
fn claim_says(case: &Case<'_>, name: &str, kind: &str, status: &str) -> Result<Value> {
    until(&format!("claim {name} says {kind}={status}"), 30, || {
        let object = cluster().get(&["addressclaim", "-n", &case.namespace, name])?;
        let seen = pod::condition(&object, kind).map(|(status, ..)| status);
        ensure!(seen == Some(status), "{:?}", object.pointer("/status"));
        Ok(object)
    })
}

fn addresses(claim: &Value) -> Vec<&str> {
    let addresses = claim.pointer("/status/addresses").and_then(Value::as_array);
    addresses
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect()
}

fn stateful_set(case: &Case<'_>, name: &str, replicas: u32, network: &str) -> Value {
    let mut set = manifest::deployment(&case.namespace, name, replicas, network);
    set = with(set, "/kind", json!("StatefulSet"));
    with(set, "/spec/podManagementPolicy", json!("Parallel"))
}

fn scale(case: &Case<'_>, what: &str, replicas: u32) -> Result<()> {
    let replicas = format!("--replicas={replicas}");
    cluster().kubectl(&["scale", what, &replicas, "-n", &case.namespace])?;
    Ok(())
}

fn net1(case: &Case<'_>, pod: &str) -> Result<(String, String)> {
    let interface = kernel::one(cluster(), &case.namespace, pod, "net1")?;
    Ok((interface.ipv4()?.to_string(), interface.ipv6()?.to_string()))
}

#[test]
fn a_pods_claimed_addresses_follow_it_to_another_node_and_nobody_else_gets_them() -> Result<()> {
    case::run(cluster(), "claim-pod", |case| {
        let nodes = cluster().nodes(NodeKind::Namespace, 2)?;
        let network = case.ready_network("MacvlanNetwork", "net", &case.part("eth1", 10, 13))?;
        let spec = json!({
            "network": network,
            "addresses": [case.ipv4(12), case.ipv6(12)],
            "for": {"type": "Pod", "pod": {"name": "db"}},
        });
        claim(case, "db", &spec)?;
        claim_says(case, "db", "Bound", "True")?;
        for node in [&nodes[0], &nodes[1], &nodes[0]] {
            case.pod("db", node, &network)?;
            case.pod("other", node, &network)?;
            case.ready(&["db", "other"])?;
            let (db, other) = (net1(case, "db")?, net1(case, "other")?);
            ensure!(db == (case.ipv4(12), case.ipv6(12)), "db has {db:?}");
            ensure!(other.0 != case.ipv4(12), "other has {other:?}");
            let held = claim_says(case, "db", "Held", "True")?;
            ensure!(text(&held, "/status/holders/0/pod") == "db", "{held}");
            case.delete_pod("db")?;
            case.delete_pod("other")?;
        }
        claim_says(case, "db", "Held", "False")?;
        Truth::of(case).no_duplicates()
    })
}

#[test]
fn ordinals_keep_their_addresses_over_scaling_and_rescheduling() -> Result<()> {
    case::run(cluster(), "claim-set", |case| {
        let network = case.ready_network("MacvlanNetwork", "net", &case.spec("eth1"))?;
        let spec = json!({
            "network": network,
            "for": {"type": "StatefulSet", "statefulSet": {"name": "db"}},
        });
        claim(case, "db", &spec)?;
        claim_says(case, "db", "Accepted", "True")?;
        cluster().apply(&[stateful_set(case, "db", 3, &network)])?;
        let pods = ["db-0", "db-1", "db-2"];
        pod::ready_within(cluster(), &case.namespace, &pods, 90)?;
        let all = || -> Result<Vec<_>> { pods.iter().map(|pod| net1(case, pod)).collect() };
        let before = all()?;

        scale(case, "statefulset/db", 1)?;
        until("two pods are gone", 60, || {
            let pods = cluster().items(&["pods", "-n", &case.namespace])?;
            ensure!(pods.len() == 1, "{} pods", pods.len());
            Ok(())
        })?;
        // They would get what the others had, if that were free.
        let nodes = cluster().nodes(NodeKind::Namespace, 1)?;
        case.pod("other", &nodes[0], &network)?;
        case.ready(&["other"])?;
        let other = net1(case, "other")?;
        ensure!(!before.contains(&other), "{other:?}");
        scale(case, "statefulset/db", 3)?;
        pod::ready_within(cluster(), &case.namespace, &pods, 90)?;
        ensure!(all()? == before, "{:?} were {before:?}", all()?);

        // All at once, in whatever order they come back.
        let delete = ["delete", "pods", "-l", "app=db", "-n", &case.namespace];
        cluster().kubectl(&delete)?;
        pod::ready_within(cluster(), &case.namespace, &pods, 90)?;
        ensure!(all()? == before, "{:?} were {before:?}", all()?);

        let bound = claim_says(case, "db", "Bound", "True")?;
        let listed: Vec<String> = before
            .iter()
            .cloned()
            .flat_map(<[String; 2]>::from)
            .collect();
        ensure!(addresses(&bound) == listed, "{bound}");
        Truth::of(case).no_duplicates()
    })
}

#[test]
fn a_deployments_pods_draw_from_the_addresses_of_its_claim() -> Result<()> {
    case::run(cluster(), "claim-web", |case| {
        let network = case.ready_network("MacvlanNetwork", "net", &case.spec("eth1"))?;
        let kept = [case.ipv4(20), case.ipv4(21), case.ipv4(22)];
        let spec = json!({
            "network": network,
            "addresses": kept,
            "for": {"type": "Workload", "workload": {"kind": "Deployment", "name": "web"}},
        });
        claim(case, "web", &spec)?;
        claim_says(case, "web", "Bound", "True")?;
        cluster().apply(&[manifest::deployment(&case.namespace, "web", 2, &network)])?;
        for _ in 0..2 {
            let namespace = ["-n", &case.namespace, "--timeout=90s"];
            let status = ["rollout", "status", "deployment/web"];
            cluster().kubectl(&[&status[..], &namespace].concat())?;
            let pods = cluster().items(&["pods", "-n", &case.namespace, "-l", "app=web"])?;
            for pod in &pods {
                if pod.pointer("/metadata/deletionTimestamp").is_some() {
                    continue;
                }
                let name = text(pod, "/metadata/name");
                let address = kernel::one(cluster(), &case.namespace, name, "net1")?.ipv4()?;
                ensure!(kept.contains(&address.to_string()), "{name} has {address}");
            }
            let restart = [
                "rollout",
                "restart",
                "deployment/web",
                "-n",
                &case.namespace,
            ];
            cluster().kubectl(&restart)?;
        }
        Truth::of(case).no_duplicates()
    })
}

#[test]
fn a_reservation_is_for_whoever_names_it_and_free_when_it_is_deleted() -> Result<()> {
    case::run(cluster(), "claim-none", |case| {
        let nodes = cluster().nodes(NodeKind::Namespace, 1)?;
        let network = case.ready_network("MacvlanNetwork", "net", &case.part("eth1", 10, 11))?;
        let spec = json!({"network": network, "addresses": [case.ipv4(10), case.ipv6(10)],
            "for": {"type": "None"}});
        claim(case, "spare", &spec)?;
        claim_says(case, "spare", "Bound", "True")?;
        case.pod("plain", &nodes[0], &network)?;
        case.ready(&["plain"])?;
        ensure!(net1(case, "plain")?.0 == case.ipv4(11));
        let asks = format!(r#"[{{"name": "{network}", "ipam-claim-reference": "spare"}}]"#);
        let pod = manifest::pod(&case.namespace, "named", &nodes[0], "");
        let pod = with(pod, &annotation(manifest::NETWORKS), json!(asks));
        cluster().apply(&[pod])?;
        case.ready(&["named"])?;
        ensure!(net1(case, "named")? == (case.ipv4(10), case.ipv6(10)));
        case.delete_pod("named")?;

        let delete = ["delete", "addressclaim", "spare", "--timeout=30s"];
        cluster().kubectl(&[&delete[..], &["-n", &case.namespace]].concat())?;
        case.pod("next", &nodes[0], &network)?;
        case.ready(&["next"])?;
        ensure!(net1(case, "next")?.0 == case.ipv4(10));
        Ok(())
    })
}

#[test]
fn another_namespace_gets_neither_a_claim_nor_an_address_that_one_keeps() -> Result<()> {
    case::run(cluster(), "claim-other", |case| {
        let nodes = cluster().nodes(NodeKind::Namespace, 1)?;
        // Not this namespace's.
        let mut spec = case.spec("eth1");
        spec["namespaces"] = json!({"matchLabels": {"kubernetes.io/metadata.name": "nobody"}});
        let closed = case.ready_network("MacvlanNetwork", "closed", &spec)?;
        claim(
            case,
            "closed",
            &json!({"network": closed, "for": {"type": "None"}}),
        )?;
        let refused = claim_says(case, "closed", "Accepted", "False")?;
        let (_, reason, message) = pod::condition(&refused, "Accepted").context("Accepted")?;
        ensure!(reason == "NamespaceNotAllowed", "{reason}: {message}");
        ensure!(ledger::held(cluster(), &case.namespace)?.is_empty());

        // Everybody's, and a pod of another namespace asks for what a claim here keeps.
        let part = case.part("eth1", 50, 59);
        let part = with(part, "/namespaces", json!({}));
        let part = with(part, "/segment", json!(format!("{}-open", case.namespace)));
        let open = case.ready_network("MacvlanNetwork", "open", &part)?;
        let spec = json!({"network": open, "addresses": [case.ipv4(55)], "for": {"type": "None"}});
        claim(case, "kept", &spec)?;
        claim_says(case, "kept", "Bound", "True")?;
        let thief = format!("thief-{}", case.namespace);
        let asks = format!(r#"[{{"name": "{open}", "ips": ["{}"]}}]"#, case.ipv4(55));
        let pod = manifest::pod("default", &thief, &nodes[0], "");
        cluster().apply(&[with(pod, &annotation(manifest::NETWORKS), json!(asks))])?;
        let outcome = pod::event(
            cluster(),
            "default",
            &thief,
            "AddressPoolExhausted",
            "claim of another namespace",
        )
        .and_then(|_| {
            as_long_as("it does not start", 3, || {
                pod::not_ready(cluster(), "default", &thief)
            })
        });
        let delete = ["delete", "pod", &thief, "-n", "default", "--timeout=60s"];
        cluster().kubectl(&delete)?;
        outcome
    })
}
