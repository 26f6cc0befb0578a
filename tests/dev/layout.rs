//! Where everything of the cluster is and what it is called: names, addresses, folders.
//!
//! All of it follows from constants, so that a second run (or a clean-up after a killed one)
//! recognises what the first one made.

use std::{net::Ipv4Addr, path::PathBuf};

use anyhow::{Context, Result, bail};
pub(crate) use landfall_tests::{
    parts::{cache, cnitool, containerd, etcd, helm, kubernetes, plugins, version},
    stage::api::{PORT as API_PORT, SERVICE_SUBNET},
};

/// Prefix of everything that is visible on the machine by name: network namespaces and cgroups.
pub(crate) const PREFIX: &str = "lf-";
/// Namespace of the two bridges `cluster` and `lan`.
pub(crate) const NETNS_BRIDGES: &str = "lf-net";
/// Namespace of etcd and the Kubernetes control plane.
pub(crate) const NETNS_CONTROL: &str = "lf-control";
/// Namespace of the host on the LAN.
pub(crate) const NETNS_LAN: &str = "lf-lan";
/// Bridge that plays the network between nodes.
pub(crate) const BRIDGE_CLUSTER: &str = "cluster";
/// Bridge that plays the physical LAN.
pub(crate) const BRIDGE_LAN: &str = "lan";
/// Address of the control plane on the cluster bridge; port 6443.
pub(crate) const CONTROL_ADDRESS: Ipv4Addr = Ipv4Addr::new(172, 30, 0, 1);
/// Prefix length on the cluster bridge.
pub(crate) const CLUSTER_PREFIX: u8 = 24;
/// All pods; node N has 10.244.N.0/24 of it.
pub(crate) const POD_SUBNET: &str = "10.244.0.0/16";
/// What the host on the LAN answers on, with one MAC address.
pub(crate) const LAN_ADDRESSES: [&str; 4] = [
    "10.20.0.1/24",
    "10.21.0.1/24",
    "fd00:20::1/64",
    "fd00:21::1/64",
];
/// Largest number of nodes of one kind: their tokens and routes exist from the start.
pub(crate) const MAX_NODES: u8 = 9;
/// Interfaces of a node on the LAN bridge.
pub(crate) const LAN_INTERFACES: [&str; 2] = ["eth1", "eth2"];

/// Folder of the running cluster: one a machine, as the namespaces' names are.
pub(crate) fn state() -> PathBuf {
    PathBuf::from("/var/lib/landfall-dev")
}

/// Path of a running cluster's kubeconfig.
pub(crate) fn kubeconfig() -> PathBuf {
    state().join("kubeconfig")
}

/// Certificates and keys: ca.crt, ca.key, apiserver.crt, …
pub(crate) fn pki() -> PathBuf {
    state().join("pki")
}

/// Notes of the images that every node gets: pause.image, busybox.image, …
pub(crate) fn images() -> PathBuf {
    state().join("images")
}

/// This program's copy, for processes that outlive the command which started them.
pub(crate) fn own_copy() -> PathBuf {
    state().join("bin/dev")
}

/// Token with which `user` authenticates, e.g. `system:node:node1`.
pub(crate) fn token(user: &str) -> Result<String> {
    let path = state().join("tokens.csv");
    let text = std::fs::read_to_string(&path).with_context(|| path.display().to_string())?;
    text.lines()
        .find_map(|line| {
            let mut fields = line.split(',');
            let token = fields.next()?;
            (fields.next()? == user).then(|| token.to_owned())
        })
        .with_context(|| format!("no token for {user} in {}", path.display()))
}

/// How a node is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Namespaces of the machine's kernel.
    Namespace,
    /// User-Mode Linux: a kernel of its own.
    Uml,
}

impl Kind {
    /// As `status` prints it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Namespace => "namespace",
            Self::Uml => "uml",
        }
    }
}

/// The container runtime of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Runtime {
    /// The distribution's containerd (1.6) with its plugins: CNI 1.0.0.
    Debian,
    /// containerd 2 and plugins from the Go proxy: CNI 1.1.0.
    Containerd2,
}

/// One node of the cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Node {
    /// `node1`, `uml1`.
    pub name: String,
    /// 1 to 9 for namespace nodes, 101 to 109 for UML nodes: all addresses follow from it.
    pub number: u8,
    /// How it is made.
    pub kind: Kind,
    /// Its container runtime.
    pub runtime: Runtime,
}

impl Node {
    /// Namespace node `index` (from 1). Every second one runs containerd 2.
    pub(crate) fn namespace(index: u8) -> Self {
        let runtime = if index.is_multiple_of(2) {
            Runtime::Containerd2
        } else {
            Runtime::Debian
        };
        Self {
            name: format!("node{index}"),
            number: index,
            kind: Kind::Namespace,
            runtime,
        }
    }

    /// UML node `index` (from 1).
    pub(crate) fn uml(index: u8) -> Self {
        Self {
            name: format!("uml{index}"),
            number: index.saturating_add(100),
            kind: Kind::Uml,
            runtime: Runtime::Debian,
        }
    }

    /// The node called `name`.
    pub(crate) fn named(name: &str) -> Result<Self> {
        let known = (1..=MAX_NODES).flat_map(|index| [Self::namespace(index), Self::uml(index)]);
        let Some(node) = known.into_iter().find(|node| node.name == name) else {
            bail!("no node is called {name}: node1 to node{MAX_NODES}, uml1 to uml{MAX_NODES}");
        };
        Ok(node)
    }

    /// Network namespace of a namespace node (a UML node's taps are in [`NETNS_BRIDGES`]).
    pub(crate) fn netns(&self) -> String {
        format!("{PREFIX}{}", self.name)
    }

    /// Cgroup (in every hierarchy of the machine) of a namespace node's pods.
    pub(crate) fn cgroup(&self) -> String {
        format!("{PREFIX}{}", self.name)
    }

    /// Address of eth0, on the cluster bridge.
    pub(crate) fn address(&self) -> Ipv4Addr {
        Ipv4Addr::new(172, 30, 0, self.number.saturating_add(10))
    }

    /// What the primary CNI hands out on this node.
    pub(crate) fn pod_subnet(&self) -> String {
        format!("10.244.{}.0/24", self.number)
    }

    /// MAC address of interface eth`index`: the same after each start.
    pub(crate) fn mac(&self, index: u8) -> String {
        format!("02:1f:00:00:{index:02x}:{:02x}", self.number)
    }

    /// Name of the bridge's end of eth`index`, in [`NETNS_BRIDGES`].
    pub(crate) fn port(&self, index: u8) -> String {
        format!("{}-{index}", self.name)
    }

    /// The node's own disk, configuration and logs.
    pub(crate) fn folder(&self) -> PathBuf {
        state().join("nodes").join(&self.name)
    }

    /// Log of one of its programs.
    pub(crate) fn log(&self, program: &str) -> PathBuf {
        self.folder().join("log").join(format!("{program}.log"))
    }

    /// User whose token its kubelet uses.
    pub(crate) fn user(&self) -> String {
        format!("system:node:{}", self.name)
    }
}

/// Routes to the pods of all nodes that may ever exist, except `own`: (subnet, next hop).
pub(crate) fn pod_routes(own: Option<&Node>) -> Vec<(String, Ipv4Addr)> {
    (1..=MAX_NODES)
        .flat_map(|index| [Node::namespace(index), Node::uml(index)])
        .filter(|node| Some(node) != own)
        .map(|node| (node.pod_subnet(), node.address()))
        .collect()
}

/// The tree that this program works on.
pub(crate) fn tree() -> PathBuf {
    landfall_tests::tree::tree("")
}
