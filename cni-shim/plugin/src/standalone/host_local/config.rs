//! `ipam` of a configuration, and the addresses that a call asks for.

use std::{
    net::IpAddr,
    path::{Path, PathBuf},
};

use serde::de::Error as _;
use serde_json::value::RawValue;

use super::{
    range::{Range, RangeError, RangeSet},
    subnets,
};
use crate::{
    spec::Version,
    standalone::{
        arguments::{self, ArgumentsError},
        object::{Malformed, Object, elements},
        result::{Route, address, net, routes},
    },
};

/// Where addresses are written if `dataDir` is absent.
const DATA_DIR: &str = "/var/lib/cni/networks";

/// Where addresses come from, and which are asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostLocal {
    /// The network's folder.
    pub folder: PathBuf,
    /// The sets, each of which gives one address.
    pub sets: Vec<RangeSet>,
    /// Routes, for the result.
    pub routes: Vec<Route>,
    /// A file as resolv.conf(5), for `dns` of the result.
    pub resolv_conf: Option<PathBuf>,
    /// Addresses that must be given.
    pub requested: Vec<IpAddr>,
}

/// A configuration that gives no addresses. The texts are those of host-local.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the texts say it")]
pub enum ConfigError {
    #[error("IPAM config missing 'ipam' key")]
    NoIpam,
    #[error("{0}")]
    Malformed(#[from] Malformed),
    #[error("{0}")]
    Arguments(#[from] ArgumentsError),
    #[error("no IP ranges specified")]
    NoRanges,
    #[error("invalid range set {place}: {why}")]
    Set { place: usize, why: RangeError },
    #[error("CNI version {} does not support more than 1 address per family", .0.as_str())]
    TooMany(Version),
    #[error("range set {0} overlaps with {1}")]
    Overlap(usize, usize),
}

// === impl HostLocal ===

impl HostLocal {
    /// Reads the configuration of a network, and CNI_ARGS.
    pub fn read(
        config: &Object<'_>,
        name: &str,
        version: Version,
        arguments: &str,
    ) -> Result<Self, ConfigError> {
        let ipam = config.object("ipam")?.ok_or(ConfigError::NoIpam)?;
        let mut sets = sets(config, &ipam)?;
        sets.extend(own(&ipam)?);
        if sets.is_empty() {
            return Err(ConfigError::NoRanges);
        }
        check(&sets, version)?;
        let resolv_conf: String = ipam.value("resolvConf")?;
        Ok(Self {
            folder: folder(config, name)?,
            sets,
            routes: routes(&ipam)?,
            resolv_conf: (!resolv_conf.is_empty()).then(|| resolv_conf.into()),
            requested: requested(config, arguments)?,
        })
    }
}

/// The network's folder: all that a DEL needs to know.
pub(super) fn folder(config: &Object<'_>, name: &str) -> Result<PathBuf, Malformed> {
    let ipam = config.object("ipam")?.unwrap_or_default();
    let folder: String = ipam.value("dataDir")?;
    let folder = if folder.is_empty() { DATA_DIR } else { &folder };
    Ok(Path::new(folder).join(name))
}

fn sets(config: &Object<'_>, ipam: &Object<'_>) -> Result<Vec<RangeSet>, ConfigError> {
    let runtime = config.object("runtimeConfig")?.unwrap_or_default();
    let mut lists = Vec::new();
    for list in runtime.list("ipRanges")? {
        lists.push(objects(list, "ipRanges")?);
    }
    // The old way to write one range.
    if ipam.raw("subnet").is_some() {
        lists.push(vec![ipam.clone()]);
    }
    for list in ipam.list("ranges")? {
        lists.push(objects(list, "ranges")?);
    }
    let mut sets = Vec::new();
    for (place, list) in lists.iter().enumerate() {
        let ranges = list.iter().map(range).collect::<Result<Vec<_>, _>>()?;
        let ranges: Result<Vec<_>, _> = ranges.into_iter().collect();
        let set = ranges
            .and_then(RangeSet::of)
            .map_err(|why| ConfigError::Set { place, why })?;
        sets.push(set);
    }
    Ok(sets)
}

/// Those of `subnets`, which host-local does not know: to its name it stays unknown.
fn own(ipam: &Object<'_>) -> Result<Vec<RangeSet>, ConfigError> {
    let kind: String = ipam.value("type")?;
    if kind != "landfall" {
        return Ok(Vec::new());
    }
    Ok(subnets::sets(ipam)?)
}

fn objects<'a>(list: &'a RawValue, key: &str) -> Result<Vec<Object<'a>>, Malformed> {
    let malformed = |why| Malformed {
        key: key.to_owned(),
        why,
    };
    let values = elements(list).map_err(malformed)?.into_iter();
    values
        .map(|value| Object::read(value.get()).map_err(malformed))
        .collect()
}

fn range(object: &Object<'_>) -> Result<Result<Range, RangeError>, Malformed> {
    let subnet = object.raw("subnet").map(|_| net(object, "subnet"));
    Ok(Range::of(
        subnet.transpose()?,
        address(object, "rangeStart")?,
        address(object, "rangeEnd")?,
        address(object, "gateway")?,
    ))
}

fn check(sets: &[RangeSet], version: Version) -> Result<(), ConfigError> {
    let v4 = sets.iter().filter(|set| set.is_v4()).count();
    let v6 = sets.len().saturating_sub(v4);
    if version < Version::V0_3_0 && (v4 > 1 || v6 > 1) {
        return Err(ConfigError::TooMany(version));
    }
    for (place, set) in sets.iter().enumerate() {
        let later = place.saturating_add(1);
        let overlap = sets
            .iter()
            .skip(later)
            .position(|other| set.overlaps(other));
        if let Some(other) = overlap {
            return Err(ConfigError::Overlap(place, later.saturating_add(other)));
        }
    }
    Ok(())
}

/// From CNI_ARGS, `args.cni.ips` and `runtimeConfig.ips`, each once.
fn requested(config: &Object<'_>, arguments: &str) -> Result<Vec<IpAddr>, ConfigError> {
    let mut texts: Vec<String> = Vec::new();
    let [ip, _] = arguments::read(arguments, ["IP", "MAC"])?;
    texts.extend(ip.filter(|ip| !ip.is_empty()).map(str::to_owned));
    if let Some(args) = config.object("args")?
        && let Some(cni) = args.object("cni")?
    {
        texts.extend(cni.value::<Vec<String>>("ips")?);
    }
    let runtime = config.object("runtimeConfig")?.unwrap_or_default();
    texts.extend(runtime.value::<Vec<String>>("ips")?);
    let mut requested: Vec<IpAddr> = Vec::new();
    for text in texts {
        let address = ip_of(&text)?;
        if !requested.contains(&address) {
            requested.push(address);
        }
    }
    Ok(requested)
}

/// An address, with or without a prefix.
fn ip_of(text: &str) -> Result<IpAddr, Malformed> {
    let bare = text.split_once('/').map_or(text, |(bare, _)| bare);
    let prefix_is_number = text
        .split_once('/')
        .is_none_or(|(_, prefix)| prefix.parse::<u8>().is_ok());
    let address = bare.parse::<IpAddr>().ok().filter(|_| prefix_is_number);
    address
        .map(|ip| ip.to_canonical())
        .ok_or_else(|| Malformed {
            key: "ips".to_owned(),
            why: serde_json::Error::custom(format!("invalid IP address: {text}")),
        })
}

#[cfg(test)]
mod tests;
