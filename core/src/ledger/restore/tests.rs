extern crate std;

use std::{string::String, vec, vec::Vec};

use super::super::{
    tests::{LAN, POD, blocks, mk_block, mk_entry, mk_evidence, mk_node, mk_pod, mk_view, put},
    *,
};
use crate::{
    id::{Seq, Uid},
    ledger::{
        fresh::{Seen, Tick},
        view::{Evidence, InUse, Restore},
    },
};

const EPOCH: u64 = 1000;

/// A ledger of a backup: POD has 10.0.0.1 on n0. The restore was announced, and the object of n0 has
/// been emptied.
fn restored() -> View {
    let mut view = mk_view(&["10.0.0.0/29"]);
    view.restore = Restore {
        epoch: EPOCH,
        adopted: 0,
    };
    view.pods.insert(POD, mk_pod());
    let held = mk_entry(State::Granted, POD, 3);
    put(&mut view, mk_block("10.0.0.0", &[("10.0.0.1", held)]), None);
    view.nodes.get_mut(&Name::from("n0")).unwrap().spec.epoch = EPOCH;
    view
}

fn in_use(address: &str, network: Uid, owner: Uid) -> InUse {
    InUse {
        address: address.parse().unwrap(),
        network,
        owner,
        interface: Name::from("net1"),
    }
}

/// The agent of the node has adopted the epoch.
fn say(view: &mut View, node: &str, used: &[InUse]) {
    let node = view.nodes.get_mut(&Name::from(node)).unwrap();
    node.status.epoch = EPOCH;
    node.status.in_use = used.iter().cloned().collect();
}

fn decided(view: &View) -> Decision {
    decide(view, Rules::SHIPPED)
}

fn halt(view: &View) -> (bool, String) {
    let decision = decided(view);
    let halt = decision.halt.unwrap();
    (halt.is_suspected, halt.message)
}

#[test]
fn nothing_is_decided_until_every_node_has_said_what_it_has_in_use() {
    let mut view = restored();
    view.nodes.insert(Name::from("n1"), mk_node("n1"));
    view.nodes.get_mut(&Name::from("n1")).unwrap().spec.epoch = EPOCH;
    view.nodes.get_mut(&Name::from("n1")).unwrap().live = false;
    view.pods.insert(Uid(200), mk_pod());
    say(&mut view, "n0", &[]);
    let decision = decided(&view);
    assert_eq!(decision.writes, []);
    let refusal = &decision.refusals[&Uid(200)];
    assert!(
        refusal.message.contains("until node n1 has said"),
        "{}",
        refusal.message
    );
    assert_eq!(decision.refusals.len(), 1, "POD has all it asks for");
}

#[test]
fn what_is_in_use_is_granted_anew_and_all_else_that_was_held_rests() {
    let mut view = restored();
    let other = mk_entry(State::Recalling, Uid(1), 4);
    let set_aside = mk_entry(State::Reserved, Uid(2), 5);
    let held = mk_entry(State::Granted, POD, 3);
    let entries = [
        ("10.0.0.1", held),
        ("10.0.0.2", other),
        ("10.0.0.3", set_aside),
    ];
    put(&mut view, mk_block("10.0.0.0", &entries), None);
    say(
        &mut view,
        "n0",
        &[
            in_use("10.0.0.1", LAN, POD),
            in_use("10.0.0.5", LAN, Uid(9)),
        ],
    );
    let decision = decided(&view);
    let block = blocks(&decision)[0];
    assert_eq!(block.seq.epoch, EPOCH);
    let at = |address: &str| block.entries.get(&address.parse().unwrap());
    for (address, owner) in [("10.0.0.1", POD), ("10.0.0.5", Uid(9))] {
        let entry = at(address).unwrap();
        assert_eq!((entry.state, entry.seq.epoch), (State::Granted, EPOCH));
        assert_eq!(entry.holder.as_ref().unwrap().owner, owner);
    }
    assert_eq!(at("10.0.0.2").unwrap().state, State::Cooling);
    assert_eq!(at("10.0.0.3"), None);
    // Only then is it over, and the pod's grant is pushed.
    put(&mut view, block.clone(), Some(9));
    assert_eq!(decided(&view).writes, [Write::Adopted(EPOCH)]);
    view.restore.adopted = EPOCH;
    let decision = decided(&view);
    let spec = tests::node_spec(&decision).unwrap();
    let granted = spec.grants.iter().filter_map(|grant| grant.address);
    let seq = Seq {
        epoch: EPOCH,
        counter: 1,
    };
    assert_eq!(
        granted.collect::<Vec<_>>(),
        [("10.0.0.1".parse().unwrap(), seq)]
    );
    assert_eq!(spec.epoch, EPOCH);
}

