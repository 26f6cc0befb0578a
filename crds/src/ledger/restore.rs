//! What is known of restores of etcd: the ConfigMap `landfall-ledger` in the operator's namespace.
//!
//! ```text
//! data:
//!   drawn: "17"            counts the epochs that were drawn; a write of it is what draws one
//!   restored: "1000012345" the epoch of the last announced restore
//!   adopted: "1000012345"  that of the last one after which the ledger was rewritten
//! ```

use k8s_openapi::api::core::v1::ConfigMap;
use kube::ResourceExt as _;
use landfall_core::ledger::view::Restore;

use crate::keys::LEDGER_CONFIG_MAP;

const DRAWN: &str = "drawn";
const RESTORED: &str = "restored";
const ADOPTED: &str = "adopted";

/// The ConfigMap says something that nobody of ours has written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "data.{key} of the ConfigMap {LEDGER_CONFIG_MAP} is {text:?}, expected a number: run \
     `kubectl landfall restored` (docs/restore.md)"
)]
pub struct RestoreError {
    key: &'static str,
    text: String,
}

/// What the ConfigMap says; no ConfigMap: there never was a restore.
///
/// # Errors
/// A text that is no number.
pub fn read(object: Option<&ConfigMap>) -> Result<Restore, RestoreError> {
    let number = |key: &'static str| {
        let data = object.and_then(|object| object.data.as_ref());
        let text = data.and_then(|data| data.get(key));
        text.map_or(Ok(0), |text| {
            text.parse().map_err(|_| RestoreError {
                key,
                text: text.clone(),
            })
        })
    };
    Ok(Restore {
        epoch: number(RESTORED)?,
        adopted: number(ADOPTED)?,
    })
}

/// A ConfigMap in which nothing was drawn yet.
pub fn empty() -> ConfigMap {
    let mut object = ConfigMap::default();
    object.metadata.name = Some(LEDGER_CONFIG_MAP.to_owned());
    object
}

/// The change whose write draws an epoch. One that changes nothing would not be a write: the API server
/// leaves the resourceVersion as it is.
pub fn draw(object: &mut ConfigMap) {
    let data = object.data.get_or_insert_default();
    let count = data.get(DRAWN).and_then(|text| text.parse::<u64>().ok());
    let next = count.unwrap_or_default().wrapping_add(1);
    data.insert(DRAWN.to_owned(), next.to_string());
}

/// The epoch that a write of [`draw`] has drawn: `None` if the API server gave it no numeric
/// resourceVersion.
pub fn drawn(written: &ConfigMap) -> Option<u64> {
    written.resource_version()?.parse().ok()
}

/// Notes that a restore was announced.
pub fn note_restored(object: &mut ConfigMap, epoch: u64) {
    let data = object.data.get_or_insert_default();
    data.insert(RESTORED.to_owned(), epoch.to_string());
}

/// Notes that the ledger was rewritten.
pub fn note_adopted(object: &mut ConfigMap, epoch: u64) {
    let data = object.data.get_or_insert_default();
    data.insert(ADOPTED.to_owned(), epoch.to_string());
}
