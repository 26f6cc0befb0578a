//! The plugin, as a runtime or Multus calls it, beside the agent of a node.

use landfall_plugin::{
    config::POD_ANNOTATIONS,
    env::Environment,
    run,
    spec::{CniError, Verb},
};
use serde_json::{Value, json};

use crate::rig::{Namespace, Node};

/// Who calls.
#[derive(Clone, Copy)]
pub(crate) enum Door {
    /// A runtime, at the end of the primary network's list.
    Chained,
    /// Multus, for net1 on the network `storage`.
    Delegate,
}

/// A plugin that looks for its agent in the node's folder.
pub(crate) struct Plugin<'a> {
    pub(crate) node: &'a Node,
    pub(crate) door: Door,
    /// The pod's annotation.
    pub(crate) networks: &'a str,
    /// What is in `cni.dev/valid-attachments`.
    pub(crate) valid: &'a [&'a str],
    /// What the runtime was told before; the primary network's result if `None`.
    pub(crate) prev_result: Option<Value>,
}

impl<'a> Plugin<'a> {
    pub(crate) fn new(node: &'a Node, door: Door) -> Self {
        Self {
            node,
            door,
            networks: "storage",
            valid: &[],
            prev_result: None,
        }
    }

    /// Calls it; returns its result, or `null` where it prints none.
    pub(crate) fn call(
        &self,
        verb: Verb,
        container: &str,
        owner: &str,
        pod: Option<&Namespace>,
    ) -> Result<Value, CniError> {
        let environment = Environment {
            verb,
            container_id: container.to_owned(),
            netns: pod.map(Namespace::path),
            interface: match self.door {
                Door::Chained => "eth0".to_owned(),
                Door::Delegate => "net1".to_owned(),
            },
            args: format!("K8S_POD_NAMESPACE=default;K8S_POD_NAME=a;K8S_POD_UID={owner}"),
            path: "/nowhere".to_owned(),
            netns_override: false,
            called_as: None,
        };
        let input = self.config().to_string();
        let node = run::Node::below(&self.node.folder);
        let output = run::run(&environment, input.as_bytes(), &node)?;
        if output.result.is_empty() {
            return Ok(Value::Null);
        }
        Ok(serde_json::from_str(&output.result).unwrap())
    }

    fn config(&self) -> Value {
        let valid = self
            .valid
            .iter()
            .map(|id| json!({"containerID": id, "ifname": "eth0"}));
        let (network, prev_result, runtime) = match self.door {
            Door::Chained => (
                Value::Null,
                json!({"cniVersion": "1.1.0", "ips": []}),
                json!({POD_ANNOTATIONS: {"landfall.dev/networks": self.networks}}),
            ),
            Door::Delegate => (json!(self.networks), Value::Null, Value::Null),
        };
        // null is as good as absent.
        json!({
            "cniVersion": "1.1.0", "name": "cluster", "type": "landfall",
            "cni.dev/valid-attachments": valid.collect::<Vec<_>>(),
            "network": network,
            "prevResult": self.prev_result.as_ref().unwrap_or(&prev_result),
            "runtimeConfig": runtime,
        })
    }
}
