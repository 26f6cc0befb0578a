//! `node`: what a node holds, and what its agent says.

use anyhow::Context as _;
use serde_json::json;

use crate::{answer::Answer, holding::Holding, snapshot::Snapshot};

/// All that a node holds.
pub(crate) fn node(snapshot: &Snapshot, name: &str) -> anyhow::Result<Answer> {
    let object = snapshot.node(name)?;
    let object = object.with_context(|| format!("there is no LandfallNode {name}"))?;
    let mut holdings = Holding::all(snapshot);
    holdings.retain(|holding| holding.node.as_deref() == Some(name));
    let conditions = object.status.iter().flat_map(|status| &status.conditions);
    let conditions: Vec<_> = conditions.collect();
    let said: String = conditions
        .iter()
        .map(|c| {
            let line = format!("{}={} {}", c.type_, c.status, c.message);
            line.trim_end().to_owned() + "\n"
        })
        .collect();
    let listed = Holding::table(&holdings);
    let answer = Answer {
        text: format!("{said}{listed}"),
        is_good: true,
        json: json!({
            "node": name,
            "conditions": conditions,
            "holdings": holdings,
            "refusals": object.spec.refusals,
        }),
    };
    Ok(answer.without(&snapshot.unread))
}
