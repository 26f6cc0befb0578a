//! Landfall's Kubernetes API types.
#![expect(
    clippy::duplicated_attributes,
    reason = "columns of one type are no duplicates"
)]

pub mod block;
pub mod node;
