//! `cargo dev hammer`: attach, detach and fail, with real parts, until something is wrong or enough was done.
//!
//! etcd, kube-apiserver, operators, agents, the plugin and the kernel are real; users, kubelets, runtimes
//! and controllers are played. Kernel truth is looked at ten times a second.

mod daemon;
mod faults;
mod history;
mod life;
mod netlink;
mod networks;
mod node;
mod operators;
mod plugin;
mod rest;
mod rig;
mod sampler;
mod sandbox;
mod setup;
mod world;

use std::{
    fs,
    path::{Path, PathBuf},
    sync::atomic::{AtomicBool, Ordering},
    thread::{self, ScopedJoinHandle},
    time::{Duration, SystemTime},
};

use anyhow::{Result, anyhow, bail};
use clap::Args;
use landfall_dice::Dice;

use crate::{apt, cluster, go, install, process, progress};
use faults::Busy;
use life::Attached;
use rig::STAGE;
use world::World;

/// How long a new pod may take once everything is healed.
const HEALED: Duration = Duration::from_secs(20);
/// Pods that a node starts and ends at once.
const WORKERS: u8 = 15;

/// How much, and by which seed.
#[derive(Args, Clone, Debug)]
pub(crate) struct Options {
    /// Executions of the plugin
    #[arg(long, default_value_t = 2_000)]
    pub(crate) operations: u64,
    /// No more lives and faults after so many seconds, however many operations that were
    #[arg(long, default_value_t = 36_000)]
    pub(crate) seconds: u64,
    /// Of all choices (default: from the clock); it is printed
    #[arg(long)]
    pub(crate) seed: Option<u64>,
    /// Nodes
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u8).range(1..=20))]
    pub(crate) nodes: u8,
    /// Threads that make faults
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u8).range(0..=4))]
    pub(crate) faults: u8,
    /// Take the programs in this folder (agent/landfall, agent/landfall-agent,
    /// operator/landfall-operator) and build none
    #[arg(long, value_name = "FOLDER")]
    pub(crate) programs: Option<PathBuf>,
}

// === impl Options ===

impl Options {
    /// What a tier of tests takes: two minutes, and another seed each time.
    pub(crate) fn bounded() -> Self {
        Self {
            operations: 2_000,
            seconds: 40,
            seed: None,
            nodes: 3,
            faults: 2,
            programs: None,
        }
    }
}

/// Hammers, and prints what was done. An error is what was found.
pub(crate) fn run(options: &Options) -> Result<()> {
    cluster::need_root()?;
    apt::install()?;
    go::build()?;
    let programs = match &options.programs {
        Some(programs) => programs.clone(),
        None => install::build()?,
    };
    let clock = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?;
    let seed = options.seed.unwrap_or(clock.as_secs());
    println!("seed {seed}");
    let _held = progress::step("making nodes and a LAN", None, || STAGE.take())?;
    let result = hammer(options, &programs, seed);
    if result.is_err() {
        let kept = keep_logs(seed)?;
        eprintln!("the programs' logs are in {}", kept.display());
    }
    result
}

fn hammer(options: &Options, programs: &Path, seed: u64) -> Result<()> {
    let world = progress::step(
        "starting an API server, operators and agents",
        Some(20),
        || setup::world(options, programs),
    )?;
    let what = format!("{} operations", options.operations);
    let result = progress::step(&what, None, || churn(&world, options, seed))
        .and_then(|kept| settle(&world, seed, kept));
    report(&world, seed);
    result
}

