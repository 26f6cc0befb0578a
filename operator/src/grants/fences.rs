//! The reads that closing a fence waits for: the node object, then the Node, both with quorum.

use landfall_core::{
    id::Name,
    ledger::{Millis, Write, view::Evidence},
};

use super::{Failure, Shell};
use crate::{nodes::NodeFacts, world::reclaimed};

// === impl Shell ===

impl Shell {
    /// Does the reads of a decision that fences ask for, each kind after the one before: an earlier
    /// answer to a later question would prove nothing. Returns whether something was read.
    pub(super) async fn read_for_fences(&mut self, writes: Vec<Write>, now: Millis) -> bool {
        let mut done = false;
        let mut evidence = Vec::new();
        for write in writes {
            match write {
                Write::ReadNode(name) => {
                    let at = self.world.tick();
                    let Some(job) = self.read_node(name.clone(), now) else {
                        continue;
                    };
                    let answer = job.await;
                    if self.take_node(answer) {
                        self.world.confirm_node_object(&name, at);
                        done = true;
                    }
                }
                Write::ReadEvidence(name) => evidence.push(name),
                Write::Node { .. }
                | Write::CreateBlock(_)
                | Write::Block(_)
                | Write::ReadBlock(_)
                | Write::ReadRestore
                | Write::Adopted(_) => {}
            }
        }
        for name in evidence {
            done |= self.read_evidence(name, now).await;
        }
        done
    }

    /// What a user says stands on the node object, all else on the Node.
    async fn read_evidence(&mut self, name: Name, now: Millis) -> bool {
        let at = self.world.tick();
        let Some(object) = self.read_node(name.clone(), now) else {
            return false;
        };
        let answer = object.await;
        if !self.take_node(answer) {
            return false;
        }
        let reclaimed = self.world.node_object(&name).and_then(reclaimed);
        let result = self.ledger.kubernetes_node(name.as_str()).await;
        self.metrics.request("Node", "read", &result);
        let evidence = match result {
            Ok(node) => NodeFacts::of(node).evidence,
            Err(Failure::Gone) => Evidence::default(),
            Err(error) => {
                tracing::warn!(node = %name, %error, "a Node could not be read");
                return false;
            }
        };
        let evidence = Evidence {
            reclaimed,
            ..evidence
        };
        self.world.put_evidence(&name, evidence, at);
        true
    }
}
