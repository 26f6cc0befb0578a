//! The chart: what it renders, which values it takes, and whether the API server takes the result.

use anyhow::{Context, Result};
use landfall_tests::{cluster::checked, pod::text, tree::tree};
use serde_json::{Deserializer, Value};

use crate::cluster;

mod odd;
mod rendered;
mod values;

/// The chart's folder.
pub(crate) fn folder() -> String {
    tree("charts/landfall").display().to_string()
}

/// What Helm makes of the chart: YAML. The words come after `helm template`.
pub(crate) fn template(words: &[&str]) -> Result<String> {
    // The chart asks for a version, and helm by itself guesses an old one and no newer APIs.
    let version: Value = serde_json::from_str(&cluster().kubectl(&["version", "-o", "json"])?)?;
    let version = text(&version, "/serverVersion/gitVersion");
    let served = cluster().kubectl(&["api-versions"])?;
    let mut all = vec!["helm", "template", "--kube-version", version];
    if served.contains("admissionregistration.k8s.io/v1\n") && at_least_1_36(version) {
        let api = "admissionregistration.k8s.io/v1/MutatingAdmissionPolicy";
        all.extend(["--api-versions", api]);
    }
    cluster().output(&[&all, words].concat())
}

fn at_least_1_36(version: &str) -> bool {
    let minor = version.split('.').nth(1);
    minor.is_some_and(|minor| minor.parse::<u32>().is_ok_and(|minor| minor >= 36))
}

/// The same as objects.
pub(crate) fn objects(yaml: &str) -> Result<Vec<Value>> {
    let words = "create --dry-run=client --validate=false -o json -f -";
    let words: Vec<_> = words.split(' ').collect();
    let json = checked(&words, &cluster().feed_kubectl(&words, yaml)?)?;
    let all = Deserializer::from_str(&json).into_iter();
    all.collect::<Result<_, _>>().context("kubectl create")
}

/// Release `landfall` in namespace `landfall-system` with these values, without definitions.
fn with(values: &[&str]) -> Result<Vec<Value>> {
    let folder = folder();
    let mut words = vec!["landfall", &folder, "-n", "landfall-system"];
    words.extend(["--set", "crds.install=false"]);
    words.extend(values.iter().flat_map(|value| ["--set-json", value]));
    objects(&template(&words)?)
}

/// The only object of a kind whose name ends so.
fn one<'a>(objects: &'a [Value], kind: &str, end: &str) -> Result<&'a Value> {
    let mut found = objects.iter().filter(|object| is(object, kind, end));
    let one = found.next();
    assert!(found.next().is_none(), "several {kind} {end}");
    one.with_context(|| format!("no {kind} {end}"))
}

fn is(object: &Value, kind: &str, end: &str) -> bool {
    text(object, "/kind") == kind && text(object, "/metadata/name").ends_with(end)
}
