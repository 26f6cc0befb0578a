use serde_json::{Value, json};

use super::check;
use crate::samples::Objects;

/// Invariants that are broken after an edit, with their objects; 0: the object can't be read.
fn broken(edit: impl FnOnce(&mut Objects)) -> Vec<(u64, String)> {
    let mut objects = Objects::good();
    edit(&mut objects);
    let answer = check(&objects.snapshot());
    let findings = answer.json["findings"].as_array().unwrap();
    assert_eq!(answer.is_good, findings.is_empty(), "{}", answer.text);
    let text = |finding: &Value| finding["object"].as_str().unwrap().to_owned();
    let findings = findings.iter();
    findings
        .map(|finding| {
            (
                finding["invariant"].as_u64().unwrap_or_default(),
                text(finding),
            )
        })
        .collect()
}

#[test]
fn a_ledger_that_is_whole_says_how_much_was_looked_at() {
    let answer = check(&Objects::good().snapshot());
    let expected =
        "no contradiction: 1 AddressBlocks, 1 LandfallNodes, 2 addresses held, 1 attached\n";
    assert_eq!(answer.text, expected);
    assert!(answer.is_good);
    assert_eq!(answer.json["resourceVersion"], "17");
}

#[test]
fn what_is_broken_is_told_with_number_and_object() {
    let node = || "LandfallNode/a".to_owned();
    let block = || "AddressBlock/default-0a140000".to_owned();
    let emptied = broken(|objects| objects.block["spec"]["entries"] = json!({}));
    assert_eq!(emptied, [(4, node()), (4, node())]);
    let not_drawn = broken(|objects| objects.block["spec"]["counter"] = 1.into());
    assert_eq!(not_drawn, [(5, block())]);
    let not_listed = broken(|objects| objects.node["spec"]["grants"] = json!([]));
    assert_eq!(not_listed, [(2, node())]);
    let renamed = broken(|objects| objects.block["metadata"]["name"] = "mine".into());
    assert_eq!(
        renamed,
        [
            (3, node()),
            (3, node()),
            (9, "AddressBlock/mine".to_owned())
        ]
    );
}

#[test]
fn an_object_that_cant_be_read_is_a_finding_and_the_rest_is_checked() {
    let mut objects = Objects::good();
    objects.block["spec"]["entries"]["10.20.0.2"]["seq"] = "no".into();
    let answer = check(&objects.snapshot());
    assert!(!answer.is_good);
    let finding = &answer.json["findings"][0];
    assert_eq!(finding["what"], "Unreadable");
    assert_eq!(finding["invariant"], Value::Null);
    assert_eq!(finding["object"], "AddressBlock/default-0a140000");
    let message = finding["message"].as_str().unwrap();
    assert!(
        message.contains("spec.entries.10.20.0.2.seq: "),
        "{message}"
    );
    // What it may hold is no contradiction to what the node lists.
    let last = "\n1 object that can't be read: 0 AddressBlocks, 1 LandfallNodes, 0 addresses held, 1 \
                attached; see docs/ipam-protocol.md, \"Edits by hand\"\n";
    assert!(answer.text.ends_with(last), "{}", answer.text);
    assert_eq!(answer.json["findings"].as_array().unwrap().len(), 1);
}

#[test]
fn beside_an_object_that_cant_be_read_contradictions_are_found() {
    let found = broken(|objects| {
        objects.node["spec"]["grants"][0]["address"] = "10.20.0.300".into();
        objects.block["spec"]["counter"] = 1.into();
    });
    assert_eq!(
        found,
        [
            (0, "LandfallNode/a".to_owned()),
            (5, "AddressBlock/default-0a140000".to_owned()),
        ]
    );
}
