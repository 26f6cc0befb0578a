//! Where the files of the tree are.

use std::path::{Path, PathBuf};

/// A file of the tree, or with "" the tree itself. cargo says at each start whose tree it runs: what was compiled in
/// may be that of another checkout, whose builds cargo takes for this one's where they share a target folder.
pub fn tree(path: &str) -> PathBuf {
    let package =
        std::env::var_os("CARGO_MANIFEST_DIR").unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
    Path::new(&package).join("..").join(path)
}
