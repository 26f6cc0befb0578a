//! What the kernel says about a pod: its interfaces, and whether it reaches an address.

use std::net::IpAddr;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::cluster::{Cluster, checked};

/// An interface in a pod.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interface {
    /// Its name.
    pub name: String,
    /// Its hardware address.
    pub mac: String,
    /// Its MTU.
    pub mtu: u64,
    /// Its addresses of global scope.
    pub addresses: Vec<IpAddr>,
}

/// The interfaces of a pod, without the loopback, from `ip -j addr` in its network namespace.
pub fn interfaces(cluster: &Cluster, namespace: &str, pod: &str) -> Result<Vec<Interface>> {
    let words = ["ip", "-j", "addr"];
    let text = checked(&words, &cluster.in_pod(namespace, pod, &words)?)?;
    let list: Vec<Value> = serde_json::from_str(&text).context("ip -j addr")?;
    let mut interfaces: Vec<_> = list.iter().map(interface).collect();
    interfaces.retain(|interface| interface.name != "lo");
    Ok(interfaces)
}

/// One interface of a pod.
pub fn one(cluster: &Cluster, namespace: &str, pod: &str, name: &str) -> Result<Interface> {
    let all = interfaces(cluster, namespace, pod)?;
    let named = all.iter().find(|interface| interface.name == name).cloned();
    named.with_context(|| format!("pod {pod} has no interface {name}, only {all:?}"))
}

fn interface(link: &Value) -> Interface {
    let text = |key: &str| link.get(key).and_then(Value::as_str).unwrap_or_default();
    let addresses = link.get("addr_info").and_then(Value::as_array);
    let global = addresses.into_iter().flatten().filter(|address| {
        let scope = address.get("scope").and_then(Value::as_str);
        scope == Some("global")
    });
    Interface {
        name: text("ifname").to_owned(),
        mac: text("address").to_owned(),
        mtu: link.get("mtu").and_then(Value::as_u64).unwrap_or_default(),
        addresses: global
            .filter_map(|address| address.get("local")?.as_str()?.parse().ok())
            .collect(),
    }
}

// === impl Interface ===

impl Interface {
    /// Its only IPv4 address.
    pub fn ipv4(&self) -> Result<IpAddr> {
        self.family(IpAddr::is_ipv4)
    }

    /// Its only IPv6 address of global scope.
    pub fn ipv6(&self) -> Result<IpAddr> {
        self.family(IpAddr::is_ipv6)
    }

    fn family(&self, is: fn(&IpAddr) -> bool) -> Result<IpAddr> {
        let found: Vec<_> = self
            .addresses
            .iter()
            .filter(|address| is(address))
            .collect();
        match found.as_slice() {
            [one] => Ok(**one),
            _ => bail!("one address of the family was expected: {self:?}"),
        }
    }
}

/// Whether a pod gets an answer of an address, out of an interface of its own.
pub fn reaches(
    cluster: &Cluster,
    namespace: &str,
    pod: &str,
    interface: &str,
    address: IpAddr,
) -> Result<()> {
    ping(cluster, namespace, pod, interface, address).map(drop)
}

/// Pings an address out of an interface of a pod; returns the round trip in milliseconds.
pub fn ping(
    cluster: &Cluster,
    namespace: &str,
    pod: &str,
    interface: &str,
    address: IpAddr,
) -> Result<f64> {
    let to = address.to_string();
    // One answer within 3 s is enough: the first packet waits for a neighbour entry.
    let words = ["ping", "-n", "-c1", "-w3", "-I", interface, &to];
    let output = cluster.in_pod(namespace, pod, &words)?;
    let said = checked(&words, &output)
        .with_context(|| format!("pod {pod} gets no answer from {address} through {interface}"))?;
    let trip = said
        .split_once("time=")
        .and_then(|(_, rest)| rest.split_once(' '));
    let (milliseconds, _) = trip.with_context(|| said.clone())?;
    milliseconds.parse().context(said)
}
