//! `pool`: how long pods wait for addresses, with the release operator, a real API server, and nodes that
//! one program plays (`tests/fleet`).

mod control;

use std::{collections::BTreeMap, path::Path};

use anyhow::{Result, ensure};
use clap::ValueEnum;

use super::{
    report::Row,
    samples::{Better, Samples},
};
use crate::{apt, go, install, progress};
use control::Control;

/// Pods of a steady run.
const STEADY: u16 = 600;
/// Nodes, but where more are asked for.
const NODES: &str = "--nodes 50";

/// What the fleet prints.
type Numbers = BTreeMap<String, Samples>;

/// A part of it, each with a network of its own.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Scene {
    /// 1000 pods for 1000 addresses on 50 nodes
    Fill,
    /// 600 pods, 20 a second, with and without networks
    Steady,
    /// A /26 over 50 nodes, with more pods than addresses
    Tight,
    /// 4000 pods on 200 nodes that wait for one network
    Burst,
}

/// Measures all of it, or these scenes; churn for so many seconds.
pub(super) fn measure(scenes: &[Scene], seconds: u32, programs: Option<&Path>) -> Result<Vec<Row>> {
    apt::install()?;
    go::build_control_plane()?;
    let [operator, fleet] = match programs {
        Some(programs) => [programs.to_owned(), programs.to_owned()],
        None => [install::build()?.join("operator"), install::fleet()?],
    };
    let control = progress::step("starting an API server and an operator", Some(15), || {
        Control::start(&operator, &fleet)
    })?;
    let mut rows = Vec::new();
    for scene in Scene::value_variants() {
        if !scenes.is_empty() && !scenes.contains(scene) {
            continue;
        }
        rows.extend(match scene {
            Scene::Fill => fill(&control)?,
            Scene::Steady => steady(&control)?,
            Scene::Tight => tight(&control, seconds)?,
            Scene::Burst => burst(&control)?,
        });
    }
    Ok(rows)
}

fn fill(control: &Control) -> Result<Vec<Row>> {
    let numbers = progress::step("1000 pods for 1000 addresses on 50 nodes", Some(60), || {
        control.play(NODES, "fill --addresses 1000")
    })?;
    let binding = of(&numbers, "binding");
    Ok(vec![
        times("pool/fill", &numbers, "network-part").also("binding", &binding),
        times("pool/fill/each", &numbers, "wait"),
        counts("pool/fill/addresses", &numbers, "addresses"),
        times("pool/fill/end", &numbers, "end"),
    ])
}

/// With and without networks: what is more in etcd's log with them is ours.
fn steady(control: &Control) -> Result<Vec<Row>> {
    let mut bytes = Vec::new();
    let mut waits = Numbers::new();
    for more in [" --plain", ""] {
        let what = format!("{STEADY} pods, 20 a second{more}");
        let before = control.logged()?;
        waits = progress::step(&what, Some(45), || {
            control.play(NODES, &format!("steady --rate 20 --pods {STEADY}{more}"))
        })?;
        let kib = (control.logged()? - before) / 1024.0 / f64::from(STEADY);
        bytes.push(kib);
    }
    let [plain, with] = bytes.as_slice() else {
        return Ok(Vec::new());
    };
    ensure!(with > plain, "etcd's log tells nothing: {bytes:?}");
    let one = |number: f64| {
        let mut samples = Samples::default();
        samples.add(number);
        samples
    };
    let kib = Row::new("pool/etcd", "KiB", &one(with - plain), Better::Lower);
    Ok(vec![
        times("pool/steady", &waits, "wait"),
        kib.also("without networks", &one(*plain)),
    ])
}

fn tight(control: &Control, seconds: u32) -> Result<Vec<Row>> {
    let what = format!("a /26 over 50 nodes, churn for {seconds} s");
    let numbers = progress::step(&what, None, || {
        control.play(NODES, &format!("churn --seconds {seconds}"))
    })?;
    let beside = of(&numbers, "wait-beside-free");
    let mut worst = Samples::default();
    worst.add(beside.percentile(100, Better::Lower));
    Ok(vec![
        counts("pool/tight/placements", &numbers, "placement"),
        counts("pool/tight/addresses", &numbers, "addresses"),
        times("pool/tight/each", &numbers, "wait"),
        times("pool/tight/one-free", &numbers, "wait-beside-free"),
        Row::times("pool/tight/one-free-worst", &worst),
        times("pool/tight/reuse", &numbers, "reuse"),
    ])
}

fn burst(control: &Control) -> Result<Vec<Row>> {
    let numbers = progress::step("4000 pods on 200 nodes wait for a network", None, || {
        control.play("--nodes 200", "burst --pods 4000")
    })?;
    let rate = of(&numbers, "rate");
    Ok(vec![
        Row::new("pool/burst", "grants/s", &rate, Better::Higher),
        times("pool/burst/each", &numbers, "wait"),
    ])
}

fn times(name: &str, numbers: &Numbers, of_what: &str) -> Row {
    Row::times(name, &of(numbers, of_what))
}

fn counts(name: &str, numbers: &Numbers, of_what: &str) -> Row {
    Row::new(name, "used", &of(numbers, of_what), Better::Higher)
}

fn of(numbers: &Numbers, name: &str) -> Samples {
    numbers.get(name).cloned().unwrap_or_default()
}
