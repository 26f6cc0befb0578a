//! Every object that the documentation shows is one that a real API server takes: each block of YAML is
//! whole, and is created with a server-side dry run that knows no unknown field.

use std::fs;

use anyhow::{Context, Result, ensure};
use landfall_tests::{manifest, tree::tree};
use serde_json::{Value, json};

use crate::cluster;

/// A block of YAML, and where it stands.
struct Example {
    place: String,
    yaml: String,
}

/// The blocks of one file.
fn examples_of(path: &str, text: &str) -> Vec<Example> {
    let mut found: Vec<Example> = Vec::new();
    let mut is_inside = false;
    for (number, line) in (1_usize..).zip(text.lines()) {
        if line.starts_with("```") {
            is_inside = line == "```yaml";
            if is_inside {
                found.push(Example {
                    place: format!("{path}:{number}"),
                    yaml: String::new(),
                });
            }
        } else if is_inside && let Some(last) = found.last_mut() {
            last.yaml.push_str(line);
            last.yaml.push('\n');
        }
    }
    found
}

fn examples() -> Result<Vec<Example>> {
    let mut paths = vec!["README.md".to_owned()];
    for entry in fs::read_dir(tree("docs"))? {
        let page = entry?.path();
        if page.extension().is_some_and(|extension| extension == "md") {
            let name = page.file_name().unwrap_or_default().to_string_lossy();
            paths.push(format!("docs/{name}"));
        }
    }
    paths.sort();
    let mut all = Vec::new();
    for path in paths {
        let text = fs::read_to_string(tree(&path)).with_context(|| path.clone())?;
        all.extend(examples_of(&path, &text));
    }
    Ok(all)
}

/// The objects of a block, as kubectl reads them, in a namespace that exists.
fn objects(example: &Example) -> Result<Vec<Value>> {
    let words = "create --dry-run=client --validate=false -o json -f -";
    let words: Vec<_> = words.split(' ').collect();
    let output = cluster().feed_kubectl(&words, &example.yaml)?;
    let stderr = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{}: {stderr}", example.place);
    // Several are printed one after the other.
    let read = serde_json::Deserializer::from_slice(&output.stdout).into_iter();
    let mut objects = read.collect::<Result<Vec<Value>, _>>()?;
    for object in &mut objects {
        if let Some(namespace) = object.pointer_mut("/metadata/namespace") {
            *namespace = json!("default");
        }
    }
    Ok(objects)
}

#[test]
fn every_object_that_the_documentation_shows_is_taken_by_the_api_server() -> Result<()> {
    let examples = examples()?;
    ensure!(examples.len() >= 4, "{} examples", examples.len());
    for example in &examples {
        let objects = objects(example)?;
        let words = "create --dry-run=server --validate=strict -o name -f -";
        let words: Vec<_> = words.split(' ').collect();
        let list = manifest::list(&objects).to_string();
        let output = cluster().feed_kubectl(&words, &list)?;
        let stderr = String::from_utf8_lossy(&output.stderr);
        ensure!(
            output.status.success(),
            "{} is refused: {stderr}",
            example.place
        );
    }
    Ok(())
}
