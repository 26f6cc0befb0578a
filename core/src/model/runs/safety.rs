//! Safety: a stale operator beside the one that reads fresh, and one kind of fault a run.

use super::{
    super::config::{
        Config,
        Fault::{
            Backup, Block, Crash, Cut, Delete, EndClaim, Foreign, GiveUp, Kill, Late, Left, Link,
            LoseRun, Power, Register, Rename, Reply, Restore, Stale, Taint,
        },
    },
    holds,
};

#[test]
#[ignore = "the model tier: cargo dev test model"]
fn a_stale_operator_gives_nothing_twice_while_pods_are_deleted() {
    holds(Config {
        name: "stale operator",
        faults: &[(Delete, 1)],
        ..Config::STALE
    });
}

#[test]
#[ignore = "the model tier: cargo dev test model"]
fn a_stale_operator_that_grants_to_deleted_pods_gives_nothing_twice() {
    holds(Config {
        name: "stale operator, all pods deleted",
        pods: &[0, 0],
        seq_bound: 2,
        faults: &[(Delete, 2)],
        ..Config::STALE
    });
}

#[test]
#[ignore = "the model tier: cargo dev test model"]
fn three_grants_of_one_address_to_one_pod_are_told_apart() {
    holds(Config {
        name: "stale operator, three grants",
        pods: &[0],
        faults: &[(Delete, 1), (Kill, 1)],
        ..Config::STALE
    });
}

#[test]
#[ignore = "the model tier: cargo dev test model"]
fn sandboxes_that_are_killed_keep_their_address_on_one_node() {
    holds(Config {
        name: "sandbox killed",
        pods: &[0, 0],
        faults: &[(Delete, 1), (Kill, 1)],
        ..Config::STALE
    });
}

#[test]
#[ignore = "the model tier: cargo dev test model"]
fn an_agent_that_dies_between_any_two_effects_loses_nothing() {
    holds(Config {
        name: "agent crash",
        faults: &[(Delete, 1), (Crash, 1)],
        ..Config::STALE
    });
}

#[test]
#[ignore = "the model tier: cargo dev test model"]
fn an_agent_that_dies_twice_while_sandboxes_are_replaced_loses_nothing() {
    holds(Config {
        name: "agent crashes, sandboxes replaced",
        faults: &[(Delete, 1), (Crash, 2), (Kill, 1), (GiveUp, 1)],
        ..Config::PLAIN
    });
}

#[test]
#[ignore = "the model tier: cargo dev test model"]
fn a_lost_run_folder_makes_a_cold_agent_that_serves_nothing_in_use() {
    holds(Config {
        name: "/run lost",
        pods: &[0, 0],
        faults: &[(Delete, 1), (LoseRun, 1)],
        ..Config::STALE
    });
}

#[test]
#[ignore = "the model tier: cargo dev test model"]
fn a_node_that_is_cut_off_keeps_what_it_has() {
    holds(Config {
        name: "partition",
        quarantine: true,
        faults: &[(Delete, 1), (Cut, 1)],
        ..Config::STALE
    });
}

#[test]
#[ignore = "the model tier: cargo dev test model"]
fn a_machine_that_boots_with_stale_lists_serves_nothing_that_was_freed() {
    holds(Config {
        name: "reboot, stale lists",
        stale_kubelet: true,
        faults: &[(Delete, 1), (Power, 1), (Stale, 1)],
        ..Config::STALE
    });
}

#[test]
#[ignore = "the model tier: cargo dev test model"]
fn a_fence_closes_only_what_the_machine_can_not_use() {
    holds(Config {
        name: "fence",
        faults: &[(Power, 1), (Taint, 1)],
        ..Config::STALE
    });
}

#[test]
#[ignore = "the model tier: cargo dev test model"]
fn a_fence_beside_deleted_pods_closes_only_what_the_machine_can_not_use() {
    holds(Config {
        name: "fence, pods deleted",
        pods: &[0, 1],
        stale_kubelet: true,
        faults: &[(Power, 1), (Taint, 1), (Delete, 1)],
        ..Config::PLAIN
    });
}

#[test]
#[ignore = "the model tier: cargo dev test model"]
fn a_reclaim_closes_what_the_machine_held_under_all_its_uids_and_nothing_that_it_can_use() {
    holds(Config {
        name: "reclaim, registered again",
        is_reclaimed: true,
        faults: &[(Power, 1), (Taint, 1), (Register, 1)],
        ..Config::PLAIN
    });
}

#[test]
#[ignore = "the model tier: cargo dev test model"]
fn by_hand_another_machine_under_the_old_name_never_speaks_for_it() {
    holds(Config {
        name: "another machine",
        faults: &[(Delete, 1), (Cut, 1), (Rename, 1)],
        ..Config::STALE
    });
}

#[test]
#[ignore = "the model tier: cargo dev test model"]
fn by_hand_the_same_machine_that_registers_again_speaks_for_itself() {
    holds(Config {
        name: "registered again",
        faults: &[(Delete, 1), (Register, 1)],
        ..Config::STALE
    });
}

#[test]
#[ignore = "the model tier: cargo dev test model"]
fn an_add_that_is_given_up_takes_nothing_from_the_next_sandbox() {
    holds(Config {
        name: "ADD given up",
        pods: &[0],
        faults: &[(Delete, 1), (GiveUp, 1), (Kill, 1)],
        ..Config::STALE
    });
}

