//! A pool that is too small.

use anyhow::{Result, ensure};
use landfall_tests::{case, cluster::NodeKind, kernel, manifest::with, pod, wait::as_long_as};
use serde_json::json;

use crate::cluster;

#[test]
fn a_pod_waits_for_an_address_and_starts_by_itself_when_one_is_freed() -> Result<()> {
    case::run(cluster(), "pool", |case| {
        let node = &cluster().nodes(NodeKind::Namespace, 1)?[0];
        let two = json!([{
            "cidr": format!("{}/24", case.ipv4(0)),
            "ranges": [{"from": case.ipv4(10), "to": case.ipv4(11)}],
        }]);
        let spec = with(case.spec("eth1"), "/ipam/subnets", two);
        let network = case.ready_network("MacvlanNetwork", "net", &spec)?;
        case.pod("one", node, &network)?;
        case.pod("two", node, &network)?;
        case.ready(&["one", "two"])?;
        let freed = kernel::one(cluster(), &case.namespace, "one", "net1")?.ipv4()?;

        case.pod("three", node, &network)?;
        let reason = "AddressPoolExhausted";
        pod::event(cluster(), &case.namespace, "three", reason, &network)?;
        as_long_as("there is no address", 3, || {
            pod::not_ready(cluster(), &case.namespace, "three")
        })?;
        case.delete_pod("one")?;
        case.ready(&["three"])?;
        let got = kernel::one(cluster(), &case.namespace, "three", "net1")?.ipv4()?;
        ensure!(got == freed, "{got} instead of {freed}");
        Ok(())
    })
}

#[test]
fn a_namespace_at_its_limit_waits_although_the_pool_is_not_empty() -> Result<()> {
    case::run(cluster(), "limit", |case| {
        let node = &cluster().nodes(NodeKind::Namespace, 1)?[0];
        // Dual stack: a pod holds two.
        let limited = |limit| with(case.spec("eth1"), "/limits", json!({"perNamespace": limit}));
        let network = case.ready_network("MacvlanNetwork", "net", &limited(3))?;
        case.pod("one", node, &network)?;
        case.ready(&["one"])?;
        case.pod("two", node, &network)?;
        let (namespace, reason) = (&case.namespace, "AddressPoolExhausted");
        let says = pod::event(
            cluster(),
            namespace,
            "two",
            reason,
            "spec.limits.perNamespace",
        )?;
        ensure!(says.contains(namespace.as_str()), "{says}");
        as_long_as("the namespace is at its limit", 3, || {
            pod::not_ready(cluster(), namespace, "two")
        })?;
        let more = json!({"spec": {"limits": {"perNamespace": 4}}}).to_string();
        cluster().kubectl(&["patch", "mvn", &network, "--type=merge", "-p", &more])?;
        case.ready(&["two"])?;
        case.pod("three", node, &network)?;
        pod::event(cluster(), namespace, "three", reason, "no more than 4")?;
        case.delete_pod("one")?;
        case.ready(&["three"])
    })
}
