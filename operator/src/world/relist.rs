//! A watch that begins again lists everything; what it does not list is gone.

use std::collections::{BTreeMap, BTreeSet};

use kube::runtime::watcher::Event;

/// Follows one watch.
#[derive(Debug)]
pub(super) struct Relist<K> {
    /// What the list that is under way has named.
    listed: Option<BTreeSet<K>>,
    /// Whether one list was read to its end.
    synced: bool,
}

/// What an event comes to.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Step<K, T> {
    /// This is the object now.
    Put(T),
    /// It was deleted; this was its last state.
    Deleted(T),
    /// A list from the beginning did not name it.
    Absent(K),
}

// === impl Relist ===

impl<K> Default for Relist<K> {
    fn default() -> Self {
        Self {
            listed: None,
            synced: false,
        }
    }
}

impl<K: Ord + Clone> Relist<K> {
    /// Whether everything that was there at the start is known.
    pub(super) fn is_synced(&self) -> bool {
        self.synced
    }

    /// Takes an event. `known` is what the caller has under each key.
    pub(super) fn steps<T, V>(
        &mut self,
        event: Event<T>,
        key: impl Fn(&T) -> K,
        known: &BTreeMap<K, V>,
    ) -> Vec<Step<K, T>> {
        match event {
            Event::Init => {
                self.listed = Some(BTreeSet::new());
                Vec::new()
            }
            Event::InitApply(object) => {
                if let Some(listed) = &mut self.listed {
                    listed.insert(key(&object));
                }
                vec![Step::Put(object)]
            }
            Event::InitDone => {
                self.synced = true;
                let listed = self.listed.take().unwrap_or_default();
                let absent = known.keys().filter(|key| !listed.contains(key));
                absent.cloned().map(Step::Absent).collect()
            }
            Event::Apply(object) => vec![Step::Put(object)],
            Event::Delete(object) => vec![Step::Deleted(object)],
        }
    }
}

#[cfg(test)]
mod tests;
