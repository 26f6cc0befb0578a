//! Writes and reads of node objects.

use std::{
    collections::{BTreeMap, BTreeSet},
    pin::Pin,
};

use kube::ResourceExt as _;
use landfall_core::{
    id::Name,
    ledger::{Millis, Write, view::NodeSpec},
};
use landfall_crds::node::{LandfallNode, LandfallNodeSpec};

use super::{Failure, Shell, backoff::Target};
use crate::{
    events::{Notice, Regarding},
    world::{NodeWrite, refusal},
};

/// A request about a node object, and its answer.
pub(super) struct NodeDone {
    pub(super) name: Name,
    verb: &'static str,
    result: Result<LandfallNode, Failure>,
}

pub(super) type NodeJob = Pin<Box<dyn Future<Output = NodeDone> + Send>>;

// === impl Shell ===

impl Shell {
    /// Sends what brings node objects up to date: the decision's, and for nodes whose networks or identity
    /// changed. Returns how many.
    pub(super) fn send_nodes(&mut self, writes: Vec<Write>, now: Millis) -> usize {
        let decided: BTreeMap<Name, NodeSpec> = writes
            .into_iter()
            .filter_map(|write| match write {
                Write::Node { name, spec } => Some((name, spec)),
                Write::CreateBlock(_)
                | Write::Block(_)
                | Write::ReadBlock(_)
                | Write::ReadNode(_)
                | Write::ReadEvidence(_)
                | Write::ReadRestore
                | Write::Adopted(_) => None,
            })
            .collect();
        let mut names: BTreeSet<Name> = decided.keys().cloned().collect();
        names.extend(self.world.take_stale_nodes());
        let mut sent = 0;
        for name in names {
            let is_free = !self.lane.has(&name);
            if !is_free || !self.backoff.allows(&Target::Node(name.clone()), now) {
                self.world.retry_node(name);
                continue;
            }
            let Some(write) = self.world.node_write(&name, decided.get(&name)) else {
                continue;
            };
            let notices = [identity_restored(&write), refusal(&write)];
            for notice in notices.into_iter().flatten() {
                self.events.tell(notice);
            }
            let (ledger, of) = (self.ledger.clone(), name.clone());
            let job = Box::pin(async move {
                NodeDone {
                    result: ledger.write_node(write).await,
                    verb: "write",
                    name,
                }
            });
            self.lane.send(of, job);
            sent += 1;
        }
        sent
    }

    /// Reads a node object with quorum.
    pub(super) fn read_node(&mut self, name: Name, now: Millis) -> Option<NodeJob> {
        // Known to be unreadable: the watch tells when that has changed.
        if self.world.is_unread_node(&name) {
            return None;
        }
        if !self.backoff.allows(&Target::Node(name.clone()), now) {
            self.world.doubts.nodes.insert(name);
            return None;
        }
        let ledger = self.ledger.clone();
        Some(Box::pin(async move {
            NodeDone {
                result: ledger.node(name.as_str()).await,
                verb: "read",
                name,
            }
        }))
    }

    /// Takes an answer into the world. Returns whether it is the object.
    pub(super) fn take_node(&mut self, done: NodeDone) -> bool {
        let NodeDone { name, verb, result } = done;
        let now = (self.clock)();
        self.metrics.request("LandfallNode", verb, &result);
        let target = Target::Node(name.clone());
        match result {
            Ok(object) => {
                // A read says nothing of whether writes go through.
                if verb == "write" {
                    self.backoff.succeeded(&target);
                }
                self.world.put_node_object(object);
                return true;
            }
            Err(Failure::Gone) => self.world.drop_node_object(&name),
            Err(error @ (Failure::Lost(_) | Failure::Exists)) => {
                if self.backoff.lost(target, now) {
                    tracing::warn!(node = %name, %error, "a LandfallNode is lost again and again");
                }
                self.world.doubt_node(name);
            }
            Err(Failure::NotLeading(_)) => self.world.retry_node(name),
            Err(Failure::Refused(why)) => {
                tracing::warn!(node = %name, verb, why, "a LandfallNode request is refused");
                self.tell_refused("LandfallNode", name.as_str(), &why);
                self.backoff.failed(target, now);
                self.world.doubt_node(name);
            }
            Err(error @ (Failure::Silence | Failure::Answer(_) | Failure::Api(_))) => {
                tracing::warn!(node = %name, verb, %error, "a LandfallNode request failed");
                self.backoff.failed(target, now);
                self.world.doubt_node(name);
            }
        }
        false
    }
}

/// An object that lists grants never changes its machine, unless that was edited by hand.
fn identity_restored(write: &NodeWrite) -> Option<Notice> {
    let NodeWrite::Spec { before, spec } = write else {
        return None;
    };
    let (old, new) = (&before.spec.node, &spec.node);
    let lists = |spec: &LandfallNodeSpec| !(spec.grants.is_empty() && spec.recalls.is_empty());
    if old.machine_id == new.machine_id || !lists(&before.spec) {
        return None;
    }
    let name = before.name_any();
    let message = format!(
        "LandfallNode {name}: spec.node.machineID {} is not the machine of the Node, to which the \
         ledger has granted all that is listed; it is {} again",
        old.machine_id, new.machine_id
    );
    let uid = before.metadata.uid.clone();
    let about = Regarding::ours("LandfallNode", &name, uid);
    Some(Notice::repaired(about, &message))
}
