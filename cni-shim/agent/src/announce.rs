//! Tells the LAN again where an attachment's addresses are.
//!
//! The kernel announces them once, when the link goes up, and not at all without a carrier. The others
//! are sent from here, and all of them again when the parent's carrier comes back: meanwhile switches
//! and neighbours may have forgotten.

use std::{net::IpAddr, time::Duration};

use landfall_core::mac::Mac;
use landfall_link::{AnnounceError, Chain, announce};
use tokio::{sync::mpsc, task::spawn_blocking, time::sleep};

use crate::{detach::at_its_place, records::Facts, scan::Roots};

/// What to announce, and how often.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Announcement {
    /// Where.
    pub facts: Facts,
    /// The link's hardware address.
    pub mac: Mac,
    /// Its addresses.
    pub addresses: Vec<IpAddr>,
    /// How often.
    pub count: u8,
    /// The time before each.
    pub interval: Duration,
    /// Whether the first is sent at once.
    pub at_once: bool,
}

/// Announces what it is told to. Ends with the engine.
pub async fn run(mut told: mpsc::UnboundedReceiver<Announcement>, roots: Roots) {
    while let Some(announcement) = told.recv().await {
        tokio::spawn(repeat(announcement, roots.clone()));
    }
}

async fn repeat(announcement: Announcement, roots: Roots) {
    for turn in 0..announcement.count {
        if turn > 0 || !announcement.at_once {
            sleep(announcement.interval).await;
        }
        let (once, roots) = (announcement.clone(), roots.clone());
        let sent = spawn_blocking(move || once.send(&roots)).await;
        match sent {
            Ok(Ok(true)) => {}
            // The sandbox, or its link, has gone meanwhile.
            Ok(Ok(false)) | Err(_) => return,
            Ok(Err(error)) => {
                let pod = &announcement.facts.pod;
                tracing::debug!(pod, "not announced: {}", Chain(&error));
                return;
            }
        }
    }
}

// === impl Announcement ===

impl Announcement {
    /// `false`: the sandbox is no longer in its place. It is opened anew each time: held open, it would
    /// outlive its pod.
    fn send(&self, roots: &Roots) -> Result<bool, AnnounceError> {
        let facts = &self.facts;
        let Some(netns) = at_its_place(&facts.netns, roots) else {
            return Ok(false);
        };
        if netns.cookie()?.0 != facts.cookie {
            return Ok(false);
        }
        announce(&netns, facts.index, self.mac, &self.addresses)?;
        Ok(true)
    }
}
