//! Restores of etcd: what is known of them is read before the first decision, and when a node object
//! shows more.

use landfall_core::ledger::{Write, restore::Halt};

use super::Shell;

// === impl Shell ===

impl Shell {
    /// Reads what is known of restores, if that is in doubt. Returns whether it is known now: nothing is
    /// decided before.
    pub(super) async fn read_restore(&mut self) -> bool {
        if !self.world.due.restore {
            return true;
        }
        let result = self.ledger.restore().await;
        self.metrics.request("ConfigMap", "read", &result);
        match result {
            Ok(restore) => {
                self.world.put_restore(restore);
                true
            }
            Err(error) => {
                tracing::warn!(%error, "the ConfigMap landfall-ledger can't be read; nothing is decided before");
                false
            }
        }
    }

    /// Does what a decision asks for beside node objects and blocks. Returns whether something was done.
    pub(super) async fn go_on_with_restore(&mut self, write: Option<Write>) -> bool {
        let Some(write) = write else {
            return false;
        };
        if let Write::Adopted(epoch) = write {
            return self.note_adopted(epoch).await;
        }
        self.world.due.restore = true;
        true
    }

    /// The ledger has been rewritten, if no block is left that only the caches lack: it may have been made
    /// just before the restore was announced.
    async fn note_adopted(&mut self, epoch: u64) -> bool {
        let at = self.world.tick();
        let listed = self.ledger.list_blocks().await;
        self.metrics.request("AddressBlock", "list", &listed);
        match listed {
            Ok(objects) => {
                for object in objects {
                    self.world.put_block(object, Some(at));
                }
            }
            Err(error) => {
                tracing::warn!(%error, "AddressBlocks can't be listed; the ledger is the backup's before");
                return false;
            }
        }
        let mut blocks = self.world.view.blocks.values();
        if blocks.any(|seen| seen.value.seq.epoch < epoch) {
            return true;
        }
        let result = self.ledger.note_adopted(epoch).await;
        self.metrics.request("ConfigMap", "write", &result);
        match result {
            Ok(restore) => {
                tracing::info!(
                    epoch,
                    "the ledger is rewritten after a restore of etcd; all goes on"
                );
                self.world.put_restore(restore);
                true
            }
            Err(error) => {
                tracing::warn!(%error, "the ConfigMap landfall-ledger can't be written");
                self.world.due.restore = true;
                false
            }
        }
    }

    /// Says, once, what is waited for.
    pub(super) fn tell_halt(&mut self, halt: Option<&Halt>) {
        if self.world.halt.as_ref() == halt {
            return;
        }
        if let Some(halt) = halt {
            tracing::warn!("{}", halt.message);
        }
        self.world.halt = halt.cloned();
    }
}
