extern crate std;

use std::{collections::BTreeMap, string::String, vec, vec::Vec};

use super::{
    Block, BlockId, Decision, Entry, Holder, Rules, State, View, Write, decide,
    fresh::{Seen, Tick},
    view::{Evidence, Grant, NetworkView, NodeSpec, NodeStatus, NodeView, Pod, Refusal, Want},
};
use crate::{
    id::{Name, Seq, Uid},
    network::NodeDeletion,
    walk::kit,
};

pub(super) const LAN: Uid = Uid(7);
pub(super) const POD: Uid = Uid(100);

pub(super) fn mk_view(cidrs: &[&str]) -> View {
    let network = NetworkView {
        network: kit::network(LAN, "lan", cidrs),
        closed: None,
    };
    View {
        now: 1_000_000,
        networks: BTreeMap::from([(LAN, network)]),
        nodes: BTreeMap::from([(Name::from("n0"), mk_node("n0"))]),
        ..View::default()
    }
}

pub(super) fn mk_node(name: &str) -> NodeView {
    NodeView {
        seen_at: Tick(1),
        uid: Uid::of(name),
        machine: Uid::of(name),
        labels: BTreeMap::new(),
        live: true,
        reachable: true,
        has_provider: false,
        read_at: None,
        evidence: Seen::cached(mk_evidence(name)),
        spec: NodeSpec::default(),
        namespaces: BTreeMap::new(),
        status: NodeStatus {
            node_uid: Uid::of(name),
            machine: Uid::of(name),
            ..NodeStatus::default()
        },
        without_parent: BTreeMap::new(),
    }
}

pub(super) fn mk_evidence(name: &str) -> Evidence {
    Evidence {
        current: Some(Uid::of(name)),
        machine: Some(Uid::of(name)),
        out_of_service: false,
        reports: true,
        reclaimed: None,
    }
}

pub(super) fn mk_pod() -> Pod {
    let want = Want {
        network: LAN,
        interface: Name::from("net1"),
        addresses: Vec::new(),
        mac: None,
        claim: None,
    };
    Pod {
        namespace: Name::from("default"),
        node: Name::from("n0"),
        created: 0,
        wants: vec![want],
        refusal: None,
    }
}

pub(super) fn mk_entry(state: State, owner: Uid, counter: u64) -> Entry {
    let holder = Holder {
        node: Name::from("n0"),
        node_uid: Uid::of("n0"),
        machine: Uid::of("n0"),
        owner,
        interface: Name::from("net1"),
        index: 0,
    };
    let seq = Seq { epoch: 5, counter };
    let holder = (state.is_held() || state == State::Reserved).then_some(holder);
    Entry {
        state,
        seq,
        network: LAN,
        holder,
        kept: None,
        foreign: None,
        since: 0,
    }
}

pub(super) fn mk_block(first: &str, entries: &[(&str, Entry)]) -> Block {
    let id = BlockId {
        segment: Name::from("lan"),
        first: first.parse().unwrap(),
    };
    let mut block = Block::new(id, 5);
    block.seq.counter = 9;
    block.entries = entries
        .iter()
        .map(|(a, e)| (a.parse().unwrap(), e.clone()))
        .collect();
    block
}

pub(super) fn put(view: &mut View, block: Block, quorum_at: Option<u64>) {
    let seen = Seen {
        value: block.clone(),
        quorum_at: quorum_at.map(Tick),
    };
    view.blocks.insert(block.id, seen);
}

pub(super) fn blocks(decision: &Decision) -> Vec<&Block> {
    let blocks = decision.writes.iter().filter_map(|write| {
        if let Write::Block(block) = write {
            Some(block)
        } else {
            None
        }
    });
    blocks.collect()
}

pub(super) fn node_spec(decision: &Decision) -> Option<&NodeSpec> {
    decision.writes.iter().find_map(|write| {
        if let Write::Node { spec, .. } = write {
            Some(spec)
        } else {
            None
        }
    })
}

pub(super) fn grant_of(counter: u64) -> Grant {
    Grant {
        owner: POD,
        interface: Name::from("net1"),
        network: LAN,
        address: Some(("10.0.0.1".parse().unwrap(), Seq { epoch: 5, counter })),
        index: 0,
        mac: Some("0a:58:0a:00:00:01".parse().unwrap()),
    }
}

