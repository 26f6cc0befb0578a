use super::*;

const MACHINE: Machine = Machine {
    id: Uid(1),
    boot: Uid(10),
};

fn status(machine: u128, boot: u128) -> LandfallNodeStatus {
    LandfallNodeStatus {
        machine_id: Some(Uid(machine)),
        boot_id: Some(Uid(boot)),
        node_uid: Some(Uid(100)),
        speaks_for: vec![Uid(99)],
        ..LandfallNodeStatus::default()
    }
}

fn start(status: &LandfallNodeStatus, complete: bool, present: u128) -> Vec<u128> {
    let identity = Identity::start(Some(status), MACHINE, complete, Uid(present));
    assert_eq!(identity.node, Uid(present));
    identity.speaks_for.iter().map(|uid| uid.0).collect()
}

#[test]
fn a_warm_start_takes_over() {
    assert_eq!(start(&status(1, 10), true, 100), [99]);
    assert_eq!(start(&status(1, 10), true, 101), [99, 100]);
}

#[test]
fn a_reboot_takes_over() {
    assert_eq!(start(&status(1, 9), false, 101), [99, 100]);
}

#[test]
fn lost_records_in_the_same_boot_begin_anew() {
    assert!(start(&status(1, 10), false, 101).is_empty());
}

#[test]
fn another_machine_never_takes_over() {
    assert!(start(&status(2, 9), true, 101).is_empty());
}

#[test]
fn without_a_status_it_begins_with_the_present_node() {
    let identity = Identity::start(None, MACHINE, true, Uid(5));
    assert!(identity.speaks_for.is_empty());
}

#[test]
fn registered_again_it_speaks_for_the_earlier_one() {
    let mut identity = Identity::start(None, MACHINE, true, Uid(5));
    identity.become_node(Uid(6));
    identity.become_node(Uid(6));
    assert_eq!(identity.speaks_for, [Uid(5)].into());
    assert_eq!(identity.node, Uid(6));
}
