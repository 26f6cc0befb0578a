//! Detach: the link is gone for everybody when this returns.
//!
//! RTM_DELLINK holds its caller for about 20 ms: after the link is gone, and after the kernel's lock is
//! free again, it waits for RCU before it frees the memory. So the request is sent from a thread of its
//! own, and we return when the kernel announces the removal, after 0.4 ms: by then the link is closed,
//! its packets are through, and name, index, addresses and MAC may be used again.

use std::{
    sync::mpsc::{self, Receiver, TryRecvError},
    thread,
    time::Duration,
};

use landfall_core::{
    id::Name,
    link::{Device, Observed, ObservedDriver, Step, plan_detach},
};
use nix::errno::Errno;

use crate::{
    message,
    monitor::{Event, Monitor},
    netns::{Inside, Netns, NetnsError},
    observe::{ObserveError, by_name, find},
    socket::{NetlinkError, Socket},
};

/// How often we look whether the request was refused while we wait for the announcement.
const PATIENCE: Duration = Duration::from_millis(20);

/// What a detach found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Detached {
    /// The link was there, and is gone.
    Removed,
    /// It was not there.
    Absent,
    /// There is a link of that name, but it is not ours; it stays.
    Foreign(Box<Observed>),
}

/// A detach that failed: the link may still be there.
#[derive(Debug, thiserror::Error)]
pub enum DetachError {
    /// No way into the sandbox.
    #[error(transparent)]
    Netns(#[from] NetnsError),
    /// What is there can't be read.
    #[error(transparent)]
    Observe(#[from] ObserveError),
    /// The removal can't be watched.
    #[error("cannot listen for the removal of {name}")]
    Listen {
        /// The link.
        name: Name,
        /// Why.
        #[source]
        source: NetlinkError,
    },
    /// No thread to send the request from.
    #[error("cannot start a thread for the removal of {name}")]
    Thread {
        /// The link.
        name: Name,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The kernel refused.
    #[error("cannot remove {name}")]
    Remove {
        /// The link.
        name: Name,
        /// Why.
        #[source]
        source: NetlinkError,
    },
}

/// Removes the link of a device, if it is there and ours.
pub fn detach(netns: &Netns, device: &Device) -> Result<Detached, DetachError> {
    netns.enter(|inside| detach_here(inside, device))?
}

/// Removes the link of that name, if it is a macvlan or an ipvlan: a link that was made without an agent
/// has no record, and nobody knows more of it.
pub fn detach_named(netns: &Netns, name: &Name) -> Result<Detached, DetachError> {
    netns.enter(|inside| {
        let mut socket = inside.socket()?;
        match by_name(&mut socket, name.as_str()).map_err(ObserveError::Links)? {
            None => Ok(Detached::Absent),
            Some(found) if matches!(found.driver, ObservedDriver::Ours(_)) => {
                remove(socket, found.index, name)
            }
            Some(found) => Ok(Detached::Foreign(Box::new(found))),
        }
    })?
}

fn detach_here(inside: &Inside<'_>, device: &Device) -> Result<Detached, DetachError> {
    let mut socket = inside.socket()?;
    let found = find(&mut socket, device).map_err(ObserveError::Links)?;
    let plan = plan_detach(device, found.as_ref());
    match (plan.first(), found) {
        (Some(Step::Remove { index }), _) => remove(socket, *index, &device.name),
        (_, Some(found)) => Ok(Detached::Foreign(Box::new(found))),
        (_, None) => Ok(Detached::Absent),
    }
}

fn remove(socket: Socket, index: u32, name: &Name) -> Result<Detached, DetachError> {
    let listen = |source| DetachError::Listen {
        name: name.clone(),
        source,
    };
    let mut monitor = Monitor::open().map_err(listen)?;
    let answer = send(socket, index).map_err(|source| DetachError::Thread {
        name: name.clone(),
        source,
    })?;
    loop {
        let event = monitor.next(PATIENCE).map_err(listen)?;
        if event == Some(Event::Removed { index }) {
            return Ok(Detached::Removed);
        }
        match answer.try_recv() {
            Ok(Ok(())) => return Ok(Detached::Removed),
            // Gone with its parent, or the pod itself was quicker.
            Ok(Err(error)) if error.errno() == Some(Errno::ENODEV) => return Ok(Detached::Absent),
            Ok(Err(source)) => {
                return Err(DetachError::Remove {
                    name: name.clone(),
                    source,
                });
            }
            Err(TryRecvError::Empty | TryRecvError::Disconnected) => {}
        }
    }
}

/// Sends the request from a thread that outlives us. It ends by itself when the kernel is done.
fn send(mut socket: Socket, index: u32) -> std::io::Result<Receiver<Result<(), NetlinkError>>> {
    let (sender, receiver) = mpsc::channel();
    thread::Builder::new()
        .name("detach".to_owned())
        .spawn(move || {
            let answer = socket.call(message::remove(index));
            // Nobody listens if the announcement was first.
            drop(sender.send(answer));
        })?;
    Ok(receiver)
}
