//! Results as the reference plugins print them: indented by four spaces, no line feed at the end. Up to
//! 0.4.0 `dns` is there even if it is empty; from 1.0.0 on keys are in the order of the alphabet.

use std::net::IpAddr;

use ipnet::IpNet;
use serde::Serialize;
use serde_json::{Value, ser::PrettyFormatter};

use super::{CniResult, Dns, Ip, Route};
use crate::spec::Version;

/// A result that a version has no words for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("cannot convert: no valid IP addresses")]
pub struct Inexpressible;

#[derive(Serialize)]
struct New<'a> {
    #[serde(rename = "cniVersion")]
    version: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    interfaces: Vec<NewInterface<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    ips: Vec<NewIp>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    routes: Vec<NewRoute>,
    #[serde(skip_serializing_if = "Option::is_none")]
    dns: Option<NewDns<'a>>,
}

#[derive(Serialize)]
struct NewInterface<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    mac: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    sandbox: &'a str,
}

#[derive(Serialize)]
struct NewIp {
    /// Up to 0.4.0.
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    interface: Option<i64>,
    address: IpNet,
    #[serde(skip_serializing_if = "Option::is_none")]
    gateway: Option<IpAddr>,
}

#[derive(Serialize)]
struct NewRoute {
    dst: IpNet,
    #[serde(skip_serializing_if = "Option::is_none")]
    gw: Option<IpAddr>,
    #[serde(skip_serializing_if = "is_zero")]
    mtu: i64,
    #[serde(skip_serializing_if = "is_zero")]
    advmss: i64,
    #[serde(skip_serializing_if = "is_zero")]
    priority: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    table: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    scope: Option<i64>,
}

#[derive(Serialize)]
struct NewDns<'a> {
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    nameservers: &'a [String],
    #[serde(skip_serializing_if = "str::is_empty")]
    domain: &'a str,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    search: &'a [String],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    options: &'a [String],
}

/// 0.1.0 and 0.2.0: the first address of each family, no interfaces.
#[derive(Serialize)]
struct Old<'a> {
    #[serde(rename = "cniVersion")]
    version: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    ip4: Option<OldIp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ip6: Option<OldIp>,
    dns: NewDns<'a>,
}

#[derive(Serialize)]
struct OldIp {
    ip: IpNet,
    #[serde(skip_serializing_if = "Option::is_none")]
    gateway: Option<IpAddr>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    routes: Vec<NewRoute>,
}

pub(super) fn print(result: &CniResult, version: Version) -> Result<String, Inexpressible> {
    if version < Version::V0_3_0 {
        return Ok(indent(&old(result, version)?));
    }
    let new = new(result, version);
    if version < Version::V1_0_0 {
        return Ok(indent(&new));
    }
    // serde_json's map is ordered by the alphabet.
    Ok(indent(&serde_json::to_value(new).unwrap_or(Value::Null)))
}

/// By four spaces. It can't fail: there are texts, numbers and lists.
pub fn indent(value: &impl Serialize) -> String {
    let mut bytes = Vec::new();
    let format = PrettyFormatter::with_indent(b"    ");
    let mut serializer = serde_json::Serializer::with_formatter(&mut bytes, format);
    let written = value.serialize(&mut serializer);
    written
        .ok()
        .and_then(|()| String::from_utf8(bytes).ok())
        .unwrap_or_default()
}

fn new(result: &CniResult, version: Version) -> New<'_> {
    let old = version < Version::V1_0_0;
    New {
        version: version.as_str(),
        interfaces: result
            .interfaces
            .iter()
            .map(|interface| NewInterface {
                name: &interface.name,
                mac: &interface.mac,
                sandbox: &interface.sandbox,
            })
            .collect(),
        ips: result
            .ips
            .iter()
            .map(|ip| NewIp {
                version: old.then(|| family(&ip.address)),
                interface: ip.interface,
                address: ip.address,
                gateway: ip.gateway,
            })
            .collect(),
        routes: result.routes.iter().map(whole).collect(),
        dns: (old || !result.dns.is_empty()).then(|| dns(&result.dns)),
    }
}

fn old(result: &CniResult, version: Version) -> Result<Old<'_>, Inexpressible> {
    let (ip4, ip6) = (old_ip(result, "4"), old_ip(result, "6"));
    if ip4.is_none() && ip6.is_none() {
        return Err(Inexpressible);
    }
    Ok(Old {
        version: version.as_str(),
        ip4,
        ip6,
        dns: dns(&result.dns),
    })
}

fn old_ip(result: &CniResult, wanted: &str) -> Option<OldIp> {
    let is_wanted = |ip: &&Ip| family(&ip.address) == wanted;
    let first = result.ips.iter().find(is_wanted)?;
    let routes = result.routes.iter();
    Some(OldIp {
        ip: first.address,
        gateway: first.gateway,
        routes: routes
            .filter(|route| family(&route.destination) == wanted)
            .map(|route| NewRoute {
                dst: route.destination,
                gw: route.gateway,
                mtu: 0,
                advmss: 0,
                priority: 0,
                table: None,
                scope: None,
            })
            .collect(),
    })
}

fn whole(route: &Route) -> NewRoute {
    NewRoute {
        dst: route.destination,
        gw: route.gateway,
        mtu: route.mtu,
        advmss: route.advmss,
        priority: route.priority,
        table: route.table,
        scope: route.scope,
    }
}

fn dns(dns: &Dns) -> NewDns<'_> {
    NewDns {
        nameservers: &dns.nameservers,
        domain: &dns.domain,
        search: &dns.search,
        options: &dns.options,
    }
}

fn family(net: &IpNet) -> &'static str {
    if net.addr().is_ipv4() { "4" } else { "6" }
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde passes a reference"
)]
fn is_zero(number: &i64) -> bool {
    *number == 0
}
