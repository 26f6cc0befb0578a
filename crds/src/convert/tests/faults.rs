//! Bad objects meet two doors: the schema's rules, and the conversion. One table for both.

use serde_json::{Value, json};

use super::{NetworkObject, good, ipvlan, macvlan, patched, read};
use crate::macvlan::MacvlanNetwork;

mod tables;

use tables::{GATEWAYS, OPTIONS, PARENTS, ROUTES, SUBNETS};

/// A change to the good spec; a part of the rule's message (empty: no rule can see it); a part of
/// the fault.
type Row = (&'static str, &'static str, &'static str);

fn check(rows: &[Row]) {
    for (change, rule, fault) in rows {
        let spec: Value = serde_json::from_str(change).unwrap();
        let object = macvlan(&json!({"spec": spec}));
        match object.validate_cel() {
            Ok(()) => assert_eq!(*rule, "", "no rule refused {change}"),
            Err(errors) => {
                let text = errors.to_string();
                assert!(!rule.is_empty() && text.contains(rule), "{change}\n{text}");
            }
        }
        let text = object.validate().unwrap_err().to_string();
        assert!(text.contains(fault), "{change}\n{text}");
    }
}

#[test]
fn subnets_that_are_none() {
    check(SUBNETS);
}

#[test]
fn gateways_and_ranges_outside() {
    check(GATEWAYS);
}

#[test]
fn parents_that_name_no_link_or_two() {
    check(PARENTS);
}

#[test]
fn options_that_contradict_each_other() {
    check(OPTIONS);
}

#[test]
fn routes_and_neighbours_that_lead_nowhere() {
    check(ROUTES);
}

#[test]
fn names_are_dns_labels() {
    for name in ["a.b", &"a".repeat(64), "A", "-a"] {
        let object: MacvlanNetwork = read(patched(&json!({"metadata": {"name": name}})));
        let text = object.validate_cel().unwrap_err().to_string();
        assert!(text.contains("must be a DNS label"), "{text}");
        assert!(
            object
                .validate()
                .unwrap_err()
                .to_string()
                .starts_with("metadata.name ")
        );
    }
    let object = macvlan(&json!({"metadata": {"uid": null}}));
    assert_eq!(object.validate().unwrap_err().field, "metadata.uid");
}

#[test]
fn ipvlan_has_no_hardware_address_for_dhcp() {
    let ipam = json!({"type": "DHCP", "subnets": null, "reuseDelay": null});
    let patch = json!({"spec": {"ipam": ipam, "routes": null, "defaultRoute": null}});
    let object = ipvlan(&patch);
    let text = object.validate_cel().unwrap_err().to_string();
    assert!(
        text.contains("needs a hardware address for each pod"),
        "{text}"
    );
    assert_eq!(object.validate().unwrap_err().field, "spec.ipam.type");
    macvlan(&patch).validate_cel().unwrap();
}

#[test]
fn where_the_parents_namespace_routes_a_default_route_needs_no_gateway() {
    for (mode, is_good) in [("l2", false), ("l3", true), ("l3s", true)] {
        let ipam = json!({"subnets": [{"cidr": "10.20.0.0/24"}]});
        let object = ipvlan(&json!({"spec": {"mode": mode, "ipam": ipam, "routes": null}}));
        assert_eq!(object.validate_cel().is_ok(), is_good, "{mode}");
        assert_eq!(object.validate().is_ok(), is_good, "{mode}");
    }
}

#[test]
fn ipvlan_asks_no_lan_in_modes_that_route() {
    for mode in ["l3", "l3s"] {
        let patch = json!({"spec": {"mode": mode, "ipam": {"conflictProbe": true}}});
        let object = ipvlan(&patch);
        let text = object.validate_cel().unwrap_err().to_string();
        assert!(text.contains("asks the LAN by ARP and ND"), "{text}");
        let fault = object.validate().unwrap_err();
        assert_eq!(fault.field, "spec.ipam.conflictProbe", "{fault}");
    }
    let object = ipvlan(&json!({"spec": {"mode": "l2", "ipam": {"conflictProbe": true}}}));
    object.validate_cel().unwrap();
    assert!(object.validate().unwrap().ipam.conflict_probe);
}

#[test]
fn segment_and_type_stay_while_addresses_are_held() {
    let counts = |granted: u64, quarantined: u64| {
        json!({"capacity": 9, "granted": granted, "quarantined": quarantined, "foreign": 0,
               "cooling": 0, "claimed": 0, "free": 9})
    };
    let idle = json!({"status": {"addresses": {"ipv4": counts(0, 0)}}});
    let granted = json!({"status": {"addresses": {"ipv4": counts(0, 0), "ipv6": counts(1, 0)}}});
    let lost = json!({"status": {"addresses": {"ipv4": counts(0, 1)}}});
    let none = json!({"type": "None", "subnets": null, "reuseDelay": null});
    let changes = [
        json!({"spec": {"segment": "other"}}),
        json!({"spec": {"ipam": none, "defaultRoute": null}}),
    ];
    for change in changes {
        let new: MacvlanNetwork = read(patched(&change));
        for (old, allowed) in [
            (&json!({}), true),
            (&idle, true),
            (&granted, false),
            (&lost, false),
        ] {
            let old: MacvlanNetwork = read(patched(old));
            let result = new.validate_cel_update(&old);
            assert_eq!(result.is_ok(), allowed, "{change} over {:?}", old.status);
            old.validate_cel_update(&old).unwrap();
        }
    }
    let explicit: MacvlanNetwork = read(patched(&json!({"spec": {"ipam": {"type": "Cluster"}}})));
    let held: MacvlanNetwork = read(patched(&granted));
    explicit.validate_cel_update(&held).unwrap();
    assert_eq!(good()["spec"]["ipam"].get("type"), None);
}
