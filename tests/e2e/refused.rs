//! Pods that can't be served do not start, and say why.

use anyhow::{Result, ensure};
use landfall_tests::{
    case,
    cluster::NodeKind,
    kernel, ledger,
    manifest::{self, with},
    pod,
    truth::Truth,
};
use serde_json::json;

use crate::cluster;

#[test]
fn a_pod_that_names_an_unknown_network_says_so_and_starts_when_the_network_is_made() -> Result<()> {
    case::run(cluster(), "unknown", |case| {
        let node = &cluster().nodes(NodeKind::Namespace, 1)?[0];
        let network = case.name("net");
        case.pod("one", node, &network)?;
        pod::event(
            cluster(),
            &case.namespace,
            "one",
            "UnknownNetwork",
            &network,
        )?;
        let reason = "FailedCreatePodSandBox";
        let message = pod::event(cluster(), &case.namespace, "one", reason, &network)?;
        ensure!(message.contains("create it, or correct"), "{message}");
        pod::not_ready(cluster(), &case.namespace, "one")?;

        case.ready_network("MacvlanNetwork", "net", &case.spec("eth1"))?;
        case.ready(&["one"])?;
        kernel::one(cluster(), &case.namespace, "one", "net1").map(drop)
    })
}

#[test]
fn a_pod_of_a_namespace_that_is_not_selected_does_not_attach() -> Result<()> {
    case::run(cluster(), "namespace", |case| {
        let node = &cluster().nodes(NodeKind::Namespace, 1)?[0];
        let nobody = json!({"matchLabels": {"landfall.dev/test": "nobody"}});
        let spec = with(case.spec("eth1"), "/namespaces", nobody);
        let network = case.ready_network("MacvlanNetwork", "net", &spec)?;
        case.pod("one", node, &network)?;
        let reason = "NamespaceNotAllowed";
        let message = pod::event(cluster(), &case.namespace, "one", reason, &network)?;
        ensure!(message.contains("spec.namespaces"), "{message}");
        let reason = "FailedCreatePodSandBox";
        pod::event(cluster(), &case.namespace, "one", reason, &network)?;
        pod::not_ready(cluster(), &case.namespace, "one")
    })
}

#[test]
fn an_annotation_that_can_t_be_read_keeps_the_pod_from_starting() -> Result<()> {
    case::run(cluster(), "annotation", |case| {
        let node = &cluster().nodes(NodeKind::Namespace, 1)?[0];
        case.pod("one", node, "[{\"name\": \"storage\"")?;
        let reason = "InvalidAnnotation";
        let message = pod::event(cluster(), &case.namespace, "one", reason, "")?;
        ensure!(message.contains(manifest::NETWORKS), "{message}");
        let reason = "FailedCreatePodSandBox";
        pod::event(
            cluster(),
            &case.namespace,
            "one",
            reason,
            manifest::NETWORKS,
        )?;
        pod::not_ready(cluster(), &case.namespace, "one")
    })
}

#[test]
fn a_pod_with_the_node_s_network_starts_without_attachment_and_is_told() -> Result<()> {
    case::run(cluster(), "host", |case| {
        let node = &cluster().nodes(NodeKind::Namespace, 1)?[0];
        let network = case.ready_network("MacvlanNetwork", "net", &case.spec("eth1"))?;
        let pod = manifest::pod(&case.namespace, "one", node, &network);
        cluster().apply(&[with(pod, "/spec/hostNetwork", json!(true))])?;
        case.ready(&["one"])?;
        let reason = "HostNetworkHasNoAttachments";
        pod::event(cluster(), &case.namespace, "one", reason, "")?;
        let held = ledger::held(cluster(), &case.namespace)?;
        ensure!(held.is_empty(), "{held:?}");
        Truth::of(case).nothing_held_at_rest()
    })
}
