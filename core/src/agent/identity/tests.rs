extern crate std;

use std::vec::Vec;

use super::*;
use crate::{
    id::Name,
    ledger::{Holder, view::NodeStatus},
};

const AGENT: Starting = Starting {
    machine: Uid(1),
    boot: Uid(10),
    complete: true,
};
const LOST: Starting = Starting {
    complete: false,
    ..AGENT
};

/// A status that Node 100, formerly 99, wrote.
fn writer(machine: u128, boot: u128) -> Writer {
    Writer {
        machine: Some(Uid(machine)),
        boot: Some(Uid(boot)),
        node: Some(Uid(100)),
        speaks_for: [Uid(99)].into(),
    }
}

fn start(agent: Starting, last: &Writer, present: u128) -> Vec<u128> {
    let identity = Identity::start(agent, last, Uid(present));
    assert_eq!(identity.node, Uid(present));
    identity.speaks_for.iter().map(|uid| uid.0).collect()
}

/// What the operator makes of what an agent publishes: may it release what `node` was granted when
/// `machine` had that name?
fn may_release(agent: Starting, identity: &Identity, machine: u128, node: u128) -> bool {
    let status = NodeStatus {
        machine: agent.machine,
        node_uid: identity.node,
        speaks_for: identity.speaks_for.clone(),
        ..NodeStatus::default()
    };
    let holder = Holder {
        node: Name::from("node1"),
        node_uid: Uid(node),
        machine: Uid(machine),
        owner: Uid(7),
        interface: Name::from("net1"),
        index: 0,
    };
    status.speaks_for(&holder)
}

#[test]
fn a_warm_start_takes_over() {
    assert_eq!(start(AGENT, &writer(1, 10), 100), [99]);
    assert_eq!(start(AGENT, &writer(1, 10), 101), [99, 100]);
}

#[test]
fn a_reboot_takes_over() {
    assert_eq!(start(LOST, &writer(1, 9), 101), [99, 100]);
}

#[test]
fn lost_records_in_the_same_boot_begin_anew() {
    assert!(start(LOST, &writer(1, 10), 101).is_empty());
}

#[test]
fn a_status_that_says_no_boot_is_not_of_another_boot() {
    let last = Writer {
        boot: None,
        ..writer(1, 10)
    };
    assert!(start(LOST, &last, 101).is_empty());
    assert_eq!(start(AGENT, &last, 101), [99, 100]);
}

#[test]
fn another_machine_never_takes_over() {
    assert!(start(AGENT, &writer(2, 9), 101).is_empty());
    assert!(start(LOST, &writer(2, 9), 101).is_empty());
}

#[test]
fn without_a_status_it_begins_with_the_present_node() {
    assert!(start(AGENT, &Writer::default(), 5).is_empty());
}

#[test]
fn it_does_not_speak_twice_for_the_present_node() {
    assert_eq!(start(AGENT, &writer(1, 10), 99), [100]);
}

/// A row of the crash table: "Node deleted, the same machine registers again".
#[test]
fn node_deleted_the_same_machine_registers_again_and_releases() {
    // While the agent runs.
    let mut identity = Identity::start(AGENT, &Writer::default(), Uid(100));
    identity.become_node(Uid(101));
    identity.become_node(Uid(101));
    assert_eq!(identity.speaks_for, [Uid(100)].into());
    assert!(may_release(AGENT, &identity, 1, 100));
    assert!(may_release(AGENT, &identity, 1, 101));
    assert!(!may_release(AGENT, &identity, 1, 102));
    // While it was away: with its records, and after a reboot.
    for (agent, boot) in [(AGENT, 10), (LOST, 9)] {
        let identity = Identity::start(agent, &writer(1, boot), Uid(101));
        for node in [99, 100, 101] {
            assert!(may_release(agent, &identity, 1, node), "{agent:?} {node}");
        }
    }
    // With its records lost it does not know what lives.
    let identity = Identity::start(LOST, &writer(1, 10), Uid(101));
    assert!(!may_release(LOST, &identity, 1, 100));
}

/// A row of the crash table: "Node deleted or kept, another machine takes the name".
#[test]
fn another_machine_that_takes_the_name_never_speaks_for_the_old_one() {
    let other = Starting {
        machine: Uid(2),
        boot: Uid(20),
        complete: false,
    };
    // Of a Node that was kept the UID is the same.
    for present in [100, 101] {
        let identity = Identity::start(other, &writer(1, 10), Uid(present));
        assert!(identity.speaks_for.is_empty());
        for node in [99, 100, 101] {
            assert!(!may_release(other, &identity, 1, node), "{node}");
        }
    }
}
