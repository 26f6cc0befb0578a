//! What comes of edits by hand: the rows of the table in docs/ipam-protocol.md, "Edits by hand".

use landfall_core::ledger::audit::{Attached, audit};
use landfall_crds::keys::finalizer;
use serde_json::{Value, json};

use super::{BLOCK, attached, granted, pass, rig::Rig, states};

/// The pod's entry in its block.
const ENTRY: &str = "/spec/entries/10.20.0.1";

fn entry(block: &mut Value) -> &mut Value {
    block.pointer_mut(ENTRY).unwrap()
}

/// After an edit of the block: everybody acts, and all is as it was.
async fn is_as_before(edit: impl FnOnce(&mut Value), told: &str) {
    let mut rig = attached().await;
    rig.edit("addressblocks", BLOCK, edit);
    // Somebody else wants an address just now.
    rig.bind("other", "b");
    rig.settle().await;
    rig.agent("a");
    rig.agent("b");
    rig.settle().await;
    rig.check();
    assert_eq!(states(&rig), ["10.20.0.1 Granted", "10.20.0.2 Granted"]);
    assert_eq!(granted(&rig, "a"), ["10.20.0.1"]);
    ends_clean(&mut rig, told);
}

/// Nothing contradicts the protocol any more, and it was told.
fn ends_clean(rig: &mut Rig, told: &str) {
    let view = &rig.operators[0].shell.world.view;
    let findings = audit(view, &Attached::new());
    assert!(findings.is_empty(), "{findings:#?}");
    let all = rig.told();
    let expected = |sentence: &String| {
        sentence.starts_with("Normal LedgerRepaired") && sentence.contains(told)
    };
    assert!(all.iter().any(expected), "{told:?} is not in {all:#?}");
}

#[tokio::test]
async fn an_entry_that_was_taken_out_is_entered_again() {
    let edit = |block: &mut Value| {
        let entries = block.pointer_mut("/spec/entries").unwrap();
        entries.as_object_mut().unwrap().remove("10.20.0.1");
    };
    is_as_before(edit, "which is free in the ledger").await;
}

#[tokio::test]
async fn the_entries_of_a_block_that_was_emptied_are_entered_again() {
    let edit = |block: &mut Value| {
        block["spec"]["entries"] = json!({});
        block["spec"]["counter"] = 0.into();
    };
    is_as_before(edit, "it is entered as held").await;
}

#[tokio::test]
async fn a_state_that_was_flipped_is_held_again() {
    for state in ["Cooling", "Reserved"] {
        let edit = |block: &mut Value| entry(block)["state"] = state.into();
        is_as_before(edit, &format!("which is {state} in the ledger")).await;
    }
}

#[tokio::test]
async fn an_owner_that_was_changed_is_that_of_the_grant_again() {
    let owner = "00000000-0000-0000-0000-0000000000ff";
    let edit = |block: &mut Value| entry(block)["owner"] = owner.into();
    is_as_before(edit, "the entry follows the grant").await;
}

#[tokio::test]
async fn a_node_that_was_changed_is_the_one_that_lists_the_grant_again() {
    for node in ["b", "nowhere"] {
        let edit = |block: &mut Value| entry(block)["node"] = node.into();
        is_as_before(edit, "which the ledger holds for node").await;
    }
}

#[tokio::test]
async fn a_machine_that_was_changed_is_that_of_the_agent_again() {
    let machine = "00000000-0000-0000-0000-0000000000ff";
    let edit = |block: &mut Value| entry(block)["machineID"] = machine.into();
    is_as_before(edit, "are not those of the grant").await;
}

#[tokio::test]
async fn a_counter_that_was_set_back_goes_on_above_all_that_was_drawn() {
    let edit = |block: &mut Value| block["spec"]["counter"] = 0.into();
    is_as_before(edit, "the block draws on from there").await;
}

#[tokio::test]
async fn an_entry_that_was_copied_into_a_block_of_other_addresses_is_taken_out() {
    let edit = |block: &mut Value| {
        let copy = entry(block).clone();
        block["spec"]["entries"]["10.20.7.9"] = copy;
    };
    is_as_before(edit, "is not one of the block's addresses").await;
}

