//! The kinds that our own programs write: the API server keeps what they say, as they say it.

use landfall_tests::{admission, manifest::landfall};
use serde_json::{Value, json};

use crate::{cluster, rows::refuses};

fn block() -> Value {
    let entry = json!({
        "state": "Granted", "seq": "7.12", "network": "11111111-2222-3333-4444-555555555555",
        "node": "node1", "nodeUID": "11111111-2222-3333-4444-555555555556",
        "machineID": "1f000000000000000000000000000001", "interface": "net1",
        "owner": "11111111-2222-3333-4444-555555555557", "since": "2026-11-24T12:00:00.000000Z",
    });
    let spec = json!({
        "segment": "default", "first": "10.20.0.0", "epoch": 7, "counter": 12,
        "entries": {"10.20.0.100": entry},
    });
    landfall("AddressBlock", "good", &spec)
}

fn node() -> Value {
    let grant = json!({
        "address": "10.20.0.100", "prefixLength": 24, "seq": "7.12", "interface": "net1",
        "network": "11111111-2222-3333-4444-555555555555", "networkName": "storage",
        "owner": "11111111-2222-3333-4444-555555555557",
        "pod": {"namespace": "default", "name": "db-0"}, "mac": "0a:58:0a:14:00:64",
    });
    let network = json!({
        "uid": "11111111-2222-3333-4444-555555555555", "name": "storage", "kind": "Macvlan",
        "segment": "default", "parents": [{"interface": "eth1"}], "mode": "bridge",
        "ipam": "Cluster", "subnets": [{"cidr": "10.20.0.0/24", "gateway": "10.20.0.1"}],
        "defaultRoute": "Never", "announce": {"count": 3, "intervalMs": 1000},
    });
    let identity = json!({
        "uid": "11111111-2222-3333-4444-555555555556",
        "machineID": "1f000000000000000000000000000001",
    });
    let spec = json!({
        "node": identity, "networks": [network], "grants": [grant],
        "recalls": [{"address": "10.20.0.100", "seq": "7.12"}],
        "refusals": [{"owner": "11111111-2222-3333-4444-555555555558", "interface": "net1",
            "reason": "AddressPoolExhausted", "message": "no address is free", "final": false}],
        "fenced": [grant], "ledgerEpoch": 7, "uninstall": true,
    });
    landfall("LandfallNode", "good", &spec)
}

#[test]
fn nothing_that_the_operator_writes_is_pruned() {
    for object in [block(), node()] {
        let seen = admission::verdict(cluster(), &object).expect("kubectl create");
        let seen = seen.unwrap_or_else(|message| panic!("{message}"));
        assert_eq!(seen["spec"], object["spec"]);
    }
}

#[test]
fn a_ledger_entry_needs_a_state_and_a_time() {
    let table = r#"
/spec/entries/10.20.0.100 | {"state": "Free", "since": "2026-11-24T12:00:00.000000Z"} | spec.entries.10.20.0.100.state | supported values
/spec/entries/10.20.0.100 | {"since": "2026-11-24T12:00:00.000000Z"}                  | spec.entries.10.20.0.100.state | Required value
/spec/entries/10.20.0.100 | {"state": "Cooling"}                                      | spec.entries.10.20.0.100.since | Required value
/spec/epoch               | null                                                      | spec.epoch                     | Required value
/spec/segment             | null                                                      | spec.segment                   | Required value
"#;
    refuses(&block(), table);
}

#[test]
fn a_grant_needs_network_owner_and_interface() {
    let table = "
/spec/grants/0/network   | null | spec.grants[0].network   | Required value
/spec/grants/0/owner     | null | spec.grants[0].owner     | Required value
/spec/grants/0/interface | null | spec.grants[0].interface | Required value
/spec/recalls/0/seq      | null | spec.recalls[0].seq      | Required value
";
    refuses(&node(), table);
}