#[test]
#[ignore = "the model tier: cargo dev test model"]
fn links_that_fail_or_are_left_to_the_kernel_leave_no_address_behind() {
    holds(Config {
        name: "links that fail",
        pods: &[0, 0],
        faults: &[(Delete, 1), (Link, 2), (Left, 1), (Kill, 1), (Crash, 1)],
        ..Config::PLAIN
    });
}

#[test]
#[ignore = "the model tier: cargo dev test model"]
fn dual_stack_is_granted_and_given_back_whole() {
    holds(Config {
        name: "dual stack",
        cidrs: &["10.0.0.1/32", "fd00::1/128"],
        faults: &[(Delete, 1), (Crash, 1), (Kill, 1)],
        ..Config::PLAIN
    });
}

#[test]
#[ignore = "the model tier: cargo dev test model"]
fn by_hand_dual_stack_beside_a_stale_operator_is_granted_once() {
    holds(Config {
        name: "dual stack, stale operator",
        cidrs: &["10.0.0.1/32", "fd00::1/128"],
        pods: &[0],
        faults: &[(Delete, 1)],
        ..Config::STALE
    });
}

#[test]
#[ignore = "the model tier: cargo dev test model"]
fn two_addresses_for_three_pods_are_never_mixed_up() {
    holds(Config {
        name: "two addresses, three pods",
        cidrs: &["10.0.0.0/31"],
        pods: &[0, 1, 0],
        seq_bound: 5,
        faults: &[(Delete, 1), (Crash, 1)],
        ..Config::PLAIN
    });
}

#[test]
#[ignore = "the model tier: cargo dev test model"]
fn a_status_write_that_lands_late_is_harmless() {
    holds(Config {
        name: "late status",
        faults: &[(Delete, 1), (Late, 1)],
        ..Config::STALE
    });
}

#[test]
#[ignore = "the model tier: cargo dev test model"]
fn a_write_whose_reply_is_lost_is_only_decided_again() {
    holds(Config {
        name: "lost replies",
        faults: &[(Delete, 1), (Reply, 2)],
        ..Config::STALE
    });
}

#[test]
#[ignore = "the model tier: cargo dev test model"]
fn a_deleted_block_comes_back_with_what_nodes_hold() {
    holds(Config {
        name: "block deleted",
        faults: &[(Delete, 1), (Block, 1)],
        ..Config::PLAIN
    });
}

#[test]
#[ignore = "the model tier: cargo dev test model"]
fn by_hand_two_stale_operators_beside_a_fresh_one_give_nothing_twice() {
    holds(Config {
        name: "two stale operators",
        pods: &[0],
        seq_bound: 2,
        lagging: 2,
        faults: &[(Delete, 1)],
        ..Config::STALE
    });
}

#[test]
#[ignore = "the model tier: cargo dev test model"]
fn machine_faults_together_give_nothing_twice() {
    holds(Config {
        name: "machine faults together",
        faults: &[
            (Delete, 1),
            (Kill, 1),
            (Crash, 1),
            (LoseRun, 1),
            (Power, 1),
            (Cut, 1),
        ],
        ..Config::PLAIN
    });
}

#[test]
#[ignore = "the model tier: cargo dev test model"]
fn after_an_announced_restore_a_node_that_is_cut_off_keeps_what_it_has() {
    holds(Config {
        name: "restore, partition",
        quarantine: true,
        faults: &[(Backup, 1), (Restore, 1), (Delete, 1), (Cut, 1)],
        ..Config::PLAIN
    });
}

#[test]
#[ignore = "the model tier: cargo dev test model"]
fn after_an_announced_restore_agents_that_die_keep_what_they_have() {
    holds(Config {
        name: "restore, agent crash",
        faults: &[(Backup, 1), (Restore, 1), (Delete, 1), (Crash, 1)],
        ..Config::PLAIN
    });
}

#[test]
#[ignore = "the model tier: cargo dev test model"]
fn after_an_announced_restore_machines_that_boot_or_lose_run_use_nothing_twice() {
    holds(Config {
        name: "restore, boots and lost /run",
        faults: &[
            (Backup, 1),
            (Restore, 1),
            (Power, 1),
            (LoseRun, 1),
            (Kill, 1),
        ],
        ..Config::PLAIN
    });
}

#[test]
#[ignore = "the model tier: cargo dev test model"]
fn a_claim_is_handed_from_node_to_node_only_by_release() {
    holds(Config {
        name: "claim, handed over",
        claim: &[0, 1],
        faults: &[(Delete, 1), (Cut, 1)],
        ..Config::STALE
    });
}

#[test]
#[ignore = "the model tier: cargo dev test model"]
fn a_claim_that_is_deleted_while_a_stale_operator_does_not_know_it_gives_nothing_twice() {
    holds(Config {
        name: "claim, deleted",
        claim: &[0],
        faults: &[(EndClaim, 1)],
        ..Config::STALE
    });
}

#[test]
#[ignore = "the model tier: cargo dev test model"]
fn a_conflict_is_given_back_before_the_ledger_closes_it() {
    holds(Config {
        name: "conflict, stale operator",
        probe: true,
        faults: &[(Foreign, 1)],
        ..Config::STALE
    });
}

#[test]
#[ignore = "the model tier: cargo dev test model"]
fn a_conflict_beside_crashes_and_replaced_sandboxes_gives_nothing_twice() {
    holds(Config {
        name: "conflicts, agent crash, sandbox killed",
        probe: true,
        faults: &[(Foreign, 1), (Delete, 1), (Crash, 1), (Kill, 1)],
        ..Config::PLAIN
    });
}
