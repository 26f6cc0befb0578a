//! DELs that wait for the agent.
//!
//! A DEL that fails is repeated by kubelet for ever and holds the pod in Terminating, so with the agent
//! away the plugin writes it down and succeeds. It frees nothing: the kernel removes the links with the
//! namespace, and the agent, which empties the spool before it serves its first ADD, confirms that.

use std::{
    fs::{self, DirBuilder, File},
    io,
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
};

use landfall_link::crash;

use crate::wire::Request;

/// The folder below [`crate::wire::RUN_DIR`].
pub const SPOOL: &str = "spool";
const SUFFIX: &str = ".json";

/// A DEL in the spool.
#[derive(Debug)]
pub struct Spooled {
    /// Its file, to remove once it is served.
    pub path: PathBuf,
    /// The request, or why it can't be read.
    pub request: io::Result<Request>,
}

/// Writes a request down. The same DEL twice is one file; a reader never sees half of one. /run is
/// memory, so nothing is synced: the spool lives as long as the sandboxes do. Returns its file.
pub fn write(spool: &Path, request: &Request) -> io::Result<PathBuf> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(spool)?;
    // Neither a container ID nor an interface's name has a colon or a slash.
    let name = format!("{}:{}{SUFFIX}", request.container_id, request.interface);
    let unfinished = spool.join(format!(".{name}.{}", std::process::id()));
    crash::around("write", "a DEL", || {
        serde_json::to_writer(File::create(&unfinished)?, request).map_err(io::Error::from)
    })?;
    let path = spool.join(name);
    let renamed = crash::around("rename", "a DEL", || fs::rename(&unfinished, &path));
    renamed.inspect_err(|_| {
        // What matters is the error that is on its way.
        drop(fs::remove_file(&unfinished));
    })?;
    Ok(path)
}

/// All DELs in the spool, in the order of their names. A folder that is missing is empty.
pub fn list(spool: &Path) -> io::Result<Vec<Spooled>> {
    let entries = match fs::read_dir(spool) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut paths = entries
        .map(|entry| Ok(entry?.path()))
        .collect::<io::Result<Vec<_>>>()?;
    paths.retain(|path| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        !name.starts_with('.') && name.ends_with(SUFFIX)
    });
    paths.sort();
    Ok(paths
        .into_iter()
        .map(|path| Spooled {
            request: read(&path),
            path,
        })
        .collect())
}

fn read(path: &Path) -> io::Result<Request> {
    Ok(serde_json::from_slice(&fs::read(path)?)?)
}

/// Removes a DEL that was served. It may be gone already.
pub fn remove(path: &Path) -> io::Result<()> {
    match crash::around("remove", "a DEL", || fs::remove_file(path)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

#[cfg(test)]
mod tests;
