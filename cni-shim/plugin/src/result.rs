//! CNI results.

use std::{borrow::Cow, fmt};

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::{
    spec::{CniError, Code, Version},
    wire::{Address, Attached, Route},
};

mod previous;

pub use previous::compare;

/// prevResult as our own result: its bytes are not touched, so whatever another plugin put there comes
/// out again. Only a missing `cniVersion` is put in, as the configuration says it.
pub fn pass_through(prev_result: &RawValue, version: Version) -> Result<Cow<'_, str>, CniError> {
    #[derive(Deserialize)]
    struct Versioned<'a> {
        #[serde(rename = "cniVersion", borrow, default)]
        version: Option<&'a RawValue>,
    }

    let unreadable = |why: &dyn fmt::Display| {
        CniError::new(Code::Decode, format!("prevResult can't be read: {why}"))
    };
    let text = prev_result.get();
    // serde takes an array for a struct as well.
    let rest = text
        .strip_prefix('{')
        .ok_or_else(|| unreadable(&"it is no object"))?;
    let versioned: Versioned<'_> =
        serde_json::from_str(text).map_err(|error| unreadable(&error))?;
    if versioned.version.is_some() {
        return Ok(Cow::Borrowed(text));
    }
    let comma = if rest.trim_start().starts_with('}') {
        ""
    } else {
        ","
    };
    let version = version.as_str();
    Ok(Cow::Owned(format!(
        "{{\"cniVersion\":\"{version}\"{comma}{rest}"
    )))
}

/// The result of a delegate call, in the configuration's version.
pub fn of_attachment(
    version: Version,
    attached: &Attached,
    sandbox: &str,
) -> Result<String, CniError> {
    let text = if version < Version::V0_3_0 {
        serde_json::to_string(&old(version, attached)?)
    } else {
        serde_json::to_string(&new(version, attached, sandbox))
    };
    text.map_err(|error| CniError::new(Code::Other(999), error))
}

/// From 0.3.0 on.
#[derive(Serialize)]
struct New<'a> {
    #[serde(rename = "cniVersion")]
    version: &'static str,
    interfaces: [Interface<'a>; 1],
    #[serde(skip_serializing_if = "Vec::is_empty")]
    ips: Vec<NewIp<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    routes: Vec<NewRoute<'a>>,
}

#[derive(Serialize)]
struct Interface<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    mac: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mtu: Option<u32>,
    sandbox: &'a str,
}

#[derive(Serialize)]
struct NewIp<'a> {
    /// Up to 0.4.0.
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<&'static str>,
    interface: u8,
    address: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    gateway: Option<&'a str>,
}

#[derive(Serialize)]
struct NewRoute<'a> {
    dst: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    gw: Option<&'a str>,
    /// From 1.1.0 on.
    #[serde(skip_serializing_if = "Option::is_none")]
    priority: Option<u32>,
}

/// 0.1.0 and 0.2.0: one address a family, no interfaces.
#[derive(Serialize)]
struct Old<'a> {
    #[serde(rename = "cniVersion")]
    version: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    ip4: Option<OldIp<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ip6: Option<OldIp<'a>>,
}

#[derive(Serialize)]
struct OldIp<'a> {
    ip: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    gateway: Option<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    routes: Vec<NewRoute<'a>>,
}

fn new<'a>(version: Version, attached: &'a Attached, sandbox: &'a str) -> New<'a> {
    let recent = version >= Version::V1_1_0;
    New {
        version: version.as_str(),
        interfaces: [Interface {
            name: &attached.interface,
            mac: attached.mac.as_deref(),
            mtu: attached.mtu.filter(|_| recent),
            sandbox,
        }],
        ips: attached
            .addresses
            .iter()
            .map(|address| NewIp {
                version: (version < Version::V1_0_0).then(|| family(&address.address)),
                interface: 0,
                address: &address.address,
                gateway: address.gateway.as_deref(),
            })
            .collect(),
        routes: attached.routes.iter().map(|r| route(r, recent)).collect(),
    }
}

fn old(version: Version, attached: &Attached) -> Result<Old<'_>, CniError> {
    let ip = |wanted| old_ip(attached, wanted);
    let (ip4, ip6) = (ip("4")?, ip("6")?);
    if ip4.is_none() && ip6.is_none() {
        return Err(inexpressible("cannot convert: no valid IP addresses"));
    }
    Ok(Old {
        version: version.as_str(),
        ip4,
        ip6,
    })
}

fn old_ip<'a>(attached: &'a Attached, wanted: &str) -> Result<Option<OldIp<'a>>, CniError> {
    let mut own = attached
        .addresses
        .iter()
        .filter(|address| family(&address.address) == wanted);
    let Some(Address { address, gateway }) = own.next() else {
        return Ok(None);
    };
    if own.next().is_some() {
        return Err(inexpressible(
            "cannot convert: this CNI version has one address a family; use 0.3.1 or newer",
        ));
    }
    let routes = attached.routes.iter();
    Ok(Some(OldIp {
        ip: address,
        gateway: gateway.as_deref(),
        routes: routes
            .filter(|route| family(&route.destination) == wanted)
            .map(|r| route(r, false))
            .collect(),
    }))
}

fn route(route: &Route, recent: bool) -> NewRoute<'_> {
    NewRoute {
        dst: &route.destination,
        gw: route.gateway.as_deref(),
        priority: route.metric.filter(|_| recent),
    }
}

fn family(address: &str) -> &'static str {
    if address.contains(':') { "6" } else { "4" }
}

fn inexpressible(msg: &str) -> CniError {
    CniError::new(Code::IncompatibleVersion, msg)
}

#[cfg(test)]
mod tests;
