//! Images without a registry: built with buildah, handed to the nodes as archives.

use std::{fs, os::unix::fs::symlink, path::Path};

use anyhow::{Context, Result};

use crate::{
    layout::{self, Node},
    node, process, progress,
};

/// The images that every node has from the start.
pub(crate) const BASE: [(&str, &str); 2] = [
    ("pause", "localhost/pause:1"),
    ("busybox", "localhost/busybox:1"),
];

/// Builds pause and busybox into the cache unless they are there.
pub(crate) fn base() -> Result<()> {
    let cached = layout::cache()?.join("images-1");
    let archive = |name: &str| cached.join(format!("{name}.tar"));
    if !BASE.iter().all(|(name, _)| archive(name).exists()) {
        progress::step("building the images pause and busybox", Some(4), || {
            let context = layout::cache()?.join("context");
            fs::create_dir_all(&context)?;
            pause(&context)?;
            busybox(&context.join("root"))?;
            let dockerfile = layout::tree().join("tests/cluster/images/Dockerfile");
            for (name, reference) in BASE {
                build(&dockerfile, name, &context, reference, &archive(name))?;
            }
            Ok(fs::remove_dir_all(context)?)
        })?;
    }
    BASE.iter()
        .try_for_each(|(name, reference)| add(name, reference, &archive(name)))
}

fn pause(context: &Path) -> Result<()> {
    let source = layout::tree().join("tests/cluster/images/pause.c");
    let mut compiler = process::words("cc -Os -static -o");
    process::run(compiler.arg(context.join("pause")).arg(source))
}

/// Debian's static busybox with a link for each of its commands.
fn busybox(root: &Path) -> Result<()> {
    let bin = root.join("bin");
    fs::create_dir_all(&bin)?;
    fs::create_dir_all(root.join("tmp"))?;
    fs::copy("/bin/busybox", bin.join("busybox")).context("/bin/busybox")?;
    process::write(&root.join("etc/passwd"), "root:x:0:0:root:/:/bin/sh\n")?;
    process::write(&root.join("etc/group"), "root:x:0:\n")?;
    for command in process::output(&mut process::words("/bin/busybox --list"))?.lines() {
        if command != "busybox" {
            symlink("busybox", bin.join(command))?;
        }
    }
    Ok(())
}

/// Builds one stage of a Dockerfile into an archive; a killed build leaves no archive.
pub(crate) fn build(
    dockerfile: &Path,
    stage: &str,
    context: &Path,
    reference: &str,
    archive: &Path,
) -> Result<()> {
    let storage = layout::cache()?.join("buildah");
    let buildah = |line: &str| {
        let mut command = process::words("buildah --storage-driver vfs --root");
        command
            .arg(&storage)
            .arg("--runroot")
            .arg("/run/landfall-dev-buildah");
        command.args(line.split_whitespace());
        command
    };
    let bud = format!("bud --isolation chroot --target {stage} -t {reference} -f");
    process::run(buildah(&bud).arg(dockerfile).arg(context))?;
    let half = archive.with_extension("part");
    if let Some(folder) = archive.parent() {
        fs::create_dir_all(folder)?;
    }
    if half.exists() {
        fs::remove_file(&half)?;
    }
    let target = format!("docker-archive:{}:{reference}", half.display());
    process::run(buildah(&format!("push {reference}")).arg(target))?;
    process::run(&mut buildah(&format!("rmi {reference}")))?;
    fs::rename(&half, archive).with_context(|| archive.display().to_string())
}

/// Gives an image to a node unless it has it.
pub(crate) fn load(node: &Node, reference: &str, archive: &Path) -> Result<()> {
    let ctr = |line: &str| -> Result<_> {
        let words = format!("ctr -n k8s.io {line}");
        node::command(
            node,
            &words
                .split_whitespace()
                .map(str::to_owned)
                .collect::<Vec<_>>(),
        )
    };
    let there = process::output(&mut ctr("images ls -q")?)?;
    if there.lines().any(|line| line == reference) {
        return Ok(());
    }
    process::run(&mut ctr(&format!("images import {}", archive.display()))?)
        .with_context(|| format!("{reference} on {}", node.name))
}

/// Gives a node all images that it should have.
pub(crate) fn load_all(node: &Node) -> Result<()> {
    for entry in fs::read_dir(layout::images())? {
        let list = entry?.path();
        if list
            .extension()
            .is_some_and(|extension| extension == "image")
        {
            let text = fs::read_to_string(&list)?;
            let mut lines = text.lines();
            let reference = lines.next().context("an image without a name")?;
            load(
                node,
                reference,
                Path::new(lines.next().context("an image without a file")?),
            )?;
        }
    }
    Ok(())
}

/// Notes an image that every node gets, in place of an earlier one called `name`: also nodes that
/// come later.
pub(crate) fn add(name: &str, reference: &str, archive: &Path) -> Result<()> {
    let note = format!("{reference}\n{}\n", archive.display());
    process::write(&layout::images().join(format!("{name}.image")), note)
}
