use kube::api::Patch;
use landfall_crds::node::{Grant, LandfallNode, LandfallNodeSpec};
use serde_json::json;

use super::node_patch;

#[test]
fn a_node_patch_tests_the_generation_and_sets_only_what_changed() {
    let mut before = LandfallNode::new("a", LandfallNodeSpec::default());
    before.metadata.uid = Some("u".to_owned());
    before.metadata.generation = Some(7);
    let spec = LandfallNodeSpec {
        fenced: vec![Grant::default()],
        ..LandfallNodeSpec::default()
    };
    let Patch::Json(patch) = node_patch(&before, &spec).unwrap() else {
        panic!("not a JSON patch");
    };
    let expected = json!([
        {"op": "test", "path": "/metadata/uid", "value": "u"},
        {"op": "test", "path": "/metadata/generation", "value": 7},
        {"op": "add", "path": "/spec/fenced", "value": [Grant::default()]},
    ]);
    assert_eq!(serde_json::to_value(patch).unwrap(), expected);
}
