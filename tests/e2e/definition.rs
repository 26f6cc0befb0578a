//! Kinds of the NPWG that others bring along; each goes with the test that makes it.

use anyhow::Result;
use serde_json::{Value, json};

use crate::cluster;

/// A CustomResourceDefinition in the group k8s.cni.cncf.io, as far as a test looks at its objects.
pub(crate) struct Definition {
    name: String,
}

impl Definition {
    /// Makes one of these names (`spec.names`) with one version, which is stored, and waits until it is taken.
    pub(crate) fn new(names: &Value, version: Value) -> Result<Self> {
        let plural = names["plural"].as_str().unwrap_or_default();
        let name = format!("{plural}.k8s.cni.cncf.io");
        let mut version = version;
        version["served"] = json!(true);
        version["storage"] = json!(true);
        let made = Self { name };
        cluster().apply(&[json!({
            "apiVersion": "apiextensions.k8s.io/v1",
            "kind": "CustomResourceDefinition",
            "metadata": {"name": made.name},
            "spec": {
                "group": "k8s.cni.cncf.io",
                "scope": "Namespaced",
                "names": names,
                "versions": [version],
            },
        })])?;
        let wait = "wait --for=condition=Established --timeout=20s crd";
        let wait: Vec<_> = wait.split(' ').chain([made.name.as_str()]).collect();
        cluster().kubectl(&wait)?;
        Ok(made)
    }
}

impl Drop for Definition {
    fn drop(&mut self) {
        let delete = ["delete", "crd", &self.name, "--timeout=30s"];
        cluster().kubectl(&delete).expect("the definition goes");
    }
}
