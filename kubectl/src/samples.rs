//! A small cluster for tests: one network, one node, two pods.

use kube::Resource;
use landfall_core::id::Uid;
use landfall_crds::{guarded::Guarded, macvlan::MacvlanNetwork};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::{
    snapshot::Snapshot,
    unreadable::{Unreadable, readable},
};

pub(crate) const NETWORK: Uid = Uid(7);
pub(crate) const NODE: Uid = Uid(20);
pub(crate) const MACHINE: Uid = Uid(30);
pub(crate) const WEB: Uid = Uid(100);
pub(crate) const OTHER: Uid = Uid(101);

/// A list of one object, which may be unreadable.
fn list<K>(object: &Value, unread: &mut Vec<Unreadable>) -> Vec<K>
where
    K: DeserializeOwned + Resource<DynamicType = ()>,
{
    let item: Guarded<K> = serde_json::from_value(object.clone()).unwrap();
    readable(vec![item], unread)
}

/// The objects, to be changed before they are read.
pub(crate) struct Objects {
    pub(crate) network: Value,
    pub(crate) node: Value,
    pub(crate) block: Value,
}

// === impl Objects ===

impl Objects {
    /// `web` has an address, attached. `other` is gone, and its address has not been released.
    pub(crate) fn good() -> Self {
        let entry = |state: &str, owner: Uid, seq: &str| {
            json!({
                "state": state, "seq": seq, "network": NETWORK, "node": "a", "nodeUID": NODE,
                "machineID": MACHINE, "owner": owner, "interface": "net1",
                "since": "2026-11-24T12:00:00.000000Z",
            })
        };
        let grant = |address: &str, seq: &str, owner: Uid, name: &str| {
            json!({
                "address": address, "prefixLength": 24, "seq": seq, "network": NETWORK,
                "networkName": "lan", "owner": owner, "interface": "net1",
                "pod": {"namespace": "shop", "name": name}, "mac": "0a:58:0a:14:00:01",
            })
        };
        Self {
            network: json!({
                "apiVersion": "landfall.dev/v1alpha1", "kind": "MacvlanNetwork",
                "metadata": {"name": "lan", "uid": NETWORK},
                "spec": {
                    "namespaces": {}, "parents": [{"interface": "eth1"}],
                    "ipam": {"subnets": [{"cidr": "10.20.0.0/24"}]},
                    "limits": {"perNamespace": 5},
                },
                "status": {"addresses": {"ipv4": {
                    "capacity": 254, "granted": 2, "quarantined": 0, "foreign": 0, "cooling": 0,
                    "claimed": 0, "free": 252,
                }}},
            }),
            node: json!({
                "apiVersion": "landfall.dev/v1alpha1", "kind": "LandfallNode",
                "metadata": {"name": "a", "uid": "object"},
                "spec": {
                    "node": {"uid": NODE, "machineID": MACHINE},
                    "grants": [
                        grant("10.20.0.1", "4.1", WEB, "web"),
                        grant("10.20.0.2", "4.2", OTHER, "other"),
                    ],
                    "recalls": [{"address": "10.20.0.2", "seq": "4.2"}],
                },
                "status": {
                    "nodeUID": NODE, "machineID": MACHINE,
                    "attached": [{"address": "10.20.0.1", "seq": "4.1"}],
                },
            }),
            block: json!({
                "apiVersion": "landfall.dev/v1alpha1", "kind": "AddressBlock",
                "metadata": {"name": "default-0a140000"},
                "spec": {
                    "segment": "default", "first": "10.20.0.0", "epoch": 4, "counter": 2,
                    "entries": {
                        "10.20.0.1": entry("Granted", WEB, "4.1"),
                        "10.20.0.2": entry("Recalling", OTHER, "4.2"),
                    },
                },
            }),
        }
    }

    pub(crate) fn snapshot(&self) -> Snapshot {
        let mut unread = Vec::new();
        let nodes = list(&self.node, &mut unread);
        let blocks = list(&self.block, &mut unread);
        let networks: Vec<MacvlanNetwork> = list(&self.network, &mut unread);
        Snapshot::of("17".to_owned(), nodes, blocks, &networks, &[], unread)
    }
}
