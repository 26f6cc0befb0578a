//! What a thief would try.

use serde_json::{Value, json};

use super::requests::Request;

/// One row of the table.
#[derive(Clone, Debug)]
pub(super) struct Resource {
    /// What the row is called.
    pub(super) title: String,
    /// Of the collection.
    path: String,
    name: String,
    /// With a slash before it, or nothing.
    subresource: &'static str,
    /// What create and update send.
    body: Value,
    /// What patch sends.
    patch: Value,
}

// === impl Resource ===

impl Resource {
    /// `group` is `""` for the core; `namespace` is `""` for what has none.
    fn new(group: &str, plural: &str, kind: &str, namespace: &str, name: &str) -> Self {
        let (root, api) = match group {
            "" => ("/api/v1".to_owned(), "v1".to_owned()),
            "landfall.dev" => version(group, "v1alpha1"),
            _ => version(group, "v1"),
        };
        let place = match namespace {
            "" => String::new(),
            _ => format!("/namespaces/{namespace}"),
        };
        let metadata = json!({"name": name, "namespace": namespace});
        Self {
            title: match group {
                "" | "landfall.dev" => plural.to_owned(),
                _ => format!("{plural}.{group}"),
            },
            path: format!("{root}{place}/{plural}"),
            name: name.to_owned(),
            subresource: "",
            body: json!({"apiVersion": api, "kind": kind, "metadata": metadata}),
            patch: json!({"metadata": {"labels": {"stolen": "yes"}}}),
        }
    }

    fn of(self, whose: &str) -> Self {
        Self {
            title: format!("{}, {whose}", self.title),
            ..self
        }
    }

    fn sub(self, subresource: &'static str, patch: Value) -> Self {
        Self {
            title: format!("{}{subresource}", self.title),
            subresource,
            patch,
            ..self
        }
    }

    /// What a verb is as a request.
    pub(super) fn request(&self, verb: &str) -> Request {
        let one = format!("{}/{}{}", self.path, self.name, self.subresource);
        // A subresource has no collection: for the authorizer, which comes first, it is a name.
        let listed = if self.subresource.is_empty() {
            &self.path
        } else {
            &one
        };
        match verb {
            "get" => Request::read(&one),
            "list" => Request::read(&format!("{listed}?limit=1")),
            "watch" => Request::read(&format!("{listed}?watch=true&timeoutSeconds=1")),
            "create" => Request::write("POST", listed, &self.body),
            "update" => Request::write("PUT", &one, &self.body),
            "patch" => Request::write("PATCH", &one, &self.patch),
            _ => Request::write("DELETE", &one, &json!({})),
        }
    }
}

fn version(group: &str, version: &str) -> (String, String) {
    (
        format!("/apis/{group}/{version}"),
        format!("{group}/{version}"),
    )
}

/// Group, plural and kind of what belongs to no node, in a namespace.
const NAMESPACED: [(&str, &str, &str); 10] = [
    ("landfall.dev", "addressclaims", "AddressClaim"),
    ("", "secrets", "Secret"),
    ("", "configmaps", "ConfigMap"),
    ("", "serviceaccounts", "ServiceAccount"),
    ("", "events", "Event"),
    ("events.k8s.io", "events", "Event"),
    ("coordination.k8s.io", "leases", "Lease"),
    ("apps", "deployments", "Deployment"),
    ("apps", "daemonsets", "DaemonSet"),
    ("rbac.authorization.k8s.io", "rolebindings", "RoleBinding"),
];
/// The same of the cluster.
const CLUSTER: [(&str, &str, &str); 7] = [
    ("landfall.dev", "addressblocks", "AddressBlock"),
    ("landfall.dev", "macvlannetworks", "MacvlanNetwork"),
    ("landfall.dev", "ipvlannetworks", "IpvlanNetwork"),
    ("", "namespaces", "Namespace"),
    (
        "apiextensions.k8s.io",
        "customresourcedefinitions",
        "CustomResourceDefinition",
    ),
    ("rbac.authorization.k8s.io", "clusterroles", "ClusterRole"),
    (
        "admissionregistration.k8s.io",
        "validatingadmissionpolicies",
        "ValidatingAdmissionPolicy",
    ),
];

/// All rows: of the node `own`, whose agent is `pod` in `namespace`, and of `other`.
pub(super) fn all(own: &str, other: &str, namespace: &str, pod: &str) -> Vec<Resource> {
    let mut all = of_node("its own node's", own, namespace, pod);
    all.extend(of_node("another node's", other, namespace, "another"));
    all.extend(CLUSTER.map(|(group, plural, kind)| Resource::new(group, plural, kind, "", "any")));
    let inside = NAMESPACED
        .map(|(group, plural, kind)| Resource::new(group, plural, kind, namespace, "any"));
    all.extend(inside);
    let tokens = Resource::new("", "serviceaccounts", "TokenRequest", namespace, "default");
    all.push(tokens.sub("/token", json!({})));
    all
}

fn of_node(whose: &str, node: &str, namespace: &str, pod: &str) -> Vec<Resource> {
    let object = Resource::new("landfall.dev", "landfallnodes", "LandfallNode", "", node);
    let machine = Resource::new("", "nodes", "Node", "", node);
    let pod = Resource::new("", "pods", "Pod", namespace, pod);
    let group = "coordination.k8s.io";
    let lease = Resource::new(group, "leases", "Lease", "kube-node-lease", node);
    let status = json!({"status": {"bootID": "stolen"}});
    let rows = [
        object.clone(),
        object.sub("/status", status),
        machine.clone(),
        machine.sub("/status", json!({"status": {}})),
        pod.clone(),
        pod.sub("/status", json!({"status": {}})),
        lease,
    ];
    rows.map(|row| row.of(whose)).into()
}
