//! What can be asked: a file each. All but `reclaim` and `restored` only look, at one [`Snapshot`].
//!
//! [`Snapshot`]: crate::snapshot::Snapshot

pub(crate) mod check;
pub(crate) mod node;
pub(crate) mod pod;
pub(crate) mod pool;
pub(crate) mod reclaim;
pub(crate) mod restored;
pub(crate) mod who_has;
