//! Objects as JSON, short to write.

use serde_json::{Map, Value, json};

/// The image that every node of the rig has.
pub const BUSYBOX: &str = "localhost/busybox:1";
/// Where a pod asks for networks.
pub const NETWORKS: &str = "k8s.v1.cni.cncf.io/networks";
/// Where the result is told.
pub const NETWORK_STATUS: &str = "k8s.v1.cni.cncf.io/network-status";

/// Several objects as one.
pub fn list(objects: &[Value]) -> Value {
    json!({"apiVersion": "v1", "kind": "List", "items": objects})
}

/// An object of our group.
pub fn landfall(kind: &str, name: &str, spec: &Value) -> Value {
    json!({
        "apiVersion": "landfall.dev/v1alpha1",
        "kind": kind,
        "metadata": {"name": name},
        "spec": spec,
    })
}

/// A pod that waits, with the value of the networks annotation (none if empty). It is bound to
/// `node`, unless that is empty.
pub fn pod(namespace: &str, name: &str, node: &str, networks: &str) -> Value {
    let mut pod = json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"namespace": namespace, "name": name, "labels": {"app": name}},
        "spec": pod_spec(),
    });
    if !networks.is_empty() {
        pod = with(pod, &annotation(NETWORKS), json!(networks));
    }
    if !node.is_empty() {
        pod = with(
            pod,
            "/spec/nodeSelector",
            json!({"kubernetes.io/hostname": node}),
        );
    }
    pod
}

/// A Deployment of such pods.
pub fn deployment(namespace: &str, name: &str, replicas: u32, networks: &str) -> Value {
    json!({
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"namespace": namespace, "name": name},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": {"app": name}},
            "template": {
                "metadata": {"labels": {"app": name}, "annotations": {NETWORKS: networks}},
                "spec": pod_spec(),
            },
        },
    })
}

fn pod_spec() -> Value {
    json!({
        "terminationGracePeriodSeconds": 1,
        "automountServiceAccountToken": false,
        "enableServiceLinks": false,
        "containers": [{
            "name": "busybox",
            "image": BUSYBOX,
            "command": ["sleep", "86400"],
        }],
    })
}

/// The JSON pointer of an annotation.
pub fn annotation(key: &str) -> String {
    format!("/metadata/annotations/{}", key.replace('/', "~1"))
}

/// The value with one place changed. Maps on the way are made; null removes.
pub fn with(mut object: Value, pointer: &str, value: Value) -> Value {
    let mut words: Vec<_> = pointer
        .split('/')
        .skip(1)
        .map(|word| word.replace("~1", "/"))
        .collect();
    let last = words.pop().unwrap_or_default();
    let mut place = &mut object;
    for word in words {
        place = child(place, &word);
    }
    if value.is_null() {
        if let Value::Object(map) = place {
            map.remove(&last);
        }
    } else {
        *child(place, &last) = value;
    }
    object
}

fn child<'a>(place: &'a mut Value, word: &str) -> &'a mut Value {
    if let (Value::Array(items), Ok(index)) = (&mut *place, word.parse::<usize>()) {
        while items.len() <= index {
            items.push(Value::Null);
        }
    }
    if place.is_null() {
        *place = Value::Object(Map::new());
    }
    match place {
        Value::Array(items) => {
            let index = word.parse().unwrap_or(usize::MAX);
            items.get_mut(index).expect("lists were filled up above")
        }
        Value::Object(map) => map.entry(word).or_insert(Value::Null),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => place,
    }
}

#[cfg(test)]
mod tests;
