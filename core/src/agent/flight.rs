//! An ADD in progress.

use alloc::{
    collections::{BTreeMap, BTreeSet},
    vec::Vec,
};

use super::{AddRequest, Deletion, Key, Outcome, step::Agent};
use crate::{
    id::{Name, Uid},
    ledger::view::Grant,
};

/// An ADD in progress.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Flight {
    pub(super) request: AddRequest,
    /// The grants that are being attached, by interface.
    pub(super) grants: BTreeMap<Name, Vec<Grant>>,
    /// Older attachments of the owner that must be gone first.
    pub(super) clearing: BTreeSet<Key>,
    /// Interfaces whose link is being made.
    pub(super) making: BTreeSet<Name>,
    /// Set when the ADD must be undone: the answer it will get.
    pub(super) ended: Option<Outcome>,
    /// Links that are being removed again.
    pub(super) undoing: BTreeSet<Key>,
}

/// The ADD that makes or clears an attachment, and whose it is.
pub(super) fn flight_of<'a>(agent: &'a mut Agent<'_>, key: &Key) -> Option<(Uid, &'a mut Flight)> {
    let mut flights = agent.volatile.flights.iter_mut();
    flights
        .find(|(_, flight)| flight.concerns(key))
        .map(|(owner, flight)| (*owner, flight))
}

// === impl AddRequest ===

impl AddRequest {
    /// Whether a part of it is being deleted; the other parts go with it, as they came.
    pub(super) fn is_of(&self, deletion: &Deletion) -> bool {
        self.container == deletion.container
            && self.asked.iter().any(|a| deletion.names(&a.interface))
    }
}

// === impl Flight ===

impl Flight {
    pub(super) fn key(&self, interface: &Name) -> Key {
        Key {
            container: self.request.container.clone(),
            interface: interface.clone(),
        }
    }

    /// Whether the attachment is one that the flight makes or clears.
    fn concerns(&self, key: &Key) -> bool {
        let own = key.container == self.request.container;
        own && self.grants.contains_key(&key.interface) || self.clearing.contains(key)
    }
}
