//! Places on the node, from the arguments; and what the installer is to do there.

use std::sync::Arc;

use tokio::sync::watch;

use crate::{
    args::Args,
    engine::Published,
    install::{Places, Wanted},
    scan::Roots,
};

/// Where network namespaces are.
pub(super) fn roots(args: &Args) -> Roots {
    Roots {
        netns_dir: args.netns_dir.clone(),
        proc: args.proc.clone(),
    }
}

/// Where the plugin is installed.
pub(super) fn places(args: &Args) -> Places {
    Places {
        source: args.plugin_source.clone(),
        bin_dir: args.cni_bin_dir.clone(),
        conf_dir: args.cni_conf_dir.clone(),
        run_dir: args.run_dir.clone(),
        results_dir: args.cni_results_dir.clone(),
        door: args.door,
        chain: args.chain,
    }
}

/// What the own object says about the plugin.
pub(super) fn wanted(engine: &Published) -> Wanted {
    Wanted {
        out: engine.uninstall,
        runtime: engine.runtime.clone(),
    }
}

/// Tells the installer what it needs of the engine's state, and only that. Ends with the engine.
pub(super) async fn pass_on(
    mut engine: watch::Receiver<Arc<Published>>,
    wish: watch::Sender<Wanted>,
) {
    loop {
        let wanted = wanted(&engine.borrow_and_update());
        wish.send_if_modified(|current| {
            let changed = *current != wanted;
            *current = wanted;
            changed
        });
        if engine.changed().await.is_err() {
            return;
        }
    }
}
