//! Links of attachments that are in place: looked for, and made anew.

use std::{sync::Arc, thread, time::Duration};

use landfall_core::{
    agent::Key,
    link::{Link, Observed},
};
use landfall_link::{AttachError, Chain, Hint, Made, Netns, devices, set_mtu};

use crate::{detach::find, engine::Input, records::Facts, scan::Roots};

/// The kernel may still be tearing the old link down, which has the hardware address.
const ATTEMPTS: usize = 10;
const PAUSE: Duration = Duration::from_millis(50);

/// How an attempt to make a link ends.
type Attached = Result<Made, AttachError>;

/// A link to look for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LookJob {
    /// The attachment.
    pub key: Key,
    /// Which link.
    pub facts: Facts,
    /// The MTU that it should have, in bytes; it is set. `None`: any.
    pub mtu: Option<u32>,
}

/// What a look finds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Looked {
    /// The link, or one that may be it.
    There {
        /// The index of its parent in that one's namespace.
        parent: Option<u32>,
        /// Its MTU now, in bytes.
        mtu: u32,
    },
    /// The kernel has no such link.
    Gone,
}

/// A link to make anew, in place of one that is gone.
#[derive(Clone, Debug)]
pub struct RemakeJob {
    /// The attachment.
    pub key: Key,
    /// Where.
    pub facts: Facts,
    /// The link.
    pub link: Link,
    /// The network's name, for messages.
    pub network: String,
}

fn open(facts: &Facts, roots: &Roots) -> Result<Arc<Netns>, String> {
    let gone = || {
        format!(
            "its network namespace {} can't be found",
            facts.netns.display()
        )
    };
    find(facts, None, roots).ok_or_else(gone)
}

// === impl LookJob ===

impl LookJob {
    /// Looks, and says what to tell the engine.
    pub(super) fn run(self, roots: &Roots) -> Input {
        let looked = self.look(roots);
        Input::Looked(self.key, looked)
    }

    fn look(&self, roots: &Roots) -> Result<Looked, String> {
        let netns = open(&self.facts, roots)?;
        let found = devices(&netns).map_err(|error| Chain(&error).to_string())?;
        let Some(found) = found.iter().find(|found| self.may_be(found)) else {
            return Ok(Looked::Gone);
        };
        let parent = found.parent;
        match self.mtu.filter(|mtu| *mtu != found.mtu) {
            Some(mtu) => set_mtu(&netns, found.index, mtu)
                .map(|()| Looked::There { parent, mtu })
                .map_err(|error| Chain(&error).to_string()),
            None => Ok(Looked::There {
                parent,
                mtu: found.mtu,
            }),
        }
    }

    /// More than what proves that it is the link: a parent that is in another namespace may have another
    /// index there, and what hangs from it lives.
    fn may_be(&self, found: &Observed) -> bool {
        found.index == self.facts.index || found.name == self.facts.name
    }
}

// === impl RemakeJob ===

impl RemakeJob {
    /// Makes it by `attach`, and says what to tell the engine. Between two attempts it holds nothing that
    /// an ADD may need.
    pub(super) fn run(self, roots: &Roots, attach: impl Fn(&Netns, &Link) -> Attached) -> Input {
        let made = self.make(roots, attach);
        Input::Remade(self.key, made.map(Box::new))
    }

    fn make(
        &self,
        roots: &Roots,
        attach: impl Fn(&Netns, &Link) -> Attached,
    ) -> Result<Made, String> {
        let netns = open(&self.facts, roots)?;
        let mut result = attach(&netns, &self.link);
        for _ in 1..ATTEMPTS {
            match &result {
                Err(error) if error.hint().is_some_and(Hint::may_pass) => thread::sleep(PAUSE),
                _ => break,
            }
            result = attach(&netns, &self.link);
        }
        result.map_err(|error| format!("network {}: {}", self.network, Chain(&error)))
    }
}
