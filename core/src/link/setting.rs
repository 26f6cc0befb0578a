//! Sysctls of one interface.

use alloc::{format, string::String, vec::Vec};

use serde::{Deserialize, Serialize};

use super::Ipv6;

/// A sysctl and its value.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Setting {
    /// The path below `/proc/sys/net`, for example `ipv4/conf/net1/arp_notify`.
    pub path: String,
    /// The value, as it is written.
    pub value: String,
}

impl Setting {
    /// The setting of a user: its name below `net` with `IFNAME` for the interface, for example
    /// `ipv4.conf.IFNAME.rp_filter`. The interface's name may have dots of its own, so it is put in
    /// only after the dots of the name have become slashes.
    pub fn of(name: &str, interface: &str, value: &str) -> Self {
        Self {
            path: name.replace('.', "/").replace("IFNAME", interface),
            value: String::from(value),
        }
    }

    /// Whether a value that was read is the one that was written. The kernel prints numbers its own way
    /// (octal, if they begin with 0, as 10: `kernel/sysctl.c`, proc_get_long()), and keeps times in ticks of
    /// 1 to 10 ms, rounded up.
    pub(super) fn is(&self, found: &str) -> bool {
        let tick = if self.path.ends_with("_ms") { 10 } else { 1 };
        match (number(&self.value), number(found)) {
            (Some(wanted), Some(found)) => {
                let over = found.checked_sub(wanted);
                over.is_some_and(|over| over < tick)
            }
            _ => self.value == found,
        }
    }

    fn new(family: &str, interface: &str, name: &str, value: &str) -> Self {
        Self {
            path: format!("{family}/conf/{interface}/{name}"),
            value: String::from(value),
        }
    }
}

/// A setting of IPv4 that a request to the kernel switches on as well ([`super::Step::SetIpv4`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ipv4Setting {
    /// Announce the link's addresses when it goes up.
    ArpNotify,
    /// Answer for the link's own addresses only.
    ArpIgnore,
}

impl Ipv4Setting {
    /// All of them.
    pub(super) const ALL: [Self; 2] = [Self::ArpNotify, Self::ArpIgnore];

    /// The same as a sysctl.
    pub(super) fn of(self, interface: &str) -> Setting {
        let name = match self {
            Self::ArpNotify => "arp_notify",
            Self::ArpIgnore => "arp_ignore",
        };
        Setting::new("ipv4", interface, name, "1")
    }
}

fn number(text: &str) -> Option<u64> {
    let radix = if text.starts_with('0') { 8 } else { 10 };
    u64::from_str_radix(text, radix).ok()
}

/// All settings of a link: those that every link gets, and the user's, which win.
pub fn settings(interface: &str, ipv6: Ipv6, users: Vec<Setting>) -> Vec<Setting> {
    let mut settings = ours(interface, ipv6);
    settings.retain(|setting| !users.iter().any(|own| own.path == setting.path));
    settings.extend(users);
    settings
}

/// The settings that every link gets.
///
/// `arp_notify` and `ndisc_notify` make the kernel announce the link's addresses when it goes up, so
/// that a neighbour in the LAN forgets who had them before. Without `arp_ignore` Linux answers on each
/// interface for the addresses of all (Documentation/networking/ip-sysctl.rst): a pod with two
/// interfaces in one LAN, whatever their subnets, has then an address that is now here and now there.
fn ours(interface: &str, ipv6: Ipv6) -> Vec<Setting> {
    let v6 = |name, value| Setting::new("ipv6", interface, name, value);
    let word = |on| if on { "1" } else { "0" };
    let mut settings: Vec<_> = Ipv4Setting::ALL
        .into_iter()
        .map(|setting| setting.of(interface))
        .collect();
    match ipv6 {
        Ipv6::Off => settings.push(v6("disable_ipv6", "1")),
        Ipv6::On {
            router_advertisements,
            dad,
        } => settings.extend([
            // A namespace made with IPv6 off (net.ipv6.conf.all.disable_ipv6) passes that on, and
            // without IPv6 on lo a pod can't reach its own address.
            Setting::new("ipv6", "lo", "disable_ipv6", "0"),
            v6("disable_ipv6", "0"),
            // Before the first address: the kernel would configure itself from any router.
            v6("accept_ra", word(router_advertisements)),
            v6("autoconf", word(router_advertisements)),
            // NODAD frees only the address that has it; the link-local one needs this.
            v6("accept_dad", word(dad)),
            v6("ndisc_notify", "1"),
            // Otherwise setting the link down and up loses the addresses for good.
            v6("keep_addr_on_down", "1"),
        ]),
    }
    if ipv6.has_dad() {
        // The kernel waits for up to that long before it asks: Linux 6.18, addrconf_dad_kick().
        settings.push(v6("router_solicitation_delay", "0"));
    }
    settings
}
