//! Our own programs: built, made into images, loaded on every node, installed with the chart.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use crate::{cluster, images, layout, node, process, progress};

/// Name of the release and, with `-system`, of its namespace.
const RELEASE: &str = "landfall";
const NAMESPACE: &str = "landfall-system";

/// (image and stage of the Dockerfile, its programs). Those in the second list may be absent.
const IMAGES: [(&str, &[&str], &[&str]); 2] = [
    ("operator", &["landfall-operator"], &["kubectl-landfall"]),
    ("agent", &["landfall-agent", "landfall"], &[]),
];

/// Builds and installs; what is unchanged is not built, loaded or rolled again.
pub(crate) fn install() -> Result<()> {
    cluster::need_up()?;
    let context = build()?;
    let mut loaded = Vec::new();
    for (stage, ..) in IMAGES {
        loaded.push((stage, image(stage, &context)?));
    }
    let nodes: Vec<_> = node::all().into_iter().filter(node::running).collect();
    progress::step(
        &format!("loading images on {} nodes", nodes.len()),
        Some(5),
        || nodes.iter().try_for_each(images::load_all),
    )?;
    progress::step("installing the chart", Some(15), || upgrade(&loaded))
}

/// Removes the release and its namespace.
pub(crate) fn uninstall() -> Result<()> {
    cluster::need_up()?;
    progress::step("removing the chart", Some(15), || {
        let line = format!("uninstall {RELEASE} -n {NAMESPACE} --wait --ignore-not-found");
        process::visible(cluster::helm().args(line.split(' ')))?;
        let line = format!("delete namespace {NAMESPACE} --ignore-not-found");
        process::visible(cluster::kubectl().args(line.split(' ')))
    })
}

/// The operator that was installed last, to be run on this machine with the cluster's kubeconfig.
pub(crate) fn operator(arguments: &[String]) -> Result<Command> {
    cluster::need_up()?;
    let mut operator = Command::new(layout::cache()?.join("programs/operator/landfall-operator"));
    operator
        .args(arguments)
        .env("KUBECONFIG", layout::kubeconfig());
    Ok(operator)
}

/// Builds static programs and gathers them in the folder that the Dockerfile expects.
pub(crate) fn build() -> Result<PathBuf> {
    let target = host()?;
    progress::step("building operator, agent and plugin", None, || {
        cargo(
            &target,
            "--release --package landfall-operator --package landfall-agent",
        )?;
        cargo(&target, "--profile plugin --package landfall-plugin")
    })?;
    let built = target_folder()?.join(target);
    let context = layout::cache()?.join("programs");
    for (stage, programs, optional) in IMAGES {
        let folder = context.join(stage);
        fs::create_dir_all(&folder)?;
        for program in programs {
            let profile = if *program == "landfall" {
                "plugin"
            } else {
                "release"
            };
            let source = built.join(profile).join(program);
            fs::copy(&source, folder.join(program))
                .with_context(|| source.display().to_string())?;
        }
        for program in optional {
            let source = built.join("release").join(program);
            if source.exists() {
                fs::copy(source, folder.join(program))?;
            }
        }
    }
    Ok(context)
}

/// Builds the plugin alone, in a hurry, and says where it is.
pub(crate) fn plugin() -> Result<PathBuf> {
    let mut cargo = process::cargo("build --locked --package landfall-plugin");
    process::visible(cargo.current_dir(layout::tree()))?;
    Ok(target_folder()?.join("debug/landfall"))
}

/// Builds the program that plays nodes, and says in which folder it is. It is measured with, so it is a
/// release build too.
pub(crate) fn fleet() -> Result<PathBuf> {
    progress::step("building the nodes that are played", None, || {
        let mut cargo = process::cargo("build --locked --release --package landfall-fleet");
        process::visible(cargo.current_dir(layout::tree()))
    })?;
    Ok(target_folder()?.join("release"))
}

/// The host's target, named: with `--target` the flags don't reach build scripts and macros, which
/// can't be static.
fn host() -> Result<String> {
    let version = process::output(&mut process::words("rustc --version --verbose"))?;
    let host = version.lines().find_map(|line| line.strip_prefix("host: "));
    Ok(host.context("rustc names no host")?.to_owned())
}

fn cargo(target: &str, what: &str) -> Result<()> {
    let mut cargo = process::cargo(&format!("build --locked --target {target} {what}"));
    let flags = std::env::var("RUSTFLAGS").unwrap_or_default();
    cargo.env(
        "RUSTFLAGS",
        format!("{flags} -C target-feature=+crt-static").trim(),
    );
    process::visible(cargo.current_dir(layout::tree()))
}

