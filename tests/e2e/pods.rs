//! What a pod can do to us: static, finished, killed, forgotten.

use anyhow::{Result, ensure};
use landfall_tests::{
    audit::{self, Request},
    case::{self, Case},
    cluster::NodeKind,
    fault, kernel, ledger,
    manifest::{self, with},
    node::{self, Undo},
    pod::{self, text},
    truth::Truth,
    wait::until,
};
use serde_json::json;

use crate::cluster;

#[test]
fn a_static_pod_keeps_its_address_when_its_mirror_is_deleted_and_gives_it_back_with_its_file()
-> Result<()> {
    case::run(cluster(), "static", |case| {
        let nodes = cluster().nodes(NodeKind::Namespace, 2)?;
        let network = case.ready_network("MacvlanNetwork", "net", &case.spec("eth1"))?;
        case.pod("witness", &nodes[1], &network)?;
        let file = static_pod(case, &nodes[0], &network)?;
        let name = format!("static-{}", nodes[0]);
        until("the static pod has a mirror", 40, || {
            cluster().get(&["pod", "-n", &case.namespace, &name])
        })?;
        case.ready(&["witness", &name])?;
        let before = kernel::one(cluster(), &case.namespace, &name, "net1")?;
        let pings = fault::through(case, ["witness", &name], || {
            let uid = ["pod", "-n", &case.namespace, &name];
            let mirror = cluster().get(&uid)?;
            let delete = [
                "delete",
                "pod",
                "--grace-period=0",
                "--force",
                "--wait=false",
            ];
            cluster().kubectl(&[&delete[..], &["-n", &case.namespace, &name]].concat())?;
            // Else it would see only at the next of its rounds that the mirror is missing.
            node::sh(cluster(), &nodes[0], "pkill -x kubelet", &[])?;
            until("kubelet makes another mirror", 60, || {
                let next = cluster().get(&uid)?;
                let is_new = text(&next, "/metadata/uid") != text(&mirror, "/metadata/uid");
                ensure!(is_new, "still the same");
                Ok(())
            })
        })?;
        pings.none_lost()?;
        let after = kernel::one(cluster(), &case.namespace, &name, "net1")?;
        ensure!(before == after, "{before:?} became {after:?}");

        file.now()?;
        until("the static pod is gone", 60, || {
            let pods = cluster().items(&["pods", "-n", &case.namespace])?;
            ensure!(pods.len() == 1, "{} pods", pods.len());
            Ok(())
        })?;
        Truth::of(case).nothing_held_at_rest()?;
        let held = ledger::held(cluster(), &case.namespace)?;
        ensure!(
            held.len() == 2,
            "more than the witness's addresses: {held:?}"
        );
        Ok(())
    })
}

/// Puts a manifest into the node's folder of static pods, for as long as the guard lives.
fn static_pod<'c>(case: &Case<'c>, node: &str, network: &str) -> Result<Undo<'c>> {
    let pod = manifest::pod(&case.namespace, "static", "", network);
    let file = format!("/var/lib/kubelet/manifests/{}.json", case.namespace);
    // Kubelet looks at names that don't begin with a dot; it may look at any time.
    let write = format!(
        "mkdir -p /var/lib/kubelet/manifests && cd /var/lib/kubelet/manifests &&
         printf %s '{pod}' > .new && mv .new {file}"
    );
    Undo::after(case.cluster, node, &write, &format!("rm -f {file}"))
}

#[test]
fn the_address_of_a_job_that_completes_comes_back_although_the_pod_stays() -> Result<()> {
    case::run(cluster(), "job", |case| {
        let nodes = cluster().nodes(NodeKind::Namespace, 2)?;
        let network = case.ready_network("MacvlanNetwork", "net", &one_address(case))?;
        let mut pod = manifest::pod(&case.namespace, "job", &nodes[0], &network);
        pod = with(pod, "/spec/restartPolicy", json!("Never"));
        pod = with(pod, "/spec/containers/0/command", json!(["true"]));
        let job = json!({
            "apiVersion": "batch/v1",
            "kind": "Job",
            "metadata": {"namespace": case.namespace, "name": "job"},
            "spec": {"template": {"metadata": pod["metadata"], "spec": pod["spec"]}},
        });
        let job = with(job, "/spec/template/metadata/name", json!(null));
        cluster().apply(&[with(job, "/spec/template/metadata/namespace", json!(null))])?;
        let complete = [
            "wait",
            "--for=condition=Complete",
            "job/job",
            "--timeout=60s",
        ];
        cluster().kubectl(&[&complete[..], &["-n", &case.namespace]].concat())?;
        // The only address goes to a pod on another node.
        case.pod("next", &nodes[1], &network)?;
        case.ready(&["next"])?;
        let next = kernel::one(cluster(), &case.namespace, "next", "net1")?;
        ensure!(next.ipv4()?.to_string() == case.ipv4(10), "{next:?}");
        let pods = cluster().items(&["pods", "-n", &case.namespace, "-l", "app=job"])?;
        let phases: Vec<_> = pods.iter().map(|pod| text(pod, "/status/phase")).collect();
        ensure!(phases == ["Succeeded"], "{phases:?}");
        Truth::of(case).no_duplicates()?;
        Truth::of(case).nothing_held_at_rest()
    })
}

