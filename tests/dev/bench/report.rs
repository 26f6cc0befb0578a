//! What was measured, as a table and as JSON.

use std::{collections::BTreeMap, fs};

use anyhow::{Context, Result};
use serde::Serialize;

use super::samples::{Better, Samples};
use crate::{
    layout::{self, version},
    process,
};

/// All of a run. Its shape as JSON is part of the tool's contract.
#[derive(Serialize)]
pub(super) struct Report {
    machine: Machine,
    versions: BTreeMap<&'static str, String>,
    pub(super) rows: Vec<Row>,
}

#[derive(Serialize)]
struct Machine {
    cpu: String,
    cores: usize,
    memory_mib: u64,
    kernel: String,
    /// UTC, at the beginning.
    date: String,
    /// /proc/loadavg at the beginning and at the end: what else the machine had to do, and the bench
    /// itself.
    load: Vec<String>,
}

/// One figure.
#[derive(Serialize)]
pub(super) struct Row {
    name: String,
    unit: &'static str,
    ours: Figure,
    #[serde(skip_serializing_if = "Option::is_none")]
    peer: Option<Peer>,
    /// Peer's median by ours.
    #[serde(skip_serializing_if = "Option::is_none")]
    ratio: Option<f64>,
    raw: BTreeMap<String, Samples>,
}

#[derive(Serialize)]
struct Figure {
    p50: f64,
    p99: f64,
    n: usize,
}

#[derive(Serialize)]
struct Peer {
    name: String,
    #[serde(flatten)]
    figure: Figure,
}

// === impl Report ===

impl Report {
    pub(super) fn begin() -> Result<Self> {
        Ok(Self {
            machine: Machine::this()?,
            versions: versions()?,
            rows: Vec::new(),
        })
    }

    pub(super) fn end(&mut self) -> Result<()> {
        self.machine.load.push(load()?);
        Ok(())
    }

    pub(super) fn print(&self) {
        let machine = &self.machine;
        println!(
            "{}, {} cores, {} MiB, Linux {}; load {}",
            machine.cpu,
            machine.cores,
            machine.memory_mib,
            machine.kernel,
            machine.load.join(" to ")
        );
        for (name, version) in &self.versions {
            println!("{name} {version}");
        }
        println!(
            "\n{:<26} {:<9} {:>9} {:>9} {:>6} {:>9} {:>9} {:>7}  PEER",
            "NAME", "UNIT", "P50", "P99", "N", "PEER P50", "PEER P99", "RATIO"
        );
        for row in &self.rows {
            println!("{}", row.line());
        }
    }
}

// === impl Row ===

impl Row {
    /// Times of ours.
    pub(super) fn times(name: &str, ours: &Samples) -> Self {
        Self::new(name, "ms", ours, Better::Lower)
    }

    /// Numbers of ours.
    pub(super) fn new(name: &str, unit: &'static str, ours: &Samples, better: Better) -> Self {
        Self {
            name: name.to_owned(),
            unit,
            ours: Figure::of(ours, better),
            peer: None,
            ratio: None,
            raw: [("ours".to_owned(), ours.clone())].into(),
        }
    }

    /// Adds the times of somebody else.
    pub(super) fn beside(mut self, name: &str, peer: &Samples) -> Self {
        let figure = Figure::of(peer, Better::Lower);
        if self.ours.p50 > 0.0 {
            self.ratio = Some((figure.p50 / self.ours.p50 * 100.0).round() / 100.0);
        }
        self.peer = Some(Peer {
            name: name.to_owned(),
            figure,
        });
        self.also("peer", peer)
    }

    /// Adds raw numbers that explain the others.
    pub(super) fn also(mut self, name: &str, numbers: &Samples) -> Self {
        self.raw.insert(name.to_owned(), numbers.clone());
        self
    }

    fn line(&self) -> String {
        let ours = &self.ours;
        let line = format!(
            "{:<26} {:<9} {:>9.3} {:>9.3} {:>6}",
            self.name, self.unit, ours.p50, ours.p99, ours.n
        );
        let Some(peer) = &self.peer else {
            return line;
        };
        let ratio = self.ratio.unwrap_or_default();
        let (p50, p99) = (peer.figure.p50, peer.figure.p99);
        format!("{line} {p50:>9.3} {p99:>9.3} {ratio:>7.2}  {}", peer.name)
    }
}

// === impl Figure ===

impl Figure {
    fn of(samples: &Samples, better: Better) -> Self {
        Self {
            p50: samples.percentile(50, better),
            p99: samples.percentile(99, better),
            n: samples.count(),
        }
    }
}

// === impl Machine ===

impl Machine {
    fn this() -> Result<Self> {
        let field = |file: &str, name: &str| -> Result<String> {
            let text = fs::read_to_string(file).with_context(|| file.to_owned())?;
            let mut lines = text.lines();
            let value = lines.find_map(|line| line.strip_prefix(name)?.trim().strip_prefix(':'));
            Ok(value.unwrap_or_default().trim().to_owned())
        };
        let memory = field("/proc/meminfo", "MemTotal")?;
        let kilobytes = memory.split(' ').next().and_then(|text| text.parse().ok());
        Ok(Self {
            cpu: field("/proc/cpuinfo", "model name")?,
            cores: std::thread::available_parallelism()?.get(),
            memory_mib: kilobytes.unwrap_or(0_u64).div_euclid(1024),
            kernel: fs::read_to_string("/proc/sys/kernel/osrelease")?
                .trim()
                .to_owned(),
            date: process::output(&mut process::words("date -u +%FT%TZ"))?
                .trim()
                .to_owned(),
            load: vec![load()?],
        })
    }
}

fn load() -> Result<String> {
    let text = fs::read_to_string("/proc/loadavg")?;
    Ok(text.split(' ').take(3).collect::<Vec<_>>().join(" "))
}

fn versions() -> Result<BTreeMap<&'static str, String>> {
    let mut git = process::words("git describe --always --dirty");
    // A tree without its history has no name.
    let commit = process::output(git.current_dir(layout::tree())).unwrap_or_default();
    let ours = format!("{} {}", env!("CARGO_PKG_VERSION"), commit.trim());
    Ok([
        ("landfall", ours.trim().to_owned()),
        ("kubernetes", version::KUBERNETES.to_owned()),
        ("plugins", version::PLUGINS.to_owned()),
        ("plugins-debian", debian()?),
    ]
    .into())
}

/// The distribution's plugins do not know their own version.
fn debian() -> Result<String> {
    let mut dpkg = process::words("dpkg-query --show --showformat ${Version}");
    process::output(dpkg.arg("containernetworking-plugins"))
}
