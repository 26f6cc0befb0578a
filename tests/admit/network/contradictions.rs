//! What one network object shows to be wrong: the message says what, where, and what to do.

use super::good;
use crate::rows::refuses;

#[test]
fn a_parent_is_one_thing_and_can_exist() {
    let table = r#"
/spec/parents                | []                                | spec                           | parents is empty: name at least one host interface
/spec/parents/0/macAddress   | "02:00:00:00:00:01"               | spec.parents[0]                | exactly one of interface, macAddress
/spec/parents                | [{"nodeSelector": {}}]            | spec.parents[0]                | exactly one of interface, macAddress
/spec/parents                | [{"fromDefaultRoute": false}]     | spec.parents[0]                | exactly one of interface, macAddress
/spec/parents/0/interface    | "eth 1"                           | spec.parents[0].interface      | should match
/spec/parents                | [{"subnet": "10.0.0.0"}]          | spec.parents[0]                | subnet must be a CIDR such as
/spec/parents                | [{"pciAddress": "3b:00.1"}]       | spec.parents[0].pciAddress     | should match
/spec/parents/0/vlan         | {"id": 0}                         | spec.parents[0].vlan.id        | greater than or equal to 1
/spec/parents/0/vlan         | {"id": 4095}                      | spec.parents[0].vlan.id        | less than or equal to 4094
/spec/parents/0/vlan         | {"id": 1, "name": "longer-than-15-b"} | spec.parents[0].vlan.name  | may not be more than 15
/spec/parents/0/vlan         | {"id": 1, "protocol": "802.1q"}   | spec.parents[0].vlan.protocol  | "802.1Q", "802.1ad"
/spec/parents/0/nodeSelector | {"matchExpressions": [{"key": "a", "operator": "In"}]} | spec.parents[0].nodeSelector | values goes with In and NotIn
/spec/parents/0/nodeSelector | {"matchExpressions": [{"key": "a", "operator": "Is"}]} | spec.parents[0].nodeSelector | supported values
"#;
    refuses(&good("MacvlanNetwork"), table);
}

#[test]
fn subnets_ranges_and_gateways_fit_together() {
    let table = r#"
/spec/ipam                   | null                                | spec                             | ipam.subnets is empty: name at least one subnet
/spec/ipam/subnets           | []                                  | spec                             | or set ipam.type to DHCP or None
/spec/ipam/subnets/0/cidr    | "10.20.0.0"                         | spec.ipam.subnets[0]             | cidr must be a subnet such as 10.20.0.0/24
/spec/ipam/subnets/0/cidr    | "10.20.0.7/24"                      | spec.ipam.subnets[0]             | bits set behind its prefix
/spec/ipam/subnets/0/cidr    | "fd00:20::1/64"                     | spec.ipam.subnets[0]             | bits set behind its prefix
/spec/ipam/subnets/0/cidr    | "127.0.0.0/24"                      | spec.ipam.subnets[0]             | addresses that no host of a LAN may have
/spec/ipam/subnets/0/cidr    | "fe80::/64"                         | spec.ipam.subnets[0]             | addresses that no host of a LAN may have
/spec/ipam/subnets/0/gateway | "10.20.0.0/24"                      | spec.ipam.subnets[0]             | gateway must be an address
/spec/ipam/subnets/0/gateway | "10.21.0.1"                         | spec.ipam.subnets[0]             | gateway lies outside cidr
/spec/ipam/subnets/0/gateway | "fe80::1"                           | spec.ipam.subnets[0]             | gateway lies outside cidr
/spec/ipam/subnets/0/ranges  | [{"from": "10.20.0.9", "to": "10.21.0.1"}] | spec.ipam.subnets[0]      | a range reaches outside cidr
/spec/ipam/subnets/0/ranges  | [{"cidr": "10.20.0.0/23"}]          | spec.ipam.subnets[0]             | a range reaches outside cidr
/spec/ipam/subnets/0/exclude | [{"cidr": "10.21.0.0/32"}]          | spec.ipam.subnets[0]             | an excluded range reaches outside cidr
/spec/ipam/subnets/0/ranges  | [{"from": "10.20.0.9"}]             | spec.ipam.subnets[0].ranges[0]   | either from and to, or cidr
/spec/ipam/subnets/0/ranges  | [{"cidr": "10.20.0.0/28", "to": "10.20.0.9"}] | spec.ipam.subnets[0].ranges[0] | either from and to, or cidr
/spec/ipam/subnets/0/ranges  | [{"from": "10.20.0.9", "to": "ten"}] | spec.ipam.subnets[0].ranges[0]  | from and to must be addresses
/spec/ipam/subnets/0/ranges  | [{"from": "10.20.0.9", "to": "10.20.0.8"}] | spec.ipam.subnets[0].ranges[0] | to lies before from: swap them
/spec/ipam/subnets/0/ranges  | [{"cidr": "10.20.0.0"}]             | spec.ipam.subnets[0].ranges[0]   | cidr must be a subnet
/spec/ipam/subnets/1         | {"cidr": "10.20.0.128/25"}          | spec.ipam                        | one subnet contains another
/spec/ipam/type              | "None"                              | spec.ipam                        | go with type Cluster
/spec/ipam/type              | "dhcp"                              | spec.ipam.type                   | "Cluster", "DHCP", "None"
/spec/ipam/reuseDelay        | {"preferred": "1s", "minimum": "2s"} | spec.ipam.reuseDelay            | minimum must not be longer than preferred
/spec/ipam/reuseDelay        | {"minimum": "31s"}                  | spec.ipam.reuseDelay             | minimum must not be longer than preferred
/spec/ipam/reuseDelay        | {"preferred": "30"}                 | spec.ipam.reuseDelay.preferred   | should match
/spec/ipam/reuseDelay        | {"preferred": "169h"}               | spec.ipam.reuseDelay             | not be longer than a week
"#;
    refuses(&good("MacvlanNetwork"), table);
}

