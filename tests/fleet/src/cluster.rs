//! What users, the scheduler, kubelets and the DaemonSet write.

use anyhow::{Context as _, Result};
use k8s_openapi::api::core::v1::{Node, Pod};
use kube::{
    Api, Client,
    api::{DeleteParams, Patch, PatchParams, PostParams},
};
use landfall_core::id::Uid;
use landfall_crds::macvlan::MacvlanNetwork;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::kernel::NIC;

/// The operator's namespace, and the agents'.
const SYSTEM: &str = "landfall-system";

/// The API server.
#[derive(Clone)]
pub(crate) struct Cluster {
    nodes: Api<Node>,
    agents: Api<Pod>,
    pods: Api<Pod>,
    networks: Api<MacvlanNetwork>,
}

// === impl Cluster ===

impl Cluster {
    pub(crate) fn new(client: &Client) -> Self {
        Self {
            nodes: Api::all(client.clone()),
            agents: Api::namespaced(client.clone(), SYSTEM),
            pods: Api::namespaced(client.clone(), "default"),
            networks: Api::all(client.clone()),
        }
    }

    /// A Node as kubelet registers it, and the DaemonSet's pod on it, Ready.
    pub(crate) async fn register(&self, name: &str, machine: &str) -> Result<()> {
        let ready = json!([{"type": "Ready", "status": "True"}]);
        let node = json!({
            "metadata": {"name": name, "labels": {"kubernetes.io/hostname": name}},
            "status": {
                "conditions": ready,
                "nodeInfo": {
                    "machineID": machine, "systemUUID": machine, "bootID": machine,
                    "kernelVersion": "", "osImage": "", "kubeletVersion": "", "kubeProxyVersion": "",
                    "containerRuntimeVersion": "containerd://2.4.2", "operatingSystem": "linux",
                    "architecture": "amd64",
                },
            },
        });
        create(&self.nodes, node).await?;
        let agent = format!("agent-{name}");
        let pod = json!({
            "metadata": {
                "name": agent,
                "labels": {
                    "app.kubernetes.io/name": "landfall", "app.kubernetes.io/component": "agent",
                },
            },
            "spec": {
                "nodeName": name, "hostNetwork": true,
                "containers": [{"name": "agent", "image": "agent"}],
            },
        });
        create(&self.agents, pod).await?;
        let status = json!({"status": {"phase": "Running", "conditions": ready}});
        let patch = Patch::Merge(status);
        self.agents
            .patch_status(&agent, &PatchParams::default(), &patch)
            .await?;
        Ok(())
    }

    /// A network with the addresses of a subnet, each of which rests as by default.
    pub(crate) async fn network(&self, name: &str, subnet: &Value) -> Result<()> {
        let object = json!({
            "metadata": {"name": name},
            "spec": {
                "namespaces": {}, "segment": name, "parents": [{"interface": NIC}],
                "ipam": {"subnets": [subnet]},
            },
        });
        create(&self.networks, object).await.map(drop)
    }

    /// Whether a network grants nothing for now.
    pub(crate) async fn pause(&self, name: &str, paused: bool) -> Result<()> {
        let patch = Patch::Merge(json!({"spec": {"paused": paused}}));
        let params = PatchParams::default();
        self.networks.patch(name, &params, &patch).await?;
        Ok(())
    }

    /// Deletes a network, and waits until it is gone: nothing is held.
    pub(crate) async fn end_network(&self, name: &str) -> Result<()> {
        self.networks.delete(name, &DeleteParams::default()).await?;
        while self.networks.get_opt(name).await?.is_some() {
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
        Ok(())
    }

    /// A pod that is not bound yet. Returns its UID.
    pub(crate) async fn pod(&self, name: &str, network: Option<&str>) -> Result<Uid> {
        let annotations = network.map(|network| json!({"landfall.dev/networks": network}));
        let object = json!({
            "metadata": {"name": name, "annotations": annotations},
            "spec": {
                "terminationGracePeriodSeconds": 30,
                "containers": [{"name": "main", "image": "main"}],
            },
        });
        let pod = create(&self.pods, object).await?;
        let uid = pod.metadata.uid.context("a pod without UID")?;
        Ok(Uid::of(&uid))
    }

    /// As the scheduler does.
    pub(crate) async fn bind(&self, name: &str, node: &str) -> Result<()> {
        let binding = json!({
            "apiVersion": "v1", "kind": "Binding", "metadata": {"name": name},
            "target": {"apiVersion": "v1", "kind": "Node", "name": node},
        });
        let params = PostParams::default();
        let bound = self
            .pods
            .create_subresource::<_, Value>("binding", name, &params, &binding)
            .await;
        match bound {
            // The client has asked twice, where the first answer was that there was none in time.
            Err(kube::Error::Api(status)) if status.is_conflict() => Ok(()),
            bound => bound.map(drop).with_context(|| format!("bind {name}")),
        }
    }

    /// Kubelet says that it runs.
    pub(crate) async fn running(&self, name: &str) -> Result<()> {
        let status = json!({"status": {
            "phase": "Running", "podIP": "10.244.1.2", "podIPs": [{"ip": "10.244.1.2"}],
            "conditions": [{"type": "Ready", "status": "True"}],
        }});
        let (patch, params) = (Patch::Merge(status), PatchParams::default());
        let patched = self.pods.patch_status(name, &params, &patch).await;
        patched
            .map(drop)
            .with_context(|| format!("status of {name}"))
    }

    /// A user deletes it: from now on it ends.
    pub(crate) async fn delete(&self, name: &str) -> Result<()> {
        self.delete_with(name, &DeleteParams::default()).await
    }

    /// Kubelet has ended it.
    pub(crate) async fn remove(&self, name: &str) -> Result<()> {
        let params = DeleteParams::default().grace_period(0);
        self.delete_with(name, &params).await
    }

    async fn delete_with(&self, name: &str, params: &DeleteParams) -> Result<()> {
        match self.pods.delete(name, params).await {
            // As above.
            Err(kube::Error::Api(status)) if status.is_not_found() => Ok(()),
            deleted => deleted.map(drop).with_context(|| format!("delete {name}")),
        }
    }
}

/// Makes an object, or finds it made.
async fn create<K>(api: &Api<K>, object: Value) -> Result<K>
where
    K: kube::Resource<DynamicType = ()>
        + DeserializeOwned
        + serde::Serialize
        + Clone
        + std::fmt::Debug,
{
    let mut object = object;
    if let Some(fields) = object.as_object_mut() {
        fields.insert("apiVersion".to_owned(), K::api_version(&()).into());
        fields.insert("kind".to_owned(), K::kind(&()).into());
    }
    let object: K = serde_json::from_value(object)?;
    let name = object.meta().name.clone().unwrap_or_default();
    match api.create(&PostParams::default(), &object).await {
        Err(kube::Error::Api(status)) if status.is_already_exists() => Ok(api.get(&name).await?),
        created => created.with_context(|| format!("create {} {name}", K::kind(&()))),
    }
}
