//! The played kernel: it has one NIC, makes every link at once and removes it at once.

use std::sync::Arc;

use landfall_agent::{engine::Input, execute::Job};
use landfall_core::{agent::Event, link::Observed};
use landfall_link::{Made, Parent};

/// The NIC that networks hang from.
pub(crate) const NIC: &str = "eth1";
const NIC_INDEX: u32 = 7;

/// All links of a node.
pub(crate) fn links() -> Vec<Arc<Parent>> {
    vec![Arc::new(Parent::sketch(NIC_INDEX, NIC))]
}

/// Does a job. `None` of what only a real kernel asks for: these networks have no VLAN and no probe, and
/// no link goes by itself.
pub(crate) fn does(job: Job) -> Option<Input> {
    match job {
        Job::Attach(job) => {
            let made = Made {
                link: Observed::sketch(&job.link.device),
                created: true,
            };
            Some(Input::Made(job.key, Box::new(made)))
        }
        Job::Detach(job) => Some(Input::Event(Event::Gone(job.key))),
        Job::Look(_) | Job::Remake(_) | Job::NodeLink(_) | Job::Probe(_) => None,
    }
}