/// Lives and faults, until it is over. Returns the pods that are attached then.
fn churn(world: &World, options: &Options, seed: u64) -> Result<Vec<Attached>> {
    let (busy, calm) = (Busy::default(), AtomicBool::new(false));
    let workers = u64::from(options.nodes).saturating_mul(WORKERS.into());
    thread::scope(|scope| {
        let lives: Vec<_> = (0..workers)
            .map(|number| {
                let dice = Dice::of(seed, number);
                scope.spawn(move || guarded(world, || life::lives(world, dice)))
            })
            .collect();
        let busy = &busy;
        let faults: Vec<_> = (0..u64::from(options.faults))
            .map(|number| {
                let dice = Dice::of(seed, number.saturating_add(1_000_000));
                scope.spawn(move || guarded(world, || faults::strike(world, busy, dice)))
            })
            .collect();
        let calm = &calm;
        let sampler = scope.spawn(move || {
            guarded(world, || {
                sampler::watch(world, || calm.load(Ordering::Relaxed))
            })
        });
        let faults: Vec<_> = faults.into_iter().map(joined).collect();
        let lives: Vec<_> = lives.into_iter().map(joined).collect();
        calm.store(true, Ordering::Relaxed);
        joined(sampler)?;
        faults.into_iter().collect::<Result<Vec<()>>>()?;
        let kept = lives.into_iter().collect::<Result<Vec<_>>>()?;
        Ok(kept.into_iter().flatten().collect())
    })
}

/// After the last fault: nothing is wrong, nothing is left, and new pods attach.
fn settle(world: &World, seed: u64, kept: Vec<Attached>) -> Result<()> {
    found(world)?;
    let (mut kept, gone): (Vec<_>, Vec<_>) =
        kept.into_iter().partition(|one| !one.sandbox.has_gone());
    gone.iter().try_for_each(|one| life::end(world, one))?;
    let what = format!("at rest with {} pods", kept.len());
    progress::step(&what, Some(60), || rest::wait(world, &kept))?;
    let mut dice = Dice::of(seed, u64::MAX);
    progress::step("a pod of each network on each node", None, || {
        for node in &world.nodes {
            for (network, _) in networks::NETWORKS {
                let pod = life::create(world, node.index, network)?;
                match life::attach(world, &mut dice, &pod, None, HEALED)? {
                    Some(one) => kept.push(one),
                    None => bail!("{} gets no address of {network} on {}", pod.name, node.name),
                }
            }
        }
        Ok(())
    })?;
    progress::step("detaching all", None, || {
        kept.iter().try_for_each(|one| life::end(world, one))
    })?;
    progress::step("at rest without pods", Some(5), || rest::wait(world, &[]))?;
    found(world)
}

/// What the history shows.
fn found(world: &World) -> Result<()> {
    let history = world.history();
    let findings = history.findings().to_vec();
    drop(history);
    if findings.is_empty() {
        return Ok(());
    }
    let sentences: Vec<_> = findings.iter().map(ToString::to_string).collect();
    bail!("what must never happen:{}", rest::told(world, &sentences))
}

fn report(world: &World, seed: u64) {
    let took = world.now().as_secs_f64();
    println!(
        "\nseed {seed}, {took:.0} s, {} looks at all kernels",
        world.history().looks()
    );
    for (what, count) in world.counts() {
        println!("{count:>8} {what}");
    }
    println!("{:>8} operations", world.operations());
    for (what, [median, worst]) in world.times() {
        println!("{what}: {median} ms at the median, {worst} ms at worst");
    }
}

/// The first error ends it for all.
fn guarded<T>(world: &World, work: impl FnOnce() -> Result<T>) -> Result<T> {
    let result = work();
    if result.is_err() {
        world.fail();
    }
    result
}

fn joined<T>(thread: ScopedJoinHandle<'_, Result<T>>) -> Result<T> {
    let result = thread.join();
    result.unwrap_or_else(|_| Err(anyhow!("a panic")))
}

/// The folder goes with the stage.
fn keep_logs(seed: u64) -> Result<PathBuf> {
    let kept = std::env::temp_dir().join(format!("landfall-hammer-{seed}"));
    fs::create_dir_all(&kept)?;
    let log = STAGE.folder().join("log");
    process::run(process::words("cp -r").arg(log).arg(&kept))?;
    Ok(kept)
}
