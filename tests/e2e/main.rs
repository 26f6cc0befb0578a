//! e2e tier: the chart on the cluster of `cargo dev up`, after `cargo dev install`.
//!
//! Each test has a namespace, a segment and subnets of its own, so any may run beside any other;
//! the few that disturb all others take their turn alone. What a pod has is read from the kernel.
#![expect(
    clippy::indexing_slicing,
    clippy::expect_used,
    reason = "a test may fail of an index"
)]
#![expect(clippy::print_stderr, reason = "what could not be put back is told")]

mod apart;
mod api_server;
mod away;
mod chained;
mod churn;
mod claims;
mod configuration;
mod conflicts;
mod definition;
mod hand;
mod input;
mod ipam_claims;
mod kubectl;
mod kubelets;
mod leader;
mod ledger;
mod modes;
mod nodes;
mod operators;
mod others;
mod parents;
mod plain;
mod pods;
mod pool;
mod power;
mod reach;
mod refused;
mod release;
mod restarts;
mod restore;
mod scale;
mod sharing;
mod specs;
mod together;
mod traffic;
mod vlans;

use std::sync::OnceLock;

use landfall_tests::{cluster::Cluster, diagnosis::SYSTEM};

/// The cluster, with operator and agents running.
fn cluster() -> &'static Cluster {
    static CLUSTER: OnceLock<Cluster> = OnceLock::new();
    CLUSTER.get_or_init(|| {
        let cluster = Cluster::of(env!("CARGO_BIN_EXE_dev"));
        let status = cluster.status().expect("cargo dev up");
        assert!(status.installed, "cargo dev install");
        for what in ["deployment", "daemonset"] {
            let rollout = ["rollout", "status", what, "-n", SYSTEM, "--timeout=90s"];
            cluster.kubectl(&rollout).expect("operator and agents run");
        }
        cluster
    })
}
