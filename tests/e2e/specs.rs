//! Networks that can't be served say so, and touch nothing.

use anyhow::{Result, ensure};
use landfall_tests::{case, manifest::with, pod, wait::until};
use serde_json::{Value, json};

use crate::cluster;

#[test]
fn a_field_that_is_not_served_yet_is_named() -> Result<()> {
    case::run(cluster(), "fields", |case| {
        let fields = [
            (
                "host",
                "/hostAccess",
                json!({"enabled": true}),
                "spec.hostAccess",
            ),
            (
                "multus",
                "/networkAttachmentDefinition",
                json!({"enabled": true}),
                "spec.networkAttachmentDefinition",
            ),
        ];
        for (name, pointer, value, field) in fields {
            let spec = with(case.spec("eth1"), pointer, value);
            let network = case.network("MacvlanNetwork", name, &spec)?;
            let message = case.refused("MacvlanNetwork", &network, "NotImplemented")?;
            ensure!(message.contains(field), "{field}: {message}");
        }
        let pod = "one";
        let network = case.name("host");
        case.pod(pod, "", &network)?;
        let reason = "UnknownNetwork";
        let says = "spec.hostAccess";
        pod::event(cluster(), &case.namespace, pod, reason, says)?;
        pod::not_ready(cluster(), &case.namespace, pod)
    })
}

#[test]
fn the_younger_of_two_networks_that_exclude_each_other_names_the_older() -> Result<()> {
    case::run(cluster(), "younger", |case| {
        let older = case.ready_network("MacvlanNetwork", "older", &case.part("eth1", 10, 20))?;
        let overlapping = case.part("eth2", 20, 30);
        let younger = case.network("MacvlanNetwork", "younger", &overlapping)?;
        let message = case.refused("MacvlanNetwork", &younger, "Overlap")?;
        ensure!(message.contains(&older), "{message}");
        ensure!(message.contains(&case.ipv4(20)), "{message}");

        let same_name = case.network("IpvlanNetwork", "older", &case.part("eth2", 40, 50))?;
        let message = case.refused("IpvlanNetwork", &same_name, "NameTaken")?;
        ensure!(message.contains("MacvlanNetwork"), "{message}");

        let older = cluster().get(&["mvn", &older])?;
        let accepted = pod::condition(&older, "Accepted").map(|(status, ..)| status);
        ensure!(accepted == Some("True"), "{older}");
        // Without its rival the younger one is accepted.
        cluster().kubectl(&["delete", "mvn", &case.name("older")])?;
        until("the younger network is accepted", 20, || {
            let younger = cluster().get(&["mvn", &younger])?;
            let accepted = pod::condition(&younger, "Accepted").map(|(status, ..)| status);
            ensure!(accepted == Some("True"), "{younger}");
            Ok(())
        })
    })
}

#[test]
fn what_the_schema_can_t_see_is_found_by_the_operator() -> Result<()> {
    case::run(cluster(), "invalid", |case| {
        let range = |from, to| json!([{"from": from, "to": to}]);
        let ipv4 = |range: Value| json!({"cidr": format!("{}/24", case.ipv4(0)), "ranges": range});
        let [low, middle, high] = [10, 20, 30].map(|host| case.ipv4(host));
        let twice = json!([ipv4(range(&low, &middle)), ipv4(range(&middle, &high))]);
        let backwards = range(&case.ipv6(20), &case.ipv6(10));
        let rows = [
            ("twice", "/ipam/subnets", twice, "spec.ipam.subnets[1]"),
            (
                "backwards",
                "/ipam/subnets/1/ranges",
                backwards,
                "subnets[1].ranges[0]",
            ),
            (
                "router",
                "/ipam/subnets/0/gateway",
                json!(case.ipv4(255)),
                "subnets[0].gateway",
            ),
        ];
        for (name, pointer, value, place) in rows {
            let spec = with(case.spec("eth1"), pointer, value);
            let network = case.network("MacvlanNetwork", name, &spec)?;
            let message = case.refused("MacvlanNetwork", &network, "Invalid")?;
            ensure!(message.contains(place), "{place}: {message}");
        }
        Ok(())
    })
}

#[test]
fn a_network_whose_parent_no_node_has_is_not_ready_and_its_pods_are_told() -> Result<()> {
    case::run(cluster(), "parent", |case| {
        let network = case.network("MacvlanNetwork", "net", &case.spec("nosuch0"))?;
        until("the parent is missed", 20, || {
            let object = cluster().get(&["mvn", &network])?;
            for kind in ["ParentsReady", "Ready"] {
                let status = pod::condition(&object, kind).map(|(status, ..)| status);
                ensure!(status == Some("False"), "{:?}", object.get("status"));
            }
            Ok(())
        })?;
        case.pod("one", "", &network)?;
        let reason = "FailedCreatePodSandBox";
        pod::event(cluster(), &case.namespace, "one", reason, "nosuch0")?;
        let reason = "ParentInterfaceMissing";
        pod::event(cluster(), &case.namespace, "one", reason, &network)?;
        pod::not_ready(cluster(), &case.namespace, "one")
    })
}
