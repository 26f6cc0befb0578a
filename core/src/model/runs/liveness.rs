//! Liveness: from every state that faults can lead to, progress alone leads to rest.

use super::{
    super::config::{
        Config,
        Fault::{
            Backup, Crash, Cut, Delete, Foreign, GiveUp, Kill, Late, Left, Link, LoseRun, Power,
            Register, Reply, Restore, Taint,
        },
    },
    settles,
};

const PLAIN: Config = Config::PLAIN;

#[test]
#[ignore = "the model tier: cargo dev test model"]
fn pods_that_wait_get_what_deleted_pods_leave() {
    settles(Config {
        name: "pods deleted",
        faults: &[(Delete, 1), (Kill, 1)],
        ..PLAIN
    });
}

#[test]
#[ignore = "the model tier: cargo dev test model"]
fn crashes_of_the_agent_leave_nothing_stuck() {
    settles(Config {
        name: "agent crash",
        faults: &[(Delete, 1), (Kill, 1), (Crash, 2)],
        ..PLAIN
    });
}

#[test]
#[ignore = "the model tier: cargo dev test model"]
fn a_lost_run_folder_leaves_nothing_stuck() {
    settles(Config {
        name: "/run lost",
        faults: &[(Delete, 1), (LoseRun, 1), (Crash, 1)],
        ..PLAIN
    });
}

#[test]
#[ignore = "the model tier: cargo dev test model"]
fn a_reboot_leaves_nothing_stuck() {
    settles(Config {
        name: "reboot",
        stale_kubelet: true,
        faults: &[(Delete, 1), (Power, 1)],
        ..PLAIN
    });
}

#[test]
#[ignore = "the model tier: cargo dev test model"]
fn a_fence_that_is_closed_or_taken_back_leaves_nothing_stuck() {
    settles(Config {
        name: "fence",
        seq_bound: 4,
        faults: &[(Delete, 1), (Power, 1), (Taint, 1)],
        ..PLAIN
    });
}

#[test]
#[ignore = "the model tier: cargo dev test model"]
fn a_partition_that_heals_leaves_nothing_stuck() {
    settles(Config {
        name: "partition",
        quarantine: true,
        faults: &[(Delete, 1), (Cut, 2)],
        ..PLAIN
    });
}

#[test]
#[ignore = "the model tier: cargo dev test model"]
fn links_that_fail_leave_nothing_stuck() {
    settles(Config {
        name: "links that fail",
        faults: &[(Delete, 1), (Link, 2), (Left, 1)],
        ..PLAIN
    });
}

#[test]
#[ignore = "the model tier: cargo dev test model"]
fn adds_that_are_given_up_leave_nothing_stuck() {
    settles(Config {
        name: "ADD given up",
        faults: &[(Delete, 1), (GiveUp, 2)],
        ..PLAIN
    });
}

#[test]
#[ignore = "the model tier: cargo dev test model"]
fn the_same_machine_that_registers_again_leaves_nothing_stuck() {
    settles(Config {
        name: "registered again",
        seq_bound: 4,
        faults: &[(Delete, 1), (Register, 1), (Crash, 1)],
        ..PLAIN
    });
}

#[test]
#[ignore = "the model tier: cargo dev test model"]
fn a_late_status_leaves_nothing_stuck() {
    settles(Config {
        name: "late status",
        faults: &[(Delete, 1), (Late, 1), (Crash, 1)],
        ..PLAIN
    });
}

#[test]
#[ignore = "the model tier: cargo dev test model"]
fn dual_stack_pods_that_want_the_same_addresses_do_not_block_each_other() {
    settles(Config {
        name: "dual stack",
        cidrs: &["10.0.0.1/32", "fd00::1/128"],
        seq_bound: 4,
        faults: &[(Delete, 1)],
        ..PLAIN
    });
}

#[test]
#[ignore = "the model tier: cargo dev test model"]
fn three_pods_share_two_addresses() {
    settles(Config {
        name: "two addresses, three pods",
        cidrs: &["10.0.0.0/31"],
        pods: &[0, 1, 0],
        seq_bound: 5,
        faults: &[(Delete, 2)],
        ..PLAIN
    });
}

#[test]
#[ignore = "the model tier: cargo dev test model"]
fn two_operators_do_not_livelock() {
    settles(Config {
        name: "two operators",
        lagging: 1,
        faults: &[(Delete, 1), (Reply, 1)],
        ..PLAIN
    });
}

#[test]
#[ignore = "the model tier: cargo dev test model"]
fn two_operators_do_not_livelock_over_a_fence() {
    settles(Config {
        name: "two operators, fence",
        lagging: 1,
        pods: &[0],
        seq_bound: 4,
        faults: &[(Power, 1), (Taint, 1)],
        ..PLAIN
    });
}

#[test]
#[ignore = "the model tier: cargo dev test model"]
fn after_an_announced_restore_everything_goes_on() {
    settles(Config {
        name: "restore",
        faults: &[(Backup, 1), (Restore, 1), (Delete, 1), (Cut, 1)],
        ..PLAIN
    });
}

#[test]
#[ignore = "the model tier: cargo dev test model"]
fn a_claim_comes_to_the_pod_that_follows() {
    settles(Config {
        name: "claim, handed over",
        claim: &[0, 1],
        faults: &[(Delete, 1), (Cut, 1)],
        ..PLAIN
    });
}

#[test]
#[ignore = "the model tier: cargo dev test model"]
fn conflicts_leave_nothing_stuck() {
    settles(Config {
        name: "conflicts",
        probe: true,
        seq_bound: 4,
        faults: &[(Foreign, 1), (Delete, 1), (Crash, 1)],
        ..PLAIN
    });
}

#[test]
#[ignore = "the model tier: cargo dev test model"]
fn a_conflict_of_one_family_leaves_nothing_stuck() {
    settles(Config {
        name: "dual stack, conflict",
        cidrs: &["10.0.0.1/32", "fd00::1/128"],
        pods: &[0],
        probe: true,
        seq_bound: 4,
        faults: &[(Foreign, 1)],
        ..PLAIN
    });
}
