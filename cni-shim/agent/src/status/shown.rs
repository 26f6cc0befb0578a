//! What the API server shows of our status. Of two writes the later may land first: one that was given up, or
//! that something on the way repeats, then stands in the place of a newer one.

use kube::core::{NotUsed, Object, ObjectMeta};
use landfall_core::id::Uid;
use landfall_crds::node::LandfallNodeStatus;

/// The part of an answer to a write that is used. The spec is the operator's, and may be one that can't be
/// read: the status was written all the same.
pub type Answer = Object<NotUsed, LandfallNodeStatus>;

/// A status as the API server has it, and in which version of which object.
#[derive(Clone, Debug, Default)]
pub struct Shown {
    object: Option<Uid>,
    /// `metadata.resourceVersion`: a number that grows (KEP-5504).
    version: Option<u64>,
    status: Option<LandfallNodeStatus>,
}

// === impl Shown ===

impl Shown {
    /// That of an object that was read, or that answers a write.
    pub fn of(meta: &ObjectMeta, status: Option<&LandfallNodeStatus>) -> Self {
        let version = meta.resource_version.as_deref();
        Self {
            object: meta.uid.as_deref().map(Uid::of),
            version: version.and_then(|version| version.parse().ok()),
            status: status.cloned(),
        }
    }

    /// Whether `later` shows, in a later version of the same object, another status than this.
    pub(super) fn is_lost_in(&self, later: &Self) -> bool {
        self.object == later.object && self.version < later.version && self.status != later.status
    }
}
