use serde_json::{Value, json};

use super::{NetworkObject, ipvlan, macvlan};

/// A field that is set, and the path that is named; empty if it is served.
const ROWS: &[(&str, &str)] = &[
    (r#"{"mode": "vepa"}"#, ""),
    (r#"{"mode": "private"}"#, ""),
    (r#"{"mode": "passthru"}"#, ""),
    (r#"{"mode": "source"}"#, ""),
    (
        r#"{"macvlan": {"noPromiscuous": true, "broadcastQueueLength": 1000, "broadcastCutoff": -1}}"#,
        "",
    ),
    (
        r#"{"parents": [{"interface": "a"}, {"macAddress": "02:00:00:00:00:01"}]}"#,
        "",
    ),
    (r#"{"parents": [{"pciAddress": "0000:3b:00.1"}]}"#, ""),
    (r#"{"parents": [{"subnet": "10.0.0.0/8"}]}"#, ""),
    (r#"{"parents": [{"fromDefaultRoute": true}]}"#, ""),
    (
        r#"{"parents": [{"interface": "a", "fromDefaultRoute": false}]}"#,
        "",
    ),
    (
        r#"{"parents": [{"interface": "a", "vlan": {"id": 70}}]}"#,
        "",
    ),
    (
        r#"{"link": {"allMulticast": true, "txQueueLength": 1000}}"#,
        "",
    ),
    (r#"{"ipam": {"type": "None"}}"#, ""),
    (r#"{"ipam": {"type": "DHCP"}}"#, "spec.ipam.type"),
    (r#"{"ipam": {"conflictProbe": true}}"#, ""),
    (
        r#"{"ipv6": {"dad": true, "acceptRouterAdvertisements": true}}"#,
        "",
    ),
    (
        r#"{"neighbors": [{"address": "10.20.0.254", "mac": "02:00:00:00:00:01"}]}"#,
        "",
    ),
    (r#"{"defaultRoute": "OnRequest"}"#, ""),
    (r#"{"defaultRouteMetric": 5}"#, ""),
    (r#"{"announce": {"count": 0, "interval": "2s"}}"#, ""),
    (r#"{"hostAccess": {"enabled": false}}"#, ""),
    (r#"{"hostAccess": {"enabled": true}}"#, "spec.hostAccess"),
    (r#"{"isolated": true, "paused": true}"#, ""),
    (
        r#"{"sysctls": {"net.ipv4.conf.IFNAME.arp_ignore": "1"}}"#,
        "",
    ),
    (r#"{"limits": {}}"#, ""),
    (r#"{"limits": {"perNamespace": 50}}"#, ""),
    (r#"{"nodeDeletion": "Auto"}"#, ""),
    (r#"{"nodeDeletion": "Hold"}"#, ""),
    (
        r#"{"networkAttachmentDefinition": {"enabled": false, "namespaces": {}}}"#,
        "",
    ),
    (
        r#"{"networkAttachmentDefinition": {"enabled": true}}"#,
        "spec.networkAttachmentDefinition",
    ),
];

#[test]
fn what_is_not_served_is_named_and_a_default_is_not() {
    for (text, expected) in ROWS {
        let spec: Value = serde_json::from_str(text).unwrap();
        let named = macvlan(&json!({"spec": spec})).not_implemented();
        assert_eq!(named.unwrap_or_default(), *expected, "{text}");
    }
}

#[test]
fn all_of_ipvlan_is_served() {
    for mode in ["l2", "l3", "l3s"] {
        for flag in ["bridge", "private", "vepa"] {
            let object = ipvlan(&json!({"spec": {"mode": mode, "flag": flag}}));
            assert_eq!(object.not_implemented(), None, "{mode} {flag}");
        }
    }
}