#[test]
fn settings_of_links_and_routes_are_possible() {
    let table = r#"
/spec/mtu                | 67                                             | spec.mtu           | greater than or equal to 68
/spec/mtu                | 65536                                          | spec.mtu           | less than or equal to 65535
/spec/segment            | "The LAN"                                      | spec.segment       | should match
/spec/routes             | [{"destination": "0.0.0.0/0"}]                 | spec.routes[0]     | use defaultRoute: Always
/spec/routes             | [{"destination": "10.30.0.1/16"}]              | spec.routes[0]     | written by its first address
/spec/routes             | [{"destination": "10.30.0.0/16", "gateway": "fd00::1"}] | spec.routes[0] | both IPv4 or both IPv6
/spec/routes             | [{"destination": "10.30.0.0/16", "gateway": "gw"}] | spec.routes[0] | gateway must be an address
/spec/neighbors          | [{"address": "10.20.0.0/24", "mac": "02:00:00:00:00:01"}] | spec.neighbors[0] | address must be an address
/spec/neighbors          | [{"address": "10.20.0.9", "mac": "01:00:00:00:00:01"}] | spec.neighbors[0].mac | should match
/spec/announce           | {"interval": "99ms"}                           | spec.announce      | between 100ms and 1m
/spec/announce           | {"count": 11}                                  | spec.announce.count | less than or equal to 10
/spec/sysctls            | {"net.ipv4.ip_forward": "1"}                   | spec.sysctls       | a name that is not allowed
/spec/sysctls            | {"net.ipv4.conf.eth0.arp_ignore": "1"}         | spec.sysctls       | with IFNAME in place of the interface
/spec/defaultRoute       | "Always"                                       | spec               | needs the gateway of at least one subnet
/spec/defaultRoute       | "always"                                       | spec.defaultRoute  | "Never", "OnRequest", "Always"
/spec/defaultRouteMetric | 100                                            | spec               | set defaultRoute to Always or OnRequest
/spec/limits             | {"perNamespace": 0}                            | spec.limits.perNamespace | greater than or equal to 1
/spec/nodeDeletion       | "Never"                                        | spec.nodeDeletion  | "Auto", "Fenced", "Hold"
"#;
    refuses(&good("IpvlanNetwork"), table);
}

#[test]
fn fields_that_contradict_each_other_are_refused() {
    let table = r#"
/spec | {"namespaces": {}, "parents": [{"interface": "eth1"}], "mtu": 1279, "ipam": {"subnets": [{"cidr": "fd00:20::/64"}]}} | spec | mtu is below 1280
/spec | {"namespaces": {}, "isolated": true, "defaultRoute": "Always", "ipam": {"subnets": [{"cidr": "10.20.0.0/24"}]}} | spec | isolated: true has no way out: remove defaultRoute
/spec | {"namespaces": {}, "isolated": true, "ipam": {"subnets": [{"cidr": "10.20.0.0/24", "gateway": "10.20.0.1"}]}} | spec | remove the gateway of each subnet
"#;
    refuses(&good("MacvlanNetwork"), table);
}
