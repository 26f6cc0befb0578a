//! kubectl with the plugin of this tree: kubectl looks for `kubectl-landfall` on the PATH.

use std::{env, process::Command};

use anyhow::{Context, Result, bail};

use crate::{cluster, layout, process};

/// kubectl with these words. `landfall …` is answered by the plugin as the tree has it now.
pub(crate) fn kubectl(words: &[String]) -> Result<Command> {
    let mut kubectl = cluster::kubectl();
    kubectl.args(words);
    if words.first().is_some_and(|word| word == "landfall") {
        let line = "build --quiet --locked --package landfall-kubectl";
        let built = process::attached(process::cargo(line).current_dir(layout::tree()))?;
        if !built.success() {
            bail!("cargo {line} ({built})");
        }
        // It lies beside this program.
        let own = env::current_exe()?;
        let folder = own.parent().context("this program has no folder")?;
        let path = env::var_os("PATH").unwrap_or_default();
        let folders = [folder.to_owned()].into_iter();
        kubectl.env(
            "PATH",
            env::join_paths(folders.chain(env::split_paths(&path)))?,
        );
    }
    Ok(kubectl)
}