#[test]
fn a_block_is_made_before_its_first_address_is_taken() {
    let mut view = mk_view(&["10.0.0.0/24"]);
    view.pods.insert(POD, mk_pod());
    let id = BlockId::of(&Name::from("lan"), "10.0.0.1".parse().unwrap());
    assert_eq!(
        decide(&view, Rules::SHIPPED).writes,
        [Write::CreateBlock(id)]
    );
}

#[test]
fn a_lone_address_goes_straight_to_granted_and_the_ledger_is_first() {
    let mut view = mk_view(&["10.0.0.0/24"]);
    view.pods.insert(POD, mk_pod());
    put(&mut view, mk_block("10.0.0.0", &[]), Some(2));
    let decision = decide(&view, Rules::SHIPPED);
    let entry = &blocks(&decision)[0].entries[&"10.0.0.1".parse().unwrap()];
    assert_eq!(
        (entry.state, entry.seq),
        (
            State::Granted,
            Seq {
                epoch: 5,
                counter: 10
            }
        )
    );
    assert_eq!(node_spec(&decision), None, "the push waits for the ledger");
}

#[test]
fn a_dual_stack_pod_reserves_both_before_it_is_granted_either() {
    let mut view = mk_view(&["10.0.0.0/24", "fd00::/64"]);
    view.pods.insert(POD, mk_pod());
    put(&mut view, mk_block("10.0.0.0", &[]), Some(2));
    put(&mut view, mk_block("fd00::", &[]), Some(2));
    let decision = decide(&view, Rules::SHIPPED);
    let states: Vec<State> = blocks(&decision)
        .iter()
        .flat_map(|b| b.entries.values().map(|e| e.state))
        .collect();
    assert_eq!(states, [State::Reserved, State::Reserved]);
    for block in blocks(&decision) {
        put(&mut view, block.clone(), Some(3));
    }
    let decision = decide(&view, Rules::SHIPPED);
    assert!(
        blocks(&decision)
            .iter()
            .all(|b| b.entries.values().all(|e| e.state.is_held()))
    );
    assert_eq!(node_spec(&decision), None);
}

#[test]
fn one_address_of_two_missing_gives_the_other_back() {
    let mut view = mk_view(&["10.0.0.0/30", "fd00::/64"]);
    view.pods.insert(POD, mk_pod());
    view.pods.insert(Uid(1), mk_pod());
    view.pods.insert(Uid(2), mk_pod());
    let full = [
        ("10.0.0.1", mk_entry(State::Granted, Uid(1), 1)),
        ("10.0.0.2", mk_entry(State::Granted, Uid(2), 2)),
    ];
    put(&mut view, mk_block("10.0.0.0", &full), Some(2));
    put(
        &mut view,
        mk_block("fd00::", &[("fd00::1", mk_entry(State::Reserved, POD, 1))]),
        Some(2),
    );
    let decision = decide(&view, Rules::SHIPPED);
    let refusal = &decision.refusals[&POD];
    assert_eq!(
        (refusal.reason.as_str(), refusal.is_final),
        ("AddressPoolExhausted", false)
    );
    let v6 = blocks(&decision)
        .into_iter()
        .find(|b| b.id.first.is_ipv6())
        .unwrap();
    assert!(!v6.entries.contains_key(&"fd00::1".parse().unwrap()));
}

#[test]
fn a_push_needs_a_block_that_was_read_after_the_node() {
    let mut view = mk_view(&["10.0.0.0/24"]);
    view.pods.insert(POD, mk_pod());
    let block = mk_block(
        "10.0.0.0",
        &[("10.0.0.1", mk_entry(State::Granted, POD, 3))],
    );
    for old in [None, Some(1)] {
        put(&mut view, block.clone(), old);
        let decision = decide(&view, Rules::SHIPPED);
        assert_eq!(decision.writes, [Write::ReadBlock(block.id.clone())]);
    }
    put(&mut view, block, Some(2));
    let decision = decide(&view, Rules::SHIPPED);
    assert_eq!(node_spec(&decision).unwrap().grants, [grant_of(3)]);
}

#[test]
fn a_pod_that_is_gone_is_recalled_and_never_freed_without_its_node() {
    let mut view = mk_view(&["10.0.0.0/24"]);
    let block = mk_block(
        "10.0.0.0",
        &[("10.0.0.1", mk_entry(State::Granted, POD, 3))],
    );
    put(&mut view, block, None);
    let decision = decide(&view, Rules::SHIPPED);
    let entry = &blocks(&decision)[0].entries[&"10.0.0.1".parse().unwrap()];
    assert_eq!(entry.state, State::Recalling);
}

