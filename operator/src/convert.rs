//! Between the API's objects and the ledger's types.
//!
//! The ledger knows less than the objects: names for people, prefix lengths, hardware addresses.
//! What an object already says is kept; only new things are looked up.

pub(crate) mod block;
pub(crate) mod node;

#[cfg(test)]
mod tests;
