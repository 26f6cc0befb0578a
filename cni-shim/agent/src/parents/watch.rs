//! The node's links, whenever they change.

use std::{sync::Arc, thread, time::Duration};

use landfall_link::{Chain, Monitor, NetlinkError, Parent as HostLink, Socket, list};

use crate::engine::{Handle, Input};

/// Without a change they are read again so often: addresses and routes change without an event here.
const POLL: Duration = Duration::from_secs(2);
/// A pod's start makes a dozen events; they are waited for.
const QUIET: Duration = Duration::from_millis(100);

/// Tells the engine of the links: now, and on a thread of its own at every change.
pub fn watch(engine: Handle) -> anyhow::Result<()> {
    let mut socket = Socket::open()?;
    let mut monitor = Monitor::open()?;
    let mut known = read(&mut socket, &engine, Vec::new());
    thread::Builder::new()
        .name("links".to_owned())
        .spawn(move || {
            loop {
                if let Err(error) = settle(&mut monitor) {
                    tracing::warn!("links are polled: {}", Chain(&error));
                    thread::sleep(POLL);
                }
                known = read(&mut socket, &engine, known);
            }
        })?;
    Ok(())
}

/// Returns after a change and the quiet that follows, or after nothing.
fn settle(monitor: &mut Monitor) -> Result<(), NetlinkError> {
    if monitor.next(POLL)?.is_some() {
        thread::sleep(QUIET);
        while monitor.next(Duration::ZERO)?.is_some() {}
    }
    Ok(())
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
