//! The node's own object: the watch, and the quorum read where the protocol asks for one.
//!
//! The agent lists and watches this one object, selected by name, so an event reaches one agent. With
//! the API server away it tries again for ever; meanwhile the engine serves from `/run`.

use std::sync::Arc;

use futures::StreamExt as _;
use kube::{
    Api,
    runtime::{
        WatchStreamExt as _,
        watcher::{self, watcher},
    },
};
use landfall_crds::{
    guarded::{self, Guarded, Unread},
    node::LandfallNode,
};
use tokio::{
    sync::{Notify, watch::Sender},
    time::sleep,
};

use crate::{
    engine::{Handle, Input},
    status::Shown,
};

mod convert;
mod pauses;

pub use convert::snapshot;
use pauses::Pauses;

/// A watch that lasts longer is renewed. It is also how long a connection that died without a word
/// goes unnoticed.
const WATCH_SECONDS: u32 = 60;

/// Watches the object and tells the engine of every version, and `shown` which status it has. Does not end.
pub async fn watch(
    api: Api<Guarded<LandfallNode>>,
    name: String,
    engine: Handle,
    asked: Arc<Notify>,
    shown: Sender<Shown>,
) {
    let config = watcher::Config::default()
        .fields(&format!("metadata.name={name}"))
        .timeout(WATCH_SECONDS);
    let mut events = watcher(api, config).backoff(Pauses::of(&name)).boxed();
    while let Some(event) = events.next().await {
        match event {
            Ok(watcher::Event::Apply(object) | watcher::Event::InitApply(object)) => {
                match guarded::read(object) {
                    Ok(object) => {
                        shown.send_replace(Shown::of(&object.metadata, object.status.as_ref()));
                        engine.tell(Input::Object {
                            object: Box::new(slim(object)),
                            quorum: false,
                        });
                    }
                    Err(unread) => tell_unread(&name, &unread),
                }
            }
            Ok(watcher::Event::Delete(_)) => {
                // What was granted stays granted: only a new object, read with quorum, changes that.
                tracing::warn!("the LandfallNode {name} was deleted; serving what it said last");
            }
            Ok(watcher::Event::Init | watcher::Event::InitDone) => {}
            Err(error) => {
                tracing::warn!(%error, "the watch of the LandfallNode ended");
                // Over a restore of etcd that nobody announced a watch may wait for ever for versions
                // that will not come.
                asked.notify_one();
            }
        }
    }
}

/// Reads the object with quorum whenever it is asked to. Does not end.
pub async fn read(
    api: Api<Guarded<LandfallNode>>,
    name: String,
    engine: Handle,
    asked: Arc<Notify>,
) {
    loop {
        asked.notified().await;
        let object = with_patience(&api, &name, &engine).await;
        if let Some(object) = object {
            engine.tell(Input::Object {
                object: Box::new(slim(object)),
                quorum: true,
            });
        } else {
            // The watch tells when it is made, and the engine asks again.
            tracing::info!("there is no LandfallNode {name} yet; landfall-operator makes it");
        }
    }
}

/// A GET without resourceVersion is a quorum read.
async fn with_patience(
    api: &Api<Guarded<LandfallNode>>,
    name: &str,
    engine: &Handle,
) -> Option<LandfallNode> {
    for pause in Pauses::of(name) {
        engine.tell(Input::ReadBegins);
        match api.get_opt(name).await {
            Ok(None) => return None,
            Ok(Some(object)) => match guarded::read(object) {
                Ok(object) => return Some(object),
                Err(unread) => tell_unread(name, &unread),
            },
            Err(error) => tracing::warn!(%error, "cannot read the LandfallNode {name}"),
        }
        sleep(pause).await;
    }
    None
}

/// Somebody edited the object. What it said last goes on being served; nothing of it is guessed.
fn tell_unread(name: &str, unread: &Unread) {
    let why = &unread.why;
    tracing::error!(
        why,
        "the LandfallNode {name} can't be read; serving what it said last until it is put right"
    );
}

/// Who wrote which field is a third of the object, and nobody here asks.
fn slim(mut object: LandfallNode) -> LandfallNode {
    object.metadata.managed_fields = None;
    object
}
