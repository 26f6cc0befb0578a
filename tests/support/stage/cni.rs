//! What a container runtime gives a CNI plugin.

use std::{ffi::OsString, path::Path};

use serde_json::{Value, json};

/// The sandbox and the pod of a call.
#[derive(Clone, Copy, Debug)]
pub struct Call<'a> {
    /// CNI_CONTAINERID.
    pub container: &'a str,
    /// CNI_NETNS.
    pub netns: &'a Path,
    /// CNI_IFNAME.
    pub interface: &'a str,
    /// CNI_PATH.
    pub plugins: &'a Path,
    /// LANDFALL_RUN_DIR.
    pub run_dir: &'a Path,
    /// The pod's name, in the namespace `default`.
    pub pod: &'a str,
    /// The pod's UID.
    pub uid: &'a str,
}

/// Our plugin's stdin, last in the primary network's list, for a pod with annotations.
pub fn chained(annotations: &Value) -> Value {
    json!({
        "cniVersion": "1.0.0", "name": "cluster", "type": "landfall",
        "capabilities": {"io.kubernetes.cri.pod-annotations": true},
        "runtimeConfig": {"io.kubernetes.cri.pod-annotations": annotations},
        "prevResult": {
            "cniVersion": "1.0.0",
            "interfaces": [{"name": "eth0", "mac": "02:00:00:00:00:01", "sandbox": "/run/netns/x"}],
            "ips": [{"interface": 0, "address": "10.244.1.5/24", "gateway": "10.244.1.1"}],
            "routes": [{"dst": "0.0.0.0/0"}], "dns": {},
        },
    })
}

/// The primary network's list, as the node has it before our agent comes.
pub fn primary() -> Value {
    json!({
        "cniVersion": "1.0.0", "name": "cluster",
        "plugins": [{"type": "bridge", "ipam": {"type": "host-local"}}],
    })
}

// === impl Call ===

impl Call<'_> {
    /// The plugin's environment: nothing else is in it.
    pub fn environment(self, verb: &str) -> [(&'static str, OsString); 7] {
        let Self { pod, uid, .. } = self;
        let pod = format!("K8S_POD_NAMESPACE=default;K8S_POD_NAME={pod};K8S_POD_UID={uid}");
        [
            ("CNI_COMMAND", verb.into()),
            ("CNI_CONTAINERID", self.container.into()),
            ("CNI_NETNS", self.netns.into()),
            ("CNI_IFNAME", self.interface.into()),
            ("CNI_PATH", self.plugins.into()),
            ("CNI_ARGS", format!("IgnoreUnknown=1;{pod}").into()),
            ("LANDFALL_RUN_DIR", self.run_dir.into()),
        ]
    }
}
