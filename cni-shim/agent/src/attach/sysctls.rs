//! The sysctls of an attachment that its network asks for.

use std::collections::BTreeMap;

use landfall_core::link::{Ipv6, Setting};
use landfall_crds::node::ServedNetwork;

/// What the kernel sends by itself when the link goes up.
const ANNOUNCEMENTS: [&str; 2] = [
    "ipv4.conf.IFNAME.arp_notify",
    "ipv6.conf.IFNAME.ndisc_notify",
];

/// The network's, by their names; where it wants no announcement, the kernel's own are off too. What is
/// of IPv6 is left out where that is off: the kernel would never look at it.
pub(super) fn all(network: &ServedNetwork, interface: &str, ipv6: Ipv6) -> Vec<Setting> {
    let silent = network.announce.count == 0;
    let quiet = ANNOUNCEMENTS.iter().filter(|_| silent);
    let mut sysctls: BTreeMap<&str, &str> = quiet.map(|name| (*name, "0")).collect();
    let users = network.sysctls.iter();
    sysctls.extend(users.map(|(name, value)| (name.as_str(), value.as_str())));
    sysctls
        .into_iter()
        .filter(|(name, _)| ipv6 != Ipv6::Off || !name.starts_with("ipv6."))
        .map(|(name, value)| Setting::of(name, interface, value))
        .collect()
}
