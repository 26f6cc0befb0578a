//! Results as they come.

use std::net::IpAddr;

use ipnet::IpNet;
use serde::de::Error as _;

use super::{CniResult, Dns, Interface, Ip, Route};
use crate::{
    spec::Version,
    standalone::object::{Malformed, Object},
};

pub(super) fn result(object: &Object<'_>, version: Version) -> Result<CniResult, Malformed> {
    let mut result = if version < Version::V0_3_0 {
        old(object)?
    } else {
        new(object)?
    };
    result.dns = Dns::read(&object.object("dns")?.unwrap_or_default())?;
    Ok(result)
}

fn new(object: &Object<'_>) -> Result<CniResult, Malformed> {
    Ok(CniResult {
        interfaces: each(&object.objects("interfaces")?, interface)?,
        ips: each(&object.objects("ips")?, |ip| self::ip(ip, "address"))?,
        routes: routes(object)?,
        dns: Dns::default(),
    })
}

fn old(object: &Object<'_>) -> Result<CniResult, Malformed> {
    let mut result = CniResult::default();
    for key in ["ip4", "ip6"] {
        if let Some(family) = object.object(key)? {
            result.ips.push(ip(&family, "ip")?);
            result.routes.extend(routes(&family)?);
        }
    }
    Ok(result)
}

fn each<T>(
    objects: &[Object<'_>],
    read: impl Fn(&Object<'_>) -> Result<T, Malformed>,
) -> Result<Vec<T>, Malformed> {
    objects.iter().map(read).collect()
}

fn interface(object: &Object<'_>) -> Result<Interface, Malformed> {
    Ok(Interface {
        name: object.value("name")?,
        mac: object.value("mac")?,
        sandbox: object.value("sandbox")?,
    })
}

fn ip(object: &Object<'_>, key: &str) -> Result<Ip, Malformed> {
    Ok(Ip {
        interface: object.get("interface")?,
        address: net(object, key)?,
        gateway: address(object, "gateway")?,
    })
}

/// The routes at the key `routes`: of a result, and of `ipam` in a configuration.
pub(crate) fn routes(object: &Object<'_>) -> Result<Vec<Route>, Malformed> {
    each(&object.objects("routes")?, |route| {
        Ok(Route {
            destination: net(route, "dst")?,
            gateway: address(route, "gw")?,
            mtu: route.value("mtu")?,
            advmss: route.value("advmss")?,
            priority: route.value("priority")?,
            table: route.get("table")?,
            scope: route.get("scope")?,
        })
    })
}

/// An address with a prefix, which must be there.
pub(crate) fn net(object: &Object<'_>, key: &str) -> Result<IpNet, Malformed> {
    let text: String = object.value(key)?;
    text.parse().map_err(|_| Malformed {
        key: key.to_owned(),
        why: serde_json::Error::custom(format!("invalid CIDR address: {text}")),
    })
}

/// An address; an empty text is none.
pub(crate) fn address(object: &Object<'_>, key: &str) -> Result<Option<IpAddr>, Malformed> {
    let text: String = object.value(key)?;
    if text.is_empty() {
        return Ok(None);
    }
    let address: IpAddr = text.parse().map_err(|_| Malformed {
        key: key.to_owned(),
        why: serde_json::Error::custom(format!("invalid IP address: {text}")),
    })?;
    Ok(Some(address.to_canonical()))
}
