//! How many make links at a time.

use std::sync::{Condvar, Mutex, PoisonError};

use landfall_link::Node;

/// The node's side of attaching, for as many as there are. The kernel makes links under one lock: two
/// threads make 1.3 times as many a second as one, eight no more than two, and each single one slower.
#[derive(Debug)]
pub(super) struct Nodes {
    free: Mutex<Vec<Node>>,
    freed: Condvar,
}

// === impl Nodes ===

impl Nodes {
    pub(super) fn new(nodes: Vec<Node>) -> Self {
        Self {
            free: Mutex::new(nodes),
            freed: Condvar::new(),
        }
    }

    /// Works with one, when one is free.
    pub(super) fn with<T>(&self, work: impl FnOnce(&mut Node) -> T) -> T {
        let mut node = self.take();
        let done = work(&mut node);
        let mut free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        free.push(node);
        drop(free);
        self.freed.notify_one();
        done
    }

    fn take(&self) -> Node {
        let mut free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if let Some(node) = free.pop() {
                return node;
            }
            free = self
                .freed
                .wait(free)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }
}
