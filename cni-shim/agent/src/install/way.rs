//! Where the plugin is named: in a file of its own, or in the primary network's list.

use crate::args::Chaining;

/// How the plugin is chained.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// A file in the network's plugin folder, which nobody else writes.
    Folder,
    /// An entry in the list.
    List,
    /// Nobody has said yet what the runtime can read: what is there stays.
    AsItIs,
}

/// The first containerd whose libcni (1.3) reads plugin folders.
const CONTAINERD: (u32, u32) = (2, 1);

// === impl Way ===

impl Way {
    /// `runtime` is the Node's `containerRuntimeVersion`; `None` until the own object was read.
    ///
    /// A runtime that is wrongly thought to read folders would start pods without their interfaces and
    /// say nothing, so only what is known to read them gets one. CRI-O is not among them: its DEL goes
    /// by a cached list, in which a folder's plugins are missing.
    pub fn of(chaining: Chaining, runtime: Option<&str>) -> Self {
        match (chaining, runtime) {
            (Chaining::Folder, _) => Self::Folder,
            (Chaining::Auto, None) => Self::AsItIs,
            (Chaining::Auto, Some(runtime)) if reads_folders(runtime) => Self::Folder,
            (Chaining::List, _) | (Chaining::Auto, Some(_)) => Self::List,
        }
    }
}

fn reads_folders(runtime: &str) -> bool {
    let version = runtime.strip_prefix("containerd://").and_then(|text| {
        let mut numbers = text.trim_start_matches('v').split('.').map(str::parse);
        Some((numbers.next()?.ok()?, numbers.next()?.ok()?))
    });
    version.is_some_and(|version| version >= CONTAINERD)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_runtime_that_is_known_to_read_folders_gets_one() {
        let auto = |runtime| Way::of(Chaining::Auto, runtime);
        for runtime in [
            "containerd://2.1.0",
            "containerd://2.4.2",
            "containerd://v3.0.0-rc.1",
        ] {
            assert_eq!(auto(Some(runtime)), Way::Folder, "{runtime}");
        }
        let others = [
            "containerd://1.6.20~ds1",
            "containerd://2.0.5",
            "cri-o://1.36.0",
            "",
            "x",
        ];
        for runtime in others {
            assert_eq!(auto(Some(runtime)), Way::List, "{runtime}");
        }
        assert_eq!(auto(None), Way::AsItIs);
        assert_eq!(Way::of(Chaining::Folder, Some("")), Way::Folder);
    }
}