#[test]
fn released_counts_only_with_the_same_seq_and_from_the_same_machine() {
    let address = "10.0.0.1".parse().unwrap();
    let table = [
        (3, "n0", State::Cooling),
        (2, "n0", State::Recalling),
        (3, "another machine", State::Recalling),
    ];
    for (counter, machine, expected) in table {
        let mut view = mk_view(&["10.0.0.0/24"]);
        let block = mk_block(
            "10.0.0.0",
            &[("10.0.0.1", mk_entry(State::Recalling, POD, 3))],
        );
        put(&mut view, block, None);
        let status = &mut view.nodes.get_mut(&Name::from("n0")).unwrap().status;
        status.released.insert((address, Seq { epoch: 5, counter }));
        status.machine = Uid::of(machine);
        let decision = decide(&view, Rules::SHIPPED);
        let state = blocks(&decision)
            .first()
            .map_or(State::Recalling, |b| b.entries[&address].state);
        assert_eq!(state, expected, "seq {counter} from {machine}");
    }
}

#[test]
fn a_grant_leaves_the_spec_only_when_the_block_is_done_with_it_and_the_node_has_released_it() {
    let table = [
        (Some(mk_entry(State::Recalling, POD, 3)), true, true),
        (Some(mk_entry(State::Cooling, POD, 3)), true, false),
        (Some(mk_entry(State::Cooling, POD, 3)), false, true),
        (Some(mk_entry(State::Granted, Uid(200), 4)), true, false),
        (Some(mk_entry(State::Granted, Uid(200), 4)), false, true),
        (Some(mk_entry(State::Granted, Uid(200), 2)), true, true),
        (None, true, false),
        (None, false, true),
    ];
    for (entry, is_released, stays) in table {
        let mut view = mk_view(&["10.0.0.0/24"]);
        let entries: Vec<(&str, Entry)> = entry
            .iter()
            .map(|entry| ("10.0.0.1", entry.clone()))
            .collect();
        put(&mut view, mk_block("10.0.0.0", &entries), None);
        let node = view.nodes.get_mut(&Name::from("n0")).unwrap();
        node.spec.grants.push(grant_of(3));
        if is_released {
            node.status.released.extend(grant_of(3).address);
        }
        let spec = node.spec.clone();
        let decision = decide(&view, Rules::SHIPPED);
        let after = node_spec(&decision).unwrap_or(&spec);
        assert_eq!(
            !after.grants.is_empty(),
            stays,
            "{entry:?} released: {is_released}"
        );
    }
}

#[test]
fn two_grants_for_one_slot_are_never_listed_and_the_writer_gives_its_own_back() {
    let mut view = mk_view(&["10.0.0.0/24"]);
    view.pods.insert(POD, mk_pod());
    let entries = [("10.0.0.9", mk_entry(State::Granted, POD, 8))];
    put(&mut view, mk_block("10.0.0.0", &entries), Some(2));
    let mut other = grant_of(1);
    other.address = Some((
        "10.0.1.1".parse().unwrap(),
        Seq {
            epoch: 6,
            counter: 1,
        },
    ));
    view.nodes
        .get_mut(&Name::from("n0"))
        .unwrap()
        .spec
        .grants
        .push(other);
    let decision = decide(&view, Rules::SHIPPED);
    let entry = &blocks(&decision)[0].entries[&"10.0.0.9".parse().unwrap()];
    assert_eq!(entry.state, State::Recalling);
}

#[test]
fn a_full_pool_waits_for_the_address_that_rested_longest() {
    let mut view = mk_view(&["10.0.0.0/30"]);
    view.networks
        .get_mut(&LAN)
        .unwrap()
        .network
        .ipam
        .reuse_minimum_ms = 1000;
    view.pods.insert(POD, mk_pod());
    let mut old = mk_entry(State::Cooling, POD, 1);
    old.since = view.now - 1000;
    let mut older = mk_entry(State::Cooling, POD, 2);
    older.since = view.now - 2000;
    put(
        &mut view,
        mk_block("10.0.0.0", &[("10.0.0.1", old), ("10.0.0.2", older)]),
        Some(2),
    );
    let decision = decide(&view, Rules::SHIPPED);
    let entry = &blocks(&decision)[0].entries[&"10.0.0.2".parse().unwrap()];
    assert_eq!((entry.state, entry.seq.counter), (State::Granted, 10));

    view.now -= 1500;
    let decision = decide(&view, Rules::SHIPPED);
    assert!(decision.refusals.contains_key(&POD));
    assert_eq!(decision.wake_at, Some(view.now + 500));
}

