//! At rest: what books, agents and kernels say of each other once everything is healed.

use std::{
    collections::BTreeSet,
    net::IpAddr,
    sync::atomic::Ordering,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Result, bail};
use landfall_tests::truth::{Books, Live};

use super::{
    life::Attached,
    operators, rig, sampler,
    world::{World, lock},
};
use crate::{process, stage::kube::OURS};

/// Two looks of an agent's sweep, and the reuse delay.
const LIMIT: Duration = Duration::from_secs(120);
const PAUSE: Duration = Duration::from_secs(1);

/// An address that a pod was given and has.
struct Wanted {
    node: String,
    address: IpAddr,
    /// Its agent has had its records ever since.
    is_recorded: bool,
}

/// Waits until nothing contradicts anything. Fails with what still does, and its history.
pub(super) fn wait(world: &World, kept: &[Attached]) -> Result<Duration> {
    let start = Instant::now();
    loop {
        let findings = findings(world, kept)?;
        if findings.is_empty() {
            return Ok(start.elapsed());
        }
        if start.elapsed() > LIMIT {
            bail!(
                "not at rest after {} s:{}",
                LIMIT.as_secs(),
                told(world, &findings)
            );
        }
        thread::sleep(PAUSE);
    }
}

/// All that should not be so.
fn findings(world: &World, kept: &[Attached]) -> Result<Vec<String>> {
    sampler::round(world)?;
    let history = world.history();
    let mut findings: Vec<_> = history.findings().iter().map(ToString::to_string).collect();
    drop(history);
    // The kernels first: what they show was held before, and what they show no longer may be gone from
    // the books.
    let live = live(world)?;
    let books = books(world)?;
    findings.extend(contradictions(&wanted(world, kept)?, &books, &live));
    for node in &world.nodes {
        let links = format!("ip -n {} -o link show type macvlan", rig::netns(&node.name));
        let links = process::output(&mut process::words(&links))?;
        let links = links
            .lines()
            .map(|line| format!("{}: left: {line}", node.name));
        findings.extend(links);
    }
    match operators::audited() {
        None => findings.push("no operator leads".to_owned()),
        Some(audited) => findings.extend(audited),
    }
    Ok(findings)
}

/// What must be attached, as those know who attached it.
fn wanted(world: &World, kept: &[Attached]) -> Result<Vec<Wanted>> {
    let mut wanted = Vec::new();
    for one in kept {
        let node = world.node(one.pod.node)?;
        // What an agent has lost its record of it serves no more: it is only kept from others.
        let is_recorded = one.losses == node.losses.load(Ordering::SeqCst);
        wanted.extend(one.addresses.iter().map(|address| Wanted {
            node: node.name.clone(),
            address: *address,
            is_recorded,
        }));
    }
    Ok(wanted)
}

fn live(world: &World) -> Result<Vec<Live>> {
    let sandboxes: Vec<_> = lock(&world.sandboxes).values().cloned().collect();
    let look = sampler::look(&sandboxes)?;
    let mut live = Vec::new();
    for sandbox in &sandboxes {
        let node = world.node(sandbox.node)?.name.clone();
        for address in look.get(&sandbox.id).into_iter().flatten() {
            live.push(Live {
                node: node.clone(),
                netns: sandbox.id,
                interface: "net1".to_owned(),
                kind: "macvlan".to_owned(),
                address: *address,
            });
        }
    }
    Ok(live)
}

fn books(world: &World) -> Result<Books> {
    let mut books = Books::default();
    for block in world.kube.items(&format!("{OURS}/addressblocks"))? {
        books.block(&block)?;
    }
    for node in world.kube.items(&format!("{OURS}/landfallnodes"))? {
        books.node(&node)?;
    }
    for pod in world.kube.items("/api/v1/pods")? {
        books.pod(&pod);
    }
    Ok(books)
}

/// Sentences, each with the history of the address it is about.
pub(super) fn told(world: &World, findings: &[String]) -> String {
    let history = world.history();
    let told = findings.iter().map(|finding| {
        let words = finding.split(|c: char| !c.is_ascii_hexdigit() && c != '.' && c != ':');
        let mut words = words.map(|word| word.trim_matches(['.', ':']));
        let address = words.find_map(|word| word.parse::<IpAddr>().ok());
        let history = address.map(|address| history.of(address));
        format!("\n* {finding}\n{}", history.unwrap_or_default())
    });
    told.collect()
}

/// What is attached is what is held, what is in the kernels, and what agents know.
fn contradictions(wanted: &[Wanted], books: &Books, live: &[Live]) -> Vec<String> {
    let mut findings = books.findings(live);
    let given: BTreeSet<_> = wanted.iter().map(|one| one.address).collect();
    let held: BTreeSet<_> = books.held.iter().map(|line| line.address).collect();
    let shown: BTreeSet<_> = live.iter().map(|one| one.address).collect();
    for (what, seen) in [("the ledger", &held), ("a kernel", &shown)] {
        let missing = given.difference(seen);
        findings.extend(missing.map(|address| format!("a pod has {address}, and not {what}")));
        let left = seen.difference(&given);
        findings.extend(left.map(|address| format!("no pod has {address}, but {what}")));
    }
    for one in wanted.iter().filter(|one| one.is_recorded) {
        let mut known = books.attached.iter();
        if !known.any(|line| line.address == one.address && line.node == one.node) {
            findings.push(format!("{} has no record of {}", one.node, one.address));
        }
    }
    findings
}

#[cfg(test)]
mod tests;
