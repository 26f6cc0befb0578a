//! Networks: `dereference > validate > plan > apply > status`.
//!
//! What a network hangs on comes from the watches, so dereferencing reads the world. Only `apply`
//! and `status` hold a client, in a task of their own.

use std::collections::{BTreeMap, BTreeSet};

use landfall_core::{id::Uid, network::Network};

use crate::pods::Directory;

pub(crate) mod apply;
pub(crate) mod dereference;
mod object;
pub(crate) mod plan;
pub(crate) mod status;
pub(crate) mod validate;

pub(crate) use apply::Upkeep;
pub(crate) use object::NetworkObject;
use validate::Verdict;

/// All networks, judged.
#[derive(Debug, Default)]
pub(crate) struct Networks {
    /// The verdict on each object.
    pub(crate) verdicts: BTreeMap<Uid, Verdict>,
    /// Networks by name, as pods see them.
    pub(crate) directory: Directory,
    /// Each network as it last was right by itself: what hangs on it stays.
    pub(crate) last_valid: BTreeMap<Uid, Network>,
    /// If some networks are not wanted any more: those that are still needed.
    pub(crate) held: BTreeSet<Uid>,
}