/// A network that was made after the backup is not known: its address is held all the same.
#[test]
fn an_address_of_a_network_that_nobody_knows_is_held_in_every_segment() {
    let mut view = restored();
    say(&mut view, "n0", &[in_use("10.0.0.4", Uid(66), Uid(9))]);
    let decision = decided(&view);
    let entry = &blocks(&decision)[0].entries[&"10.0.0.4".parse().unwrap()];
    assert_eq!((entry.state, entry.network), (State::Granted, Uid(66)));
}

#[test]
fn a_block_that_was_made_after_the_backup_is_made_again() {
    let mut view = restored();
    view.networks = mk_view(&["10.0.0.0/22"]).networks;
    say(&mut view, "n0", &[in_use("10.0.1.4", LAN, Uid(9))]);
    let id = BlockId::of(&Name::from("lan"), "10.0.1.4".parse().unwrap());
    assert!(decided(&view).writes.contains(&Write::CreateBlock(id)));
}

#[test]
fn a_node_object_that_still_is_the_backups_is_emptied() {
    let mut view = restored();
    let node = view.nodes.get_mut(&Name::from("n0")).unwrap();
    node.spec.epoch = 0;
    node.spec.grants = vec![tests::grant_of(3)];
    say(&mut view, "n0", &[]);
    let decision = decided(&view);
    let spec = tests::node_spec(&decision).unwrap();
    assert_eq!((spec.epoch, spec.grants.len()), (EPOCH, 0));
    assert_eq!(decision.writes.len(), 1, "the blocks wait for it");
}

#[test]
fn a_machine_that_is_off_is_not_waited_for_once_that_was_read_last() {
    let mut view = restored();
    let evidence = Evidence {
        out_of_service: true,
        ..mk_evidence("n0")
    };
    let name = Name::from("n0");
    view.nodes.get_mut(&name).unwrap().evidence = Seen::cached(evidence);
    let reads = [
        Write::ReadNode(name.clone()),
        Write::ReadEvidence(name.clone()),
    ];
    assert_eq!(decided(&view).writes, reads);
    let node = view.nodes.get_mut(&name).unwrap();
    node.read_at = Some(Tick(5));
    node.evidence = Seen::quorum(evidence, Tick(6));
    let decision = decided(&view);
    let entry = &blocks(&decision)[0].entries[&"10.0.0.1".parse().unwrap()];
    assert_eq!(entry.state, State::Cooling);
}

/// It may have joined after the backup: then only its Node is not there yet.
#[test]
fn a_node_whose_node_is_missing_is_waited_for() {
    let mut view = restored();
    let node = view.nodes.get_mut(&Name::from("n0")).unwrap();
    node.has_provider = true;
    node.evidence = Seen::quorum(Evidence::default(), Tick(6));
    node.read_at = Some(Tick(5));
    assert_eq!(decided(&view).writes, []);
    assert!(!halt(&view).0);
}

#[test]
fn another_machine_under_the_nodes_name_does_not_speak_for_the_one_of_the_backup() {
    let mut view = restored();
    say(&mut view, "n0", &[]);
    let node = view.nodes.get_mut(&Name::from("n0")).unwrap();
    node.machine = Uid(55);
    node.status.machine = Uid(55);
    assert_eq!(decided(&view).writes, []);
    assert!(halt(&view).1.contains("until node n0"));
}

#[test]
fn a_restore_that_a_node_suspects_stops_everything() {
    let mut view = restored();
    view.restore = Restore::default();
    let node = view.nodes.get_mut(&Name::from("n0")).unwrap();
    node.spec.epoch = 0;
    node.status.suspects = true;
    view.pods.insert(Uid(200), mk_pod());
    let decision = decided(&view);
    assert_eq!(decision.writes, []);
    let (is_suspected, message) = halt(&view);
    assert!(is_suspected && message.contains("node n0"), "{message}");
    assert!(
        decision.refusals[&Uid(200)]
            .message
            .contains("kubectl landfall restored")
    );
}

/// Found by the simulation: the machine is gone for good, and its last word stands for ever.
#[test]
fn a_suspicion_of_before_the_announcement_stops_nothing() {
    let mut view = restored();
    view.restore.adopted = EPOCH;
    let node = view.nodes.get_mut(&Name::from("n0")).unwrap();
    node.status.suspects = true;
    assert_eq!(decided(&view).halt, None);
    let node = view.nodes.get_mut(&Name::from("n0")).unwrap();
    node.status.epoch = EPOCH;
    assert!(halt(&view).0, "etcd was restored again");
}

#[test]
fn a_node_object_with_an_epoch_that_is_not_known_is_asked_about() {
    let mut view = restored();
    view.restore = Restore::default();
    assert_eq!(decided(&view).writes, [Write::ReadRestore]);
}
