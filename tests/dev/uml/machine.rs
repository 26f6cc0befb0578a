//! One User-Mode Linux machine as the host sees it: its disk, its command line, its processes.

use std::{
    fs, io,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context, Result, bail};

use crate::{layout, process, progress};

/// Its memory; the host gives only what is touched.
const MEMORY: &str = "3072M";
/// Its disk; the file is sparse.
const DISK: u64 = 16 << 30;

/// Makes the disk unless it is there.
pub(super) fn disk(folder: &Path) -> Result<()> {
    let image = folder.join("disk.img");
    if image.exists() {
        return Ok(());
    }
    // Under another name first: what a killed run leaves behind is not taken for a disk.
    let draft = folder.join("disk.draft");
    fs::File::create(&draft)?.set_len(DISK)?;
    let mut mkfs = process::words("mkfs.ext4 -q -F -E lazy_itable_init=1,lazy_journal_init=1");
    process::run(mkfs.arg(&draft))?;
    fs::rename(draft, image).context("disk.img")
}

/// The kernel and its arguments, up to those about links. What it doesn't know (LANDFALL_NODE) goes
/// into the environment of `init`, and is what [`processes`] looks for.
pub(super) fn kernel(folder: &Path, init: &Path) -> Result<Vec<String>> {
    let init = init
        .canonicalize()
        .with_context(|| init.display().to_string())?;
    Ok(vec![
        "linux.uml".to_owned(),
        mark(folder),
        format!("mem={MEMORY}"),
        "rootfstype=hostfs".to_owned(),
        "rootflags=/".to_owned(),
        "rw".to_owned(),
        format!("ubda={}", folder.join("disk.img").display()),
        format!("init={}", init.display()),
        "con=null".to_owned(),
        "con0=fd:0,fd:1".to_owned(),
        "quiet".to_owned(),
    ])
}

/// Builds what lets UML set the registers of processes on processors that it does not know.
pub(super) fn xstate(folder: &Path) -> Result<PathBuf> {
    let source = layout::tree().join("tests/cluster/uml/xstate.c");
    let library = folder.join("xstate.so");
    let mut compiler = process::words("cc -O2 -shared -fPIC -o");
    process::run(compiler.arg(&library).arg(source))?;
    Ok(library)
}

fn mark(folder: &Path) -> String {
    format!("LANDFALL_NODE={}", folder.display())
}

/// Its processes that live: the kernel, its helpers, and one for each process inside. Found by
/// command line, so that also a machine is found whose starter was killed before it could note it.
pub(super) fn processes(folder: &Path) -> Vec<i32> {
    let mark = mark(folder);
    let entries = fs::read_dir("/proc").into_iter().flatten();
    entries
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        // A zombie's command line is empty.
        .filter(|pid: &i32| {
            let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            let line = String::from_utf8_lossy(&line);
            let mut words = line.split('\0');
            words.next() == Some("linux.uml") && words.any(|word| word == mark)
        })
        .collect()
}

/// Cuts the power: nothing is written any more, nobody is told.
pub(super) fn kill(folder: &Path) -> Result<()> {
    // Again and again: one may fork while the list is read.
    let gone = progress::wait(Duration::from_secs(10), || {
        let left = processes(folder);
        left.iter().copied().for_each(process::kill);
        left.is_empty()
    });
    if !gone {
        bail!(
            "processes {:?} of {} do not end",
            processes(folder),
            folder.display()
        );
    }
    match fs::remove_dir_all(folder.join("umid")) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error).context("umid"),
        _ => Ok(()),
    }
}
