//! `check`: the numbered invariants over the whole state (docs/ipam-protocol.md, "Invariants").

use kube::ResourceExt as _;
use landfall_core::ledger::{Finding, Subject, audit::audit};
use landfall_crds::ledger::block;
use serde::Serialize;
use serde_json::json;

use crate::{
    answer::Answer,
    snapshot::Snapshot,
    table::{or_dash, table},
    unreadable::Unreadable,
};

/// A contradiction, or an object that can't be read.
#[derive(Debug, Serialize)]
struct Row {
    /// The number of what is contradicted.
    invariant: Option<u8>,
    /// What is wrong, in one word.
    what: String,
    /// `AddressBlock/…` or `LandfallNode/…`.
    object: String,
    /// The address, if it is about one.
    address: Option<std::net::IpAddr>,
    /// A sentence.
    message: String,
}

/// Looks at everything.
pub(crate) fn check(snapshot: &Snapshot) -> Answer {
    let findings = audit(&snapshot.view(), &snapshot.attached());
    let mut rows: Vec<Row> = findings.iter().map(row).collect();
    rows.extend(snapshot.strangers.iter().map(stranger));
    let contradictions = rows.len();
    rows.extend(snapshot.unread.iter().map(unread));
    rows.sort_by_key(|row| row.invariant);
    let entries = snapshot
        .blocks
        .values()
        .flat_map(|b| b.spec.entries.values());
    let held = entries.filter(|entry| entry.state.is_held()).count();
    let attached = snapshot.attached();
    let attached = attached.values().flatten().count();
    let (blocks, nodes) = (snapshot.blocks.len(), snapshot.nodes.len());
    let looked = format!(
        "{blocks} AddressBlocks, {nodes} LandfallNodes, {held} addresses held, {attached} attached"
    );
    let text = if rows.is_empty() {
        format!("no contradiction: {looked}\n")
    } else {
        let cells = rows.iter().map(|row| {
            vec![
                or_dash(row.invariant),
                row.object.clone(),
                row.message.clone(),
            ]
        });
        let cells: Vec<Vec<String>> = cells.collect();
        let listed = table(&["INVARIANT", "OBJECT", "FINDING"], &cells);
        let counts = [
            count(contradictions, "contradiction", "contradictions"),
            count(
                snapshot.unread.len(),
                "object that can't be read",
                "objects that can't be read",
            ),
        ];
        let counts: Vec<String> = counts.into_iter().flatten().collect();
        let counts = counts.join(", ");
        format!("{listed}\n{counts}: {looked}; see docs/ipam-protocol.md, \"Edits by hand\"\n")
    };
    Answer {
        text,
        is_good: rows.is_empty(),
        json: json!({
            "resourceVersion": snapshot.version,
            "blocks": blocks,
            "nodes": nodes,
            "held": held,
            "attached": attached,
            "findings": rows,
        }),
    }
}

/// How many there are, if any.
fn count(of: usize, one: &str, many: &str) -> Option<String> {
    let what = if of == 1 { one } else { many };
    (of > 0).then(|| format!("{of} {what}"))
}

fn row(finding: &Finding) -> Row {
    let object = match &finding.subject {
        Subject::Block(id) => format!("AddressBlock/{}", id.object_name()),
        Subject::Node(name) => format!("LandfallNode/{name}"),
    };
    Row {
        invariant: Some(finding.kind.invariant()),
        what: format!("{:?}", finding.kind),
        object,
        address: Some(finding.address),
        message: finding.message.clone(),
    }
}

/// An object that is not part of the ledger, and looks like it.
fn stranger(object: &landfall_crds::block::AddressBlock) -> Row {
    let expected = block::id(object).object_name();
    Row {
        invariant: Some(9),
        what: "Stranger".to_owned(),
        object: format!("AddressBlock/{}", object.name_any()),
        address: None,
        message: format!(
            "its addresses are AddressBlock {expected}'s: nothing is read from this object; delete it"
        ),
    }
}

/// An object of which nothing was looked at.
fn unread(object: &Unreadable) -> Row {
    Row {
        invariant: None,
        what: "Unreadable".to_owned(),
        object: object.object(),
        address: None,
        message: format!("can't be read, {}: nothing of it was looked at", object.why),
    }
}

#[cfg(test)]
mod tests;
