//! macvlan and ipvlan in netlink's words.

use landfall_core::{
    id::Name,
    link::ObservedDriver,
    network::{Driver, IpvlanFlag, IpvlanMode, Macvlan, MacvlanMode},
};
use netlink_packet_route::link::{
    InfoData, InfoIpVlan, InfoKind, InfoMacVlan, IpVlanFlags, IpVlanMode, LinkAttribute, LinkInfo,
    MacVlanFlags, MacVlanMacAddressMode, MacVlanMode,
};
use nix::libc::{IFLA_INFO_DATA, IFLA_INFO_KIND};

use crate::socket::Attributes;

// linux/if_link.h; libc has no names for these.
const IFLA_MACVLAN_MODE: u16 = 1;
const IFLA_MACVLAN_FLAGS: u16 = 2;
const IFLA_IPVLAN_MODE: u16 = 1;
const IFLA_IPVLAN_FLAGS: u16 = 2;

/// IFLA_LINKINFO of a link to be made. The mode is always said: the kernel's defaults are vepa and l3.
pub(crate) fn info(driver: &Driver) -> LinkAttribute {
    let (kind, data) = match driver {
        Driver::Macvlan(options) => (InfoKind::MacVlan, InfoData::MacVlan(macvlan(options))),
        Driver::Ipvlan { mode, flag } => (InfoKind::IpVlan, InfoData::IpVlan(ipvlan(*mode, *flag))),
    };
    LinkAttribute::LinkInfo(vec![LinkInfo::Kind(kind), LinkInfo::Data(data)])
}

fn macvlan(options: &Macvlan) -> Vec<InfoMacVlan> {
    let mode = match options.mode {
        MacvlanMode::Private => MacVlanMode::Private,
        MacvlanMode::Vepa => MacVlanMode::Vepa,
        MacvlanMode::Bridge => MacVlanMode::Bridge,
        MacvlanMode::Passthru => MacVlanMode::Passthrough,
        MacvlanMode::Source => MacVlanMode::Source,
    };
    let mut info = vec![InfoMacVlan::Mode(mode)];
    if options.no_promiscuous {
        info.push(InfoMacVlan::Flags(MacVlanFlags::NoPromisc));
    }
    info.extend(options.broadcast_queue_length.map(InfoMacVlan::BcQueueLen));
    info.extend(options.broadcast_cutoff.map(InfoMacVlan::BcCutoff));
    // Another mode with a list of sources is refused (EINVAL).
    if options.mode == MacvlanMode::Source && !options.allowed_sources.is_empty() {
        let sources = options.allowed_sources.iter();
        info.push(InfoMacVlan::MacAddrMode(MacVlanMacAddressMode::Set));
        info.push(InfoMacVlan::MacAddrData(
            sources.map(|mac| InfoMacVlan::MacAddr(mac.0)).collect(),
        ));
    }
    info
}

/// Mode and flag belong to the parent: each new link sets them for all its siblings. So both are always
/// said, and whoever plans sees to it that they are the same for all.
fn ipvlan(mode: IpvlanMode, flag: IpvlanFlag) -> Vec<InfoIpVlan> {
    let mode = match mode {
        IpvlanMode::L2 => IpVlanMode::L2,
        IpvlanMode::L3 => IpVlanMode::L3,
        IpvlanMode::L3s => IpVlanMode::L3S,
    };
    let flag = match flag {
        IpvlanFlag::Bridge => IpVlanFlags::empty(),
        IpvlanFlag::Private => IpVlanFlags::Private,
        IpvlanFlag::Vepa => IpVlanFlags::Vepa,
    };
    vec![InfoIpVlan::Mode(mode), InfoIpVlan::Flags(flag)]
}

/// IFLA_INFO_KIND, empty for hardware.
pub(crate) fn kind(info: Attributes<'_>) -> String {
    info.text(IFLA_INFO_KIND).unwrap_or_default()
}

/// What IFLA_LINKINFO says.
pub(crate) fn observed(info: Attributes<'_>) -> ObservedDriver {
    let kind = kind(info);
    let data = info.nested(IFLA_INFO_DATA);
    let driver = match kind.as_str() {
        "macvlan" => observed_macvlan(data),
        "ipvlan" => observed_ipvlan(data),
        _ => None,
    };
    driver.map_or_else(
        || ObservedDriver::Other(Name::from(kind.as_str())),
        ObservedDriver::Ours,
    )
}

fn observed_macvlan(data: Attributes<'_>) -> Option<Driver> {
    let mode = match data.u32(IFLA_MACVLAN_MODE)? {
        1 => MacvlanMode::Private,
        2 => MacvlanMode::Vepa,
        4 => MacvlanMode::Bridge,
        8 => MacvlanMode::Passthru,
        16 => MacvlanMode::Source,
        _ => return None,
    };
    let flags = data.u16(IFLA_MACVLAN_FLAGS).unwrap_or_default();
    Some(Driver::Macvlan(Macvlan {
        mode,
        no_promiscuous: flags & MacVlanFlags::NoPromisc.bits() != 0,
        ..Macvlan::default()
    }))
}

fn observed_ipvlan(data: Attributes<'_>) -> Option<Driver> {
    let mode = match data.u16(IFLA_IPVLAN_MODE)? {
        0 => IpvlanMode::L2,
        1 => IpvlanMode::L3,
        2 => IpvlanMode::L3s,
        _ => return None,
    };
    let flag = match data.u16(IFLA_IPVLAN_FLAGS).unwrap_or_default() {
        0 => IpvlanFlag::Bridge,
        flags if flags & IpVlanFlags::Private.bits() != 0 => IpvlanFlag::Private,
        _ => IpvlanFlag::Vepa,
    };
    Some(Driver::Ipvlan { mode, flag })
}

#[cfg(test)]
mod tests;