#[tokio::test]
async fn a_second_address_in_the_place_of_the_first_goes_back() {
    let mut rig = attached().await;
    rig.edit("addressblocks", BLOCK, |block| {
        let mut copy = entry(block).clone();
        copy["seq"] = format!("{}.9", block["spec"]["epoch"]).into();
        block["spec"]["counter"] = 9.into();
        block["spec"]["entries"]["10.20.0.5"] = copy;
    });
    rig.settle().await;
    rig.agent("a");
    rig.settle().await;
    rig.agent("a");
    rig.settle().await;
    assert_eq!(states(&rig), ["10.20.0.1 Granted", "10.20.0.5 Cooling"]);
    assert_eq!(granted(&rig, "a"), ["10.20.0.1"]);
}

#[tokio::test]
async fn a_block_under_a_name_that_is_not_its_own_is_read_by_nobody() {
    let mut rig = attached().await;
    let key = ("addressblocks".to_owned(), BLOCK.to_owned());
    let mut copy = rig.server.store().objects[&key].clone();
    copy["spec"]["entries"] = json!({});
    let name = ("addressblocks".to_owned(), "copy".to_owned());
    rig.server.store().put(&name, copy);
    rig.bind("other", "b");
    rig.settle().await;
    rig.agent("b");
    rig.check();
    assert_eq!(granted(&rig, "b"), ["10.20.0.2"]);
    pass(6_000);
    rig.settle().await;
    let told = rig.told();
    assert!(
        told.iter()
            .any(|t| t.starts_with("Warning LedgerInconsistent AddressBlock/copy")),
        "{told:#?}"
    );
}

#[tokio::test]
async fn what_the_operator_can_not_tell_is_left_and_told_as_a_warning() {
    let mut rig = attached().await;
    rig.edit("addressblocks", BLOCK, |block| {
        let mut ghost = entry(block).clone();
        ghost["node"] = "nowhere".into();
        block["spec"]["entries"]["10.20.0.5"] = ghost;
    });
    for _ in 0..3 {
        pass(6_000);
        rig.settle().await;
    }
    let still = states(&rig);
    assert!(
        still.contains(&"10.20.0.5 Recalling".to_owned()),
        "{still:?}"
    );
    let told = rig.told();
    let expected = "Warning LedgerInconsistent AddressBlock/default-0a140000: AddressBlock \
                    default-0a140000: 10.20.0.5 is held by node nowhere, which has no LandfallNode";
    assert_eq!(told, [expected]);
}

#[tokio::test]
async fn a_grant_that_was_written_into_a_node_object_is_asked_back() {
    let mut rig = attached().await;
    rig.edit("landfallnodes", "b", |node| {
        let grant = json!({
            "address": "10.20.0.5", "prefixLength": 29, "seq": "1.1", "networkName": "lan",
            "network": "00000000-0000-0000-0000-000000000007", "interface": "net1",
            "owner": "00000000-0000-0000-0000-0000000000ff", "pod": {"namespace": "x", "name": "y"},
        });
        node["spec"]["grants"] = json!([grant]);
    });
    rig.settle().await;
    assert_eq!(states(&rig), ["10.20.0.1 Granted", "10.20.0.5 Recalling"]);
    assert_eq!(rig.node("b").unwrap().spec.recalls.len(), 1);
    for _ in 0..2 {
        rig.agent("b");
        rig.settle().await;
    }
    assert_eq!(granted(&rig, "b"), Vec::<String>::new());
    assert_eq!(states(&rig), ["10.20.0.1 Granted", "10.20.0.5 Cooling"]);
    ends_clean(&mut rig, "it is entered as held and asked back");
}

#[tokio::test]
async fn a_grant_of_another_pods_address_is_asked_back_and_the_ledger_stays() {
    let mut rig = attached().await;
    let copy = rig.node("a").unwrap().spec.grants;
    rig.edit("landfallnodes", "b", |node| {
        node["spec"]["grants"] = serde_json::to_value(&copy).unwrap();
        node["spec"]["grants"][0]["owner"] = "00000000-0000-0000-0000-0000000000ff".into();
    });
    rig.settle().await;
    assert_eq!(states(&rig), ["10.20.0.1 Granted"]);
    assert_eq!(rig.node("b").unwrap().spec.recalls.len(), 1);
    rig.agent("b");
    rig.settle().await;
    assert_eq!(granted(&rig, "b"), Vec::<String>::new());
    ends_clean(
        &mut rig,
        "handed out to nobody before the node has released it",
    );
}

