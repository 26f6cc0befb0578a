//! The played kernel: it has one NIC, makes every link at once and removes it at once.

use std::sync::Arc;

use landfall_agent::{engine::Input, execute::Job};
use landfall_core::{
    agent::Event,
    link::{Observed, ObservedDriver},
};
use landfall_link::{Made, Parent};

/// The NIC that networks hang from.
pub(crate) const NIC: &str = "eth1";
const NIC_INDEX: u32 = 7;
const MTU: u32 = 1500;

/// All links of a node.
pub(crate) fn links() -> Vec<Arc<Parent>> {
    vec![Arc::new(Parent {
        index: NIC_INDEX,
        name: NIC.into(),
        driver: ObservedDriver::Other("".into()),
        ethernet: true,
        mac: None,
        permanent_mac: None,
        pci: None,
        mtu: MTU,
        up: true,
        carrier: true,
        carrier_ups: 1,
        below: None,
        tag: None,
        port_of: None,
        alias: None,
        addresses: Vec::new(),
        default_route: None,
    })]
}

/// Does a job. `None` of what only a real kernel asks for: these networks have no VLAN and no probe, and
/// no link goes by itself.
pub(crate) fn does(job: Job) -> Option<Input> {
    match job {
        Job::Attach(job) => {
            let made = Made {
                link: Observed {
                    name: job.key.interface.clone(),
                    index: 2,
                    parent: Some(NIC_INDEX),
                    driver: ObservedDriver::Ours(job.link.device.driver.clone()),
                    mac: job.link.device.mac,
                    mtu: MTU,
                    tx_queue_length: 1000,
                    up: true,
                    all_multicast: false,
                    carrier: true,
                    alias: None,
                    addresses: Vec::new(),
                    routes: Vec::new(),
                    neighbors: Vec::new(),
                    settings: Vec::new(),
                },
                created: true,
            };
            Some(Input::Made(job.key, Box::new(made)))
        }
        Job::Detach(job) => Some(Input::Event(Event::Gone(job.key))),
        Job::Look(_) | Job::Remake(_) | Job::NodeLink(_) | Job::Probe(_) => None,
    }
}