/// Where cargo builds: CARGO_TARGET_DIR and configuration files have a say.
fn target_folder() -> Result<PathBuf> {
    let mut cargo = process::cargo("metadata --format-version 1 --no-deps --offline");
    let metadata = process::output(cargo.current_dir(layout::tree()))?;
    let metadata: Value = serde_json::from_str(&metadata)?;
    let folder = metadata.get("target_directory").and_then(Value::as_str);
    Ok(folder
        .context("cargo metadata names no target_directory")?
        .into())
}

/// Builds one image unless its content has been built before; returns its tag.
fn image(stage: &str, context: &Path) -> Result<String> {
    let tag = tag(stage, context)?;
    let name = format!("landfall-{stage}");
    let reference = format!("localhost/{name}:{tag}");
    let archives = layout::cache()?.join("landfall-images");
    let archive = archives.join(format!("{name}-{tag}.tar"));
    if !archive.exists() {
        forget(&archives, &name)?;
        progress::step(&format!("building the image {name}:{tag}"), Some(3), || {
            let dockerfile = layout::tree().join("Dockerfile");
            images::build(&dockerfile, stage, context, &reference, &archive)
        })?;
    }
    images::add(&name, &reference, &archive)?;
    Ok(tag)
}

/// Removes archives of earlier content.
fn forget(archives: &Path, name: &str) -> Result<()> {
    for entry in fs::read_dir(archives).into_iter().flatten() {
        let path = entry?.path();
        let ours = path.file_name().and_then(|file| file.to_str());
        if ours.is_some_and(|file| file.starts_with(&format!("{name}-"))) {
            fs::remove_file(path)?;
        }
    }
    Ok(())
}

/// Twelve digits of a hash over what is in the image.
fn tag(stage: &str, context: &Path) -> Result<String> {
    let mut files: Vec<_> = fs::read_dir(context.join(stage))?
        .map(|entry| Ok(entry?.path()))
        .collect::<Result<_>>()?;
    files.sort();
    files.push(layout::tree().join("Dockerfile"));
    let sums = process::output(process::words("sha256sum").args(files))?;
    let list = context.join(format!("{stage}.sums"));
    process::write(&list, sums)?;
    let sum = process::output(process::words("sha256sum").arg(list))?;
    Ok(sum.chars().take(12).collect())
}

fn upgrade(tags: &[(&str, String)]) -> Result<()> {
    let mut helm = cluster::helm();
    helm.args(["upgrade", "--install", RELEASE])
        .arg(layout::tree().join("charts/landfall"));
    helm.args([
        "--namespace",
        NAMESPACE,
        "--create-namespace",
        // The admit tier applies the CRDs without helm.
        "--take-ownership",
        "--wait",
        "--timeout",
        "3m",
    ]);
    for (stage, tag) in tags {
        helm.arg("--set-string").arg(format!(
            "{stage}.image.repository=localhost/landfall-{stage}"
        ));
        helm.arg("--set-string")
            .arg(format!("{stage}.image.tag={tag}"));
    }
    helm.arg("--set-json")
        .arg(format!("operator.affinity={}", affinity()));
    if let Err(error) = process::visible(&mut helm) {
        bail!("{error}\n{}", diagnosis());
    }
    Ok(())
}

/// The operators go to nodes with the machine's own speed, if there are enough: a node of User-Mode
/// Linux is emulated, and what it decides comes late.
fn affinity() -> Value {
    let fast = node::all().into_iter();
    let fast = fast.filter(|node| node.kind == layout::Kind::Namespace);
    let names: Vec<_> = fast.map(|node| node.name).collect();
    json!({"nodeAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [{
        "weight": 100,
        "preference": {"matchExpressions": [
            {"key": "kubernetes.io/hostname", "operator": "In", "values": names},
        ]},
    }]}})
}

/// What one would look at first.
fn diagnosis() -> String {
    let looks = [
        "get pods -o wide",
        "get events --sort-by=.lastTimestamp",
        "logs --all-containers --tail=15 --prefix -l app.kubernetes.io/name=landfall",
    ];
    let look = |line: &&str| {
        let mut kubectl = cluster::kubectl();
        kubectl.args(["-n", NAMESPACE]).args(line.split(' '));
        process::output(&mut kubectl).unwrap_or_else(|error| error.to_string())
    };
    looks.iter().map(look).collect::<Vec<_>>().join("\n")
}