/// A network with a single address, `case.ipv4(10)`.
fn one_address(case: &Case<'_>) -> serde_json::Value {
    let subnets = json!([{
        "cidr": format!("{}/24", case.ipv4(0)),
        "ranges": [{"from": case.ipv4(10), "to": case.ipv4(10)}],
    }]);
    with(case.spec("eth1"), "/ipam/subnets", subnets)
}

#[test]
fn a_pod_whose_pause_process_is_killed_gets_the_same_addresses_and_nobody_asks_the_api()
-> Result<()> {
    case::alone(cluster(), "pause", |case| {
        let nodes = cluster().nodes(NodeKind::Namespace, 2)?;
        let network = case.ready_network("MacvlanNetwork", "net", &case.spec("eth1"))?;
        // The same network twice: each interface must get its own again.
        case.pod("victim", &nodes[0], &format!("{network},{network}"))?;
        case.pod("one", &nodes[0], &network)?;
        case.pod("two", &nodes[1], &network)?;
        case.ready(&["victim", "one", "two"])?;
        pod::network_status(cluster(), &case.namespace, "victim")?;
        let interfaces = || -> Result<_> {
            let one = |name| kernel::one(cluster(), &case.namespace, "victim", name);
            Ok([one("net1")?, one("net2")?])
        };
        let before = interfaces()?;
        let mark = audit::Mark::new(cluster())?;
        let pings = fault::through(case, ["one", "two"], || {
            node::kill_sandbox(cluster(), &case.namespace, "victim")
        })?;
        pings.none_lost()?;
        let after = interfaces()?;
        ensure!(before == after, "{before:?} became {after:?}");
        let requests = mark.requests(cluster())?;
        println!("requests of operator and agents meanwhile: {requests:?}");
        // Reports come afterwards: an agent's status, and the pod's address on the cluster's network.
        let reports = |request: &Request| {
            let Request { verb, resource, .. } = request;
            // Whether these types exist is looked for all the time.
            let looked_for = ["network-attachment-definitions", "ipamclaims"];
            let other = looked_for.contains(&resource.as_str());
            verb == "watch" || other || resource == "leases" || resource.ends_with("/status")
        };
        let asked = requests.keys().find(|request| !reports(request));
        ensure!(asked.is_none(), "{asked:?}");
        Ok(())
    })
}

#[test]
fn a_network_that_is_named_twice_is_attached_twice_and_both_addresses_come_back() -> Result<()> {
    case::run(cluster(), "twice", |case| {
        let nodes = cluster().nodes(NodeKind::Namespace, 2)?;
        let network = case.ready_network("MacvlanNetwork", "net", &case.spec("eth1"))?;
        let twice = format!("{network},{network}");
        case.pod("one", &nodes[0], &twice)?;
        case.pod("two", &nodes[1], &twice)?;
        case.ready(&["one", "two"])?;
        for name in ["net1", "net2"] {
            let to = kernel::one(cluster(), &case.namespace, "two", name)?;
            ensure!(to.addresses.len() == 2, "{to:?}");
            kernel::reaches(cluster(), &case.namespace, "one", name, &to.addresses)?;
        }
        let held = ledger::held(cluster(), &case.namespace)?;
        ensure!(
            held.len() == 8,
            "two families, two interfaces, two pods: {held:?}"
        );
        Truth::of(case).no_duplicates()?;
        case.delete_pod("one")?;
        Truth::of(case).nothing_held_at_rest()?;
        let held = ledger::held(cluster(), &case.namespace)?;
        ensure!(held.len() == 4, "{held:?}");
        Ok(())
    })
}

#[test]
fn the_address_of_a_pod_that_is_force_deleted_waits_for_its_sandbox() -> Result<()> {
    case::alone(cluster(), "force", |case| {
        let nodes = cluster().nodes(NodeKind::Namespace, 2)?;
        let network = case.ready_network("MacvlanNetwork", "net", &one_address(case))?;
        case.lan_host()?;
        case.pod("forgotten", &nodes[0], &network)?;
        case.ready(&["forgotten"])?;
        let address = kernel::one(cluster(), &case.namespace, "forgotten", "net1")?.ipv4()?;
        // Kubelet hears nothing for a while, so that the sandbox outlives its pod.
        let deaf = Undo::after(
            cluster(),
            &nodes[0],
            "pkill -STOP -x kubelet",
            "pkill -CONT -x kubelet",
        )?;
        let pings = landfall_tests::pinger::Pinger::on_node(cluster(), "lan", address)?;
        let delete = ["delete", "pod", "forgotten", "--force", "--grace-period=0"];
        cluster().kubectl(&[&delete[..], &["-n", &case.namespace]].concat())?;
        case.pod("next", &nodes[1], &network)?;
        let reason = "AddressPoolExhausted";
        pod::event(cluster(), &case.namespace, "next", reason, &network)?;
        landfall_tests::wait::as_long_as("the sandbox lives", 5, || {
            pod::not_ready(cluster(), &case.namespace, "next")
        })?;
        // The pod that nobody knows any more is still served.
        pings.stop()?.none_lost()?;
        Truth::of(case).no_duplicates()?;
        deaf.now()?;
        case.ready(&["next"])?;
        Truth::of(case).no_duplicates()?;
        let next = kernel::one(cluster(), &case.namespace, "next", "net1")?.ipv4()?;
        ensure!(next == address, "{next} instead of {address}");
        Truth::of(case).nothing_held_at_rest()
    })
}
