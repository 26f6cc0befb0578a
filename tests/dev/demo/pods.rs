//! The pods of the demo: what their kernels show, and whom they reach.

use std::{net::IpAddr, time::Duration};

use anyhow::{Context, Result};
use landfall_tests::{
    cluster::Cluster,
    kernel::{self, Interface},
    pod::{network_status, text},
};
use serde_json::Value;

use super::{NAMESPACE, NETWORKS};
use crate::{layout, progress};

/// A pod.
#[derive(Debug)]
pub(crate) struct Pod {
    /// Its name.
    pub name: String,
    /// Its node.
    pub node: String,
    /// The network that it is attached to.
    pub network: &'static str,
    /// Its interface there.
    pub interface: Interface,
    /// Each address of it.
    pub lines: Vec<Line>,
    /// How long its node's agent took.
    pub attach: Option<Duration>,
}

/// One address of a pod, and the round trips of pings from it, in milliseconds.
#[derive(Debug)]
pub(crate) struct Line {
    /// The address.
    pub address: IpAddr,
    /// The gateway of its subnet.
    pub gateway: String,
    /// To a pod of the same network on another node.
    pub peer: Option<f64>,
    /// To a pod of the other network on another node.
    pub other: Option<f64>,
    /// To the host on the LAN.
    pub lan: Option<f64>,
}

/// Where a ping may go.
struct Target {
    node: String,
    network: &'static str,
    address: IpAddr,
}

/// All pods, with what their kernels show.
pub(crate) fn read(cluster: &Cluster) -> Result<Vec<Pod>> {
    let mut pods = Vec::new();
    for (kind, network) in NETWORKS {
        let object = cluster.get(&[kind, network])?;
        let selector = format!("app={network}");
        let mut all = cluster.items(&["pods", "-n", NAMESPACE, "-l", &selector])?;
        all.sort_by_key(|pod| text(pod, "/spec/nodeName").to_owned());
        for pod in all {
            let name = text(&pod, "/metadata/name").to_owned();
            let interface = interface(cluster, &name)?;
            let addresses = interface.addresses.iter();
            pods.push(Pod {
                lines: addresses
                    .map(|address| Line::new(*address, &object))
                    .collect(),
                node: text(&pod, "/spec/nodeName").to_owned(),
                attach: None,
                network,
                interface,
                name,
            });
        }
    }
    Ok(pods)
}

/// The interface that the network status names.
fn interface(cluster: &Cluster, pod: &str) -> Result<Interface> {
    let status = network_status(cluster, NAMESPACE, pod)?;
    let mut names = status.iter().map(|entry| text(entry, "/interface"));
    let name = names
        .find(|name| *name != "eth0")
        .context("nothing is attached")?;
    kernel::one(cluster, NAMESPACE, pod, name)
}

/// Pings from every address of every pod. Returns whether all were answered.
pub(crate) fn ping(cluster: &Cluster, pods: &mut [Pod]) -> Result<bool> {
    let targets: Vec<Target> = pods.iter().flat_map(Pod::targets).collect();
    let mut answered = true;
    for pod in pods {
        let mut to = Vec::new();
        for line in &pod.lines {
            let next = |same: bool| {
                let is = |network: &str| (network == pod.network) == same;
                next(&targets, line.address, &pod.node, is)
            };
            let found = [next(true)?, next(false)?, lan_host(line.address)?];
            to.extend(found);
        }
        let (name, interface) = (&pod.name, &pod.interface.name);
        let trips = kernel::ping(cluster, NAMESPACE, name, interface, &to)?;
        let mut trips = trips.into_iter().map(|trip| {
            trip.map_err(|error| {
                progress::note(&format!("{error:#}"));
                answered = false;
            })
            .ok()
        });
        for line in &mut pod.lines {
            [line.peer, line.other, line.lan] = [(); 3].map(|()| trips.next().flatten());
        }
    }
    Ok(answered)
}

/// The next target of the same family on another node, so that in the end all are pinged.
fn next(
    targets: &[Target],
    own: IpAddr,
    node: &str,
    network: impl Fn(&str) -> bool,
) -> Result<IpAddr> {
    let position = targets.iter().position(|target| target.address == own);
    let position = position.unwrap_or_default();
    let (before, after) = targets.split_at(position);
    let mut others = after.iter().chain(before).filter(|target| {
        target.node != node && network(target.network) && target.address.is_ipv4() == own.is_ipv4()
    });
    let other = others.next().map(|target| target.address);
    other.with_context(|| format!("no pod on another node can be pinged from {own}"))
}

/// The address of the host on the LAN that plays the gateway of the examples.
fn lan_host(own: IpAddr) -> Result<IpAddr> {
    let addresses = layout::LAN_ADDRESSES.into_iter();
    let mut addresses = addresses.filter_map(|address| address.split('/').next()?.parse().ok());
    let address = addresses.find(|address: &IpAddr| address.is_ipv4() == own.is_ipv4());
    address.with_context(|| format!("the LAN host has no address of the family of {own}"))
}

// === impl Pod ===

impl Pod {
    /// The kind and name of its network.
    pub(crate) fn network_shown(&self) -> String {
        let kind = NETWORKS.into_iter().find(|(_, name)| *name == self.network);
        let kind = kind.map(|(kind, _)| kind.trim_end_matches("Network").to_lowercase());
        format!("{} {}", kind.unwrap_or_default(), self.network)
    }

    fn targets(&self) -> impl Iterator<Item = Target> {
        self.lines.iter().map(|line| Target {
            node: self.node.clone(),
            network: self.network,
            address: line.address,
        })
    }
}

// === impl Line ===

impl Line {
    fn new(address: IpAddr, network: &Value) -> Self {
        let subnets = network
            .pointer("/spec/ipam/subnets")
            .and_then(Value::as_array);
        let mut gateways = subnets
            .into_iter()
            .flatten()
            .map(|subnet| text(subnet, "/gateway"));
        let gateway = gateways.find(|gateway| gateway.contains(':') == address.is_ipv6());
        Self {
            address,
            gateway: gateway.unwrap_or_default().to_owned(),
            peer: None,
            other: None,
            lan: None,
        }
    }
}
