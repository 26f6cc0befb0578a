//! An operator's requests, and what their answers change.

use std::collections::{BTreeMap, BTreeSet};

use landfall_core::{
    id::{Name, Uid},
    ledger::{
        Block, BlockId,
        fresh::{Seen, Tick},
        rebuild,
        view::NodeView,
    },
};

use super::Operator;
use crate::{
    api::{Answer, BlockObject, NodeObject, Request},
    dice::Dice,
    server::Refusal,
    site::{Failure, Site},
};

/// A request, with the moment in the operator's order of reads at which it began.
#[derive(Debug)]
pub(crate) enum Job {
    /// Read a node object.
    ReadNode(Name),
    /// Read a node object, and note that it was read: a fence waits for it.
    ConfirmNode(Name),
    /// Read a node object and a Node, for what they say of the machine being off: a fence waits for it.
    ReadEvidence(Name),
    /// Read the Node, after the node object.
    ReadKubeNode(Name, Tick),
    /// Read a block.
    ReadBlock(BlockId, Tick),
    /// Write a node object.
    WriteNode(Name, Request),
    /// Replace a block.
    WriteBlock(BlockId, Tick, BlockObject),
    /// Draw an epoch for new blocks.
    DrawEpoch(Vec<BlockId>, Tick),
    /// List what the nodes hold, after the epoch was drawn.
    ListNodes(Vec<BlockId>, u64, Tick),
    /// Make a block.
    CreateBlock(Block, Tick),
    /// List claims: whether these are gone.
    ListClaims(BTreeSet<Uid>),
    /// Write a claim.
    WriteClaim(Request),
    /// Read what is known of restores of etcd.
    ReadRestore,
    /// Note that the ledger is rewritten.
    NoteAdopted(u64),
}

// === impl Job ===

impl Job {
    pub(crate) fn read_node(name: Name) -> Self {
        Self::ReadNode(name)
    }
}

// === impl Operator ===

impl Operator {
    /// Sends a request and takes the answer.
    pub(crate) fn run(&mut self, job: Job, site: &mut Site, dice: &mut Dice) {
        site.trace
            .line(|| format!("operator {}: {}", self.number, name_of(&job)));
        match job {
            Job::ReadNode(name) => {
                let answer = read_node(&name, site, dice);
                self.take_node(name, answer);
            }
            Job::ConfirmNode(name) => {
                let at = self.tick();
                let answer = read_node(&name, site, dice);
                let found = answer.is_ok();
                self.take_node(name.clone(), answer);
                if found && let Some(node) = self.view.nodes.get_mut(&name) {
                    node.read_at = Some(at);
                }
            }
            Job::ReadEvidence(name) => self.read_evidence(name, site, dice),
            Job::ReadKubeNode(name, at) => self.read_kube_node(&name, at, site, dice),
            Job::ReadBlock(id, at) => {
                let answer = read_block(&id, site, dice);
                self.take_block(id, at, answer);
            }
            Job::WriteNode(name, request) => {
                let answer = site.send(request, dice);
                self.take_node(name, answer);
            }
            Job::WriteBlock(id, at, object) => {
                let answer = site.send(Request::ReplaceBlock(object), dice);
                self.take_block(id, at, answer);
            }
            Job::DrawEpoch(ids, at) => {
                site.api.requests += 1;
                // An epoch is lost if its reply is; nothing else happens to it.
                if site.fails(dice).is_none()
                    && let Some(epoch) = self.draw_epoch(site)
                {
                    self.jobs.push(Job::ListNodes(ids, epoch, at));
                }
            }
            Job::ListNodes(ids, epoch, at) => self.list_nodes((ids, epoch), at, site, dice),
            Job::CreateBlock(block, at) => {
                let id = block.id.clone();
                let answer = site.send(Request::CreateBlock(block), dice);
                self.take_block(id, at, answer);
            }
            Job::ListClaims(unknown) => {
                site.api.requests += 1;
                if site.fails(dice).is_none() {
                    self.look_for_claims(&unknown, site);
                }
            }
            Job::ReadRestore => self.read_restore(site, dice),
            Job::NoteAdopted(epoch) => self.note_adopted(epoch, site, dice),
            // What it has come to is seen by the watch, and it is written again if need be.
            Job::WriteClaim(request) => match site.send(request, dice) {
                Ok(_) | Err(_) => {}
            },
        }
    }

