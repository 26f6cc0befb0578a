//! The control groups below which a namespace node's pods are.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context, Result};

use crate::{layout, progress};

const ROOT: &str = "/sys/fs/cgroup";

/// Folders that hold a hierarchy: one with cgroup v2, several with v1.
fn hierarchies() -> Vec<PathBuf> {
    let root = PathBuf::from(ROOT);
    if root.join("cgroup.controllers").exists() {
        return vec![root];
    }
    folders(&root)
        .into_iter()
        .filter(|folder| folder.join("cgroup.procs").exists())
        .collect()
}

fn folders(parent: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(parent)
        .into_iter()
        .flatten()
        .filter_map(Result::ok);
    let folders = entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
    folders.map(|entry| entry.path()).collect()
}

/// Makes the group in every hierarchy.
pub(crate) fn create(name: &str) -> Result<()> {
    for hierarchy in hierarchies() {
        let group = hierarchy.join(name);
        fs::create_dir_all(&group).with_context(|| group.display().to_string())?;
        for key in ["cpuset.cpus", "cpuset.mems"] {
            // A new cpuset of v1 is empty and takes no process; other hierarchies lack the files.
            if let Ok(value) = fs::read(hierarchy.join(key)) {
                fs::write(group.join(key), value).with_context(|| group.display().to_string())?;
            }
        }
    }
    Ok(())
}

/// Removes the group and all below it, once its processes are gone.
pub(crate) fn remove(name: &str) -> Result<()> {
    for hierarchy in hierarchies() {
        let group = hierarchy.join(name);
        if !progress::wait(Duration::from_secs(5), || clear(&group).is_ok()) {
            clear(&group).with_context(|| group.display().to_string())?;
        }
    }
    Ok(())
}

/// A group can only be removed after those below it.
fn clear(group: &Path) -> std::io::Result<()> {
    if !group.exists() {
        return Ok(());
    }
    for below in folders(group) {
        clear(&below)?;
    }
    fs::remove_dir(group)
}

/// Names of all groups that are ours.
pub(crate) fn ours() -> Vec<String> {
    let mut names: Vec<_> = hierarchies()
        .iter()
        .flat_map(|hierarchy| folders(hierarchy))
        .filter_map(|folder| Some(folder.file_name()?.to_str()?.to_owned()))
        .filter(|name| name.starts_with(layout::PREFIX))
        .collect();
    names.sort();
    names.dedup();
    names
}
