use k8s_openapi::api::core::v1::Node;
use landfall_core::id::{Name, Uid};
use serde_json::json;

use super::{held, hidden, is_silent, late, off};
use crate::{
    args::Reclaim,
    samples::{MACHINE, NODE, Objects},
};

fn words(uid: Option<&str>) -> Reclaim {
    Reclaim {
        node: "a".to_owned(),
        i_confirm_it_is_off: true,
        uid: uid.map(ToOwned::to_owned),
        timeout: 1,
    }
}

#[test]
fn what_is_counted_is_what_the_operator_frees() {
    let mut objects = Objects::good();
    // One of the two was granted under an earlier registration of the same machine.
    let earlier = Uid(19);
    objects.block["spec"]["entries"]["10.20.0.2"]["nodeUID"] = json!(earlier);
    let count = |objects: &Objects, uid: Option<&str>| {
        let snapshot = objects.snapshot();
        let object = &snapshot.nodes[&Name::from("a")];
        let off = off(object, &words(uid));
        held(&snapshot, "a", object, off)
    };
    assert_eq!(count(&objects, None), 2);
    assert_eq!(count(&objects, Some(&earlier.to_string())), 1);
    assert_eq!(count(&objects, Some("another")), 0);
    // Now by another machine: this one says nothing of it.
    objects.block["spec"]["entries"]["10.20.0.2"]["machineID"] = json!(Uid(MACHINE.0 + 1));
    assert_eq!(count(&objects, None), 1);
}

#[test]
fn a_node_is_silent_only_if_kubernetes_does_not_hear_that_machine() {
    let node = |uid: Uid, ready: &str| -> Node {
        serde_json::from_value(json!({
            "metadata": {"uid": uid},
            "status": {"conditions": [{"type": "Ready", "status": ready}]},
        }))
        .unwrap()
    };
    assert!(is_silent(&node(NODE, "Unknown"), NODE));
    assert!(!is_silent(&node(NODE, "True"), NODE));
    assert!(!is_silent(&node(NODE, "False"), NODE));
    assert!(
        is_silent(&node(Uid(21), "True"), NODE),
        "another Node has the name"
    );
}

#[test]
fn a_node_whose_object_cant_be_read_is_not_reclaimed() {
    let mut objects = Objects::good();
    objects.node["spec"]["grants"][1]["address"] = json!("10.20.0.300");
    let snapshot = objects.snapshot();
    let said = snapshot.node("a").unwrap_err().to_string();
    let begins = "LandfallNode a can't be read, spec.grants[1].address: ";
    assert!(said.starts_with(begins), "{said}");
    assert!(snapshot.node("b").unwrap().is_none());
}

#[test]
fn who_waits_for_a_block_that_cant_be_read_is_told() {
    let mut objects = Objects::good();
    assert!(hidden(&objects.snapshot()).is_empty());
    objects.block["spec"]["counter"] = json!("no");
    let said = late(&words(None), &hidden(&objects.snapshot()));
    for part in [
        "AddressBlock default-0a140000 can't be read, spec.counter: ",
        "kubectl annotate lfn a landfall.dev/reclaim-",
    ] {
        assert!(said.contains(part), "{part:?}: {said}");
    }
}
