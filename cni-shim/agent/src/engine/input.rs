//! What the engine is told, and what it answers.

use std::{collections::BTreeSet, path::PathBuf, sync::Arc};

use landfall_core::{
    agent::{AddRequest, Event, Key, Outcome, Token},
    id::Name,
    link::Link,
};
use landfall_crds::node::LandfallNode;
use landfall_link::{Made, Netns, Parent as HostLink};
use tokio::sync::oneshot;

use crate::execute::{Looked, NodeLinkJob, Probed};

/// What the engine is told.
pub enum Input {
    /// A version of the own object.
    Object {
        /// The object.
        object: Box<LandfallNode>,
        /// Whether it was read with quorum.
        quorum: bool,
    },
    /// A quorum read of it begins.
    ReadBegins,
    /// The plugin asks to attach a pod.
    Add {
        /// What core decides on.
        request: AddRequest,
        /// Where.
        sandbox: Sandbox,
        /// For the answer.
        reply: oneshot::Sender<Answer>,
    },
    /// The plugin, or the sweep, asks to detach a sandbox.
    Del {
        /// The request.
        token: Token,
        /// The sandbox.
        container: Name,
        /// The one interface that a delegate call names; `None` is all.
        interface: Option<Name>,
        /// Its namespace, if the caller has it.
        netns: Option<Arc<Netns>>,
        /// For the answer.
        reply: oneshot::Sender<Answer>,
    },
    /// A link was made.
    Made(Key, Box<Made>),
    /// Anything else that core decides on.
    Event(Event),
    /// The node's links, as they are now.
    Links(Vec<Arc<HostLink>>),
    /// The links of these indexes have gone and are there again: what hung from them is gone too.
    Replaced(BTreeSet<u32>),
    /// The records were compared with the kernel: from now on a link that goes is made anew.
    Compared,
    /// Time to try again what failed.
    Retry,
    /// The LAN was asked who has an address.
    Probed(Probed),
    /// An attachment's link was looked for; or why it could not be.
    Looked(Key, Result<Looked, String>),
    /// An attachment's link was made anew; or why not.
    Remade(Key, Result<Box<Made>, String>),
    /// A link of the node was made or removed, or was not: why.
    NodeLink(NodeLinkJob, Option<String>),
}

/// A pod's network namespace, and whose it is.
#[derive(Clone, Debug)]
pub struct Sandbox {
    /// The namespace.
    pub netns: Arc<Netns>,
    /// Where the runtime bound it.
    pub path: PathBuf,
    /// Its SO_NETNS_COOKIE.
    pub cookie: u64,
    /// The number by which the node's own namespace knows it.
    pub number: Option<i32>,
    /// The pod as `namespace/name`.
    pub pod: String,
}

/// What a request gets.
#[derive(Debug)]
pub struct Answer {
    /// How it ended.
    pub outcome: Outcome,
    /// After an ADD: the links that were made.
    pub links: Vec<Attached>,
}

/// One link that was made.
#[derive(Clone, Debug)]
pub struct Attached {
    /// As it was wanted.
    pub wanted: Link,
    /// As the kernel shows it; absent where it was not made in this call.
    pub made: Option<Made>,
    /// The network's name.
    pub network: String,
}
