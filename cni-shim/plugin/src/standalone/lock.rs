//! Files that calls take turns by.

use std::{
    fs::{DirBuilder, File, OpenOptions},
    io,
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

use nix::fcntl::{Flock, FlockArg};

/// Waits until no other process has the lock (flock(2)) of a file, and makes folder and file if they are
/// missing, with those modes. The lock ends with what is returned, or with the process. An error says where.
pub(super) fn take(
    folder: &Path,
    folder_mode: u32,
    name: &str,
    mode: u32,
) -> Result<Flock<File>, (PathBuf, io::Error)> {
    let there = DirBuilder::new()
        .recursive(true)
        .mode(folder_mode)
        .create(folder);
    there.map_err(|why| (folder.to_owned(), why))?;
    let path = folder.join(name);
    let file = OpenOptions::new()
        .read(true)
        .append(true)
        .create(true)
        .mode(mode)
        .open(&path);
    match file.map(|file| Flock::lock(file, FlockArg::LockExclusive)) {
        Ok(Ok(lock)) => Ok(lock),
        Ok(Err((_, errno))) => Err((path, errno.into())),
        Err(why) => Err((path, why)),
    }
}
