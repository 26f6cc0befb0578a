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

/// Fails unless a pod gets an answer of each address, out of an interface of its own.
pub fn reaches(
    cluster: &Cluster,
    namespace: &str,
    pod: &str,
    interface: &str,
    addresses: &[IpAddr],
) -> Result<()> {
    let trips = ping(cluster, namespace, pod, interface, addresses)?;
    trips.into_iter().try_for_each(|trip| trip.map(drop))
}

/// Pings addresses out of an interface of a pod; each round trip in milliseconds.
pub fn ping(
    cluster: &Cluster,
    namespace: &str,
    pod: &str,
    interface: &str,
    addresses: &[IpAddr],
) -> Result<Vec<Result<f64>>> {
    // One answer within 3 s is enough: the first packet waits for a neighbour entry. One command for
    // all: to enter a pod takes longer than the pings.
    let script = format!(
        "for to; do echo \"to $to\"; ping -n -c1 -w3 -I {interface} \"$to\" 2>&1 || :; done"
    );
    let addresses: Vec<_> = addresses.iter().map(IpAddr::to_string).collect();
    let mut words = vec!["sh", "-c", &script, "sh"];
    words.extend(addresses.iter().map(String::as_str));
    let said = checked(&words, &cluster.in_pod(namespace, pod, &words)?)?;
    let trip = |to: &String| {
        let part = said.split_once(&format!("to {to}\n"));
        let (_, part) = part.with_context(|| said.clone())?;
        let part = part.split("\nto ").next().unwrap_or(part);
        let time = part.split_once("time=");
        let time = time.and_then(|(_, rest)| rest.split_once(' ')?.0.parse().ok());
        time.with_context(|| format!("pod {pod}, {interface}: no answer from {to}: {part}"))
    };
    Ok(addresses.iter().map(trip).collect())
}
