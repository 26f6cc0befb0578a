//! Admit tier: what a real API server makes of our CRDs, and of good and bad objects.
//!
//! The definitions in `crds/yaml` are applied once, as one would by hand. Objects are tried with a
//! server-side dry run, so nothing is left behind.
#![expect(
    clippy::indexing_slicing,
    clippy::expect_used,
    reason = "a test may fail of an index"
)]

mod agent_token;
mod chart;
mod claim;
mod definitions;
mod docs;
mod examples;
mod internal;
mod kubectl;
mod namespace_default;
mod network;
mod rbac;
mod release;
mod rows;
mod simulation;
mod writers;

use std::sync::OnceLock;

use landfall_tests::{cluster::Cluster, tree};

/// The cluster, with our definitions established.
fn cluster() -> &'static Cluster {
    static CLUSTER: OnceLock<Cluster> = OnceLock::new();
    CLUSTER.get_or_init(|| {
        let cluster = Cluster::of(env!("CARGO_BIN_EXE_dev"));
        definitions::establish(&cluster).expect("cargo dev up, and definitions that it takes");
        cluster
    })
}

/// The folder of the generated definitions.
fn yaml() -> String {
    tree::tree("crds/yaml").display().to_string()
}
