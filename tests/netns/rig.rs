//! A node, pods and a LAN, each a network namespace.

use std::{
    net::IpAddr,
    path::{Path, PathBuf},
    process::{Command, Output},
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use landfall_core::{
    id::Name,
    link::{Device, Ipv6, Link, index, settings},
    mac::Mac,
    network::{Driver, Macvlan, MacvlanMode, Route},
};
use landfall_link::{AttachError, Chain, Made, Netns, Node, PROC_SYS};
use serde_json::Value;

static COUNT: AtomicU32 = AtomicU32::new(0);

/// A namespace that goes away with this, after a panic too.
#[derive(Debug)]
pub(crate) struct Namespace {
    pub(crate) name: String,
}

impl Namespace {
    /// As the kernel makes it: lo is down, and there is no routing table.
    pub(crate) fn fresh(role: &str) -> Self {
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("lfn-{}-{count}-{role}", std::process::id());
        run("ip", &["netns", "add", &name]);
        Self { name }
    }

    /// As a runtime makes it.
    pub(crate) fn new(role: &str) -> Self {
        let namespace = Self::fresh(role);
        namespace.ip(&["link", "set", "lo", "up"]);
        namespace
    }

    pub(crate) fn path(&self) -> PathBuf {
        Path::new("/run/netns").join(&self.name)
    }

    pub(crate) fn open(&self) -> Netns {
        Netns::open(&self.path()).unwrap()
    }

    /// Runs `ip` inside and wants it to succeed.
    pub(crate) fn ip(&self, arguments: &[&str]) -> String {
        let arguments = [&["-n", &self.name], arguments].concat();
        String::from_utf8(run("ip", &arguments).stdout).unwrap()
    }

    /// Runs `ip -j` inside.
    pub(crate) fn json(&self, arguments: &[&str]) -> Value {
        let text = self.ip(&[&["-j", "-d"], arguments].concat());
        serde_json::from_str(&text).unwrap_or(Value::Null)
    }

    /// A link as `ip -j -d addr show` has it; null if there is none.
    pub(crate) fn link(&self, name: &str) -> Value {
        let all = self.json(&["addr", "show"]);
        let links = all.as_array().cloned().unwrap_or_default();
        let found = links.into_iter().find(|link| link["ifname"] == name);
        found.unwrap_or_default()
    }

    pub(crate) fn sysctl(&self, path: &str) -> String {
        let path = format!("/proc/sys/net/{path}");
        let output = run("ip", &["netns", "exec", &self.name, "cat", &path]);
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    /// Whether one of three pings is answered within a second: a busy machine loses some.
    pub(crate) fn pings(&self, address: &str) -> bool {
        let ping = ["ping", "-c3", "-i0.3", "-W1", address];
        let arguments = [&["netns", "exec", &self.name], &ping[..]].concat();
        Command::new("ip")
            .args(arguments)
            .output()
            .unwrap()
            .status
            .success()
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        // It must not panic on the way out of a panic.
        drop(
            Command::new("ip")
                .args(["netns", "del", &self.name])
                .output(),
        );
    }
}

/// A node whose eth1 is on a LAN with one host: 10.9.0.1 and fd00:9::1.
#[derive(Debug)]
pub(crate) struct Rig {
    pub(crate) node: Namespace,
    pub(crate) lan: Namespace,
}

impl Rig {
    pub(crate) fn new() -> Self {
        let rig = Self {
            node: Namespace::new("node"),
            lan: Namespace::new("lan"),
        };
        let peer = ["peer", "name", "eth1", "netns", &rig.node.name];
        rig.lan
            .ip(&[&["link", "add", "lan0", "type", "veth"], &peer[..]].concat());
        rig.node.ip(&["link", "set", "eth1", "up"]);
        rig.lan.ip(&["link", "set", "lan0", "up"]);
        rig.lan.ip(&["addr", "add", "10.9.0.1/24", "dev", "lan0"]);
        rig.lan
            .ip(&["addr", "add", "fd00:9::1/64", "dev", "lan0", "nodad"]);
        rig
    }

    pub(crate) fn parent(&self) -> u32 {
        index_of(&self.node.link("eth1"))
    }

    /// The node's side, as an agent in that namespace has it.
    pub(crate) fn agent(&self) -> Node {
        let open = |_: &landfall_link::Inside<'_>| Node::open(Path::new(PROC_SYS));
        self.node.open().enter(open).unwrap().unwrap()
    }

    /// A macvlan link in mode bridge with 10.9.0.<host> and fd00:9::<host>.
    pub(crate) fn link(&self, container: &str, host: u8) -> Link {
        Link {
            device: Device {
                name: Name::from("net1"),
                index: index(container, "net1"),
                parent: self.parent(),
                driver: macvlan(MacvlanMode::Bridge),
                mac: Some(Mac([0x0a, 0x58, 10, 9, 0, host])),
                mtu: None,
                tx_queue_length: None,
                all_multicast: false,
                alias: Some("landfall:00000000-0000-0000-0000-000000000001".to_owned()),
            },
            settings: settings("net1", IPV6, Vec::new()),
            dad: false,
            addresses: vec![
                format!("10.9.0.{host}/24").parse().unwrap(),
                format!("fd00:9::{host:x}/64").parse().unwrap(),
            ],
            routes: Vec::new(),
            neighbors: Vec::new(),
        }
    }

    pub(crate) fn attach(&self, pod: &Namespace, link: &Link) -> Result<Made, AttachError> {
        self.agent().attach(&pod.open(), link)
    }
}

/// IPv6 with granted addresses alone.
pub(crate) const IPV6: Ipv6 = Ipv6::On {
    router_advertisements: false,
    dad: false,
};

/// Gives a link another name, and its sysctls that of their interface.
pub(crate) fn rename(link: &mut Link, name: &str) {
    link.device.name = name.into();
    link.settings = settings(name, IPV6, Vec::new());
}

pub(crate) fn macvlan(mode: MacvlanMode) -> Driver {
    Driver::Macvlan(Macvlan {
        mode,
        ..Macvlan::default()
    })
}

pub(crate) fn route(destination: &str, gateway: Option<&str>, metric: Option<u32>) -> Route {
    Route {
        destination: destination.parse().unwrap(),
        gateway: gateway.map(|gateway| gateway.parse::<IpAddr>().unwrap()),
        metric,
    }
}

pub(crate) fn index_of(link: &Value) -> u32 {
    u32::try_from(link["ifindex"].as_u64().unwrap()).unwrap()
}

/// The sentence that an operator of the node reads.
pub(crate) fn sentence(error: &dyn std::error::Error) -> String {
    Chain(error).to_string()
}

/// Runs a program and wants it to succeed.
pub(crate) fn run(program: &str, arguments: &[&str]) -> Output {
    let output = Command::new(program).args(arguments).output().unwrap();
    assert!(
        output.status.success(),
        "{program} {arguments:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    output
}

/// Waits until something holds, at most two seconds.
pub(crate) fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    for _ in 0..100 {
        if holds() {
            return;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    panic!("{what} did not happen");
}
