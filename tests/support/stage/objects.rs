//! The objects that kubelets, the DaemonSet and controllers would make.

use serde_json::{Value, json};

/// The operator's namespace, and the agents'.
pub const SYSTEM: &str = "landfall-system";

/// Its Namespace.
pub fn system() -> Value {
    json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": SYSTEM}})
}

/// A Node as kubelet registers it.
pub fn node(name: &str, machine: &str) -> Value {
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
pub fn agent(node: &str) -> Value {
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
pub fn readiness(is_ready: bool) -> Value {
    let status = if is_ready { "True" } else { "False" };
    json!({"status": {
        "phase": "Running", "conditions": [{"type": "Ready", "status": status}],
    }})
}

/// A pod with annotations, bound.
pub fn pod(name: &str, node: &str, annotations: &Value) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {
            "name": name, "namespace": "default",
            "annotations": annotations,
        },
        "spec": {
            "nodeName": node, "terminationGracePeriodSeconds": 30,
            "containers": [{"name": "main", "image": "main"}],
        },
    })
}
