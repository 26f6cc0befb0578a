//! From what is there to what is wanted, and back.

use alloc::vec::Vec;
use core::fmt;

use super::{Device, Difference, Ipv4Setting, Link, Observed, Step, check};
use crate::{id::Name, network::Route};

/// A link of the wanted name exists and no step makes it the wanted one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conflict {
    /// The name.
    pub name: Name,
    /// What can't be mended.
    pub differences: Vec<Difference>,
}

/// The steps from what is there to what is wanted; none if it is right already.
pub fn plan_attach(wanted: &Link, observed: Option<&Observed>) -> Result<Vec<Step>, Conflict> {
    let Some(observed) = observed else {
        return Ok(whole(wanted));
    };
    let (mendable, differences): (Vec<_>, Vec<_>) =
        check(wanted, Some(observed)).into_iter().partition(mends);
    if differences.is_empty() {
        let steps = mendable.into_iter();
        return Ok(steps
            .filter_map(|difference| mend(wanted, observed, difference))
            .collect());
    }
    Err(Conflict {
        name: observed.name.clone(),
        differences,
    })
}

/// A plan that also takes the default routes of the sandbox's other links away, in each family in which
/// the link has one of its own: the NPWG's rule, and the kernel takes no second one of the same metric.
/// `others` are the default routes of links that are not ours: two networks that both want it must
/// differ in their metric.
pub fn take_over_default(steps: Vec<Step>, wanted: &Link, others: &[(u32, Route)]) -> Vec<Step> {
    let takes = |of: &Route| {
        let mut defaults = wanted.routes.iter().filter(|route| is_default(route));
        let is_v6 = |route: &Route| route.destination.addr().is_ipv6();
        is_default(of) && defaults.any(|route| is_v6(route) == is_v6(of))
    };
    let removals = others
        .iter()
        .filter(|(_, route)| takes(route))
        .map(|(index, route)| Step::RemoveRoute {
            index: *index,
            route: route.clone(),
        });
    let is_route = |step: &Step| matches!(step, Step::AddRoute { .. });
    let at = steps.iter().position(is_route).unwrap_or(steps.len());
    let mut steps = steps;
    steps.splice(at..at, removals);
    steps
}

fn is_default(route: &Route) -> bool {
    route.destination.prefix_len() == 0
}

/// The steps that take a link away; none if it is not there, or not ours.
pub fn plan_detach(device: &Device, observed: Option<&Observed>) -> Vec<Step> {
    observed
        .filter(|observed| device.is(observed))
        .map(|observed| Step::Remove {
            index: observed.index,
        })
        .into_iter()
        .collect()
}

/// The steps that take done steps back, in the order in which to run them. A device takes everything
/// on it away with it, and what was taken from other links comes back. Sysctls and the alias stay: they
/// end with the device, or say the same as before.
pub fn undo(done: &[Step]) -> Vec<Step> {
    let created = done.iter().find_map(Step::creates);
    let of_others = |step: &&Step| matches!(step, Step::RemoveRoute { .. });
    match created {
        Some(index) => {
            let mut steps = alloc::vec![Step::Remove { index }];
            let back = done.iter().rev().filter(of_others);
            steps.extend(back.filter_map(Step::reverse));
            steps
        }
        None => done.iter().rev().filter_map(Step::reverse).collect(),
    }
}

/// All steps for a link that is not there. The order is the kernel's: settings before the first
/// address (accept_ra), addresses before the link goes up (they are announced then), routes after it
/// (a route through a link that is down is refused).
fn whole(wanted: &Link) -> Vec<Step> {
    let index = wanted.device.index;
    let mut steps = alloc::vec![Step::Create(wanted.device.clone())];
    let mut written = wanted.settings.clone();
    let mut settings = Ipv4Setting::ALL.to_vec();
    settings.retain(|setting| {
        let setting = setting.of(wanted.device.name.as_str());
        let place = written.iter().position(|wanted| *wanted == setting);
        place.map(|place| written.remove(place)).is_some()
    });
    steps.extend(written.into_iter().map(Step::Set));
    if !settings.is_empty() {
        steps.push(Step::SetIpv4 { index, settings });
    }
    steps.extend(
        wanted
            .device
            .alias
            .clone()
            .map(|alias| Step::Label { index, alias }),
    );
    steps.extend(wanted.addresses.iter().map(|address| Step::AddAddress {
        index,
        address: *address,
        dad: wanted.dad,
    }));
    steps.push(Step::Up { index });
    steps.extend(wanted.routes.iter().map(|route| wanted.route(index, route)));
    let neighbors = wanted.neighbors.iter().cloned();
    steps.extend(neighbors.map(|neighbor| Step::AddNeighbor { index, neighbor }));
    steps
}

fn mends(difference: &Difference) -> bool {
    match difference {
        Difference::Missing
        | Difference::Driver { .. }
        | Difference::Parent { .. }
        | Difference::Mac { .. }
        | Difference::Name { .. }
        | Difference::Duplicate(_) => false,
        Difference::Mtu { .. }
        | Difference::TxQueueLength { .. }
        | Difference::Alias
        | Difference::AllMulticast
        | Difference::Down
        | Difference::Setting { .. }
        | Difference::Address(_)
        | Difference::Route(_)
        | Difference::Neighbor(_) => true,
    }
}

/// The step that mends a difference. [`check`] lists them in the order in which the steps must run.
fn mend(wanted: &Link, observed: &Observed, difference: Difference) -> Option<Step> {
    let index = observed.index;
    Some(match difference {
        Difference::Mtu { wanted, found } => Step::SetMtu {
            index,
            from: found,
            to: wanted,
        },
        Difference::TxQueueLength { wanted, found } => Step::SetTxQueueLength {
            index,
            from: found,
            to: wanted,
        },
        Difference::Alias => Step::Label {
            index,
            alias: wanted.device.alias.clone()?,
        },
        Difference::AllMulticast => Step::SetAllMulticast {
            index,
            on: wanted.device.all_multicast,
        },
        Difference::Down => Step::Up { index },
        Difference::Setting { wanted, .. } => Step::Set(wanted),
        Difference::Address(address) => Step::AddAddress {
            index,
            address,
            dad: wanted.dad,
        },
        Difference::Route(route) => wanted.route(index, &route),
        Difference::Neighbor(neighbor) => Step::AddNeighbor { index, neighbor },
        Difference::Missing
        | Difference::Driver { .. }
        | Difference::Parent { .. }
        | Difference::Mac { .. }
        | Difference::Name { .. }
        | Difference::Duplicate(_) => return None,
    })
}

impl Link {
    fn route(&self, index: u32, route: &Route) -> Step {
        Step::AddRoute {
            index,
            on_link: route
                .gateway
                .is_some_and(|gateway| self.needs_on_link(gateway)),
            route: route.clone(),
        }
    }
}

// === impl Conflict ===

impl fmt::Display for Conflict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "the sandbox already has an interface {}, but ",
            self.name
        )?;
        for (index, difference) in self.differences.iter().enumerate() {
            let separator = if index == 0 { "" } else { "; " };
            write!(f, "{separator}{difference}")?;
        }
        Ok(())
    }
}

impl core::error::Error for Conflict {}
