//! What kubelet and the runtime do with a pod.

use std::{
    io::Write as _,
    process::Stdio,
    time::{Duration, Instant},
};

use anyhow::{Result, bail};
use landfall_tests::manifest::NETWORKS;
use serde_json::{Value, json};

use crate::{
    api::{Api, PODS},
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
    api: &'a Api,
    /// Its sandbox, once one is there.
    pub(crate) sandbox: Option<Sandbox>,
    /// Those of before: every DEL was answered, and they are kept to be looked into.
    pub(crate) ended: Vec<Sandbox>,
}

// === impl Pod ===

impl<'a> Pod<'a> {
    /// Makes a pod that asks for networks, and binds it.
    pub(crate) fn bind(api: &'a Api, node: &'a Node, role: &str, networks: &str) -> Self {
        let name = unique(role);
        let object = json!({
            "metadata": {"name": name, "annotations": {NETWORKS: networks}},
            "spec": {"nodeName": node.name, "containers": [{"name": "c", "image": "c"}]},
        });
        let object = api.create(PODS, &object).unwrap();
        Self {
            name,
            uid: object["metadata"]["uid"].as_str().unwrap().to_owned(),
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
        self.api.delete(&self.path(), 30)?;
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
        self.api.delete(&self.path(), 0).map(drop)
    }

    fn call(&self, verb: &str, sandbox: &Sandbox, networks: &str) -> Result<Value> {
        let folder = &self.node.folder;
        let mut plugin = self.node.netns.command(folder.join("bin/landfall"));
        plugin
            .env("CNI_COMMAND", verb)
            .env("CNI_CONTAINERID", &sandbox.container)
            .env("CNI_NETNS", sandbox.netns.path())
            .env("CNI_IFNAME", "eth0")
            .env("CNI_PATH", folder.join("bin"))
            .env(
                "CNI_ARGS",
                format!(
                    "K8S_POD_NAMESPACE=default;K8S_POD_NAME={};K8S_POD_UID={}",
                    self.name, self.uid
                ),
            )
            .env("LANDFALL_RUN_DIR", self.node.run_dir())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = plugin.spawn()?;
        let config = json!({
            "cniVersion": "1.0.0", "name": "cluster", "type": "landfall",
            "prevResult": {"cniVersion": "1.0.0", "ips": []},
            "runtimeConfig": {"io.kubernetes.cri.pod-annotations": {NETWORKS: networks}},
        });
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
