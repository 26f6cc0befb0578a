//! The sysctls that a network may set.

/// Their names, with IFNAME for the interface. All belong to one interface and to the pod's network namespace. Left out are
/// those that Landfall sets itself (accept_ra, accept_dad, disable_ipv6, addr_gen_mode) and
/// route_localnet, which would open the pod's loopback to the LAN.
pub const SYSCTLS: &[&str] = &[
    "net.ipv4.conf.IFNAME.accept_redirects",
    "net.ipv4.conf.IFNAME.accept_source_route",
    "net.ipv4.conf.IFNAME.arp_accept",
    "net.ipv4.conf.IFNAME.arp_announce",
    "net.ipv4.conf.IFNAME.arp_filter",
    "net.ipv4.conf.IFNAME.arp_ignore",
    "net.ipv4.conf.IFNAME.arp_notify",
    "net.ipv4.conf.IFNAME.drop_gratuitous_arp",
    "net.ipv4.conf.IFNAME.forwarding",
    "net.ipv4.conf.IFNAME.log_martians",
    "net.ipv4.conf.IFNAME.proxy_arp",
    "net.ipv4.conf.IFNAME.rp_filter",
    "net.ipv4.conf.IFNAME.secure_redirects",
    "net.ipv4.conf.IFNAME.send_redirects",
    "net.ipv4.neigh.IFNAME.base_reachable_time_ms",
    "net.ipv4.neigh.IFNAME.gc_stale_time",
    "net.ipv4.neigh.IFNAME.mcast_solicit",
    "net.ipv4.neigh.IFNAME.retrans_time_ms",
    "net.ipv4.neigh.IFNAME.ucast_solicit",
    "net.ipv6.conf.IFNAME.accept_redirects",
    "net.ipv6.conf.IFNAME.accept_source_route",
    "net.ipv6.conf.IFNAME.drop_unsolicited_na",
    "net.ipv6.conf.IFNAME.forwarding",
    "net.ipv6.conf.IFNAME.hop_limit",
    "net.ipv6.conf.IFNAME.ndisc_notify",
    "net.ipv6.conf.IFNAME.proxy_ndp",
    "net.ipv6.neigh.IFNAME.base_reachable_time_ms",
    "net.ipv6.neigh.IFNAME.gc_stale_time",
    "net.ipv6.neigh.IFNAME.mcast_solicit",
    "net.ipv6.neigh.IFNAME.retrans_time_ms",
    "net.ipv6.neigh.IFNAME.ucast_solicit",
];
