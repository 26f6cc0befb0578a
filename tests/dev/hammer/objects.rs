//! The objects that users, kubelets and the DaemonSet would make.

use serde_json::{Value, json};

/// The operator's namespace, and the agents'.
pub(super) const SYSTEM: &str = "landfall-system";

/// The network that is deleted and made again.
pub(super) const PASSING: &str = "passing";

/// A network: name, and its subnets. All are in one segment.
pub(super) const NETWORKS: [(&str, &[&str]); 3] = [
    // Short of addresses most of the time.
    ("scarce", &["10.98.0.0/26"]),
    ("dual", &["10.98.1.0/25", "fd00:98:1::/64"]),
    (PASSING, &["10.98.2.0/26"]),
];

/// A network.
pub(super) fn network(name: &str, subnets: &[&str]) -> Value {
    let subnets: Vec<_> = subnets.iter().map(|cidr| json!({"cidr": cidr})).collect();
    json!({
        "apiVersion": "landfall.dev/v1alpha1", "kind": "MacvlanNetwork",
        "metadata": {"name": name},
        "spec": {
            "namespaces": {},
            "parents": [{"interface": super::rig::PARENT}],
            "ipam": {"subnets": subnets, "reuseDelay": {"preferred": "2s", "minimum": "1s"}},
        },
    })
}

/// A Node as kubelet registers it.
pub(super) fn node(name: &str, machine: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Node",
        "metadata": {"name": name, "labels": {"kubernetes.io/hostname": name}},
        "status": {
            "conditions": [{"type": "Ready", "status": "True"}],
            "nodeInfo": {
                "machineID": machine, "systemUUID": machine, "bootID": machine,
                "kernelVersion": "", "osImage": "", "containerRuntimeVersion": "containerd://1.6.20",
                "kubeletVersion": "", "kubeProxyVersion": "", "operatingSystem": "linux",
                "architecture": "amd64",
            },
        },
    })
}

/// The DaemonSet's pod on a node.
pub(super) fn agent(node: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {
            "name": format!("agent-{node}"), "namespace": SYSTEM,
            "labels": {
                "app.kubernetes.io/name": "landfall", "app.kubernetes.io/component": "agent",
            },
        },
        "spec": {
            "nodeName": node, "hostNetwork": true,
            "containers": [{"name": "agent", "image": "agent"}],
        },
    })
}

/// Whether that pod is Ready.
pub(super) fn readiness(is_ready: bool) -> Value {
    let status = if is_ready { "True" } else { "False" };
    json!({"status": {
        "phase": "Running", "conditions": [{"type": "Ready", "status": status}],
    }})
}

/// A pod that asks for networks, bound.
pub(super) fn pod(name: &str, node: &str, networks: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {
            "name": name, "namespace": "default",
            "annotations": {"landfall.dev/networks": networks},
        },
        "spec": {
            "nodeName": node, "terminationGracePeriodSeconds": 30,
            "containers": [{"name": "main", "image": "main"}],
        },
    })
}

/// How many addresses a pod with that annotation must get.
pub(super) fn addresses(asks: &str) -> usize {
    let networks = asks.split(',');
    let subnets = networks.filter_map(|asked| NETWORKS.iter().find(|(name, _)| *name == asked));
    subnets.map(|(_, subnets)| subnets.len()).sum()
}
