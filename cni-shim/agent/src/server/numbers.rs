//! The numbers by which the node's own namespace knows sandboxes.

use landfall_link::{Chain, NetlinkError, Netns, Socket, number};

/// Gives sandboxes numbers, from the namespace of the thread that uses it first.
#[derive(Debug, Default)]
pub struct Numbers(Option<Socket>);

// === impl Numbers ===

impl Numbers {
    /// The number of a sandbox. It is of use only where the path is gone at the end: without it a detach
    /// waits for the sweep.
    pub(super) fn give(&mut self, netns: &Netns) -> Option<i32> {
        match self.try_give(netns) {
            Ok(number) => Some(number),
            Err(error) => {
                // The next one gets a new socket: this one may still have half an answer.
                self.0 = None;
                tracing::warn!("a sandbox gets no number: {}", Chain(&error));
                None
            }
        }
    }

    fn try_give(&mut self, netns: &Netns) -> Result<i32, NetlinkError> {
        let socket = match &mut self.0 {
            Some(socket) => socket,
            none => none.insert(Socket::open()?),
        };
        number(socket, netns)
    }
}
