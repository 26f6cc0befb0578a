//! The configuration of a stand-alone network: that of the reference plugins macvlan and ipvlan, and a
//! few keys of ours.

use std::str::FromStr;

use landfall_core::{
    link::kernel_word,
    network::{Driver, Macvlan, MacvlanMode, NetworkKind, Vlan},
};
use serde_json::value::RawValue;

use super::{
    object::{Malformed, Object},
    result::Dns,
};
use crate::spec::Version;

mod vlan;

/// A configuration. What is absent has the reference's default; what makes no sense is found where it
/// is used, as there: a DEL must not fail for a mode that it does not need.
#[derive(Clone, Debug)]
pub struct Config<'a> {
    /// `cniVersion`.
    pub version: Version,
    /// `name`.
    pub name: String,
    /// Whose links: the plugin's own name, or `driver`.
    pub kind: NetworkKind,
    /// The parent's name; empty: the link of the default route.
    pub master: String,
    /// Empty: bridge, or l2.
    pub mode: String,
    /// 0: the parent's.
    pub mtu: i64,
    /// The hardware address; empty: the kernel's choice. macvlan only.
    pub mac: String,
    /// `runtimeConfig.mac`, which goes before all others.
    pub runtime_mac: String,
    /// Whether the parent is looked for in the sandbox, not on the node.
    pub link_in_container: bool,
    /// `bcqueuelen`; 0: the kernel's default. macvlan only.
    pub broadcast_queue_length: u32,
    /// `ipam.type`; empty: no addresses.
    pub ipam: String,
    /// `dns`, for the result.
    pub dns: Dns,
    /// `prevResult`.
    pub prev_result: Option<&'a RawValue>,
    /// Ours: an 802.1Q link on top of the parent, made on demand. As in a MacvlanNetwork.
    pub vlan: Option<Vlan>,
    /// Ours: `flag`, ipvlan only; empty: bridge.
    pub flag: String,
    /// Ours: `noPromiscuous`, macvlan in mode passthru.
    pub no_promiscuous: bool,
    /// Ours: `dad`. True: wait until the kernel has found IPv6 addresses to be free in the LAN.
    pub dad: bool,
}

/// A mode or flag that the driver does not have.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown {kind} {what}: {text:?}", kind = kernel_word(*kind))]
pub struct Unknown {
    kind: NetworkKind,
    what: &'static str,
    text: String,
}

// === impl Config ===

impl<'a> Config<'a> {
    /// Reads what a plugin of that kind wants of a configuration. `version` and `name` were read before.
    pub fn read(
        input: &'a str,
        version: Version,
        name: &str,
        kind: NetworkKind,
    ) -> Result<Self, Malformed> {
        let all = Object::read(input).map_err(|why| Malformed {
            key: "network configuration".to_owned(),
            why,
        })?;
        let ipam = all.object("ipam")?.unwrap_or_default();
        let runtime = all.object("runtimeConfig")?.unwrap_or_default();
        let dns = all.object("dns")?.unwrap_or_default();
        Ok(Self {
            version,
            name: name.to_owned(),
            kind,
            master: all.value("master")?,
            mode: all.value("mode")?,
            mtu: all.value("mtu")?,
            mac: of(kind, NetworkKind::Macvlan, || all.value("mac"))?,
            runtime_mac: runtime.value("mac")?,
            link_in_container: all.value("linkInContainer")?,
            broadcast_queue_length: of(kind, NetworkKind::Macvlan, || all.value("bcqueuelen"))?,
            ipam: ipam.value("type")?,
            dns: Dns::read(&dns)?,
            prev_result: all.raw("prevResult"),
            vlan: vlan::read(&all)?,
            flag: of(kind, NetworkKind::Ipvlan, || all.value("flag"))?,
            no_promiscuous: of(kind, NetworkKind::Macvlan, || all.value("noPromiscuous"))?,
            dad: all.value("dad")?,
        })
    }

    /// The driver with its options.
    pub fn driver(&self) -> Result<Driver, Unknown> {
        let queue = self.broadcast_queue_length;
        Ok(match self.kind {
            NetworkKind::Macvlan => Driver::Macvlan(Macvlan {
                mode: self.macvlan_mode()?,
                broadcast_queue_length: (queue > 0).then_some(queue),
                no_promiscuous: self.no_promiscuous,
                ..Macvlan::default()
            }),
            NetworkKind::Ipvlan => Driver::Ipvlan {
                mode: self.word("mode", &self.mode)?,
                flag: self.word("flag", &self.flag)?,
            },
        })
    }

    /// Not `source`: the reference has no such mode, and here is no list of peers.
    fn macvlan_mode(&self) -> Result<MacvlanMode, Unknown> {
        let mode = self.word("mode", &self.mode)?;
        if mode == MacvlanMode::Source {
            return Err(self.unknown("mode", &self.mode));
        }
        Ok(mode)
    }

    /// A word of the kernel; an empty text is the default.
    fn word<T: FromStr + Default>(&self, what: &'static str, text: &str) -> Result<T, Unknown> {
        if text.is_empty() {
            return Ok(T::default());
        }
        text.parse().map_err(|_| self.unknown(what, text))
    }

    fn unknown(&self, what: &'static str, text: &str) -> Unknown {
        Unknown {
            kind: self.kind,
            what,
            text: text.to_owned(),
        }
    }
}

/// A key that only plugins of one kind read: to the other it may be anything.
fn of<T: Default>(
    kind: NetworkKind,
    only: NetworkKind,
    read: impl FnOnce() -> Result<T, Malformed>,
) -> Result<T, Malformed> {
    if kind == only {
        read()
    } else {
        Ok(T::default())
    }
}

#[cfg(test)]
mod tests;
