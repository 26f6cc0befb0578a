//! Netlink, network namespaces and sysctls.