#[test]
fn of_pods_that_wait_the_oldest_gets_the_address() {
    let mut view = mk_view(&["10.0.0.0/32"]);
    put(&mut view, mk_block("10.0.0.0", &[]), Some(2));
    for (owner, created) in [(1, 3_000), (2, 1_000), (3, 2_000)] {
        let pod = Pod {
            created,
            ..mk_pod()
        };
        view.pods.insert(Uid(owner), pod);
    }
    let decision = decide(&view, Rules::SHIPPED);
    let entry = &blocks(&decision)[0].entries[&"10.0.0.0".parse().unwrap()];
    assert_eq!(entry.holder.as_ref().unwrap().owner, Uid(2));
    assert!(decision.refusals.keys().eq(&[Uid(1), Uid(3)]));
}

#[test]
fn a_closed_network_keeps_what_it_granted_and_grants_nothing_new() {
    let mut view = mk_view(&["10.0.0.0/24"]);
    let refusal = Refusal {
        reason: String::from("Paused"),
        message: String::from("network lan is paused"),
        is_final: false,
    };
    view.networks.get_mut(&LAN).unwrap().closed = Some(refusal.clone());
    view.pods.insert(POD, mk_pod());
    view.pods.insert(Uid(200), mk_pod());
    let block = mk_block(
        "10.0.0.0",
        &[("10.0.0.1", mk_entry(State::Granted, Uid(200), 3))],
    );
    put(&mut view, block, Some(2));
    let decision = decide(&view, Rules::SHIPPED);
    assert_eq!(decision.refusals, BTreeMap::from([(POD, refusal)]));
    assert!(blocks(&decision).is_empty());
    assert_eq!(node_spec(&decision).unwrap().grants.len(), 1);
}

/// A node with one granted address, seen at `Tick(2)` with quorum, then object and evidence.
fn mk_fencing(state: State, read_at: Option<u64>, evidence_at: Option<u64>) -> View {
    let mut view = mk_view(&["10.0.0.0/24"]);
    view.pods.insert(POD, mk_pod());
    put(
        &mut view,
        mk_block("10.0.0.0", &[("10.0.0.1", mk_entry(state, POD, 3))]),
        Some(2),
    );
    let node = view.nodes.get_mut(&Name::from("n0")).unwrap();
    node.read_at = read_at.map(Tick);
    let evidence = Evidence {
        out_of_service: true,
        ..mk_evidence("n0")
    };
    node.evidence = Seen {
        value: evidence,
        quorum_at: evidence_at.map(Tick),
    };
    view
}

fn state_after(view: &View) -> Option<State> {
    let decision = decide(view, Rules::SHIPPED);
    let block = blocks(&decision).first().copied().cloned()?;
    block
        .entries
        .get(&"10.0.0.1".parse().unwrap())
        .map(|entry| entry.state)
}

#[test]
fn evidence_begins_a_fence_in_the_ledger_and_then_marks_the_node_object() {
    assert_eq!(
        state_after(&mk_fencing(State::Granted, None, None)),
        Some(State::Fencing)
    );
    let mut view = mk_fencing(State::Fencing, None, None);
    view.nodes
        .get_mut(&Name::from("n0"))
        .unwrap()
        .spec
        .grants
        .push(grant_of(3));
    let decision = decide(&view, Rules::SHIPPED);
    let spec = node_spec(&decision).unwrap();
    assert!(spec.grants.is_empty() && spec.fenced.len() == 1);
}

#[test]
fn a_fence_is_closed_only_on_reads_in_order_block_node_evidence() {
    let table = [
        (Some(3), Some(4), true, Some(State::Cooling)),
        (Some(3), Some(4), false, None),
        (Some(3), Some(3), true, None),
        (Some(1), Some(4), true, None),
        (None, Some(4), true, None),
        (Some(3), None, true, None),
    ];
    for (read_at, evidence_at, marked, expected) in table {
        let mut view = mk_fencing(State::Fencing, read_at, evidence_at);
        if marked {
            view.nodes
                .get_mut(&Name::from("n0"))
                .unwrap()
                .spec
                .fenced
                .push(grant_of(3));
        }
        let case = (read_at, evidence_at, marked);
        assert_eq!(state_after(&view), expected, "{case:?}");
    }
}

