//! Writes and reads of blocks.

use std::{
    collections::{BTreeMap, BTreeSet},
    pin::Pin,
};

use kube::ResourceExt as _;
use landfall_core::{
    id::{Name, Uid},
    ledger::{
        BlockId, Millis, Write,
        fresh::{Seen, Tick},
        rebuild::rebuild,
        view::NodeView,
    },
};
use landfall_crds::{block::AddressBlock, node::LandfallNode};

use super::{Failure, Shell, backoff::Target};
use crate::{
    convert,
    events::{Notice, Regarding},
    world::name_of,
};

/// A request about a block, and its answer.
pub(super) struct BlockDone {
    id: BlockId,
    verb: &'static str,
    /// When the request began.
    at: Tick,
    result: Result<AddressBlock, Failure>,
}

pub(super) type BlockJob = Pin<Box<dyn Future<Output = BlockDone> + Send>>;

// === impl Shell ===

impl Shell {
    /// The requests for a decision's writes and reads of blocks.
    pub(super) fn block_jobs(&mut self, writes: Vec<Write>, now: Millis) -> Vec<BlockJob> {
        let mut jobs: Vec<BlockJob> = Vec::new();
        let written: BTreeSet<BlockId> = writes
            .iter()
            .filter_map(|write| {
                let Write::Block(block) = write else {
                    return None;
                };
                Some(block.id.clone())
            })
            .collect();
        for (id, object) in self.world.ended_blocks(&written) {
            if self.backoff.allows(&Target::Block(id.clone()), now) {
                jobs.push(self.block_write(id, object));
            }
        }
        for object in self.world.forsaken_blocks(&written) {
            let id = convert::block::id(&object);
            if self.backoff.allows(&Target::Block(id.clone()), now) {
                jobs.push(self.block_deletion(id, object));
            }
        }
        for write in writes {
            match write {
                Write::Block(block) => {
                    if !self.backoff.allows(&Target::Block(block.id.clone()), now) {
                        continue;
                    }
                    let object = convert::block::write(&block, self.world.block_object(&block.id));
                    jobs.push(self.block_write(block.id, object));
                }
                Write::ReadBlock(id) => jobs.extend(self.read_block(id, now)),
                Write::CreateBlock(_)
                | Write::Node { .. }
                | Write::ReadNode(_)
                | Write::ReadEvidence(_)
                | Write::ReadRestore
                | Write::Adopted(_) => {}
            }
        }
        jobs
    }

    fn block_write(&mut self, id: BlockId, object: AddressBlock) -> BlockJob {
        let (ledger, at) = (self.ledger.clone(), self.world.tick());
        Box::pin(async move {
            let result = ledger.write_block(object).await;
            BlockDone {
                id,
                verb: "write",
                at,
                result,
            }
        })
    }

    /// Deletes a block, if it is still the version that was seen. Our finalizer keeps it until it was
    /// seen once more that nothing is held in it.
    fn block_deletion(&mut self, id: BlockId, object: AddressBlock) -> BlockJob {
        let (ledger, at) = (self.ledger.clone(), self.world.tick());
        Box::pin(async move {
            BlockDone {
                result: ledger.delete_block(&object).await,
                id,
                verb: "delete",
                at,
            }
        })
    }

    /// Reads a block with quorum.
    pub(super) fn read_block(&mut self, id: BlockId, now: Millis) -> Option<BlockJob> {
        // Known to be unreadable: the watch tells when that has changed.
        if self.world.is_unread_block(&id) {
            return None;
        }
        if !self.backoff.allows(&Target::Block(id.clone()), now) {
            self.world.doubts.blocks.insert(id);
            return None;
        }
        let (ledger, at) = (self.ledger.clone(), self.world.tick());
        Some(Box::pin(async move {
            let result = ledger.block(&id.object_name()).await;
            BlockDone {
                id,
                verb: "read",
                at,
                result,
            }
        }))
    }

    /// Makes blocks, all under one new epoch, with what the nodes hold in them and claims keep.
    ///
    /// The epoch is drawn first and the nodes are listed after it, so a seq of an earlier epoch that
    /// a node still has is below it.
    pub(super) async fn create_blocks(&mut self, ids: Vec<BlockId>) -> bool {
        let now = (self.clock)();
        let allowed = |id: &BlockId| self.backoff.allows(&Target::Block(id.clone()), now);
        let ids: Vec<BlockId> = ids.into_iter().filter(allowed).collect();
        if ids.is_empty() {
            return false;
        }
        let at = self.world.tick();
        let results = match self.rebuilt(&ids, now).await {
            Ok(objects) => self.ledger.create_blocks(objects).await,
            Err(error) => {
                tracing::warn!(%error, "new AddressBlocks can't be made");
                for id in ids {
                    self.backoff.failed(Target::Block(id), now);
                }
                return false;
            }
        };
        for (object, result) in results {
            let held = object.spec.entries.len();
            if let Ok(made) = result.as_ref()
                && held > 0
            {
                self.events.tell(made_anew(made, held));
            }
            self.take_block(BlockDone {
                id: convert::block::id(&object),
                verb: "create",
                at,
                result,
            });
        }
        true
    }

