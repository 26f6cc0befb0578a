//! A cluster in memory: nodes, their objects, and agents that answer at once or never.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use axum::{
    Router,
    extract::{Path, State},
    response::{IntoResponse as _, Response},
    routing::{get, patch},
};
use serde_json::{Value, json};

/// What a node and its agent are like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Up, and its agent does what it is asked.
    Works,
    /// Up, and its agent does nothing.
    Hangs,
    /// Down.
    Down,
}

#[derive(Debug)]
struct Node {
    kind: Kind,
    generation: i64,
    uninstall: bool,
    unchained: bool,
}

/// All nodes by name.
#[derive(Clone, Debug)]
pub(super) struct Cluster(Arc<Mutex<BTreeMap<String, Node>>>);

// === impl Cluster ===

#[expect(
    clippy::unused_async,
    reason = "axum takes asynchronous functions only"
)]
impl Cluster {
    pub(super) fn new(nodes: &[(&str, Kind)]) -> Self {
        let node = |kind| Node {
            kind,
            generation: 1,
            uninstall: false,
            unchained: false,
        };
        let nodes = nodes
            .iter()
            .map(|&(name, kind)| (name.to_owned(), node(kind)));
        Self(Arc::new(Mutex::new(nodes.collect())))
    }

    pub(super) fn client(&self) -> kube::Client {
        let ours = "/apis/landfall.dev/v1alpha1/landfallnodes";
        let router = Router::new()
            .route("/api/v1/nodes", get(Self::nodes))
            .route(ours, get(Self::objects))
            .route(&format!("{ours}/{{name}}"), patch(Self::write))
            .with_state(self.clone());
        kube::Client::new(router, "default")
    }

    /// Of which nodes this field is set.
    pub(super) fn told(&self) -> Vec<String> {
        let nodes = self.0.lock().unwrap();
        let told = nodes.iter().filter(|(_, node)| node.uninstall);
        told.map(|(name, _)| name.clone()).collect()
    }

    async fn nodes(State(cluster): State<Self>) -> Response {
        list(&cluster, |name, node| {
            let status = if node.kind == Kind::Down {
                "Unknown"
            } else {
                "True"
            };
            let ready = json!([{"type": "Ready", "status": status}]);
            json!({"metadata": {"name": name}, "status": {"conditions": ready}})
        })
    }

    async fn objects(State(cluster): State<Self>) -> Response {
        list(&cluster, object)
    }

    async fn write(
        State(cluster): State<Self>,
        Path(name): Path<String>,
        body: String,
    ) -> Response {
        let patch: Value = serde_json::from_str(&body).unwrap();
        let mut nodes = cluster.0.lock().unwrap();
        let node = nodes.get_mut(&name).unwrap();
        node.uninstall = patch["spec"]["uninstall"].as_bool().unwrap();
        node.generation += 1;
        node.unchained = node.uninstall && node.kind == Kind::Works;
        object(&name, node).to_string().into_response()
    }
}

fn object(name: &str, node: &Node) -> Value {
    json!({
        "apiVersion": "landfall.dev/v1alpha1",
        "kind": "LandfallNode",
        "metadata": {"name": name, "generation": node.generation},
        "spec": {"uninstall": node.uninstall},
        "status": {"observedGeneration": node.generation, "unchained": node.unchained},
    })
}

fn list(cluster: &Cluster, item: impl Fn(&str, &Node) -> Value) -> Response {
    let nodes = cluster.0.lock().unwrap();
    let items: Vec<_> = nodes.iter().map(|(name, node)| item(name, node)).collect();
    let list = json!({"metadata": {"resourceVersion": "1"}, "items": items});
    list.to_string().into_response()
}
