//! Which changes can wait for company. A node's life is many small changes, and each write costs the API
//! server the whole object.

use std::{future::pending, pin::Pin, time::Duration};

use landfall_crds::node::LandfallNodeStatus;
use tokio::time::{Sleep, sleep};

/// How long a change waits that nobody waits for.
const CALM: Duration = Duration::from_secs(1);

/// How long such a change has waited: ends when that is enough.
#[derive(Debug, Default)]
pub(super) struct Wait(Option<Pin<Box<Sleep>>>);

// === impl Wait ===

impl Wait {
    /// Nothing waits.
    pub(super) fn clear(&mut self) {
        self.0 = None;
    }

    /// A change waits. Returns whether it has for long enough.
    pub(super) fn is_over(&mut self) -> bool {
        let end = self.0.get_or_insert_with(|| Box::pin(sleep(CALM)));
        end.is_elapsed()
    }

    /// Returns once what waits has waited enough; never if nothing waits.
    pub(super) async fn over(&mut self) {
        match &mut self.0 {
            Some(end) => end.await,
            None => pending().await,
        }
    }
}

/// Whether somebody waits for what is new: it says more than which version of the spec was seen, how many
/// grants there are, what is detached (a release says so too), and which releases are forgotten.
pub(super) fn is_urgent(before: &LandfallNodeStatus, status: &LandfallNodeStatus) -> bool {
    let mut status = status.clone();
    status.observed_generation = before.observed_generation;
    status.summary.clone_from(&before.summary);
    for condition in &mut status.conditions {
        let mut known = before.conditions.iter();
        if let Some(known) = known.find(|known| known.type_ == condition.type_) {
            condition.observed_generation = known.observed_generation;
        }
    }
    unless_more(&mut status.released, &before.released);
    unless_more(&mut status.attached, &before.attached);
    unless_more(&mut status.attached_links, &before.attached_links);
    status != *before
}

/// Takes a list as it was, unless it names more.
fn unless_more<T: Clone + PartialEq>(list: &mut Vec<T>, before: &[T]) {
    if list.iter().all(|one| before.contains(one)) {
        *list = before.to_vec();
    }
}
