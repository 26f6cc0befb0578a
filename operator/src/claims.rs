//! Claims on addresses: AddressClaims, and the NPWG's IPAMClaims.
//!
//! ```text
//!   objects ──> facts ──> judge ──> the ledger's view      pods ──> book: which claim is theirs
//!                           └─────> status
//! ```

mod apply;
mod book;
mod facts;
mod judge;
mod status;
mod watch;
mod workloads;

pub(crate) use apply::ClaimUpkeep;
pub(crate) use book::{Asking, Book, Entry};
pub(crate) use facts::{ClaimFacts, ClaimKey, ClaimKind, Owner};
pub(crate) use judge::{Judged, judge};
pub(crate) use watch::{list_ipam_claims, optional_ipam_claims};
pub(crate) use workloads::{Controller, ReplicaSetFacts, SetKey, StatefulSetFacts, ordinal};

#[cfg(test)]
mod tests;
