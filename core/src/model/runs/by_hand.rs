//! Runs that are too large for every change.

use super::{
    super::config::{
        Config,
        Fault::{Crash, Cut, Delete, Kill, LoseRun, Power, Taint},
    },
    holds,
};

#[test]
#[ignore = "by hand: minutes of a core and gigabytes"]
fn two_deleted_pods_and_a_killed_sandbox() {
    holds(Config {
        name: "two deleted, one killed, one node",
        pods: &[0, 0],
        faults: &[(Delete, 2), (Kill, 1)],
        ..Config::STALE
    });
}

#[test]
#[ignore = "by hand: minutes of a core and gigabytes"]
fn a_crash_and_a_killed_sandbox() {
    holds(Config {
        name: "crash and kill",
        faults: &[(Delete, 1), (Kill, 1), (Crash, 1)],
        ..Config::STALE
    });
}

#[test]
#[ignore = "by hand: minutes of a core and gigabytes"]
fn a_fence_a_stale_operator_and_a_deleted_pod() {
    holds(Config {
        name: "fence, stale operator, pods deleted",
        stale_kubelet: true,
        faults: &[(Delete, 1), (Power, 1), (Taint, 1)],
        ..Config::STALE
    });
}

#[test]
#[ignore = "by hand: minutes of a core and gigabytes"]
fn all_machine_faults_and_two_deleted_pods() {
    holds(Config {
        name: "machine faults together, two deleted",
        stale_kubelet: true,
        faults: &[
            (Delete, 2),
            (Kill, 1),
            (Crash, 1),
            (LoseRun, 1),
            (Power, 1),
            (Cut, 1),
        ],
        ..Config::PLAIN
    });
}
