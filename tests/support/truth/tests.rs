use serde_json::json;

use super::{Live, books::Books, duplicates, kernels::parse};

const POD: &str = "11111111-2222-3333-4444-555555555555";

fn one(node: &str, netns: u64, kind: &str, address: &str) -> Live {
    Live {
        node: node.to_owned(),
        netns,
        interface: "net1".to_owned(),
        kind: kind.to_owned(),
        address: address.parse().expect("an address"),
    }
}

#[test]
fn an_address_in_two_namespaces_is_found_and_twice_in_one_is_not() {
    let macvlan = |node, netns| one(node, netns, "macvlan", "10.1.0.5");
    let veth = |node, netns| one(node, netns, "veth", "10.1.0.5");
    let rows = [
        ("twice in one", vec![macvlan("a", 1), macvlan("a", 1)], 0),
        ("two pods", vec![macvlan("a", 1), macvlan("a", 2)], 1),
        ("two kernels", vec![macvlan("a", 1), macvlan("b", 1)], 1),
        ("LAN host", vec![macvlan("a", 1), veth("lan", 0)], 1),
        ("not ours", vec![veth("a", 1), veth("b", 2)], 0),
    ];
    for (name, live, expected) in rows {
        assert_eq!(duplicates(&live).len(), expected, "{name}");
    }
}

#[test]
fn a_scan_is_read_and_a_namespace_that_could_not_be_entered_is_an_error() {
    let scan = r#"4026 [{"ifname":"net1","linkinfo":{"info_kind":"macvlan"},"addr_info":[
        {"local":"10.1.0.5","scope":"global"},{"local":"fe80::1","scope":"link"}]},{}]"#;
    let live = parse("a", &scan.replace('\n', "")).expect("a scan");
    assert_eq!(live, [one("a", 4026, "macvlan", "10.1.0.5")]);
    parse("a", "4026 gone").expect_err("it may live elsewhere");
}

fn books(phase: &str) -> Books {
    let mut books = Books::default();
    let entry = |owner: &str| json!({"state": "Granted", "node": "a", "owner": owner});
    let block = json!({
        "metadata": {"name": "seg-0a010000"},
        "spec": {"entries": {"10.1.0.5": entry(POD), "10.1.0.6": {"state": "Cooling"}}},
    });
    books.block(&block).expect("a block");
    let node = json!({
        "metadata": {"name": "a"},
        "spec": {"grants": [{"address": "10.1.0.5", "owner": POD}]},
        "status": {"attached": [{"address": "10.1.0.5"}]},
    });
    books.node(&node).expect("a node");
    books.pod(&json!({
        "metadata": {"uid": POD},
        "spec": {"nodeName": "a"},
        "status": {"phase": phase},
    }));
    books
}

#[test]
fn what_a_live_pod_holds_is_right_and_what_a_finished_one_holds_is_found() {
    let live = [one("a", 1, "macvlan", "10.1.0.5")];
    assert_eq!(books("Running").findings(&live), [""; 0]);
    // As long as the sandbox is there, it may hold its address.
    assert_eq!(books("Succeeded").findings(&live), [""; 0]);
    let findings = books("Succeeded").findings(&[]);
    assert_eq!(findings.len(), 3, "ledger, grant, attached: {findings:?}");
    let elsewhere = [one("b", 1, "macvlan", "10.1.0.5")];
    let findings = books("Running").findings(&elsewhere);
    assert_eq!(findings.len(), 2, "attached, and not held: {findings:?}");
}

#[test]
fn a_static_pod_holds_under_the_hash_that_kubelet_gave_it() {
    let mut books = books("Running");
    books.pods.clear();
    books.pod(&json!({
        "metadata": {
            "uid": "another",
            "annotations": {"kubernetes.io/config.mirror": POD.replace('-', "")},
        },
        "spec": {"nodeName": "a"},
        "status": {"phase": "Running"},
    }));
    let live = [one("a", 1, "macvlan", "10.1.0.5")];
    assert_eq!(books.findings(&live), [""; 0]);
}

#[test]
fn a_release_that_waits_is_found() {
    let mut books = books("Running");
    let node = json!({
        "metadata": {"name": "a"},
        "spec": {"recalls": [{"address": "10.1.0.5"}]},
        "status": {"released": [{"address": "10.1.0.7"}]},
    });
    books.node(&node).expect("a node");
    let live = [one("a", 1, "macvlan", "10.1.0.5")];
    // The recall waits for the sandbox, rightly; nothing is left that the release could wait for.
    let findings = books.findings(&live);
    assert_eq!(findings.len(), 1, "{findings:?}");
    assert!(findings[0].contains("10.1.0.7"), "{findings:?}");
}
