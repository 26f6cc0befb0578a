//! Between the ledger's objects and `core`'s types, for all who read or write them.
//!
//! `core` knows less than the objects: names for people, prefix lengths, hardware addresses. What an
//! object already says is kept; only new things are looked up.

pub mod block;
pub mod node;
pub mod restore;
pub mod restored;

#[cfg(test)]
mod tests;
