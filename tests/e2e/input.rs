//! Input that is as large, or as odd, as the API server lets through.

use anyhow::{Result, ensure};
use landfall_tests::{
    case,
    cluster::{NodeKind, checked},
    kernel,
    manifest::{self, NETWORKS, annotation, with},
    node::sh,
    truth::Truth,
};
use serde_json::json;

use crate::cluster;

/// What the API server allows for the annotations of an object, keys and values together.
const ANNOTATIONS: usize = 256 << 10;

#[test]
fn a_pod_with_256_kib_of_annotations_made_of_less_than_signs_attaches() -> Result<()> {
    case::run(cluster(), "large", |case| {
        let nodes = cluster().nodes(NodeKind::Namespace, 2)?;
        let network = case.ready_network("MacvlanNetwork", "net", &case.spec("eth1"))?;
        // Go writes each as six characters. `create`, since `apply` keeps a copy in an annotation.
        let rest = ANNOTATIONS - NETWORKS.len() - network.len() - "large".len();
        let large = json!("<".repeat(rest));
        for (name, node) in [("one", &nodes[0]), ("two", &nodes[1])] {
            let pod = manifest::pod(&case.namespace, name, node, &network);
            let pod = with(pod, &annotation("large"), large.clone()).to_string();
            let words = ["create", "-f", "-"];
            checked(&words, &cluster().feed_kubectl(&words, &pod)?)?;
        }
        case.ready(&["one", "two"])?;
        let two = kernel::one(cluster(), &case.namespace, "two", "net1")?;
        kernel::reaches(cluster(), &case.namespace, "one", "net1", &two.addresses)?;
        // DEL gets them too.
        case.delete_pod("one")?;
        case.delete_pod("two")?;
        Truth::of(case).nothing_held_at_rest()
    })
}

/// By hand, as the runtime would call it.
const CALL: &str = r#"
printf %s "$1" | env CNI_COMMAND=ADD CNI_CONTAINERID=lf-test CNI_NETNS="$2" CNI_IFNAME=eth0 \
    CNI_PATH=/opt/cni/bin CNI_ARGS="$3" /opt/cni/bin/landfall || :"#;

#[test]
fn garbage_in_cni_args_is_an_error_and_leaves_nothing() -> Result<()> {
    case::run(cluster(), "garbage", |case| {
        let node = &cluster().nodes(NodeKind::Namespace, 1)?[0];
        let network = case.ready_network("MacvlanNetwork", "net", &case.spec("eth1"))?;
        let input = json!({
            "cniVersion": "1.0.0",
            "name": "cluster",
            "type": "landfall",
            "runtimeConfig": {"io.kubernetes.cri.pod-annotations": {NETWORKS: network}},
            "prevResult": {"cniVersion": "1.0.0", "interfaces": [], "ips": []},
        });
        let netns = format!("/run/netns/{}", case.namespace);
        sh(cluster(), node, "ip netns add \"$1\"", &[&case.namespace])?;
        let rows = [
            "",
            ";;;==;",
            "K8S_POD_UID",
            "K8S_POD_UID=;K8S_POD_NAME=;K8S_POD_NAMESPACE=",
            "K8S_POD_UID=../../etc;K8S_POD_NAME=a;K8S_POD_NAMESPACE=b",
            "IgnoreUnknown=1;K8S_POD_UID=00000000-0000-0000-0000-000000000000",
            "K8S_POD_UID=\u{1f4a9}\n\t;K8S_POD_NAME=<>;K8S_POD_NAMESPACE='",
        ];
        let said: Result<Vec<_>> = rows
            .iter()
            .map(|row| sh(cluster(), node, CALL, &[&input.to_string(), &netns, row]))
            .collect();
        let links = sh(cluster(), node, "ip -n \"$1\" -br link", &[&case.namespace]);
        sh(cluster(), node, "ip netns del \"$1\"", &[&case.namespace])?;
        for (row, said) in rows.iter().zip(said?) {
            let error: serde_json::Value = serde_json::from_str(&said)?;
            println!("{row:?}: {} {}", error["code"], error["msg"]);
            let code = error["code"].as_u64();
            ensure!(
                [Some(4), Some(7), Some(11)].contains(&code),
                "{row:?}: {said}"
            );
        }
        let links = links?;
        ensure!(links.lines().count() == 1, "more than lo: {links}");
        Truth::of(case).nothing_held_at_rest()
    })
}
