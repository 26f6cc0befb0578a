//! An announced restore of etcd, as a node takes part in it (docs/ipam-protocol.md, "Restore").
//!
//! Under a new epoch nothing counts that was granted or released before: the ledger that says so is
//! lost. What counts is what the node has in use, and that is all it says until every address of it has
//! come back as a grant.

use alloc::{borrow::ToOwned, collections::BTreeSet, vec::Vec};
use core::net::IpAddr;

use super::{Durable, Effect, Key, Outcome, Record, Snapshot, Volatile, end::end, step::Agent};
use crate::{
    id::{Name, Seq, Uid},
    ledger::view::{Grant, InUse},
};

/// The own object has a new epoch: the released set is dropped, and what is being attached under the
/// grants of before is taken back. Links that are there stay.
pub(super) fn adopt(agent: &mut Agent<'_>) {
    let Some(epoch) = agent.durable.snapshot.as_ref().map(|s| s.epoch) else {
        return;
    };
    agent.durable.released.retain(|(_, seq)| seq.epoch >= epoch);
    agent.emit(Effect::SaveReleased);
    let owners: Vec<Uid> = agent.volatile.flights.keys().copied().collect();
    for owner in owners {
        let why = "the cluster's state was restored while it was attached".to_owned();
        end(agent, owner, Outcome::TryAgain(why));
    }
    agent.emit(Effect::Publish);
}

/// The restore that was suspected has been announced.
pub(super) fn trust(agent: &mut Agent<'_>) {
    if agent.durable.restore_suspected {
        agent.durable.restore_suspected = false;
        agent.emit(Effect::SaveSuspicion);
    }
}

/// A grant of the new epoch for what is attached already: the record gets its seq.
pub(super) fn renew(agent: &mut Agent<'_>) {
    let Some(snapshot) = &agent.durable.snapshot else {
        return;
    };
    let records = agent.durable.records.iter();
    let old = records.filter(|(_, record)| record.has_before(snapshot.epoch));
    let renewed: Vec<(Key, Record)> = old
        .filter_map(|(key, record)| Some((key.clone(), renewed(snapshot, key, record)?)))
        .collect();
    for (key, record) in &renewed {
        agent.save_record(key, record.clone());
    }
    if !renewed.is_empty() {
        agent.emit(Effect::Publish);
    }
}

/// The record with the seqs of grants for it; `None` if there is no such grant.
fn renewed(snapshot: &Snapshot, key: &Key, record: &Record) -> Option<Record> {
    let mut new = record.clone();
    for (address, seq) in &mut new.addresses {
        let is_for = |grant: &&Grant| {
            grant.owner == record.owner
                && grant.interface == key.interface
                && grant.network == record.network
        };
        let grants = snapshot.grants.iter().filter(is_for);
        let granted = grants
            .filter_map(|grant| grant.address)
            .find(|(granted, new)| granted == address && new.epoch >= snapshot.epoch);
        if let Some((_, granted)) = granted {
            *seq = granted;
        }
    }
    (new != *record).then_some(new)
}

// === impl Record ===

impl Record {
    /// Whether an address of it was granted before that epoch.
    fn has_before(&self, epoch: u64) -> bool {
        self.addresses.iter().any(|(_, seq)| seq.epoch < epoch)
    }
}

// === impl Durable ===

impl Durable {
    /// The epoch that was adopted; 0 if there never was one.
    pub fn epoch(&self) -> u64 {
        self.snapshot.as_ref().map_or(0, |snapshot| snapshot.epoch)
    }

    /// Every address that a link of this node has or may get, as long as one of them is under no grant
    /// of the epoch; else nothing. Of a link that no record explains only the address is known.
    pub fn in_use(&self, volatile: &Volatile) -> BTreeSet<InUse> {
        let epoch = self.epoch();
        let is_old = |record: &Record| record.has_before(epoch);
        let strange = epoch > 0 && !volatile.blocked.is_empty();
        if !strange && !self.records.values().any(is_old) {
            return BTreeSet::new();
        }
        let recorded = self.records.iter().flat_map(|(key, record)| {
            let addresses = record.addresses.iter();
            addresses.map(|(address, _)| in_use(*address, key, record))
        });
        let strangers = volatile.blocked.iter().map(|address| InUse {
            address: *address,
            network: Uid::default(),
            owner: Uid::default(),
            interface: Name::default(),
        });
        recorded.chain(strangers).collect()
    }
}

fn in_use(address: IpAddr, key: &Key, record: &Record) -> InUse {
    InUse {
        address,
        network: record.network,
        owner: record.owner,
        interface: key.interface.clone(),
    }
}

// === impl Snapshot ===

impl Snapshot {
    /// Whether a grant is of this epoch: an older one may have been given away since.
    pub(super) fn is_of_epoch(&self, (_, seq): (IpAddr, Seq)) -> bool {
        seq.epoch >= self.epoch
    }
}

#[cfg(test)]
mod tests;
