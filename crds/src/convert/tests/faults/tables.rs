//! The rows: one bad field each, on an object that is good otherwise.

use super::Row;

pub(super) const SUBNETS: &[Row] = &[
    (
        r#"{"ipam": {"subnets": [{"cidr": "10.20.0"}]}, "routes": null, "defaultRoute": null}"#,
        "cidr must be a subnet",
        "spec.ipam.subnets[0].cidr \"10.20.0\" is no subnet",
    ),
    (
        r#"{"ipam": {"subnets": [{"cidr": "10.20.0.1"}]}, "routes": null, "defaultRoute": null}"#,
        "cidr must be a subnet",
        "is no subnet: write it like",
    ),
    (
        r#"{"ipam": {"subnets": [{"cidr": "10.20.0.7/24"}]}, "routes": null, "defaultRoute": null}"#,
        "bits set behind its prefix",
        "write 10.20.0.0/24",
    ),
    (
        r#"{"ipam": {"subnets": [{"cidr": "::ffff:10.0.0.0/120"}]}, "routes": null, "defaultRoute": null}"#,
        "cidr must be a subnet",
        "write 10.0.0.0",
    ),
    (
        r#"{"ipam": {"subnets": [{"cidr": "127.0.0.0/24"}]}, "routes": null, "defaultRoute": null}"#,
        "no host of a LAN",
        "reaches into 127.0.0.0/8",
    ),
    (
        r#"{"ipam": {"subnets": [{"cidr": "0.0.0.0/0"}]}, "routes": null, "defaultRoute": null}"#,
        "no host of a LAN",
        "reaches into 0.0.0.0/8",
    ),
    (
        r#"{"ipam": {"subnets": [{"cidr": "fe80::/64"}]}, "routes": null, "defaultRoute": null}"#,
        "no host of a LAN",
        "reaches into fe80::/10",
    ),
    (
        r#"{"ipam": {"subnets": []}, "routes": null, "defaultRoute": null}"#,
        "ipam.subnets is empty",
        "spec.ipam.subnets is empty",
    ),
    (
        r#"{"ipam": null}"#,
        "ipam.subnets is empty",
        "spec.ipam.subnets is empty",
    ),
    (
        r#"{"ipam": {"subnets": [{"cidr": "10.0.0.0/8"}, {"cidr": "10.20.0.0/24"}]}, "routes": null, "defaultRoute": null}"#,
        "one subnet contains another",
        "spec.ipam.subnets[1].cidr 10.20.0.0/24 overlaps 10.0.0.0/8",
    ),
    (
        r#"{"ipam": {"subnets": [{"cidr": "10.0.0.0/24"}, {"cidr": "10.0.0.0/24"}]}, "routes": null, "defaultRoute": null}"#,
        "",
        "hands out 10.0.0.1-10.0.0.254",
    ),
];

pub(super) const GATEWAYS: &[Row] = &[
    (
        r#"{"ipam": {"subnets": [{"cidr": "10.20.0.0/24", "gateway": "10.21.0.1"}]}, "routes": null, "defaultRoute": null}"#,
        "gateway lies outside cidr",
        "spec.ipam.subnets[0].gateway 10.21.0.1 lies outside 10.20.0.0/24: use",
    ),
    (
        r#"{"ipam": {"subnets": [{"cidr": "10.20.0.0/24", "gateway": "fe80::1"}]}, "routes": null, "defaultRoute": null}"#,
        "gateway lies outside cidr",
        "lies outside",
    ),
    (
        r#"{"ipam": {"subnets": [{"cidr": "fd00::/64", "gateway": "10.0.0.1"}]}, "routes": null, "defaultRoute": null}"#,
        "gateway lies outside cidr",
        "lies outside",
    ),
    (
        r#"{"ipam": {"subnets": [{"cidr": "10.20.0.0/24", "gateway": "x"}]}, "routes": null, "defaultRoute": null}"#,
        "gateway must be an address",
        "\"x\" is no IP address",
    ),
    (
        r#"{"ipam": {"subnets": [{"cidr": "10.20.0.0/24", "gateway": "10.20.0.255"}]}, "routes": null, "defaultRoute": null}"#,
        "",
        "network or broadcast address",
    ),
    (
        r#"{"ipam": {"subnets": [{"cidr": "10.20.0.0/24", "ranges": [{"cidr": "10.20.0.0/25"}, {"cidr": "10.0.0.0/8"}]}]}, "routes": null, "defaultRoute": null}"#,
        "a range reaches outside",
        "spec.ipam.subnets[0].ranges[1] 10.0.0.0-10.255.255.255 reaches outside",
    ),
    (
        r#"{"ipam": {"subnets": [{"cidr": "10.20.0.0/24", "ranges": [{"from": "10.20.0.9", "to": "10.20.1.9"}]}]}, "routes": null, "defaultRoute": null}"#,
        "a range reaches outside",
        "reaches outside",
    ),
    (
        r#"{"ipam": {"subnets": [{"cidr": "10.20.0.0/24", "exclude": [{"from": "10.19.0.9", "to": "10.20.0.9"}]}]}, "routes": null, "defaultRoute": null}"#,
        "an excluded range reaches outside",
        "exclude[0] 10.19.0.9-10.20.0.9 reaches outside",
    ),
    (
        r#"{"ipam": {"subnets": [{"cidr": "10.20.0.0/24", "ranges": [{"from": "10.20.0.9", "to": "10.20.0.8"}]}]}, "routes": null, "defaultRoute": null}"#,
        "to lies before from",
        "goes from 10.20.0.9 to 10.20.0.8: the last address lies before the first",
    ),
    (
        r#"{"ipam": {"subnets": [{"cidr": "10.20.0.0/24", "ranges": [{"from": "10.20.0.9"}]}]}, "routes": null, "defaultRoute": null}"#,
        "either from and to, or cidr",
        "either from and to, or cidr",
    ),
    (
        r#"{"ipam": {"subnets": [{"cidr": "10.20.0.0/24", "ranges": [{}]}]}, "routes": null, "defaultRoute": null}"#,
        "either from and to, or cidr",
        "either from and to, or cidr",
    ),
    (
        r#"{"ipam": {"subnets": [{"cidr": "10.20.0.0/24", "ranges": [{"from": "10.20.0.9", "to": "10.20.0.9", "cidr": "10.20.0.0/28"}]}]}, "routes": null, "defaultRoute": null}"#,
        "either from and to, or cidr",
        "either from and to, or cidr",
    ),
    (
        r#"{"ipam": {"subnets": [{"cidr": "10.20.0.0/24", "ranges": [{"cidr": "10.20.0.1/28"}]}]}, "routes": null, "defaultRoute": null}"#,
        "written by its first address",
        "ranges[0].cidr \"10.20.0.1/28\" has bits set",
    ),
];

