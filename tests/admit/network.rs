//! Good and bad networks.

mod contradictions;
mod held;
mod largest;

use landfall_tests::{admission, manifest::landfall};
use serde_json::{Value, json};

use crate::{
    cluster,
    rows::{accepts, refuses},
};

/// The least that a network needs.
fn good(kind: &str) -> Value {
    let spec = json!({
        "namespaces": {},
        "parents": [{"interface": "eth1"}],
        "ipam": {"subnets": [{"cidr": "10.20.0.0/24"}]},
    });
    landfall(kind, "good", &spec)
}

#[test]
fn both_kinds_accept_what_makes_sense() {
    let table = r#"
/spec/namespaces        | {"matchLabels": {"team": "a"}}
/spec/namespaces        | {"matchExpressions": [{"key": "team", "operator": "NotIn", "values": ["b"]}]}
/spec/parents           | [{"fromDefaultRoute": true}]
/spec/parents           | [{"interface": "ens*f0"}, {"interface": "eth1", "nodeSelector": {"matchLabels": {"rack": "a"}}}]
/spec/parents           | [{"macAddress": "02:00:00:00:00:01"}]
/spec/parents           | [{"pciAddress": "0000:3b:00.1"}]
/spec/parents           | [{"subnet": "192.168.0.0/16"}]
/spec/parents/0/vlan    | {"id": 4094, "name": "lan70", "protocol": "802.1ad"}
/spec/mtu               | 68
/spec/mtu               | 65535
/spec/link              | {"allMulticast": false, "txQueueLength": 1000}
/spec/ipam              | {"type": "None"}
/spec/ipam/type         | "Cluster"
/spec/ipam/subnets      | [{"cidr": "fd00:20::/64", "gateway": "fe80::1"}]
/spec/ipam/subnets      | [{"cidr": "10.20.0.0/24", "gateway": "10.20.0.1"}, {"cidr": "fd00:20::/64"}]
/spec/ipam/subnets/0    | {"cidr": "10.20.0.0/24", "ranges": [{"from": "10.20.0.10", "to": "10.20.0.19"}], "exclude": [{"cidr": "10.20.0.12/32"}]}
/spec/ipam/subnets      | [{"cidr": "10.20.0.0/24", "ranges": [{"cidr": "10.20.0.0/25"}]}, {"cidr": "10.20.0.0/24", "ranges": [{"cidr": "10.20.0.128/25"}]}]
/spec/ipam/reuseDelay   | {"minimum": "500ms", "preferred": "1m30s"}
/spec/ipam/conflictProbe | true
/spec/ipv6              | {"acceptRouterAdvertisements": true, "dad": true}
/spec/routes            | [{"destination": "10.30.0.0/16", "gateway": "10.20.0.254", "metric": 100}, {"destination": "10.31.0.0/16"}]
/spec/neighbors         | [{"address": "10.20.0.254", "mac": "02:00:00:00:00:01"}]
/spec/announce          | {"count": 0, "interval": "100ms"}
/spec/sysctls           | {"net.ipv4.conf.IFNAME.arp_ignore": "1"}
/spec/limits            | {"perNamespace": 50}
/spec/nodeDeletion      | "Fenced"
/spec/paused            | true
/spec/hostAccess        | {"enabled": true}
/spec/networkAttachmentDefinition | {"enabled": true, "namespaces": {}}
/spec                   | {"namespaces": {}, "isolated": true, "ipam": {"subnets": [{"cidr": "10.20.0.0/24"}]}}
"#;
    for kind in ["MacvlanNetwork", "IpvlanNetwork"] {
        accepts(&good(kind), table);
    }
}

#[test]
fn each_kind_accepts_its_own_modes_and_options() {
    let macvlan = r#"
/spec/mode    | "bridge"
/spec/mode    | "private"
/spec/mode    | "vepa"
/spec/mode    | "passthru"
/spec         | {"namespaces": {}, "parents": [{"interface": "eth1"}], "ipam": {"type": "None"}, "mode": "source", "macvlan": {"allowedSources": ["02:00:00:00:00:01"]}}
/spec/mac     | {"prefix": "0a:58"}
/spec/macvlan | {"broadcastCutoff": -1, "broadcastQueueLength": 1000, "noPromiscuous": true}
/spec/ipam    | {"type": "DHCP"}
"#;
    accepts(&good("MacvlanNetwork"), macvlan);
    let ipvlan = r#"
/spec/mode | "l2"
/spec/mode | "l3"
/spec/mode | "l3s"
/spec/flag | "bridge"
/spec/flag | "private"
/spec/flag | "vepa"
"#;
    accepts(&good("IpvlanNetwork"), ipvlan);
}

#[test]
fn namespaces_must_be_said_and_an_empty_selector_is_all() {
    let table = "/spec/namespaces | null | spec.namespaces | Required value";
    refuses(&good("MacvlanNetwork"), table);
    refuses(&good("IpvlanNetwork"), table);
}

#[test]
fn a_mode_of_the_other_driver_is_refused_with_the_words_that_are_known() {
    let macvlan = r#"
/spec/mode    | "l2"                                       | spec.mode                    | "bridge", "private", "vepa", "passthru", "source"
/spec/mode    | "Bridge"                                   | spec.mode                    | supported values
/spec/mode    | "source"                                   | spec                         | mode: source lets nobody in without it
/spec/macvlan | {"allowedSources": ["02:00:00:00:00:01"]}  | spec                         | allowedSources goes with mode: source
/spec/macvlan | {"broadcastCutoff": -2}                    | spec.macvlan.broadcastCutoff | greater than or equal to -1
/spec/mac     | {"prefix": "01:58"}                        | spec.mac.prefix              | should match
"#;
    refuses(&good("MacvlanNetwork"), macvlan);
    let ipvlan = r#"
/spec/mode | "bridge"         | spec.mode | "l2", "l3", "l3s"
/spec/flag | "passthru"       | spec.flag | "bridge", "private", "vepa"
/spec/ipam | {"type": "DHCP"} | spec      | use a MacvlanNetwork
"#;
    refuses(&good("IpvlanNetwork"), ipvlan);
}

#[test]
fn names_that_can_t_be_part_of_other_names_are_refused() {
    let long = "a".repeat(64);
    let names = ["with.dot", long.as_str()];
    let objects = names.map(|name| landfall("MacvlanNetwork", name, &good("")["spec"]));
    let verdicts = admission::verdicts(cluster(), &objects).expect("kubectl create");
    for name in names {
        let message = verdicts[name].clone().expect_err(name);
        assert!(message.contains("must be a DNS label"), "{message}");
    }
}

#[test]
fn what_nobody_knows_is_pruned_and_defaults_are_filled_in() {
    let mut object = good("MacvlanNetwork");
    object["spec"]["vlanId"] = json!(70);
    object["spec"]["ipam"]["subnets"][0]["mask"] = json!(24);
    object["status"] = json!({"observedGeneration": 1});
    let seen = admission::verdict(cluster(), &object).expect("kubectl create");
    let seen = seen.expect("unknown fields are no error of the server");
    let mut expected = good("MacvlanNetwork")["spec"].clone();
    expected["mode"] = json!("bridge");
    expected["segment"] = json!("default");
    assert_eq!(seen["spec"], expected);
    assert_eq!(seen.get("status"), None, "a user writes no status");

    let seen = admission::verdict(cluster(), &good("IpvlanNetwork")).expect("kubectl create");
    let mut expected = good("IpvlanNetwork")["spec"].clone();
    expected["mode"] = json!("l2");
    expected["segment"] = json!("default");
    assert_eq!(seen.expect("it is good")["spec"], expected);
}
