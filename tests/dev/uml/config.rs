//! What the scripts in tests/cluster/uml read from the node's folder.

use std::{fs, path::Path};

use anyhow::{Context, Result};
use serde_json::json;

use super::{Side, service};
use crate::{
    layout::{self, Node},
    pki, process, runtime,
};

/// What a machine keeps over a reboot, on its own disk; the rest of what is written is in /run or is
/// the host's.
const KEEP: [&str; 8] = [
    "/var/lib/containerd",
    "/var/lib/kubelet",
    "/var/lib/cni",
    "/var/lib/landfall",
    "/opt/cni",
    "/etc/cni",
    "/var/log/pods",
    "/var/log/containers",
];

/// Writes all of it.
pub(super) fn write(node: &Node) -> Result<()> {
    places()?;
    let folder = node.folder();
    process::write(&folder.join("params"), params(node)?)?;
    process::write(&folder.join("containerd.toml"), CONTAINERD)?;
    process::write(
        &folder.join("10-cluster.conflist"),
        runtime::conflist(node)?,
    )?;
    process::write(&folder.join("kubelet.json"), kubelet(node))?;
    process::write(&folder.join("kube-proxy.json"), kube_proxy(node))?;
    let server = pki::internal_server();
    pki::kubeconfig(&node.user(), &server, &folder.join("kubelet.kubeconfig"))?;
    pki::kubeconfig(
        "system:kube-proxy",
        &server,
        &folder.join("kube-proxy.kubeconfig"),
    )
}

/// The root is the host's, so mount points that it lacks are made on it; `down` removes what is noted
/// as such in the state folder.
fn places() -> Result<()> {
    let file = layout::state().join("places");
    let mut noted = fs::read_to_string(&file).unwrap_or_default();
    for place in KEEP.into_iter().filter(|place| !Path::new(place).exists()) {
        // Before it is made: a run killed in between leaves nothing behind.
        noted += place;
        noted += "\n";
        process::write(&file, &noted)?;
        fs::create_dir_all(place).with_context(|| place.to_owned())?;
    }
    Ok(())
}

/// Shell assignments.
fn params(node: &Node) -> Result<String> {
    let mut routes: Vec<_> = layout::pod_routes(Some(node))
        .into_iter()
        .map(|(subnet, hop)| format!("{subnet},{hop}"))
        .collect();
    // Without a default route ClusterIPs are "Network is unreachable" from the node itself.
    routes.push(format!("default,{}", layout::CONTROL_ADDRESS));
    let payload = layout::tree()
        .join("tests/cluster/uml/node")
        .canonicalize()?;
    let assignments = [
        ("NAME", node.name.clone()),
        (
            "ADDRESS",
            format!("{}/{}", node.address(), layout::CLUSTER_PREFIX),
        ),
        ("ROUTES", routes.join(" ")),
        ("KEEP", KEEP.join(" ")),
        ("SERVE", layout::own_copy().display().to_string()),
        (
            "SERVE_ADDRESS",
            format!("{}/24", service(node, Side::Inside)),
        ),
        ("PAYLOAD", payload.display().to_string()),
        ("IMAGES", layout::images().display().to_string()),
        ("KUBERNETES", layout::kubernetes()?.display().to_string()),
    ];
    let quoted = |value: &str| value.replace('\'', r"'\''");
    let lines = assignments.map(|(name, value)| format!("{name}='{}'\n", quoted(&value)));
    Ok(lines.concat())
}

/// Debian's containerd 1.6. The host's root lacks CAP_SYS_RESOURCE, and with it a kernel that is a
/// process of it: `restrict_oom_score_adj`.
const CONTAINERD: &str = r#"version = 2
[plugins."io.containerd.grpc.v1.cri"]
sandbox_image = "localhost/pause:1"
restrict_oom_score_adj = true
[plugins."io.containerd.grpc.v1.cri".cni]
bin_dir = "/opt/cni/bin"
conf_dir = "/etc/cni/net.d"
"#;

fn kubelet(node: &Node) -> String {
    json!({
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "authentication": {
            "anonymous": {"enabled": false},
            "webhook": {"enabled": true},
            "x509": {"clientCAFile": layout::pki().join("ca.crt")},
        },
        "authorization": {"mode": "Webhook"},
        "cgroupDriver": "cgroupfs",
        "cgroupRoot": "/",
        "containerRuntimeEndpoint": "unix:///run/containerd/containerd.sock",
        "enforceNodeAllocatable": [],
        "failSwapOn": false,
        "localStorageCapacityIsolation": false,
        "providerID": format!("rig:///{}", node.name),
        "staticPodPath": "/var/lib/kubelet/manifests",
        // No DNS is installed; this only keeps the kubelet from an event for each pod.
        "clusterDNS": ["10.96.0.10"],
        "clusterDomain": "cluster.local",
        // Nobody can pull our images again.
        "imageGCHighThresholdPercent": 100,
        "evictionHard": {"memory.available": "50Mi"},
    })
    .to_string()
}

/// In mode iptables: this kernel has no nftables for IP (see the script `modules`).
fn kube_proxy(node: &Node) -> String {
    json!({
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
        "kind": "KubeProxyConfiguration",
        "mode": "iptables",
        "clientConnection": {"kubeconfig": node.folder().join("kube-proxy.kubeconfig")},
        "clusterCIDR": layout::POD_SUBNET,
        "conntrack": {"maxPerCore": 0},
    })
    .to_string()
}
