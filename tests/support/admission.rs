//! Whether the API server takes an object, and what it says.

use std::collections::BTreeMap;

use anyhow::{Result, bail};
use serde_json::{Deserializer, Value};

use crate::{cluster::Cluster, manifest};

/// What the API server makes of an object: the object with defaults and without unknown fields, or
/// the message of the refusal.
pub type Verdict = Result<Value, String>;

/// Tries to create objects, without leaving any behind. Verdicts by `metadata.name`, which must be
/// different for each.
pub fn verdicts(cluster: &Cluster, objects: &[Value]) -> Result<BTreeMap<String, Verdict>> {
    // Without validation by kubectl the server itself prunes and speaks.
    let words = "create --dry-run=server --validate=false -o json -f -";
    let words: Vec<_> = words.split(' ').collect();
    let list = manifest::list(objects).to_string();
    let output = cluster.feed_kubectl(&words, &list)?;
    let mut verdicts = BTreeMap::new();
    for seen in Deserializer::from_slice(&output.stdout).into_iter::<Value>() {
        let seen = seen?;
        let items = match seen.get("items").and_then(Value::as_array) {
            Some(items) => items.clone(),
            None => vec![seen],
        };
        for item in items {
            verdicts.insert(name(&item).to_owned(), Ok(item));
        }
    }
    let stderr = String::from_utf8_lossy(&output.stderr);
    for message in messages(&stderr) {
        let of = objects.iter().map(name);
        let Some(of) = of
            .into_iter()
            .find(|of| message.contains(&format!("\"{of}\"")))
        else {
            bail!("kubectl create: {message}");
        };
        verdicts.insert(of.to_owned(), Err(message));
    }
    for object in objects {
        if !verdicts.contains_key(name(object)) {
            bail!("no verdict on {object}: {stderr}");
        }
    }
    Ok(verdicts)
}

/// The verdict on one object.
pub fn verdict(cluster: &Cluster, object: &Value) -> Result<Verdict> {
    let mut all = verdicts(cluster, std::slice::from_ref(object))?;
    let one = all.remove(name(object));
    Ok(one.unwrap_or_else(|| Err("no verdict".to_owned())))
}

fn name(object: &Value) -> &str {
    let name = object.pointer("/metadata/name");
    name.and_then(Value::as_str).unwrap_or_default()
}

/// One message an object; some have several lines.
fn messages(stderr: &str) -> Vec<String> {
    let mut messages: Vec<String> = Vec::new();
    for line in stderr.lines().filter(|line| !line.is_empty()) {
        let starts = line.starts_with("Error from server") || line.starts_with("The ");
        match messages.last_mut().filter(|_| !starts) {
            Some(message) => {
                message.push('\n');
                message.push_str(line);
            }
            None => messages.push(line.to_owned()),
        }
    }
    messages
}
