//! A fault, with what must hold through it.

use anyhow::{Context, Result};

use crate::{
    case::Case,
    kernel,
    pinger::{Pinger, Pings},
    truth::Truth,
};

/// Runs a fault while a pod of the test pings another at 100/s on `net1`; the three truths are told
/// afterwards: no duplicate, pings with the number lost, and nothing held without reason.
///
/// The pods are those whose traffic the fault may disturb, but which live through it.
pub fn through(
    case: &Case<'_>,
    [from, to]: [&str; 2],
    fault: impl FnOnce() -> Result<()>,
) -> Result<Pings> {
    let truth = Truth::of(case);
    let to = kernel::one(case.cluster, &case.namespace, to, "net1")?.ipv4()?;
    let pinger = Pinger::in_pod(case.cluster, &case.namespace, from, "net1", to)?;
    fault()?;
    truth.no_duplicates()?;
    let pings = pinger.stop()?;
    truth.nothing_held_at_rest()?;
    truth.no_duplicates().context("at rest")?;
    Ok(pings)
}