#[test]
fn a_fence_whose_evidence_is_gone_is_taken_back_as_a_recall() {
    let mut view = mk_fencing(State::Fencing, Some(3), Some(4));
    let node = view.nodes.get_mut(&Name::from("n0")).unwrap();
    node.spec.fenced.push(grant_of(3));
    node.evidence.value.out_of_service = false;
    assert_eq!(state_after(&view), Some(State::Recalling));
}

#[test]
fn a_deleted_node_is_evidence_only_where_the_network_accepts_it() {
    let table = [
        (NodeDeletion::Auto, true, Some(State::Fencing)),
        (NodeDeletion::Auto, false, None),
        (NodeDeletion::Fenced, false, Some(State::Fencing)),
        (NodeDeletion::Hold, true, None),
    ];
    for (policy, has_provider, expected) in table {
        let mut view = mk_fencing(State::Granted, None, None);
        view.networks.get_mut(&LAN).unwrap().network.node_deletion = policy;
        let node = view.nodes.get_mut(&Name::from("n0")).unwrap();
        node.has_provider = has_provider;
        node.evidence = Seen::cached(Evidence::default());
        assert_eq!(state_after(&view), expected, "{policy} {has_provider}");
    }
}

/// Found by the simulation: the machine was off when its Node was deleted, and was powered on before an
/// operator had seen the deletion. It had attached its pods again, under grants that were then fenced.
#[test]
fn a_deleted_node_is_no_evidence_against_a_machine_that_has_registered_again() {
    let again = Some(Uid::of("n0 again"));
    let table = [
        (again, Some(Uid::of("n0")), None),
        (again, None, None),
        (again, Some(Uid::of("another")), Some(State::Fencing)),
        (None, None, Some(State::Fencing)),
    ];
    for (current, machine, expected) in table {
        let mut view = mk_fencing(State::Granted, None, None);
        view.networks.get_mut(&LAN).unwrap().network.node_deletion = NodeDeletion::Fenced;
        let node = view.nodes.get_mut(&Name::from("n0")).unwrap();
        node.evidence = Seen::cached(Evidence {
            current,
            machine,
            ..mk_evidence("n0")
        });
        assert_eq!(state_after(&view), expected, "{current:?} {machine:?}");
    }
}

#[test]
fn an_unreachable_nodes_addresses_are_quarantined_and_come_back_with_it() {
    let mut view = mk_fencing(State::Granted, None, None);
    let node = view.nodes.get_mut(&Name::from("n0")).unwrap();
    node.evidence = Seen::cached(mk_evidence("n0"));
    node.reachable = false;
    assert_eq!(state_after(&view), Some(State::Quarantined));
    let mut view = mk_fencing(State::Quarantined, None, None);
    let node = view.nodes.get_mut(&Name::from("n0")).unwrap();
    node.evidence = Seen::cached(mk_evidence("n0"));
    assert_eq!(state_after(&view), Some(State::Granted));
}

/// Found by the model: a cached block that shows RESERVED is older than the GRANTED that follows it
/// under the same seq, and a stale operator took the recall of a held address out of the node object.
#[test]
fn a_block_that_shows_reserved_is_not_done_with_that_seq() {
    let (address, seq) = (
        "10.0.0.1".parse().unwrap(),
        Seq {
            epoch: 1,
            counter: 3,
        },
    );
    let holder = Holder {
        node: Name::from("n0"),
        node_uid: Uid::of("n0"),
        machine: Uid::of("n0"),
        owner: POD,
        interface: Name::from("net1"),
        index: 0,
    };
    let mut block = Block::new(BlockId::of(&Name::from("lan"), address), 1);
    block.seq = seq;
    let reserved = Entry {
        state: State::Reserved,
        seq,
        network: LAN,
        holder: Some(holder),
        kept: None,
        foreign: None,
        since: 0,
    };
    block.entries.insert(address, reserved);
    assert!(!block.is_done_with(address, &Name::from("n0"), seq));

    block.entries.clear();
    assert!(block.is_done_with(address, &Name::from("n0"), seq));
}
