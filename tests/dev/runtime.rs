//! Configuration of a namespace node: container runtime, primary CNI, kubelet and kube-proxy.

use anyhow::Result;
use serde_json::json;

use crate::{
    layout::{self, Node, Runtime},
    pki, process,
};

/// Writes all files into the node's folder.
pub(crate) fn configure(node: &Node) -> Result<()> {
    let folder = node.folder();
    let containerd = match node.runtime {
        Runtime::Debian => CONTAINERD_1,
        Runtime::Containerd2 => CONTAINERD_2,
    };
    process::write(&folder.join("containerd.toml"), containerd)?;
    // Unless the disk holds it from an earlier boot.
    let list = folder.join("etc-cni/net.d/10-cluster.conflist");
    if !list.exists() {
        process::write(&list, conflist(node)?)?;
    }
    process::write(&folder.join("kubelet.json"), kubelet(node)?)?;
    let server = pki::internal_server();
    pki::kubeconfig(&node.user(), &server, &folder.join("kubelet.kubeconfig"))?;
    pki::kubeconfig(
        "system:kube-proxy",
        &server,
        &folder.join("kube-proxy.kubeconfig"),
    )
}

/// Without CAP_SYS_RESOURCE a sandbox can't lower its OOM score: `restrict_oom_score_adj`.
const CONTAINERD_1: &str = r#"version = 2
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "localhost/pause:1"
  restrict_oom_score_adj = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/opt/cni/bin"
    conf_dir = "/etc/cni/net.d"
  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
"#;

const CONTAINERD_2: &str = r#"version = 3
[plugins."io.containerd.cri.v1.images".pinned_images]
  sandbox = "localhost/pause:1"
[plugins."io.containerd.cri.v1.runtime"]
  restrict_oom_score_adj = true
  [plugins."io.containerd.cri.v1.runtime".cni]
    bin_dirs = ["/opt/cni/bin"]
    conf_dir = "/etc/cni/net.d"
  [plugins."io.containerd.cri.v1.runtime".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
"#;

/// The primary network: a bridge, and routes between the nodes.
pub(crate) fn conflist(node: &Node) -> Result<Vec<u8>> {
    let version = match node.runtime {
        Runtime::Debian => "1.0.0",
        Runtime::Containerd2 => "1.1.0",
    };
    Ok(serde_json::to_vec_pretty(&json!({
        "cniVersion": version,
        "name": "cluster",
        "plugins": [{
            "type": "bridge",
            "bridge": "cni0",
            "isGateway": true,
            "hairpinMode": true,
            "ipam": {
                "type": "host-local",
                "ranges": [[{"subnet": node.pod_subnet()}]],
                "routes": [{"dst": "0.0.0.0/0"}],
            },
        }],
    }))?)
}

fn kubelet(node: &Node) -> Result<Vec<u8>> {
    Ok(serde_json::to_vec_pretty(&json!({
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "containerRuntimeEndpoint": "unix:///run/containerd/containerd.sock",
        "providerID": format!("rig:///{}", node.name),
        // The node's own, as all that is below; kubelet takes the folder up when it is made.
        "staticPodPath": "/var/lib/kubelet/manifests",
        "authentication": {
            "webhook": {"enabled": true},
            "x509": {"clientCAFile": layout::pki().join("ca.crt")},
        },
        "authorization": {"mode": "Webhook"},
        "failCgroupV1": false,
        "cgroupDriver": "cgroupfs",
        "cgroupRoot": format!("/{}", node.cgroup()),
        "enforceNodeAllocatable": [],
        "localStorageCapacityIsolation": false,
        "failSwapOn": false,
        // No DNS is installed; this only keeps the kubelet from an event for each pod.
        "clusterDNS": ["10.96.0.10"],
        "clusterDomain": "cluster.local",
        // Nobody can pull our images again.
        "imageGCHighThresholdPercent": 100,
        "evictionHard": {"memory.available": "50Mi"},
    }))?)
}
