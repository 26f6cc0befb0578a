//! `cargo dev bench`: how fast we are, beside others, in one run on one machine.
//!
//! A benchmark and no test: nothing here fails because something was slow. What is compared is
//! measured in turns, so that a busy machine is equally busy for all.

mod agent;
mod api;
mod attach;
mod call;
mod crowd;
mod pool;
mod report;
mod rig;
mod samples;
mod socket;
mod standalone;

use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::{Args, ValueEnum};

use crate::{cluster, process};
use report::Report;

/// What to measure, and how often.
#[derive(Args)]
pub(crate) struct Options {
    /// Which (default: all)
    names: Vec<Name>,
    /// Rounds of single calls
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    rounds: u32,
    /// Seconds of churn in `pool`
    #[arg(long, default_value_t = 600, value_parser = clap::value_parser!(u32).range(1..=86_400))]
    seconds: u32,
    /// Only these scenes of `pool` (default: all); may be repeated
    #[arg(long = "scene", value_name = "SCENE")]
    scenes: Vec<pool::Scene>,
    /// Measure the programs in this folder (landfall, landfall-agent; `pool`: landfall-operator,
    /// landfall-fleet) and build none: to compare two builds
    #[arg(long, value_name = "FOLDER")]
    programs: Option<PathBuf>,
    /// Write everything, raw numbers too, as JSON
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

/// A benchmark.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Name {
    /// ADD and DEL of the plugin, one at a time and many, beside the reference plugins
    Attach,
    /// ADD and DEL of the plugin in place of the reference plugins, without an agent
    Standalone,
    /// How long pods wait for addresses: the operator and an API server, with nodes that are played
    Pool,
}

/// Measures, prints a table, and writes the file.
pub(crate) fn run(options: &Options) -> Result<()> {
    cluster::need_root()?;
    let mut names = options.names.clone();
    if names.is_empty() {
        names.extend(Name::value_variants());
    }
    let mut report = Report::begin()?;
    for name in names {
        report.rows.extend(match name {
            Name::Attach => attach::measure(options.rounds, options.programs.as_deref())?,
            Name::Standalone => standalone::measure(options.rounds, options.programs.as_deref())?,
            Name::Pool => pool::measure(
                &options.scenes,
                options.seconds,
                options.programs.as_deref(),
            )?,
        });
    }
    report.end()?;
    report.print();
    options
        .json
        .as_deref()
        .map_or(Ok(()), |file| write(&report, file))
}

fn write(report: &Report, file: &Path) -> Result<()> {
    process::write(file, serde_json::to_vec_pretty(report)?)
}
