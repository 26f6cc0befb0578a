//! The plugins that are called.

use std::{
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::OnceLock,
};

/// Folder with the reference plugins.
pub(crate) fn reference() -> &'static Path {
    let [plugins, _, _] = built();
    plugins
}

/// libcni's own client.
pub(crate) fn cnitool() -> PathBuf {
    let [_, folder, _] = built();
    folder.join("cnitool")
}

/// Folder with containerd and its client ctr.
pub(crate) fn containerd() -> &'static Path {
    let [_, _, folder] = built();
    folder
}

/// All are built into the cache if they are missing.
fn built() -> &'static [PathBuf; 3] {
    static FOLDERS: OnceLock<[PathBuf; 3]> = OnceLock::new();
    FOLDERS.get_or_init(|| {
        if let Some(reference) = std::env::var_os("LANDFALL_REFERENCE") {
            return [reference.into(), PathBuf::new(), PathBuf::new()];
        }
        let mut dev = Command::new(env!("CARGO_BIN_EXE_dev"));
        let output = dev
            .args(["internal", "plugins"])
            .stderr(Stdio::inherit())
            .output()
            .unwrap();
        assert!(output.status.success(), "the reference plugins are missing");
        let text = String::from_utf8(output.stdout).unwrap();
        let folders: Vec<_> = text.lines().map(PathBuf::from).collect();
        folders.try_into().unwrap()
    })
}

/// Folder in which our program is called macvlan, ipvlan and landfall.
pub(crate) fn ours() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        // The tier uml says where both are: it builds nothing inside its machine.
        let plugin = std::env::var_os("LANDFALL_PLUGIN").map_or_else(build, PathBuf::from);
        let folder = plugin.with_file_name("cni-tier");
        fs::create_dir_all(&folder).unwrap();
        for name in ["macvlan", "ipvlan", "landfall"] {
            // Relative: a target folder that was moved or copied has its own.
            let program = Path::new("..").join(plugin.file_name().unwrap());
            let link = folder.join(name);
            if fs::read_link(&link).ok().as_ref() != Some(&program) {
                drop(fs::remove_file(&link));
                symlink(&program, link).unwrap();
            }
        }
        folder
    })
}

fn build() -> PathBuf {
    let mut cargo = Command::new(env!("CARGO"));
    let built = cargo
        .args([
            "build",
            "--quiet",
            "--locked",
            "--package",
            "landfall-plugin",
        ])
        .status()
        .unwrap();
    assert!(built.success(), "our plugin does not build");
    // target/debug/deps/cni-…
    let own = std::env::current_exe().unwrap();
    own.ancestors().nth(2).unwrap().join("landfall")
}
