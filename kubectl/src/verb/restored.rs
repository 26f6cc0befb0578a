//! `restored`: a person says that etcd was restored from a backup.

use kube::Client;
use landfall_crds::ledger::restored::{RestoredError, restored};
use serde_json::json;

use crate::answer::Answer;

/// Says it.
pub(crate) async fn say(
    client: &Client,
    namespace: &str,
    off: &[String],
) -> anyhow::Result<Answer> {
    let off = off.iter().cloned().collect();
    match restored(client.clone(), namespace, &off).await {
        Ok(report) => {
            let nodes = report.nodes.iter();
            let nodes = nodes.map(|(name, grants)| json!({"node": name, "grants": grants}));
            let nodes: Vec<_> = nodes.collect();
            Ok(Answer {
                text: format!("{report}\n"),
                json: json!({"epoch": report.epoch, "nodes": nodes}),
                is_good: true,
            })
        }
        // Nothing was written.
        Err(error @ RestoredError::Tainted(_)) => Ok(Answer {
            text: format!("{error}\n"),
            json: json!({"refused": error.to_string()}),
            is_good: false,
        }),
        Err(error) => Err(error.into()),
    }
}
