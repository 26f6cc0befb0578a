//! Tables of objects that differ from a good one in one place. A row is
//! `where it differs | the value there (null takes the field away)`, and for an object that must be
//! refused also `| where the message must point | what it must say`.

use landfall_tests::{
    admission::{self, Verdict},
    manifest::with,
};
use serde_json::{Value, json};

/// All rows must be accepted.
pub(crate) fn accepts(good: &Value, table: &str) {
    let rows = rows(table);
    for (row, verdict) in rows.iter().zip(verdicts(good, &rows)) {
        assert!(verdict.is_ok(), "{row:?} is refused: {verdict:?}");
    }
}

/// All rows must be refused, with their message at their place.
pub(crate) fn refuses(good: &Value, table: &str) {
    let rows = rows(table);
    let mut faults = Vec::new();
    for (row, verdict) in rows.iter().zip(verdicts(good, &rows)) {
        match verdict {
            Ok(_) => faults.push(format!("{row:?} is accepted")),
            Err(message) if message.contains(row[2]) && message.contains(row[3]) => {}
            Err(message) => faults.push(format!("{row:?} is refused otherwise: {message}")),
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

fn rows(table: &str) -> Vec<Vec<&str>> {
    let lines = table.lines().filter(|line| !line.trim().is_empty());
    lines
        .map(|line| line.split(" | ").map(str::trim).collect())
        .collect()
}

/// What becomes of the good object with each change, in order.
fn verdicts(good: &Value, rows: &[Vec<&str>]) -> Vec<Verdict> {
    let name = |index: usize| format!("row-{index}");
    let objects: Vec<Value> = rows
        .iter()
        .enumerate()
        .map(|(index, row)| {
            let named = with(good.clone(), "/metadata/name", json!(name(index)));
            with(named, row[0], serde_json::from_str(row[1]).expect(row[1]))
        })
        .collect();
    let mut verdicts = admission::verdicts(crate::cluster(), &objects).expect("kubectl create");
    (0..rows.len())
        .map(|index| verdicts.remove(&name(index)).expect("a verdict each"))
        .collect()
}
