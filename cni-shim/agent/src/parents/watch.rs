//! The node's links, whenever they change.
//!
//! A change and its reverse between two looks leave no difference. The kernel's messages tell of a link that
//! went and came back under the same index, and its count of carriers of one that was without.

use std::{collections::BTreeSet, sync::Arc, thread, time::Duration};

use landfall_link::{Chain, Event, Monitor, NetlinkError, Parent as HostLink, Socket, list};

use crate::engine::{Handle, Input};

/// Without a change they are read again so often: routes change without an event here.
const POLL: Duration = Duration::from_secs(2);
/// A pod's start makes a dozen events; they are waited for.
const QUIET: Duration = Duration::from_millis(100);

/// Which links have gone since the last look, whatever is there now.
#[derive(Debug, Default, PartialEq, Eq)]
struct Gone {
    /// Their indexes.
    indexes: BTreeSet<u32>,
    /// Some may have that nobody told of.
    more: bool,
}

/// Tells the engine of the links: now, and on a thread of its own at every change.
pub fn watch(engine: Handle) -> anyhow::Result<()> {
    let mut socket = Socket::open()?;
    let mut monitor = Monitor::with_addresses()?;
    let mut known = read(&mut socket, &engine, Vec::new());
    thread::Builder::new()
        .name("links".to_owned())
        .spawn(move || {
            loop {
                let gone = settle(&mut monitor).unwrap_or_else(|error| {
                    tracing::warn!("links are polled: {}", Chain(&error));
                    thread::sleep(POLL);
                    Gone {
                        more: true,
                        ..Gone::default()
                    }
                });
                known = read(&mut socket, &engine, known);
                gone.tell(&engine, &known);
            }
        })?;
    Ok(())
}

/// Returns after a change and the quiet that follows, or after nothing.
fn settle(monitor: &mut Monitor) -> Result<Gone, NetlinkError> {
    let mut gone = Gone::default();
    if let Some(event) = monitor.next(POLL)? {
        gone.note(&event);
        thread::sleep(QUIET);
        while let Some(event) = monitor.next(Duration::ZERO)? {
            gone.note(&event);
        }
    }
    Ok(gone)
}

fn read(socket: &mut Socket, engine: &Handle, known: Vec<Arc<HostLink>>) -> Vec<Arc<HostLink>> {
    match list(socket) {
        Ok(links) => {
            let links: Vec<_> = links.into_iter().map(Arc::new).collect();
            if links != known {
                engine.tell(Input::Links(links.clone()));
            }
            links
        }
        Err(error) => {
            tracing::warn!("{}", Chain(&error));
            known
        }
    }
}

// === impl Gone ===

impl Gone {
    fn note(&mut self, event: &Event) {
        match event {
            Event::Removed { index } => drop(self.indexes.insert(*index)),
            Event::Lost => self.more = true,
            Event::Changed(_) | Event::Addressed => {}
        }
    }

    /// Of those that are not there (any more) the links themselves tell.
    fn tell(self, engine: &Handle, links: &[Arc<HostLink>]) {
        let is_meant = |index: &u32| self.more || self.indexes.contains(index);
        let indexes = links.iter().map(|link| link.index);
        let replaced: BTreeSet<u32> = indexes.filter(is_meant).collect();
        if !replaced.is_empty() {
            engine.tell(Input::Replaced(replaced));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_that_went_is_noted_and_one_that_changed_is_not() {
        let mut gone = Gone::default();
        gone.note(&Event::Removed { index: 7 });
        gone.note(&Event::Addressed);
        assert_eq!((gone.indexes.len(), gone.more), (1, false));
        gone.note(&Event::Lost);
        assert!(gone.more);
    }
}