pub(super) const PARENTS: &[Row] = &[
    (
        r#"{"parents": []}"#,
        "parents is empty",
        "spec.parents is empty",
    ),
    (
        r#"{"parents": [{}]}"#,
        "exactly one of interface",
        "spec.parents[0] needs exactly one",
    ),
    (
        r#"{"parents": [{"fromDefaultRoute": false}]}"#,
        "exactly one of interface",
        "needs exactly one",
    ),
    (
        r#"{"parents": [{"interface": "a", "fromDefaultRoute": true}]}"#,
        "exactly one of interface",
        "needs exactly one",
    ),
    (
        r#"{"parents": [{"subnet": "10.0.0.0"}]}"#,
        "subnet must be a CIDR",
        "parents[0].subnet",
    ),
    (
        r#"{"parents": [{"interface": "a/b"}]}"#,
        "",
        "parents[0].interface \"a/b\" can't match an interface",
    ),
    (
        r#"{"parents": [{"interface": "a-name-that-is-long*"}]}"#,
        "",
        "more than the 15",
    ),
    (
        r#"{"parents": [{"pciAddress": "3b:00.1"}]}"#,
        "",
        "is no PCI address",
    ),
    (
        r#"{"parents": [{"macAddress": "03:00:00:00:00:01"}]}"#,
        "",
        "multicast",
    ),
    (
        r#"{"parents": [{"interface": "a", "vlan": {"id": 0}}]}"#,
        "",
        "parents[0].vlan.id is 0: it must be between 1 and 4094",
    ),
    (
        r#"{"parents": [{"interface": "a", "vlan": {"id": 4095}}]}"#,
        "",
        "is 4095",
    ),
    (
        r#"{"parents": [{"interface": "a", "vlan": {"id": 1, "name": "a b"}}]}"#,
        "",
        "vlan.name \"a b\" can't be an interface",
    ),
    (
        r#"{"parents": [{"interface": "a", "nodeSelector": {"matchExpressions": [{"key": "x", "operator": "In"}]}}]}"#,
        "values goes with In and NotIn",
        "matchExpressions[0].values goes with",
    ),
    (
        r#"{"namespaces": {"matchExpressions": [{"key": "x", "operator": "Exists", "values": ["a"]}]}}"#,
        "values goes with In and NotIn",
        "spec.namespaces.matchExpressions[0].values",
    ),
];

