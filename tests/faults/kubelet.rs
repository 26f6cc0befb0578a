//! What kubelet and the runtime do with a pod.

use std::{
    io::Write as _,
    process::Stdio,
    time::{Duration, Instant},
};

use anyhow::{Result, bail};
use landfall_tests::{
    manifest::NETWORKS,
    stage::{
        cni,
        kube::{Kube, PODS},
        objects,
    },
};
use serde_json::{Value, json};

use crate::{
    node::Node,
    place::{Namespace, unique},
};

const PATIENCE: Duration = Duration::from_secs(40);
/// Between two attempts.
const PAUSE: Duration = Duration::from_millis(100);

/// A sandbox of a pod.
pub(crate) struct Sandbox {
    pub(crate) container: String,
    pub(crate) netns: Namespace,
}

/// A pod that is bound to a node.
pub(crate) struct Pod<'a> {
    pub(crate) name: String,
    pub(crate) uid: String,
    pub(crate) node: &'a Node,
    api: &'a Kube,
    /// Its sandbox, once one is there.
    pub(crate) sandbox: Option<Sandbox>,
    /// Those of before: every DEL was answered, and they are kept to be looked into.
    pub(crate) ended: Vec<Sandbox>,
}

// === impl Pod ===

impl<'a> Pod<'a> {
    /// Makes a pod that asks for networks, and binds it.
    pub(crate) fn bind(api: &'a Kube, node: &'a Node, role: &str, networks: &str) -> Self {
        let name = unique(role);
        let object = objects::pod(&name, &node.name, &json!({NETWORKS: networks}));
        Self {
            uid: api.create(PODS, &object).unwrap(),
            name,
            node,
            api,
            sandbox: None,
            ended: Vec::new(),
        }
    }

    fn path(&self) -> String {
        format!("{PODS}/{}", self.name)
    }

    /// Starts a sandbox, and another one after each that fails, as kubelet does. `turn` is what happens
    /// between two attempts.
    pub(crate) fn start(&mut self, networks: &str, turn: &mut dyn FnMut()) -> Result<()> {
        let start = Instant::now();
        loop {
            let sandbox = Sandbox {
                container: unique("c"),
                netns: self.node.sandbox(),
            };
            let Err(error) = self.call("ADD", &sandbox, networks) else {
                let older = self.sandbox.replace(sandbox);
                return older.map_or(Ok(()), |older| self.end(older, networks, turn));
            };
            turn();
            self.end(sandbox, networks, turn)?;
            if start.elapsed() > PATIENCE {
                bail!("{} does not start: {error:#}", self.name);
            }
            std::thread::sleep(PAUSE);
        }
    }

    /// DELs until one is answered.
    fn end(&mut self, sandbox: Sandbox, networks: &str, turn: &mut dyn FnMut()) -> Result<()> {
        let start = Instant::now();
        while let Err(error) = self.call("DEL", &sandbox, networks) {
            turn();
            if start.elapsed() > PATIENCE {
                bail!("a sandbox of {} does not end: {error:#}", self.name);
            }
            std::thread::sleep(PAUSE);
        }
        self.ended.push(sandbox);
        Ok(())
    }

    /// Ends its sandbox.
    pub(crate) fn stop(&mut self, networks: &str, turn: &mut dyn FnMut()) -> Result<()> {
        let sandbox = self.sandbox.take();
        sandbox.map_or(Ok(()), |sandbox| self.end(sandbox, networks, turn))
    }

    /// Deletes it: with a deletionTimestamp first, and for good once its sandbox has ended.
    pub(crate) fn delete(&mut self, networks: &str, turn: &mut dyn FnMut()) -> Result<()> {
        self.api.delete(&self.path(), Some(30))?;
        self.stop(networks, turn)?;
        self.forget()
    }

    /// Its sandbox goes without a word, as with a node's power.
    pub(crate) fn cut_off(&mut self) {
        let sandboxes = self.sandbox.take().into_iter().chain(self.ended.drain(..));
        for sandbox in sandboxes {
            self.node.remove(sandbox.netns);
        }
    }

    /// Deletes it by force: whatever its node does.
    pub(crate) fn forget(&self) -> Result<()> {
        self.api.delete(&self.path(), Some(0))
    }

    fn call(&self, verb: &str, sandbox: &Sandbox, networks: &str) -> Result<Value> {
        let plugins = self.node.folder.join("bin");
        let call = cni::Call {
            container: &sandbox.container,
            netns: &sandbox.netns.path(),
            interface: "eth0",
            plugins: &plugins,
            run_dir: &self.node.run_dir(),
            pod: &self.name,
            uid: &self.uid,
        };
        let mut plugin = self.node.netns.command(plugins.join("landfall"));
        plugin
            .envs(call.environment(verb))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = plugin.spawn()?;
        let config = cni::chained(&json!({NETWORKS: networks}));
        let mut stdin = child.stdin.take().unwrap();
        stdin.write_all(config.to_string().as_bytes())?;
        drop(stdin);
        let output = child.wait_with_output()?;
        let text = String::from_utf8_lossy(&output.stdout);
        if !output.status.success() {
            bail!("{verb}: {}: {text}", output.status);
        }
        Ok(serde_json::from_str(&text).unwrap_or_default())
    }
}

impl Drop for Pod<'_> {
    fn drop(&mut self) {
        self.cut_off();
    }
}
