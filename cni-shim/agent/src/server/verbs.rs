//! CHECK, GC and STATUS.

use std::collections::BTreeSet;

use landfall_core::{agent::Phase, id::Name};
use landfall_plugin::{
    spec::{CniError, Code},
    wire::{Attached, Door},
};

use super::Server;
use crate::{check, scan::Scan};

impl Server {
    /// Our records only: a container that has none may be older than the chain. Multus has asked for
    /// what it checks. Says what is there.
    pub(super) async fn check(
        &self,
        container: Name,
        interface: Option<Name>,
    ) -> Result<Vec<Attached>, CniError> {
        let mut records = self.records();
        records.retain(|entry| entry.key.container == container);
        if let Some(interface) = interface {
            records.retain(|entry| {
                entry.key.interface == interface && entry.record.phase == Phase::Active
            });
            if records.is_empty() {
                let msg = format!("interface {interface} of {container} is not attached");
                return Err(CniError::new(Code::UnknownContainer, msg));
            }
        }
        let roots = self.roots.clone();
        let checked = tokio::task::spawn_blocking(move || check::check(&records, &roots)).await;
        match checked {
            Ok(Ok(there)) => Ok(there),
            Ok(Err(wrong)) => Err(CniError::new(Code::NOT_AS_MADE, wrong)),
            Err(error) => Err(CniError::new(Code::Other(100), error)),
        }
    }

    /// By sandbox: the list of a chained call names only the primary interface. A sandbox that is alive
    /// is never touched, whatever the list says: it may be another runtime's.
    pub(super) async fn gc(&self, valid: BTreeSet<Name>) -> Result<(), CniError> {
        let mut records = self.records();
        records.retain(|entry| !valid.contains(&entry.key.container));
        let roots = self.roots.clone();
        let gone = tokio::task::spawn_blocking(move || {
            let scan = Scan::all(&roots)?;
            let is_gone = |cookie| !scan.has(cookie);
            Ok::<BTreeSet<Name>, crate::scan::ScanError>(
                records
                    .into_iter()
                    .filter(|entry| {
                        entry
                            .facts
                            .as_ref()
                            .is_none_or(|facts| is_gone(facts.cookie))
                    })
                    .map(|entry| entry.key.container)
                    .collect(),
            )
        });
        let gone = gone
            .await
            .map_err(|error| CniError::new(Code::Other(100), error))?;
        let gone =
            gone.map_err(|error| CniError::new(Code::Other(100), landfall_link::Chain(&error)))?;
        for container in gone {
            self.del(container, None, None).await?;
        }
        Ok(())
    }

    /// Chained it always succeeds: an error would make the whole node NotReady and evict its pods.
    pub(super) fn status(&self, door: Door) -> Result<(), CniError> {
        let ready = self.published.borrow().ready;
        match door {
            Door::Delegate if !ready => Err(CniError::new(
                Code::NotAvailable,
                "the agent is not ready to serve grants yet",
            )),
            Door::Delegate | Door::Chained => Ok(()),
        }
    }
}