    async fn rebuilt(
        &mut self,
        ids: &[BlockId],
        now: Millis,
    ) -> Result<Vec<AddressBlock>, Failure> {
        if !self.world.view.unread.nodes.is_empty() {
            return Err(Failure::Answer(
                "a LandfallNode that can't be read: what it holds is not known",
            ));
        }
        let (epoch, restore) = self.ledger.draw_epoch().await?;
        // A block of this epoch would pass for one that was rewritten after that restore.
        if restore.epoch != self.world.view.restore.epoch {
            self.world.put_restore(restore);
            return Err(Failure::Answer(
                "a restore of etcd that was announced meanwhile",
            ));
        }
        let nodes = self.ledger.list_nodes().await?;
        let nodes: BTreeMap<Name, NodeView> = nodes.iter().map(held_by).collect();
        // The list is the read itself: it is as fresh as the order of reads asks.
        let nodes = Seen::quorum(nodes, Tick(1));
        let Some(nodes) = nodes.quorum_after(Tick(0)) else {
            return Ok(Vec::new());
        };
        let networks = self.world.view.networks.iter();
        let segments: BTreeMap<Uid, Name> = networks
            .map(|(uid, network)| (*uid, network.network.segment.clone()))
            .collect();
        let claims = self.ledger.list_claims().await?;
        if claims.iter().any(|claim| claim.fault.is_some()) {
            return Err(Failure::Answer(
                "an AddressClaim that can't be read: what it keeps is not known",
            ));
        }
        let claims = Seen::quorum(self.world.named_by_claims(&claims), Tick(1));
        let Some(claims) = claims.quorum_after(Tick(0)) else {
            return Ok(Vec::new());
        };
        let claims = claims.map(Vec::as_slice);
        let blocks = ids.iter().cloned();
        Ok(blocks
            .map(|id| rebuild(id, epoch, now, nodes, claims, &segments))
            .map(|block| convert::block::write(&block, None))
            .collect())
    }

    /// Takes an answer into the world.
    pub(super) fn take_block(&mut self, done: BlockDone) {
        let BlockDone {
            id,
            verb,
            at,
            result,
        } = done;
        let now = (self.clock)();
        self.metrics.request("AddressBlock", verb, &result);
        let target = Target::Block(id.clone());
        match result {
            Ok(object) => {
                if verb != "read" {
                    self.backoff.succeeded(&target);
                }
                self.world.put_block(object, Some(at));
            }
            Err(Failure::Gone) => self.world.drop_block(&id),
            Err(error @ (Failure::Lost(_) | Failure::Exists)) => {
                if self.backoff.lost(target, now) {
                    let block = id.object_name();
                    tracing::warn!(block, %error, "an AddressBlock is lost again and again");
                }
                self.world.doubts.blocks.insert(id);
            }
            Err(Failure::NotLeading(_)) => {}
            Err(Failure::Refused(why)) => {
                let block = id.object_name();
                tracing::warn!(block, verb, why, "an AddressBlock request is refused");
                self.tell_refused("AddressBlock", &block, &why);
                self.backoff.failed(target, now);
                self.world.doubts.blocks.insert(id);
            }
            Err(error @ (Failure::Silence | Failure::Answer(_) | Failure::Api(_))) => {
                let block = id.object_name();
                tracing::warn!(block, verb, %error, "an AddressBlock request failed");
                self.backoff.failed(target, now);
                self.world.doubts.blocks.insert(id);
            }
        }
    }
}

fn made_anew(object: &AddressBlock, held: usize) -> Notice {
    let (name, uid) = (object.name_any(), object.metadata.uid.clone());
    let message = format!(
        "AddressBlock {name} was gone; it is made anew with what nodes hold of it, {held} addresses"
    );
    Notice::repaired(Regarding::ours("AddressBlock", &name, uid), &message)
}

/// What a node object holds, for a block that is made anew.
fn held_by(object: &LandfallNode) -> (Name, NodeView) {
    let spec = &object.spec;
    let status = object.status.as_ref();
    let view = NodeView::of_object(
        spec.node.uid,
        spec.node.machine_id,
        convert::node::read_spec(spec),
        status.map(convert::node::read_status).unwrap_or_default(),
    );
    (name_of(object), view)
}
