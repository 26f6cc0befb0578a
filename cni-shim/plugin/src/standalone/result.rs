//! CNI results of any version: read from an IPAM plugin or from prevResult, printed for the runtime.

use std::net::IpAddr;

use ipnet::IpNet;
use serde_json::value::RawValue;

use super::object::{Malformed, Object};
use crate::spec::Version;

mod print;
mod read;

pub use print::{Inexpressible, indent};
pub(crate) use read::{address, net, routes};

/// A result, in the words of the newest version.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CniResult {
    /// The interfaces that were made.
    pub interfaces: Vec<Interface>,
    /// Their addresses.
    pub ips: Vec<Ip>,
    /// Their routes.
    pub routes: Vec<Route>,
    /// What resolvers should know.
    pub dns: Dns,
}

/// An interface.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Interface {
    /// Its name.
    pub name: String,
    /// Its hardware address; empty: unknown.
    pub mac: String,
    /// CNI_NETNS; empty: the node itself.
    pub sandbox: String,
}

/// An address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ip {
    /// The place of its interface among the interfaces.
    pub interface: Option<i64>,
    /// The address with the length of its subnet's prefix.
    pub address: IpNet,
    /// The subnet's gateway.
    pub gateway: Option<IpAddr>,
}

/// A route.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// Where to; bits after the prefix stay, as in the reference.
    pub destination: IpNet,
    /// Through whom; `None`: the first gateway of its family, if there is one.
    pub gateway: Option<IpAddr>,
    /// Numbers that are passed on, and mean nothing to the kernel here.
    pub mtu: i64,
    /// As [`Self::mtu`].
    pub advmss: i64,
    /// The metric; 0: the kernel's.
    pub priority: i64,
    /// The table; `None`: main.
    pub table: Option<i64>,
    /// The scope; `None`: universe.
    pub scope: Option<i64>,
}

/// What resolvers should know.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Dns {
    /// Servers, the first one first.
    pub nameservers: Vec<String>,
    /// The local domain.
    pub domain: String,
    /// Domains to look names up in.
    pub search: Vec<String>,
    /// Options of the resolver.
    pub options: Vec<String>,
}

/// A result that can't be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// It is no object.
    #[error("failed to unmarshal raw result: {0}")]
    NoObject(serde_json::Error),
    /// A value of it is wrong.
    #[error("{0}")]
    Malformed(#[from] Malformed),
    /// Its version is none that we know.
    #[error("unsupported CNI result version \"{0}\"")]
    Version(String),
}

// === impl CniResult ===

impl CniResult {
    /// Reads a result. One that does not say its version has that of the configuration.
    pub fn read(text: &str, version: Version) -> Result<Self, ReadError> {
        let object = Object::read(text).map_err(ReadError::NoObject)?;
        let own: String = object.value("cniVersion")?;
        let version = match own.as_str() {
            "" => version,
            own => Version::of(own).ok_or_else(|| ReadError::Version(own.to_owned()))?,
        };
        Ok(read::result(&object, version)?)
    }

    /// As [`Self::read`], of prevResult.
    pub fn read_raw(raw: &RawValue, version: Version) -> Result<Self, ReadError> {
        Self::read(raw.get(), version)
    }

    /// As a plugin prints it.
    pub fn print(&self, version: Version) -> Result<String, Inexpressible> {
        print::print(self, version)
    }
}

// === impl Dns ===

impl Dns {
    /// Reads it from an object with its keys.
    pub fn read(object: &Object<'_>) -> Result<Self, Malformed> {
        Ok(Self {
            nameservers: object.value("nameservers")?,
            domain: object.value("domain")?,
            search: object.value("search")?,
            options: object.value("options")?,
        })
    }

    /// Whether it says nothing.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

#[cfg(test)]
mod tests;
