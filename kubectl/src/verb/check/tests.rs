use serde_json::{Value, json};

use super::check;
use crate::samples::Objects;

/// Invariants that are broken after an edit, with their objects.
fn broken(edit: impl FnOnce(&mut Objects)) -> Vec<(u64, String)> {
    let mut objects = Objects::good();
    edit(&mut objects);
    let answer = check(&objects.snapshot());
    let findings = answer.json["findings"].as_array().unwrap();
    assert_eq!(answer.is_good, findings.is_empty(), "{}", answer.text);
    let text = |finding: &Value| finding["object"].as_str().unwrap().to_owned();
    let findings = findings.iter();
    findings
        .map(|finding| (finding["invariant"].as_u64().unwrap(), text(finding)))
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
