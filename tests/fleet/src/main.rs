//! Many nodes in one process, and what a benchmark measures with them: `cargo dev bench pool` starts it.
//!
//! ```text
//!   API server ── LandfallNode ──> engine of the shipped agent ── jobs ──> played kernel
//!        ^  ^                          ^         │                             │
//!        │  └──── the agent's status ──┼─────────┘ <────── made, gone ─────────┘
//!        └─────── pods ── played users, scheduler, kubelets and runtimes
//! ```
//!
//! Each node has its own watch and its own writer of statuses, as an agent has. What is left out is the
//! kernel, the plugin and the socket between them: `cargo dev bench attach` measures those.
#![expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a tool that measures time and prints"
)]

mod burst;
mod churn;
mod cluster;
mod fill;
mod free;
mod grants;
mod kernel;
mod life;
mod node;
mod report;
mod steady;
mod world;

use std::{path::PathBuf, process::ExitCode, time::Duration};

use anyhow::{Context as _, Result};
use clap::{Parser, Subcommand};
use kube::Client;

use report::Report;
use world::World;

/// Plays nodes and pods against the API server of the kubeconfig, and prints what was measured.
#[derive(Debug, Parser)]
struct Args {
    /// Nodes
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u16).range(1..=1000))]
    nodes: u16,
    /// The folder of the agents' records; in memory, as a node's /run is
    #[arg(long)]
    run_dir: PathBuf,
    #[command(subcommand)]
    scene: Scene,
}

/// What is measured.
#[derive(Debug, Subcommand)]
enum Scene {
    /// As many pods as there are addresses, bound as fast as the API server has it
    Fill {
        /// Addresses, and pods
        #[arg(long, default_value_t = 1000, value_parser = clap::value_parser!(u16).range(1..=10_000))]
        addresses: u16,
    },
    /// A /26: on one node, on all, then churn with more pods than addresses
    Churn {
        /// How long
        #[arg(long, default_value_t = 600)]
        seconds: u32,
    },
    /// Pods that come and go one by one, with addresses for all
    Steady {
        /// How many in all
        #[arg(long, default_value_t = 600, value_parser = clap::value_parser!(u16).range(1..))]
        pods: u16,
        /// How many a second
        #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u16).range(1..))]
        rate: u16,
        /// Pods that ask for no network
        #[arg(long)]
        plain: bool,
    },
    /// Many pods that wait for one network, which then opens
    Burst {
        /// Pods
        #[arg(long, default_value_t = 4000, value_parser = clap::value_parser!(u16).range(1..=60_000))]
        pods: u16,
    },
}

fn main() -> ExitCode {
    let result = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .context("cannot start the runtime")
        .and_then(|runtime| runtime.block_on(run(Args::parse())));
    match result.and_then(|report| report.print()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(args: Args) -> Result<Report> {
    let client = Client::try_default()
        .await
        .context("no Kubernetes configuration")?;
    let world = World::start(client, args.nodes.into(), &args.run_dir).await?;
    match args.scene {
        Scene::Fill { addresses } => fill::measure(&world, addresses).await,
        Scene::Churn { seconds } => {
            churn::measure(&world, Duration::from_secs(seconds.into())).await
        }
        Scene::Steady { pods, rate, plain } => steady::measure(&world, pods, rate, plain).await,
        Scene::Burst { pods } => burst::measure(&world, pods).await,
    }
}
