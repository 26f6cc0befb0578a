//! One test's own corner of the cluster: a namespace, a segment, networks and subnets that no other
//! test has, removed at the end, also after a failure.

use std::{
    cell::RefCell,
    net::IpAddr,
    sync::{
        PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard,
        atomic::{AtomicU8, Ordering},
    },
};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use crate::{
    cluster::Cluster,
    diagnosis,
    manifest::{self, with},
    pod, wait,
};

/// Tests that break something for all others run alone.
static OTHERS: RwLock<()> = RwLock::new(());
static NUMBER: AtomicU8 = AtomicU8::new(0);

#[expect(dead_code, reason = "held until the test ends")]
enum Turn {
    Shared(RwLockReadGuard<'static, ()>),
    Alone(RwLockWriteGuard<'static, ()>),
}

/// What a test may use.
pub struct Case<'c> {
    /// The cluster.
    pub cluster: &'c Cluster,
    /// Its namespace, which is also the name of its segment.
    pub namespace: String,
    /// Third byte and, with [`Case::new`]'s process, second byte of its subnets.
    number: u8,
    process: u8,
    /// Networks, as `kind/name`, in the order they were made.
    networks: RefCell<Vec<String>>,
    /// Addresses that the host on the LAN was given.
    lan: RefCell<Vec<String>>,
    removed: bool,
    _turn: Turn,
}

/// Runs a test beside others.
pub fn run(
    cluster: &Cluster,
    name: &str,
    test: impl FnOnce(&Case<'_>) -> Result<()>,
) -> Result<()> {
    let turn = Turn::Shared(OTHERS.read().unwrap_or_else(PoisonError::into_inner));
    Case::new(cluster, name, turn)?.tried(test)
}

/// Runs a test that must have the cluster for itself.
pub fn alone(
    cluster: &Cluster,
    name: &str,
    test: impl FnOnce(&Case<'_>) -> Result<()>,
) -> Result<()> {
    let turn = Turn::Alone(OTHERS.write().unwrap_or_else(PoisonError::into_inner));
    Case::new(cluster, name, turn)?.tried(test)
}

// === impl Case ===

impl<'c> Case<'c> {
    fn new(cluster: &'c Cluster, name: &str, turn: Turn) -> Result<Self> {
        let process = std::process::id();
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let namespace = format!("lf-{name}-{process}");
        let object = json!({
            "apiVersion": "v1",
            "kind": "Namespace",
            "metadata": {"name": namespace, "labels": {"landfall.dev/test": "yes"}},
        });
        cluster.apply(&[object])?;
        Ok(Self {
            cluster,
            namespace,
            number,
            process: u8::try_from(process % 100).unwrap_or_default(),
            networks: RefCell::default(),
            lan: RefCell::default(),
            removed: false,
            _turn: turn,
        })
    }

    fn tried(mut self, test: impl FnOnce(&Self) -> Result<()>) -> Result<()> {
        let result = test(&self);
        if let Err(error) = &result {
            eprintln!("{}: {error:#}", self.namespace);
            diagnosis::print(self.cluster, &self.namespace);
        }
        self.removed = true;
        let removed = self.remove();
        if let Err(error) = &removed
            && result.is_ok()
        {
            eprintln!("{} is not removed: {error:#}", self.namespace);
            diagnosis::print(self.cluster, &self.namespace);
        }
        result.and(removed)
    }

    /// Pods first, then claims, then networks: those go only when no address of them is held or kept,
    /// which is tested here with each test. Every step is tried; the first error is told.
    fn remove(&self) -> Result<()> {
        let kubectl = |words: &[&str]| self.cluster.kubectl(words).map(drop);
        let pods = "delete deployments,statefulsets,daemonsets,jobs,pods --all --timeout=60s -n";
        let pods: Vec<_> = pods.split(' ').chain([self.namespace.as_str()]).collect();
        let mut steps = vec![kubectl(&pods)];
        let claims = "delete addressclaims --all --timeout=30s -n";
        let claims: Vec<_> = claims.split(' ').chain([self.namespace.as_str()]).collect();
        steps.push(kubectl(&claims).context("claims stay although they are deleted"));
        let networks = self.networks.borrow();
        if !networks.is_empty() {
            let mut words = vec!["delete", "--ignore-not-found", "--timeout=30s"];
            words.extend(networks.iter().map(String::as_str));
            steps.push(kubectl(&words).context("networks stay although no pod uses them"));
        }
        for address in self.lan.borrow().iter() {
            let words = ["ip", "addr", "del", address, "dev", "eth0"];
            steps.push(self.cluster.on_node("lan", &words).map(drop));
        }
        steps.push(kubectl(&[
            "delete",
            "namespace",
            &self.namespace,
            "--wait=false",
        ]));
        steps.into_iter().collect()
    }

    /// An IPv4 subnet of this test: `10.x.y.0/24` of which `address` gives a host.
    pub fn ipv4(&self, host: u8) -> String {
        format!("10.{}.{}.{host}", 100 + self.process, self.number)
    }

    /// The same for IPv6: `fd00:x:y::/64`.
    pub fn ipv6(&self, host: u8) -> String {
        format!(
            "fd00:{:x}:{:x}::{host:x}",
            0x100 + u16::from(self.process),
            self.number
        )
    }

    /// Whether an address is in a subnet of this test.
    pub fn owns(&self, address: IpAddr) -> bool {
        match address {
            IpAddr::V4(ipv4) => {
                let [first, process, number, _] = ipv4.octets();
                (first, process, number) == (10, 100 + self.process, self.number)
            }
            IpAddr::V6(ipv6) => {
                let [first, process, number, ..] = ipv6.segments();
                (first, process) == (0xfd00, 0x100 + u16::from(self.process))
                    && number == u16::from(self.number)
            }
        }
    }

    /// A network's name of this test.
    pub fn name(&self, network: &str) -> String {
        format!("{}-{network}", self.namespace)
    }

    /// What most networks of a test are: dual stack, with the whole subnets of this test, on an
    /// interface of the nodes.
    pub fn spec(&self, parent: &str) -> Value {
        json!({
            "namespaces": {"matchLabels": {"kubernetes.io/metadata.name": self.namespace}},
            "segment": self.namespace,
            "parents": [{"interface": parent}],
            "ipam": {
                "subnets": [
                    {"cidr": format!("{}/24", self.ipv4(0)), "gateway": self.ipv4(1)},
                    {"cidr": format!("{}/64", self.ipv6(0)), "gateway": self.ipv6(1)},
                ],
                "reuseDelay": {"preferred": "1s", "minimum": "1s"},
            },
        })
    }

    /// The same with a part of the subnets, `from` to `to`.
    pub fn part(&self, parent: &str, from: u8, to: u8) -> Value {
        let ipv4 = json!([{"from": self.ipv4(from), "to": self.ipv4(to)}]);
        let ipv6 = json!([{"from": self.ipv6(from), "to": self.ipv6(to)}]);
        let spec = with(self.spec(parent), "/ipam/subnets/0/ranges", ipv4);
        with(spec, "/ipam/subnets/1/ranges", ipv6)
    }

    /// Makes a network and returns its name. Its removal is taken care of.
    pub fn network(&self, kind: &str, name: &str, spec: &Value) -> Result<String> {
        let name = self.name(name);
        let object = format!("{}/{name}", kind.to_lowercase());
        self.networks.borrow_mut().push(object);
        self.cluster
            .apply(&[manifest::landfall(kind, &name, spec)])?;
        Ok(name)
    }

    /// Makes a network, waits until it is Ready and returns its name.
    pub fn ready_network(&self, kind: &str, name: &str, spec: &Value) -> Result<String> {
        let name = self.network(kind, name, spec)?;
        wait::until(&format!("network {name} is Ready"), 30, || {
            let object = self.cluster.get(&[kind, &name])?;
            match pod::condition(&object, "Ready") {
                Some(("True", ..)) => Ok(()),
                _ => bail!("{:?}", object.pointer("/status/conditions")),
            }
        })?;
        Ok(name)
    }

    /// A condition of a network: waits for a reason and returns the message.
    pub fn refused(&self, kind: &str, name: &str, reason: &str) -> Result<String> {
        wait::until(&format!("{kind} {name} says {reason}"), 20, || {
            let object = self.cluster.get(&[kind, name])?;
            match pod::condition(&object, "Accepted") {
                Some(("False", seen, message)) if seen == reason => Ok(message.to_owned()),
                _ => bail!("{:?}", object.pointer("/status/conditions")),
            }
        })
    }

    /// Gives the host on the LAN the gateway addresses of this test's subnets.
    pub fn lan_host(&self) -> Result<()> {
        self.lan_host_with(1)
    }

    /// Gives the host on the LAN addresses of this test's subnets.
    pub fn lan_host_with(&self, host: u8) -> Result<()> {
        for (address, nodad) in [
            (format!("{}/24", self.ipv4(host)), &[][..]),
            (format!("{}/64", self.ipv6(host)), &["nodad"][..]),
        ] {
            let words = ["ip", "addr", "replace", &address, "dev", "eth0"];
            self.cluster.on_node("lan", &[&words, nodad].concat())?;
            self.lan.borrow_mut().push(address);
        }
        Ok(())
    }

    /// Starts a pod and does not wait. An empty node is any; empty networks are none.
    pub fn pod(&self, name: &str, node: &str, networks: &str) -> Result<()> {
        let pod = manifest::pod(&self.namespace, name, node, networks);
        self.cluster.apply(&[pod])
    }

    /// Deletes a pod and waits until it has gone.
    pub fn delete_pod(&self, name: &str) -> Result<()> {
        let words = [
            "delete",
            "pod",
            "-n",
            &self.namespace,
            name,
            "--timeout=60s",
        ];
        self.cluster.kubectl(&words).map(drop)
    }

    /// Waits until pods are Ready.
    pub fn ready(&self, pods: &[&str]) -> Result<()> {
        pod::ready(self.cluster, &self.namespace, pods)
    }
}

impl Drop for Case<'_> {
    fn drop(&mut self) {
        if !self.removed {
            // An assertion of the test has failed.
            diagnosis::print(self.cluster, &self.namespace);
            if let Err(error) = self.remove() {
                eprintln!("{} is not removed: {error:#}", self.namespace);
            }
        }
    }
}