#[tokio::test]
async fn a_grant_that_was_taken_out_of_a_node_object_is_pushed_again() {
    let mut rig = attached().await;
    let before = rig.node("a").unwrap().spec.grants;
    rig.edit("landfallnodes", "a", |node| {
        node["spec"]["grants"] = json!([]);
    });
    rig.settle().await;
    assert_eq!(rig.node("a").unwrap().spec.grants, before);
    assert_eq!(states(&rig), ["10.20.0.1 Granted"]);
}

#[tokio::test]
async fn a_recall_that_was_taken_out_is_listed_again() {
    let mut rig = attached().await;
    rig.delete("web");
    rig.settle().await;
    let before = rig.node("a").unwrap().spec.recalls;
    assert_eq!(before.len(), 1);
    rig.edit("landfallnodes", "a", |node| {
        node["spec"]["recalls"] = json!([]);
    });
    rig.settle().await;
    assert_eq!(rig.node("a").unwrap().spec.recalls, before);
    assert_eq!(states(&rig), ["10.20.0.1 Recalling"]);
}

#[tokio::test]
async fn a_recall_that_was_written_into_a_node_object_is_followed_by_the_ledger() {
    let mut rig = attached().await;
    let grant = rig.node("a").unwrap().spec.grants.remove(0);
    rig.edit("landfallnodes", "a", |node| {
        let recall = json!({"address": grant.address, "seq": grant.seq});
        node["spec"]["recalls"] = json!([recall]);
    });
    rig.settle().await;
    rig.agent("a");
    rig.settle().await;
    // The pod has it until its sandbox ends.
    assert_eq!(states(&rig), ["10.20.0.1 Recalling"]);
    rig.check();
    ends_clean(&mut rig, "the ledger asks it back too");
}

#[tokio::test]
async fn a_machine_that_was_changed_in_a_node_object_is_put_back() {
    let mut rig = attached().await;
    let before = rig.node("a").unwrap().spec.node;
    rig.edit("landfallnodes", "a", |node| {
        node["spec"]["node"]["machineID"] = "00000000-0000-0000-0000-0000000000ff".into();
    });
    rig.settle().await;
    assert_eq!(rig.node("a").unwrap().spec.node, before);
    assert_eq!(states(&rig), ["10.20.0.1 Granted"]);
    ends_clean(&mut rig, "is not the machine of the Node");
}

#[tokio::test]
async fn a_node_object_that_was_deleted_against_its_finalizer_comes_back_with_its_grants() {
    let mut rig = attached().await;
    let before = rig.node("a").unwrap().spec.grants;
    assert_eq!(
        rig.node("a").unwrap().metadata.finalizers,
        Some(vec![finalizer::ADDRESSES.to_owned()])
    );
    rig.server.delete("landfallnodes", "a");
    rig.settle().await;
    assert_eq!(rig.node("a").unwrap().spec.grants, before);
    assert_eq!(states(&rig), ["10.20.0.1 Granted"]);
}

#[tokio::test]
async fn an_acknowledgement_that_was_written_beside_its_attachment_frees_nothing() {
    let mut rig = attached().await;
    rig.edit("landfallnodes", "a", |node| {
        node["status"]["released"] = node["status"]["attached"].clone();
    });
    rig.settle().await;
    assert_eq!(states(&rig), ["10.20.0.1 Granted"]);
    rig.check();
}

#[tokio::test]
async fn the_blocks_of_a_network_that_is_gone_are_deleted_once_they_are_empty() {
    let mut rig = attached().await;
    rig.delete("web");
    rig.end();
    for _ in 0..3 {
        rig.settle().await;
        rig.agent("a");
    }
    pass(40_000);
    rig.settle().await;
    assert_eq!(rig.blocks().len(), 1, "the network may need it again");
    rig.forget_network();
    rig.settle().await;
    assert_eq!(rig.blocks(), Vec::new());
}
