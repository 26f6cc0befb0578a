//! A refused step in a sentence.

use std::fmt;

use landfall_core::link::{Step, kernel_word};

use crate::{error::Hint, socket::NetlinkError};

/// The kernel refused a step.
#[derive(Debug, thiserror::Error)]
#[error("cannot {}{}", Doing(step), Because(hint.as_ref()))]
pub struct StepError {
    /// Which.
    pub step: Step,
    /// Why.
    #[source]
    pub source: NetlinkError,
    /// What may help.
    pub hint: Option<Hint>,
}

struct Doing<'a>(&'a Step);
struct Because<'a>(Option<&'a Hint>);

impl fmt::Display for Doing<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Step::Create(device) => {
                let (kind, mode) = (kernel_word(device.driver.kind()), device.driver.mode());
                write!(f, "make the {kind} link {} in mode {mode}", device.name)
            }
            Step::Set(setting) => write!(f, "set net/{} to {}", setting.path, setting.value),
            Step::SetIpv4 { .. } => f.write_str("set how it answers to ARP"),
            Step::Label { alias, .. } => write!(f, "set the alias {alias}"),
            Step::SetMtu { to, .. } => write!(f, "set the MTU to {to}"),
            Step::SetTxQueueLength { to, .. } => {
                write!(f, "set the length of the transmit queue to {to}")
            }
            Step::SetAllMulticast { .. } => f.write_str("change the flag allmulticast"),
            Step::AddAddress { address, .. } => write!(f, "add the address {address}"),
            Step::Up { .. } => f.write_str("set the link up"),
            Step::AddRoute { route, .. } => match route.gateway {
                Some(gateway) => {
                    let destination = route.destination;
                    write!(f, "add the route to {destination} through {gateway}")
                }
                None => write!(f, "add the route to {}", route.destination),
            },
            Step::AddNeighbor { neighbor, .. } => {
                write!(f, "add the neighbour {}", neighbor.address)
            }
            Step::Remove { .. } => f.write_str("remove the link"),
            Step::RemoveAddress { address, .. } => write!(f, "remove the address {address}"),
            Step::Down { .. } => f.write_str("set the link down"),
            Step::RemoveRoute { route, .. } => {
                write!(f, "remove the route to {}", route.destination)
            }
            Step::RemoveNeighbor { neighbor, .. } => {
                write!(f, "remove the neighbour {}", neighbor.address)
            }
        }
    }
}

impl fmt::Display for Because<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.map_or(Ok(()), |hint| write!(f, " ({hint})"))
    }
}
