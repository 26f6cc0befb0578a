use serde_json::json;

use super::*;

const A: &str = "10.1.0.5";
const POD: &str = "11111111-2222-3333-4444-555555555555";

fn wanted() -> Wanted {
    Wanted {
        node: "node1".to_owned(),
        address: A.parse().expect("an address"),
        is_recorded: true,
    }
}

fn shown() -> Live {
    Live {
        node: "node1".to_owned(),
        netns: 1,
        interface: "net1".to_owned(),
        kind: "macvlan".to_owned(),
        address: A.parse().expect("an address"),
    }
}

/// A ledger that holds the address for a pod, whose node has it attached.
fn books(is_attached: bool) -> Books {
    let mut books = Books::default();
    let block = json!({
        "metadata": {"name": "default-0a010000"},
        "spec": {"entries": {A: {"state": "Granted", "node": "node1", "owner": POD}}},
    });
    books.block(&block).expect("a block");
    let attached = if is_attached {
        json!([{"address": A}])
    } else {
        json!([])
    };
    let node = json!({
        "metadata": {"name": "node1"},
        "spec": {"grants": [{"address": A, "owner": POD}]},
        "status": {"attached": attached},
    });
    books.node(&node).expect("a node");
    books
}

#[test]
fn what_a_pod_has_is_in_order() {
    let mut books = books(true);
    books.pod(&json!({"metadata": {"uid": POD}, "spec": {"nodeName": "node1"}}));
    let findings = contradictions(&[wanted()], &books, &[shown()]);
    assert_eq!(findings, [""; 0]);
}

#[test]
fn an_address_that_is_held_without_a_pod_is_a_leak() {
    let findings = contradictions(&[], &books(false), &[]);
    let leak = findings
        .iter()
        .any(|text| text == "no pod has 10.1.0.5, but the ledger");
    assert!(leak, "{findings:?}");
}

#[test]
fn an_address_that_stays_in_a_kernel_is_a_leak() {
    let findings = contradictions(&[], &Books::default(), &[shown()]);
    let leak = findings
        .iter()
        .any(|text| text == "no pod has 10.1.0.5, but a kernel");
    assert!(leak, "{findings:?}");
}

#[test]
fn a_sandbox_that_its_agent_does_not_know_is_found_unless_the_record_was_lost() {
    let mut books = books(false);
    books.pod(&json!({"metadata": {"uid": POD}, "spec": {"nodeName": "node1"}}));
    let findings = contradictions(&[wanted()], &books, &[shown()]);
    assert_eq!(findings, ["node1 has no record of 10.1.0.5"]);
    let lost = Wanted {
        is_recorded: false,
        ..wanted()
    };
    assert_eq!(contradictions(&[lost], &books, &[shown()]), [""; 0]);
}
