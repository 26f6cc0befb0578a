//! Addresses, up, routes: what the reference does with an IPAM plugin's result.

use std::{net::IpAddr, num::TryFromIntError, thread, time::Duration};

use landfall_core::{
    id::Name,
    link::{Ipv4Setting, Setting, Step},
};
use landfall_link::{AttachError, Cause, Chain, InsertedRoute, PROC_SYS, Sysctls};

use super::{
    Call,
    add::{Scene, kernel},
    internal,
    result::{CniResult, Route},
};
use crate::spec::CniError;

/// How long duplicate address detection may take, as in the reference: 5 s.
const SETTLE_ATTEMPTS: u32 = 100;
const SETTLE_PAUSE: Duration = Duration::from_millis(50);

impl Call<'_> {
    /// Gives the link what a result says. Without addresses it is set up, and that is all.
    pub(super) fn configure(&self, scene: &mut Scene, result: &CniResult) -> Result<(), CniError> {
        let name = &self.environment.interface;
        if !result.ips.is_empty() {
            self.settings(scene, result)?;
        }
        let steps = steps(scene.index, result, self.config.dad);
        scene
            .below
            .run(&scene.netns, &Name::from(name.as_str()), &steps)
            .map_err(|error| refused(name, &error))?;
        if self.config.dad && result.ips.iter().any(|ip| ip.address.addr().is_ipv6()) {
            self.settle(scene)?;
        }
        let routes = routes(result).map_err(internal)?;
        scene
            .pod
            .insert_routes(scene.index, &routes)
            .map_err(|error| internal(not_added(&error, name)))
    }

    /// The sysctls that no netlink message sets. That neighbours hear of the addresses is a wish; that
    /// the link can have an IPv6 address, and keep it, is not.
    fn settings(&self, scene: &Scene, result: &CniResult) -> Result<(), CniError> {
        let name = &self.environment.interface;
        let ipv6 = result.ips.iter().any(|ip| ip.address.addr().is_ipv6());
        let write = |inside: &landfall_link::Inside<'_>| {
            let sysctls = Sysctls::of(inside, PROC_SYS.as_ref());
            drop(sysctls.write(&setting(name, "ndisc_notify", "1")));
            if !ipv6 {
                return Ok(());
            }
            for interface in ["lo", name] {
                let off = setting(interface, "disable_ipv6", "0");
                // Where there is nothing to read there is nothing to switch on.
                if sysctls.read(&off.path).is_ok_and(|found| found != off) {
                    sysctls.write(&off)?;
                }
            }
            sysctls.write(&setting(name, "keep_addr_on_down", "1"))
        };
        let written = scene.netns.enter(write);
        written
            .map_err(|error| internal(Chain(&error)))?
            .map_err(|error| {
                internal(format!(
                    "failed to enable IPv6 for interface {name:?}: {}",
                    Chain(&error)
                ))
            })
    }

    /// Waits until no IPv6 address is tentative any more. Without a carrier that never ends.
    fn settle(&self, scene: &mut Scene) -> Result<(), CniError> {
        let name = &self.environment.interface;
        for _ in 0..SETTLE_ATTEMPTS {
            let found = scene.pod.addresses_of(scene.index);
            let found = found.map_err(|error| internal(Chain(&error)))?;
            if let Some(duplicate) = found.iter().find(|found| found.duplicate) {
                let address = duplicate.address;
                return Err(internal(format!(
                    "failed to settle addresses for {name:?}: link {name} has address {address} in \
                     DADFAILED state"
                )));
            }
            if !found.iter().any(|found| found.tentative) {
                return Ok(());
            }
            let link = scene.pod.link_named(name);
            let link = link.map_err(|error| internal(Chain(&error)))?;
            if link.is_none_or(|link| !link.carrier) {
                return Ok(());
            }
            thread::sleep(SETTLE_PAUSE);
        }
        Err(internal(format!(
            "failed to settle addresses for {name:?}: link {name} still has tentative addresses after 5 \
             seconds"
        )))
    }
}

/// Addresses before the link goes up: then the kernel announces them.
fn steps(index: u32, result: &CniResult, dad: bool) -> Vec<Step> {
    let mut steps = Vec::new();
    if !result.ips.is_empty() {
        steps.push(Step::SetIpv4 {
            index,
            settings: vec![Ipv4Setting::ArpNotify],
        });
    }
    steps.extend(result.ips.iter().map(|ip| Step::AddAddress {
        index,
        address: ip.address,
        dad,
    }));
    steps.push(Step::Up { index });
    steps
}

/// A route without a gateway goes through the first one of its family.
fn routes(result: &CniResult) -> Result<Vec<InsertedRoute>, String> {
    let first = |is_v4: bool| {
        let mut gateways = result.ips.iter().filter_map(|ip| ip.gateway);
        gateways.find(|gateway| gateway.is_ipv4() == is_v4)
    };
    let gateway = |route: &Route| -> Option<IpAddr> {
        route
            .gateway
            .or_else(|| first(route.destination.addr().is_ipv4()))
    };
    let inserted = |route: &Route| -> Result<_, TryFromIntError> {
        Ok(InsertedRoute {
            destination: route.destination,
            gateway: gateway(route),
            metric: Some(u32::try_from(route.priority)?).filter(|metric| *metric > 0),
            table: route.table.map(u32::try_from).transpose()?,
            scope: route.scope.map(u8::try_from).transpose()?,
        })
    };
    let routes = result.routes.iter();
    routes
        .map(|route| {
            inserted(route)
                .map_err(|why| format!("failed to add route '{}': {why}", route.destination))
        })
        .collect()
}

fn setting(interface: &str, name: &str, value: &str) -> Setting {
    Setting {
        path: format!("ipv6/conf/{interface}/{name}"),
        value: value.to_owned(),
    }
}

fn refused(name: &str, error: &AttachError) -> CniError {
    let why = kernel(error);
    let step = if let Cause::Step(step) = &error.cause {
        Some(&step.step)
    } else {
        None
    };
    if let Some(Step::AddAddress { address, .. }) = step {
        return internal(format!(
            "failed to add IP addr {address} to {name:?}: {why}"
        ));
    }
    if let Some(Step::Up { .. }) = step {
        return internal(format!("failed to set {name:?} UP: {why}"));
    }
    internal(Chain(error))
}

fn not_added(error: &landfall_link::InsertError, name: &str) -> String {
    let InsertedRoute {
        destination,
        gateway,
        metric,
        ..
    } = &error.route;
    let gateway = gateway.map_or_else(|| "<nil>".to_owned(), |gateway| gateway.to_string());
    let metric = metric.unwrap_or_default();
    let why = error.source.errno().map_or_else(
        || Chain(&error.source).to_string(),
        |errno| errno.desc().to_lowercase(),
    );
    format!("failed to add route '{destination} via {gateway} dev {name} metric {metric}': {why}")
}

#[cfg(test)]
mod tests;
