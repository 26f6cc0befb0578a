//! A CHECK's prevResult: what ADD told the runtime of an interface, compared with what is there.
//!
//! Only what ADD told is looked for. What is there beside it (a pod may add addresses and routes) is no
//! difference.

use std::net::IpAddr;

use ipnet::IpNet;
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use crate::{
    spec::{CniError, Code},
    wire::{Attached, Route},
};

/// A result from 0.3.0 on: no version before 0.4.0 has CHECK.
#[derive(Debug, Deserialize)]
struct Previous {
    #[serde(default, deserialize_with = "or_none")]
    interfaces: Vec<Interface>,
    #[serde(default, deserialize_with = "or_none")]
    ips: Vec<Ip>,
    #[serde(default, deserialize_with = "or_none")]
    routes: Vec<OldRoute>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Interface {
    name: String,
    mac: String,
    sandbox: String,
}

#[derive(Debug, Deserialize)]
struct Ip {
    address: String,
    /// Its place in `interfaces`; absent: the only one.
    #[serde(default)]
    interface: Option<usize>,
}

#[derive(Debug, Deserialize)]
struct OldRoute {
    dst: String,
    #[serde(default)]
    gw: Option<String>,
}

/// Compares an interface of a sandbox with what `prev_result` says of it. `sandbox` is CNI_NETNS.
pub fn compare(
    prev_result: &RawValue,
    interface: &str,
    sandbox: &str,
    found: &Attached,
) -> Result<(), CniError> {
    let previous: Previous = serde_json::from_str(prev_result.get()).map_err(|error| {
        CniError::new(Code::Decode, format!("prevResult can't be read: {error}"))
    })?;
    let place = previous
        .interfaces
        .iter()
        .position(|own| own.name == interface && own.sandbox == sandbox)
        .ok_or_else(|| {
            differs(&format!(
                "prevResult has no interface {interface} in the sandbox {sandbox}"
            ))
        })?;
    let mac = previous.interfaces.get(place).map(|own| own.mac.as_str());
    let is_mac = |mac: &str| {
        found
            .mac
            .as_deref()
            .is_some_and(|is| is.eq_ignore_ascii_case(mac))
    };
    if let Some(mac) = mac.filter(|mac| !mac.is_empty() && !is_mac(mac)) {
        let is = found.mac.as_deref().unwrap_or("none");
        return Err(differs(&format!(
            "interface {interface} had the hardware address {mac}, and now {is}"
        )));
    }
    let own = previous
        .ips
        .iter()
        .filter(|ip| ip.interface.is_none_or(|of| of == place));
    for Ip { address, .. } in own {
        if !found.addresses.iter().any(|is| same(&is.address, address)) {
            return Err(differs(&format!(
                "interface {interface} has lost its address {address}"
            )));
        }
    }
    for route in &previous.routes {
        if !found.routes.iter().any(|is| route.is(is)) {
            let through = route.gw.as_deref().map(|gw| format!(" through {gw}"));
            return Err(differs(&format!(
                "interface {interface} has lost its route to {}{}",
                route.dst,
                through.unwrap_or_default()
            )));
        }
    }
    Ok(())
}

/// Go writes an empty list as null.
fn or_none<'de, D: Deserializer<'de>, T: Deserialize<'de>>(from: D) -> Result<Vec<T>, D::Error> {
    Option::deserialize(from).map(Option::unwrap_or_default)
}

fn differs(what: &str) -> CniError {
    CniError::new(Code::NOT_AS_MADE, format!("{what}; restart the pod"))
}

/// Whether two texts are one address with one prefix length.
fn same(one: &str, other: &str) -> bool {
    let net = |text: &str| text.parse::<IpNet>().ok();
    net(one).is_some_and(|one| Some(one) == net(other))
}

// === impl OldRoute ===

impl OldRoute {
    fn is(&self, found: &Route) -> bool {
        let net = |text: &str| text.parse::<IpNet>().ok().map(|net| net.trunc());
        let gateway = |text: Option<&str>| text.and_then(|text| text.parse::<IpAddr>().ok());
        net(&self.dst).is_some_and(|wanted| Some(wanted) == net(&found.destination))
            && gateway(self.gw.as_deref()) == gateway(found.gateway.as_deref())
    }
}

#[cfg(test)]
mod tests;
