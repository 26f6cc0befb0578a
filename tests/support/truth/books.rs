//! What the ledger and the nodes' objects hold, against the pods that are live and what kernels show.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
};

use anyhow::{Context, Result};
use serde_json::Value;

use super::Live;
use crate::{cluster::Cluster, pod::text};

/// Kubelet's own identity of a static pod, which is the one that the runtime knows.
const MIRROR: &str = "/metadata/annotations/kubernetes.io~1config.mirror";

/// A line of the ledger or of a node's object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// The object and the place in it.
    pub place: String,
    /// The node that holds the address.
    pub node: String,
    /// The address.
    pub address: IpAddr,
    /// The owner's UID, where the line says it.
    pub owner: Option<String>,
}

/// All that matters, read once.
#[derive(Debug, Default)]
pub struct Books {
    /// Entries of the ledger that a node holds.
    pub held: Vec<Line>,
    /// Grants in nodes' objects.
    pub granted: Vec<Line>,
    /// What agents say is attached.
    pub attached: Vec<Line>,
    /// Recalls and releases: gone at rest, but for a recall whose address is still in a sandbox.
    pub passing: Vec<Line>,
    /// The UIDs of pods that are not at their end, and their nodes.
    pub pods: BTreeMap<String, String>,
}

// === impl Books ===

impl Books {
    /// Pods last: a pod that has come since is not missed.
    pub fn read(cluster: &Cluster, is_ours: impl Fn(IpAddr) -> bool) -> Result<Self> {
        let mut books = Self::default();
        for block in cluster.items(&["addressblocks"])? {
            books.block(&block)?;
        }
        for node in cluster.items(&["landfallnodes"])? {
            books.node(&node)?;
        }
        for pod in cluster.items(&["pods", "-A"])? {
            books.pod(&pod);
        }
        let Self {
            held,
            granted,
            attached,
            passing,
            ..
        } = &mut books;
        for lines in [held, granted, attached, passing] {
            lines.retain(|line| is_ours(line.address));
        }
        Ok(books)
    }

    /// Adds the entries of an AddressBlock that a node holds.
    pub fn block(&mut self, block: &Value) -> Result<()> {
        let entries = block.pointer("/spec/entries").and_then(Value::as_object);
        for (address, entry) in entries.into_iter().flatten() {
            let state = text(entry, "/state");
            // Nobody can use these; the rest is held, or on its way to a node.
            if ["Cooling", "Claimed", "Foreign"].contains(&state) {
                continue;
            }
            let owner = Some(text(entry, "/owner")).filter(|owner| !owner.is_empty());
            self.held.push(Line {
                place: format!("{} {state}", text(block, "/metadata/name")),
                node: text(entry, "/node").to_owned(),
                address: address.parse().with_context(|| address.clone())?,
                owner: owner.map(str::to_owned),
            });
        }
        Ok(())
    }

    /// Adds what a LandfallNode lists.
    pub fn node(&mut self, node: &Value) -> Result<()> {
        let name = text(node, "/metadata/name");
        for place in [
            "/spec/grants",
            "/spec/fenced",
            "/spec/recalls",
            "/status/attached",
            "/status/released",
        ] {
            let lines = match place {
                "/spec/grants" | "/spec/fenced" => &mut self.granted,
                "/status/attached" => &mut self.attached,
                _ => &mut self.passing,
            };
            let list = node.pointer(place).and_then(Value::as_array);
            for entry in list.into_iter().flatten() {
                // A grant without an address holds nothing.
                let address = text(entry, "/address");
                if address.is_empty() {
                    continue;
                }
                let owner = Some(text(entry, "/owner")).filter(|owner| !owner.is_empty());
                lines.push(Line {
                    place: format!("{name} {place}"),
                    node: name.to_owned(),
                    address: address.parse().with_context(|| address.to_owned())?,
                    owner: owner.map(str::to_owned),
                });
            }
        }
        Ok(())
    }

    /// Adds a pod, unless it is at its end.
    pub fn pod(&mut self, pod: &Value) {
        if ["Succeeded", "Failed"].contains(&text(pod, "/status/phase")) {
            return;
        }
        let mirrored = text(pod, MIRROR);
        let uid = text(pod, "/metadata/uid");
        // Kubelet's hash is a UID without its dashes.
        let uid = if mirrored.is_empty() { uid } else { mirrored };
        let node = text(pod, "/spec/nodeName");
        self.pods.insert(plain(uid), node.to_owned());
    }

    /// What should not be so at rest, each as a sentence.
    pub fn findings(&self, live: &[Live]) -> Vec<String> {
        let attachments = live.iter().filter(|one| one.is_attachment());
        let in_kernel: BTreeSet<_> = attachments
            .map(|one| (one.node.as_str(), one.address))
            .collect();
        let is_live = |line: &Line| in_kernel.contains(&(line.node.as_str(), line.address));
        let is_wanted = |line: &&Line| {
            let node = line
                .owner
                .as_ref()
                .and_then(|uid| self.pods.get(&plain(uid)));
            node == Some(&line.node) || is_live(line)
        };
        let mut findings = Vec::new();
        for line in self.held.iter().chain(&self.granted) {
            if !is_wanted(&line) {
                findings.push(format!("no sandbox and no live pod: {line:?}"));
            }
        }
        for line in self.attached.iter().filter(|line| !is_live(line)) {
            findings.push(format!("attached, but not in the kernel: {line:?}"));
        }
        let released = |line: &&Line| line.place.ends_with("released") || !is_live(line);
        for line in self.passing.iter().filter(released) {
            findings.push(format!("not finished: {line:?}"));
        }
        let held: BTreeSet<_> = self
            .held
            .iter()
            .map(|line| (line.node.as_str(), line.address))
            .collect();
        for (node, address) in in_kernel.difference(&held) {
            findings.push(format!(
                "{address} is in a sandbox of {node}, and not held for it"
            ));
        }
        findings
    }
}

fn plain(uid: &str) -> String {
    uid.replace('-', "")
}
