//! The ledger as a test reads it: the entries of AddressBlocks.

use std::net::IpAddr;

use anyhow::{Context, Result};
use serde_json::Value;

use crate::{cluster::Cluster, pod::text};

/// An address that is not free.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The address.
    pub address: IpAddr,
    /// `Granted`, `Recalling`, `Cooling`, …
    pub state: String,
    /// The name of the node that holds it.
    pub node: String,
    /// The pod's UID as the runtime knows it.
    pub owner: String,
    /// The sequence number of its grant.
    pub seq: String,
}

/// The entries of a segment, without those that rest.
pub fn held(cluster: &Cluster, segment: &str) -> Result<Vec<Entry>> {
    let mut held = Vec::new();
    for block in blocks(cluster, segment)? {
        let entries = block.pointer("/spec/entries").and_then(Value::as_object);
        for (address, entry) in entries.into_iter().flatten() {
            let of = |pointer| text(entry, pointer).to_owned();
            held.push(Entry {
                address: address.parse().with_context(|| address.clone())?,
                state: of("/state"),
                node: of("/node"),
                owner: of("/owner"),
                seq: of("/seq"),
            });
        }
    }
    held.retain(|entry| entry.state != "Cooling");
    Ok(held)
}

/// The AddressBlocks of a segment.
pub fn blocks(cluster: &Cluster, segment: &str) -> Result<Vec<Value>> {
    let mut blocks = cluster.items(&["addressblocks"])?;
    blocks.retain(|block| text(block, "/spec/segment") == segment);
    Ok(blocks)
}
