//! What the plugin and the agent say to each other.
//!
//! Over the unix socket, one request and one response a connection. Each is a frame: its length as four
//! bytes, most significant first, and that many bytes of JSON. The sandbox's network namespace travels
//! as a file descriptor with the first byte of the request, so the agent needs no path to it.
//!
//! Plugin and agent may be of different releases while a node is upgraded: both ignore fields that they
//! don't know, new fields have a default, and `version` changes only if that is not enough.
//!
//! Everything here blocks. A closed connection ends an ADD in flight: the plugin was killed.

use serde::{Deserialize, Serialize};

use crate::spec::{CniError, Verb};

mod frame;

pub use frame::{WireError, receive_request, receive_response, send_request, send_response};

/// The version of this protocol.
pub const VERSION: u32 = 1;
/// The longest frame: 512 KiB of annotations may grow sixfold in JSON.
pub const MAX_FRAME: usize = 4 * 1024 * 1024;
/// The folder of everything that lives as long as the node is up.
pub const RUN_DIR: &str = "/run/landfall";
/// The agent's socket in it.
pub const SOCKET: &str = "agent.sock";
/// A file in it: Landfall was uninstalled from the node, and only sandboxes of before know the plugin.
pub const TOMBSTONE: &str = "uninstalled";

/// What the runtime asked of the plugin.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// [`VERSION`].
    pub version: u32,
    /// The verb. Never VERSION.
    pub verb: Verb,
    /// How the plugin was called.
    pub door: Door,
    /// `name` of the CNI configuration.
    #[serde(default)]
    pub config_name: String,
    /// The network of a delegate call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network: Option<String>,
    /// CNI_CONTAINERID, which is the sandbox's. Empty for GC and STATUS.
    #[serde(default)]
    pub container_id: String,
    /// CNI_NETNS, for messages and records; the namespace itself comes as a file descriptor.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub netns: Option<String>,
    /// CNI_IFNAME: the primary interface of a chained call, the attachment's own of a delegate call.
    #[serde(default)]
    pub interface: String,
    /// The pod, from CNI_ARGS.
    #[serde(default)]
    pub pod: Pod,
    /// The pod's annotations that choose networks. Empty in a delegate call.
    #[serde(default)]
    pub annotations: Annotations,
    /// Requested addresses of a delegate call (runtimeConfig.ips).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ips: Vec<String>,
    /// The requested hardware address of a delegate call (runtimeConfig.mac).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mac: Option<String>,
    /// What lives, for GC (`cni.dev/valid-attachments`).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub valid: Vec<Valid>,
}

/// How the plugin was called.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Door {
    /// As the last of the primary network's list: serves the annotations, all attachments in one call.
    Chained,
    /// By Multus, for one attachment.
    Delegate,
}

/// The pod that a sandbox belongs to.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(default)]
pub struct Pod {
    /// K8S_POD_NAMESPACE.
    pub namespace: String,
    /// K8S_POD_NAME.
    pub name: String,
    /// K8S_POD_UID: of a mirror pod the value of `kubernetes.io/config.mirror`.
    pub uid: String,
}

/// The annotations that choose networks, as they are.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(default)]
pub struct Annotations {
    /// `k8s.v1.cni.cncf.io/networks`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub npwg: Option<String>,
    /// `landfall.dev/networks`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub landfall: Option<String>,
}

/// An attachment that the runtime says is alive.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Valid {
    /// The container.
    #[serde(rename = "containerID")]
    pub container_id: String,
    /// The interface.
    #[serde(rename = "ifname")]
    pub interface: String,
}

/// What the agent answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Response {
    /// [`VERSION`].
    pub version: u32,
    /// Absent if all went well.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<CniError>,
    /// What ADD made, or CHECK found: a delegate call's result is written from it, or compared with it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attached: Vec<Attached>,
}

/// An attachment that ADD made.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Attached {
    /// The network's name.
    pub network: String,
    /// The interface's name in the sandbox.
    pub interface: String,
    /// Its hardware address.
    pub mac: Option<String>,
    /// Its MTU.
    pub mtu: Option<u32>,
    /// Its addresses.
    pub addresses: Vec<Address>,
    /// Its routes.
    pub routes: Vec<Route>,
}

/// An address of an attachment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Address {
    /// With the length of its prefix, for example `10.20.0.100/24`.
    pub address: String,
    /// The subnet's gateway.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gateway: Option<String>,
}

/// A route of an attachment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Route {
    /// For example `10.30.0.0/16`.
    pub destination: String,
    /// Through whom; absent: on the link.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gateway: Option<String>,
    /// Its metric.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metric: Option<u32>,
}

// === impl Response ===

impl Response {
    /// All went well.
    pub const fn done(attached: Vec<Attached>) -> Self {
        Self {
            version: VERSION,
            error: None,
            attached,
        }
    }

    /// Something did not.
    pub const fn failed(error: CniError) -> Self {
        Self {
            version: VERSION,
            error: Some(error),
            attached: Vec::new(),
        }
    }

    /// As a result.
    pub fn into_result(self) -> Result<Vec<Attached>, CniError> {
        self.error.map_or(Ok(self.attached), Err)
    }
}

#[cfg(test)]
mod tests;
