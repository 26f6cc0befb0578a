//! Node objects as they will be after the writes of this decision: only what changes is copied.

use alloc::{
    collections::{BTreeMap, BTreeSet},
    vec::Vec,
};
use core::net::IpAddr;

use super::{
    Entry, Holder, View, Write,
    view::{Grant, NodeSpec},
};
use crate::id::{Name, Seq, Uid};

/// The specs of a view with this decision's changes on top: one write a node.
pub(super) struct Specs<'v> {
    view: &'v View,
    changed: BTreeMap<&'v Name, NodeSpec>,
}

impl<'v> Specs<'v> {
    pub(super) fn new(view: &'v View) -> Self {
        Self {
            view,
            changed: BTreeMap::new(),
        }
    }

    /// The spec with the changes so far.
    pub(super) fn get(&self, name: &Name) -> Option<&NodeSpec> {
        let seen = || self.view.nodes.get(name).map(|node| &node.spec);
        self.changed.get(name).or_else(seen)
    }

    /// The spec to change; `None` if there is no such node object.
    pub(super) fn edit(&mut self, name: &Name) -> Option<&mut NodeSpec> {
        let (name, node) = self.view.nodes.get_key_value(name)?;
        Some(
            self.changed
                .entry(name)
                .or_insert_with(|| node.spec.clone()),
        )
    }

    /// Asks the node for an address back, unless it is asked already.
    pub(super) fn recall(&mut self, name: &Name, key: (IpAddr, Seq)) {
        let asked = self
            .get(name)
            .is_none_or(|spec| spec.recalls.contains(&key));
        if !asked && let Some(spec) = self.edit(name) {
            spec.recalls.insert(key);
        }
    }

    /// The node writes of this decision.
    pub(super) fn into_writes(self) -> Vec<Write> {
        let view = self.view;
        let changed = self
            .changed
            .into_iter()
            .filter(|(name, spec)| view.nodes.get(*name).is_some_and(|node| node.spec != *spec));
        changed
            .map(|(name, spec)| Write::Node {
                name: name.clone(),
                spec,
            })
            .collect()
    }
}

// === impl View ===

impl View {
    /// Whether all that a node's object lists was granted to this machine, as the ledger has it: then the
    /// object is this machine's, whatever it says of whose it is, and no other machine has come.
    pub fn is_granted_to(&self, name: &Name, spec: &NodeSpec, machine: Uid) -> bool {
        let blocks = self.blocks.values();
        let entries = blocks.flat_map(|seen| &seen.value.entries);
        let granted: BTreeSet<(IpAddr, Seq)> = entries
            .filter(|(_, entry)| {
                let holder = entry.holder.as_ref();
                entry.is_held_by(name, entry.seq) && holder.is_some_and(|h| h.machine == machine)
            })
            .map(|(address, entry)| (*address, entry.seq))
            .collect();
        let keys = spec.keys();
        !keys.is_empty() && keys.is_subset(&granted)
    }
}

// === impl NodeSpec ===

impl NodeSpec {
    /// Whether (address, seq) is granted.
    pub(super) fn lists(&self, key: (IpAddr, Seq)) -> bool {
        self.grants.iter().any(|grant| grant.address == Some(key))
    }

    /// All that is granted, fenced or recalled.
    pub(super) fn keys(&self) -> BTreeSet<(IpAddr, Seq)> {
        let grants = self.grants.iter().chain(&self.fenced);
        let granted = grants.filter_map(|grant| grant.address);
        granted.chain(self.recalls.iter().copied()).collect()
    }

    /// The networks of all that is granted or fenced: a recall does not name its own.
    pub(super) fn networks(&self) -> BTreeMap<(IpAddr, Seq), Uid> {
        let named = self.grants.iter().chain(&self.fenced);
        named
            .filter_map(|grant| grant.address.map(|key| (key, grant.network)))
            .collect()
    }
}

// === impl Grant ===

impl Grant {
    /// Whether an entry is for the same place of the same pod.
    pub(super) fn is_of(&self, entry: &Entry, holder: &Holder) -> bool {
        holder.owner == self.owner
            && holder.interface == self.interface
            && holder.index == self.index
            && entry.network == self.network
    }
}
