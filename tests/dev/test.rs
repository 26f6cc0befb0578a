//! The tiers of tests. A tier that can't run fails: nothing is skipped.

use std::{fs, process::Command, time::Instant};

use anyhow::{Context, Result, bail};
use clap::ValueEnum;

use crate::{apt, cluster, go, hammer, install, layout, process, progress, uml};

/// A tier; each but `unit`, `model`, `sim`, `uml` and `hammer` is a test target of this package.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Tier {
    /// Format, lints and the tests beside the code
    Unit,
    /// Every state of small worlds, by the shipped decisions
    Model,
    /// Random schedules with faults of all kinds, by the shipped decisions
    Sim,
    /// Link code against this machine's kernel
    Netns,
    /// Our plugin in place of the reference plugins, beside them
    Cni,
    /// As well, with what this machine's kernel may lack: ipvlan, VLANs, bonds
    Uml,
    /// Our programs die at each of their effects; their requests are lost, late, twice
    Faults,
    /// CRDs, policies and RBAC against a real API server
    Admit,
    /// The chart on the cluster
    E2e,
    /// Real programs, faults at random, and kernel truth, for two minutes
    Hammer,
}

impl Tier {
    fn name(self) -> String {
        self.to_possible_value()
            .map(|value| value.get_name().to_owned())
            .unwrap_or_default()
    }

    fn run(self) -> Result<()> {
        match self {
            Self::Unit => return unit(),
            Self::Model => return model(),
            Self::Hammer => return hammer::run(&hammer::Options::bounded()),
            Self::Sim => return sim(),
            Self::Netns => {
                cluster::need_root()?;
                apt::install()?;
            }
            Self::Cni => {
                cluster::need_root()?;
                apt::install()?;
                go::build_plugins()?;
            }
            Self::Uml => {
                cluster::need_root()?;
                apt::install()?;
                go::build_plugins()?;
                return uml();
            }
            Self::Faults => {
                cluster::need_root()?;
                apt::install()?;
                go::build_control_plane()?;
            }
            // Admission is judged with the release's own policies in force, as it is for users.
            Self::Admit | Self::E2e => {
                cluster::ensure_up()?;
                install::install()?;
            }
        }
        let name = self.name();
        // More at once would only wait for each other: the cluster is on this one machine.
        let threads = if self == Self::E2e {
            " -- --test-threads=2"
        } else {
            ""
        };
        cargo(&format!(
            "test --locked --package landfall-tests --test {name}{threads}"
        ))
    }
}

fn unit() -> Result<()> {
    cargo("fmt --all --check").context("cargo fmt")?;
    cargo("clippy --locked --workspace --all-targets -- -D warnings")?;
    // Alone: together with others it is built with their features, and std.
    cargo("build --locked --package landfall-core")?;
    // All of them: a failure in one says nothing of the next.
    cargo("test --locked --workspace --exclude landfall-tests --no-fail-fast")?;
    cargo("test --locked --package landfall-tests --lib --bins")
}

/// The searches that the unit tier leaves out. Two at once, one a core; their record is printed.
fn model() -> Result<()> {
    cargo(
        "test --locked --package landfall-core --lib -- model:: --ignored --skip by_hand \
         --nocapture --test-threads=2",
    )
}

/// The tests that the cni tier leaves out. Where the kernel lacks what they need they run on one that has it:
/// a machine boots for them and ends with them.
fn uml() -> Result<()> {
    let line = "test --locked --package landfall-tests --test cni";
    if uml::kernel_has_all() {
        return cargo(&format!("{line} -- --ignored"));
    }
    install::plugin()?;
    // A copy: cargo builds this program again for the tests, with what other features they bring, and what
    // runs now is no file any more.
    let folder = uml::Folder::new("runner")?;
    let own = folder.path().join("dev");
    fs::copy("/proc/self/exe", &own).context("/proc/self/exe")?;
    let runner = format!(
        "target.'cfg(all())'.runner=['{}', 'internal', 'on-uml']",
        own.display()
    );
    progress::step(
        &format!("cargo {line}, on a User-Mode Linux machine"),
        Some(120),
        || {
            let mut cargo = process::cargo(line);
            cargo.args(["--config", &runner, "--", "--ignored"]);
            succeed(&mut cargo, line)
        },
    )
}

/// What that runs the tests with. The plugins are built: there is no cargo inside.
pub(crate) fn on_uml(words: &[String]) -> Result<u8> {
    let variables = [
        ("LANDFALL_PLUGIN", install::plugin()?),
        ("LANDFALL_REFERENCE", layout::plugins()?),
    ];
    uml::on(
        words,
        &variables
            .each_ref()
            .map(|(name, path)| (*name, path.as_path())),
    )
}

/// Schedules by seed. Each test uses two threads; a failure names its seed.
fn sim() -> Result<()> {
    cargo(
        "test --locked --package landfall-sim --no-fail-fast -- --include-ignored --skip by_hand \
         --nocapture --test-threads=1",
    )
}

/// Its stdout is ours: the "test result" lines are a result.
fn cargo(line: &str) -> Result<()> {
    progress::step(&format!("cargo {line}"), None, || {
        succeed(&mut process::cargo(line), line)
    })
}

fn succeed(cargo: &mut Command, line: &str) -> Result<()> {
    let status = process::attached(cargo.current_dir(layout::tree()))?;
    if !status.success() {
        bail!("cargo {line} ({status})");
    }
    Ok(())
}

/// Runs tiers, all of them when none is named, and sums up. Returns whether all passed.
pub(crate) fn run(tiers: &[Tier]) -> bool {
    let mut chosen = tiers.to_vec();
    if chosen.is_empty() {
        chosen.extend(Tier::value_variants());
    }
    let mut summary = Vec::new();
    for tier in chosen {
        let start = Instant::now();
        let result = tier.run();
        if let Err(error) = &result {
            eprintln!("error: tier {}: {error:#}", tier.name());
        }
        summary.push((tier.name(), result.is_ok(), start.elapsed()));
    }
    println!();
    for (name, passed, elapsed) in &summary {
        let outcome = if *passed { "passed" } else { "FAILED" };
        println!(
            "tier {name:<6} {outcome} {:>6} s",
            progress::seconds(*elapsed)
        );
    }
    summary.iter().all(|(_, passed, _)| *passed)
}