    fn list_nodes(
        &mut self,
        (ids, epoch): (Vec<BlockId>, u64),
        at: Tick,
        site: &mut Site,
        dice: &mut Dice,
    ) {
        site.api.requests += 1;
        if site.fails(dice).is_none() {
            let blocks = self.rebuilt(ids, epoch, site);
            let jobs = blocks.into_iter().map(|block| Job::CreateBlock(block, at));
            self.jobs.extend(jobs);
        }
    }

    fn rebuilt(&self, ids: Vec<BlockId>, epoch: u64, site: &Site) -> Vec<Block> {
        let nodes = site.api.nodes.all().map(|object| held_by(object));
        let nodes: BTreeMap<Name, NodeView> = nodes.collect();
        let nodes = Seen::quorum(nodes, Tick(1));
        let Some(nodes) = nodes.quorum_after(Tick(0)) else {
            return Vec::new();
        };
        let claims = Seen::quorum(Self::named_by_claims(site), Tick(1));
        let Some(claims) = claims.quorum_after(Tick(0)) else {
            return Vec::new();
        };
        let claims = claims.map(Vec::as_slice);
        let networks = self.view.networks.iter();
        let segments: BTreeMap<Uid, Name> = networks
            .map(|(uid, network)| (*uid, network.network.segment.clone()))
            .collect();
        let ids = ids.into_iter();
        ids.map(|id| rebuild::rebuild(id, epoch, self.view.now, nodes, claims, &segments))
            .collect()
    }

    pub(super) fn take_node(&mut self, name: Name, answer: Result<Answer, Failure>) {
        match answer {
            Ok(Answer::Node(object)) => self.put_object(&object),
            Ok(Answer::Deleted | Answer::Block(_) | Answer::Claim | Answer::Restore(_))
            | Err(Failure::Refused(Refusal::NotFound)) => {
                self.drop_object(&name);
            }
            Err(Failure::Unknown | Failure::Refused(_)) => {
                self.stale_nodes.insert(name.clone());
                self.doubted_nodes.insert(name);
            }
        }
    }

    fn take_block(&mut self, id: BlockId, at: Tick, answer: Result<Answer, Failure>) {
        match answer {
            Ok(Answer::Block(object)) => self.put_block(&object, Some(at)),
            Ok(Answer::Deleted | Answer::Node(_) | Answer::Claim | Answer::Restore(_))
            | Err(Failure::Refused(Refusal::NotFound)) => {
                self.drop_block(&id);
            }
            Err(Failure::Unknown | Failure::Refused(_)) => {
                self.doubted_blocks.insert(id);
            }
        }
    }
}

/// A quorum read.
pub(super) fn read_node(name: &Name, site: &mut Site, dice: &mut Dice) -> Result<Answer, Failure> {
    site.api.requests += 1;
    if let Some(failure) = site.fails(dice) {
        return Err(failure);
    }
    let object = site.api.nodes.get(name).cloned();
    let object = object.ok_or(Failure::Refused(Refusal::NotFound))?;
    Ok(Answer::Node(object))
}

/// A quorum read.
fn read_block(id: &BlockId, site: &mut Site, dice: &mut Dice) -> Result<Answer, Failure> {
    site.api.requests += 1;
    if let Some(failure) = site.fails(dice) {
        return Err(failure);
    }
    let object = site.api.blocks.get(id).cloned();
    let object = object.ok_or(Failure::Refused(Refusal::NotFound))?;
    Ok(Answer::Block(object))
}

fn name_of(job: &Job) -> String {
    match job {
        Job::WriteNode(name, _) => format!("writes node object {name}"),
        Job::WriteBlock(id, ..) => format!("writes block {}", id.object_name()),
        Job::ListNodes(..) => "lists node objects".to_owned(),
        other => format!("{other:?}"),
    }
}

/// What a node object holds, for a block that is made anew.
fn held_by(object: &NodeObject) -> (Name, NodeView) {
    let identity = object.spec.identity;
    let view = NodeView::of_object(
        identity.node,
        identity.machine,
        object.spec.protocol.clone(),
        object.status.said.clone(),
    );
    (object.meta.key.clone(), view)
}
