//! What the engine says of itself.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
    sync::Arc,
};

use landfall_core::{
    agent::{Identity, Phase},
    id::{Seq, Uid},
    ledger::view as ledger,
    mac::Mac,
};
use landfall_crds::node::{AttachedLink, InUse, ParentStatus};

use super::{Engine, ProbeCounts, SilentGateway};

/// The state of the engine, for the status, the metrics and the probes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub struct Published {
    /// UID of the own object; it changes when that is deleted and made again.
    pub object: Option<Uid>,
    /// The generation that the agent acts on.
    pub generation: Option<i64>,
    /// Whether grants are served.
    pub ready: bool,
    /// Set if the spec is for another machine than this.
    pub other_machine: Option<Uid>,
    /// A start without a complete `/run`.
    pub cold: bool,
    /// The own object is older than one that was seen before.
    pub restore_suspected: bool,
    /// The epoch that was adopted.
    pub ledger_epoch: u64,
    /// Every address in use, as long as one of them is under no grant of that epoch.
    pub in_use: Vec<InUse>,
    /// Counts the cold starts.
    pub epoch: u64,
    /// The node UIDs that this machine speaks for; known after the first quorum read.
    pub identity: Option<Identity>,
    /// Grants whose attachment is in place.
    pub attached: BTreeSet<(IpAddr, Seq)>,
    /// Attachments without an address that are in place.
    pub attached_links: Vec<AttachedLink>,
    /// What was acknowledged.
    pub released: BTreeSet<(IpAddr, Seq)>,
    /// Of these, what another host of the LAN has, and who that is.
    pub conflicts: BTreeMap<(IpAddr, Seq), Mac>,
    /// How probes have ended.
    pub probes: ProbeCounts,
    /// Gateways that did not answer when they were asked.
    pub silent_gateways: Vec<SilentGateway>,
    /// Addresses of devices that no record explains.
    pub blocked: BTreeSet<IpAddr>,
    /// Attachments by phase: PENDING, ACTIVE, DETACHING.
    pub phases: [usize; 3],
    /// ADDs that wait: for a grant, a parent or another sandbox.
    pub waiting: usize,
    /// The parent of each network.
    pub parents: Vec<ParentStatus>,
    /// Grants in the spec.
    pub granted: usize,
    /// Whether the plugin must leave the node's CNI configuration.
    pub uninstall: bool,
    /// The runtime's name and version, empty if nobody says; `None` until the own object was read.
    pub runtime: Option<String>,
}

impl Engine {
    /// Notes that there is something to say; [`Self::say`] does, once the plugin has its answer.
    pub(super) fn publish(&mut self) {
        self.news = true;
    }

    /// Says it. It looks at every record, so not more often than needed: who listens does so ten times
    /// a second at most.
    pub fn say(&mut self) {
        if !std::mem::take(&mut self.news) {
            return;
        }
        let published = Arc::new(self.published());
        self.outlets.published.send_if_modified(|current| {
            let changed = *current != published;
            *current = published;
            changed
        });
    }

    fn published(&self) -> Published {
        let spec = self.object.as_ref().map(|object| &object.spec);
        let records = self.durable.records.values();
        let count = |phase| {
            records
                .clone()
                .filter(|record| record.phase == phase)
                .count()
        };
        Published {
            object: self.durable.snapshot.as_ref().map(|snapshot| snapshot.uid),
            generation: self
                .object
                .as_ref()
                .and_then(|object| object.metadata.generation),
            ready: self.volatile.is_ready(&self.durable),
            other_machine: self
                .written_for()
                .filter(|machine| *machine != self.machine.id),
            cold: self.volatile.cold,
            restore_suspected: self.durable.restore_suspected,
            ledger_epoch: self.durable.epoch(),
            in_use: self.in_use(),
            epoch: self.epoch,
            identity: self.identity.clone(),
            attached: self.durable.attached(),
            attached_links: self.attached_links(),
            released: self.durable.released.clone(),
            conflicts: self.volatile.conflicts().clone(),
            probes: self.probe_counts(),
            silent_gateways: self.silent_gateways(),
            blocked: self.volatile.blocked.clone(),
            phases: [Phase::Pending, Phase::Active, Phase::Detaching].map(count),
            waiting: self.volatile.waiting(),
            parents: self.parents.status(),
            granted: spec.map(|spec| spec.grants.len()).unwrap_or_default(),
            uninstall: spec.is_some_and(|spec| spec.uninstall),
            runtime: spec.map(|spec| spec.node.container_runtime.clone().unwrap_or_default()),
        }
    }

    fn in_use(&self) -> Vec<InUse> {
        let used = self.durable.in_use(&self.volatile);
        let mac_of = |used: &ledger::InUse| {
            let mut records = self.durable.records.iter();
            let (key, _) = records.find(|(key, record)| {
                let addresses = &mut record.addresses.iter();
                key.interface == used.interface && addresses.any(|(a, _)| *a == used.address)
            })?;
            self.facts.get(key)?.mac
        };
        used.iter()
            .map(|used| InUse {
                address: used.address,
                network: used.network,
                owner: used.owner,
                interface: used.interface.to_string(),
                mac: mac_of(used),
            })
            .collect()
    }

    fn attached_links(&self) -> Vec<AttachedLink> {
        let without = self
            .durable
            .records
            .iter()
            .filter(|(_, record)| record.phase == Phase::Active && record.addresses.is_empty());
        without
            .map(|(key, record)| AttachedLink {
                owner: record.owner,
                network: record.network,
                interface: key.interface.to_string(),
            })
            .collect()
    }
}
