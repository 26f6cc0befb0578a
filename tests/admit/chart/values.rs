//! `values.yaml` explains each value, and the chart's README repeats what it says.

use std::fs;

use anyhow::{Context, Result};
use landfall_tests::tree::tree;
use serde_json::Value;

use crate::{chart, docs};

/// A value with the comment before it.
#[derive(Debug)]
struct Documented {
    /// Its keys from the top.
    path: Vec<String>,
    comment: String,
}

/// Every key that has a comment, and every key without one that holds no keys with comments.
fn documented(yaml: &str) -> Vec<Documented> {
    let mut found: Vec<Documented> = Vec::new();
    let mut path: Vec<String> = Vec::new();
    let mut comment = Vec::new();
    // How deep the last value with a comment is: what is below is its default.
    let mut inside = usize::MAX;
    for line in yaml.lines().filter(|line| !line.trim().is_empty()) {
        let text = line.trim_start();
        let depth = (line.len() - text.len()) / 2;
        if let Some(words) = text.strip_prefix("# ") {
            comment.push(words);
            continue;
        }
        if depth <= inside {
            inside = usize::MAX;
        }
        let Some((key, rest)) = text.split_once(':').filter(|_| inside == usize::MAX) else {
            continue;
        };
        path.truncate(depth);
        path.push(key.to_owned());
        if !comment.is_empty() || !rest.is_empty() {
            inside = depth;
            found.push(Documented {
                path: path.clone(),
                comment: comment.join(" "),
            });
        }
        comment.clear();
    }
    found
}

/// The default values as JSON. kubectl reads YAML: they are made the spec of an object.
fn defaults(yaml: &str) -> Result<Value> {
    let spec = yaml.replace('\n', "\n  ");
    let head =
        "apiVersion: landfall.dev/v1alpha1\nkind: LandfallNode\nmetadata: {name: x}\nspec:\n";
    let objects = chart::objects(&format!("{head}  {spec}"))?;
    let object = objects.into_iter().next().context("no object")?;
    Ok(object["spec"].clone())
}

#[test]
fn every_value_has_a_comment_and_the_readme_lists_it() -> Result<()> {
    let yaml = fs::read_to_string(tree("charts/landfall/values.yaml"))?;
    let defaults = defaults(&yaml)?;
    let mut lines = vec!["| Value | Default | Meaning |\n|---|---|---|".to_owned()];
    for Documented { path, comment } in documented(&yaml) {
        let name = path.join(".");
        assert!(
            comment.ends_with('.'),
            "{name} needs a sentence: {comment:?}"
        );
        let default = defaults.pointer(&format!("/{}", path.join("/")));
        let default = default.with_context(|| format!("{name} is no value"))?;
        lines.push(format!("| `{name}` | `{default}` | {comment} |"));
    }
    let table = lines.join("\n") + "\n";
    docs::check("charts/landfall/README.md", "values", &table)
}