pub(super) const OPTIONS: &[Row] = &[
    (
        r#"{"isolated": true}"#,
        "no way out: remove defaultRoute",
        "spec.defaultRoute is Always, but isolated",
    ),
    (
        r#"{"isolated": true, "defaultRoute": null, "parents": null}"#,
        "remove the gateway of each subnet",
        "spec.ipam.subnets[0].gateway is set, but isolated",
    ),
    (
        r#"{"defaultRoute": null, "defaultRouteMetric": 5}"#,
        "defaultRouteMetric has no effect",
        "spec.defaultRouteMetric has no effect",
    ),
    (
        r#"{"ipam": {"subnets": [{"cidr": "10.20.0.0/24"}]}}"#,
        "needs the gateway of at least one subnet",
        "no subnet has a gateway",
    ),
    (
        r#"{"mtu": 1000}"#,
        "the least that IPv6 works with",
        "spec.mtu is 1000, below the 1280",
    ),
    (
        r#"{"mtu": 67}"#,
        "the least that IPv6 works with",
        "between 68 and 65535",
    ),
    (
        r#"{"ipam": {"type": "None"}}"#,
        "go with type Cluster",
        "spec.ipam.subnets goes with type Cluster",
    ),
    (
        r#"{"ipam": {"type": "DHCP", "subnets": null}}"#,
        "go with type Cluster",
        "spec.ipam.reuseDelay goes with type Cluster",
    ),
    (
        r#"{"ipam": {"type": "None", "subnets": null, "reuseDelay": null, "conflictProbe": true}}"#,
        "go with type Cluster",
        "spec.ipam.conflictProbe",
    ),
    (
        r#"{"ipam": {"reuseDelay": {"preferred": "1s", "minimum": "2s"}}}"#,
        "minimum must not be longer",
        "spec.ipam.reuseDelay.minimum is 2000 ms, longer",
    ),
    (
        r#"{"ipam": {"reuseDelay": {"preferred": "200h"}}}"#,
        "not be longer than a week",
        "must be between",
    ),
    (
        r#"{"ipam": {"reuseDelay": {"preferred": "-1s", "minimum": null}}}"#,
        "minimum must not be longer",
        "\"-1s\" is no time",
    ),
    (
        r#"{"mode": "source"}"#,
        "allowedSources goes with mode: source",
        "spec.macvlan.allowedSources goes with",
    ),
    (
        r#"{"macvlan": {"allowedSources": ["02:00:00:00:00:01"]}}"#,
        "allowedSources goes with mode: source",
        "goes with mode: source",
    ),
    (
        r#"{"mac": {"prefix": "0b:58"}}"#,
        "",
        "spec.mac.prefix \"0b:58\" can't begin a hardware address",
    ),
    (
        r#"{"announce": {"interval": "10ms"}}"#,
        "between 100ms and 1m",
        "spec.announce.interval is \"10ms\"",
    ),
    (
        r#"{"announce": {"count": 11}}"#,
        "",
        "spec.announce.count is 11",
    ),
    (
        r#"{"segment": "Default"}"#,
        "",
        "spec.segment \"Default\" can't be one",
    ),
    (
        r#"{"sysctls": {"net.ipv4.ip_forward": "1"}}"#,
        "a name that is not allowed",
        "spec.sysctls[\"net.ipv4.ip_forward\"] is not allowed",
    ),
    (
        r#"{"sysctls": {"net.ipv4.conf.IFNAME.rp_filter": "x"}}"#,
        "",
        "it must be a number",
    ),
];

pub(super) const ROUTES: &[Row] = &[
    (
        r#"{"routes": [{"destination": "10.30.0.1/16"}]}"#,
        "destination must be a subnet",
        "write 10.30.0.0/16",
    ),
    (
        r#"{"routes": [{"destination": "0.0.0.0/0", "gateway": "10.20.0.1"}]}"#,
        "a default route is not set here",
        "use defaultRoute: Always",
    ),
    (
        r#"{"routes": [{"destination": "10.30.0.0/16", "gateway": "fd00:20::1"}]}"#,
        "both IPv4 or both IPv6",
        "is not IPv4, as the destination is",
    ),
    (
        r#"{"routes": [{"destination": "10.30.0.0/16", "gateway": "10.21.0.1"}]}"#,
        "",
        "spec.routes[0].gateway 10.21.0.1 lies in no subnet",
    ),
    (
        r#"{"routes": [{"destination": "10.30.0.0/16", "gateway": "x"}]}"#,
        "gateway must be an address",
        "is no IP address",
    ),
    (
        r#"{"routes": [{"destination": "10.30.0.0/16"}, {"destination": "10.30.0.0/16", "gateway": "10.20.0.9"}]}"#,
        "",
        "spec.routes[1] is the second route",
    ),
    (
        r#"{"neighbors": [{"address": "x", "mac": "02:00:00:00:00:01"}]}"#,
        "address must be an address",
        "spec.neighbors[0].address",
    ),
    (
        r#"{"neighbors": [{"address": "10.20.0.9", "mac": "01:00:00:00:00:01"}]}"#,
        "",
        "spec.neighbors[0].mac",
    ),
    (
        r#"{"neighbors": [{"address": "10.20.0.9", "mac": "02:00:00:00:00:01"}, {"address": "10.20.0.9", "mac": "02:00:00:00:00:02"}]}"#,
        "",
        "stands there twice",
    ),
];
