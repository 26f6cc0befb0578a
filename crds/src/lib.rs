//! Landfall's Kubernetes API types.
#![expect(
    clippy::duplicated_attributes,
    reason = "columns of one type are no duplicates"
)]
#![expect(
    unreachable_pub,
    reason = "KubeSchema copies a struct, with its pub, into a function"
)]

pub mod block;
pub mod claim;
pub mod client;
pub mod conditions;
pub mod convert;
pub mod guarded;
pub mod ipvlan;
pub mod keys;
pub mod ledger;
pub mod macvlan;
pub mod network_spec;
pub mod node;
mod rules;
mod schema;
pub mod yaml;
