//! Objects of the API server, as JSON.

use anyhow::{Context as _, Result};
use hyper::Request;
use kube::{Client, Config};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

/// Our group.
pub(crate) const OURS: &str = "/apis/landfall.dev/v1alpha1";
/// Pods of the tests.
pub(crate) const PODS: &str = "/api/v1/namespaces/default/pods";

/// A client of one user.
pub(crate) struct Api {
    runtime: Runtime,
    client: Client,
}

/// The configuration of a user at a server, whose certificate is its own.
pub(crate) fn config(server: &str, user: &str) -> Config {
    let mut config = Config::new(server.parse().unwrap());
    config.accept_invalid_certs = true;
    config.auth_info.token = Some(user.to_owned().into());
    config
}

// === impl Api ===

impl Api {
    /// A client in the network namespace of the calling thread.
    pub(crate) fn new(server: &str, user: &str) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        let client = runtime.block_on(async { Client::try_from(config(server, user)) });
        Self {
            runtime,
            client: client.unwrap(),
        }
    }

    pub(crate) fn text(&self, path: &str) -> Result<String> {
        let request = Request::get(path).body(Vec::new())?;
        let answer = self.runtime.block_on(self.client.request_text(request));
        Ok(answer?)
    }

    fn send(&self, method: &str, path: &str, kind: &str, body: &Value) -> Result<Value> {
        let request = Request::builder().method(method).uri(path);
        let request = request.header("content-type", kind);
        let request = request.body(serde_json::to_vec(body)?)?;
        let answer = self.runtime.block_on(self.client.request(request));
        answer.with_context(|| format!("{method} {path}"))
    }

    pub(crate) fn get(&self, path: &str) -> Result<Value> {
        Ok(serde_json::from_str(&self.text(path)?)?)
    }

    pub(crate) fn items(&self, path: &str) -> Result<Vec<Value>> {
        let mut list = self.get(path)?;
        let items = list["items"].as_array_mut();
        items
            .map(std::mem::take)
            .with_context(|| format!("{path}: {list}"))
    }

    pub(crate) fn create(&self, path: &str, object: &Value) -> Result<Value> {
        self.send("POST", path, "application/json", object)
    }

    /// A merge patch.
    pub(crate) fn patch(&self, path: &str, changes: &Value) -> Result<Value> {
        self.send("PATCH", path, "application/merge-patch+json", changes)
    }

    pub(crate) fn delete(&self, path: &str, grace_seconds: u32) -> Result<Value> {
        let options = json!({
            "apiVersion": "v1", "kind": "DeleteOptions", "gracePeriodSeconds": grace_seconds,
        });
        self.send("DELETE", path, "application/json", &options)
    }
}
