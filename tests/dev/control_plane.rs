//! etcd and the Kubernetes control plane, in namespaces of their own.

use std::{path::PathBuf, time::Duration};

use anyhow::{Result, bail};

use crate::{
    init::{Service, Spec},
    launch::Machine,
    layout::{self, API_PORT, CONTROL_ADDRESS, NETNS_CONTROL},
    network, pki, process,
};

/// The machine it lives in; `cargo dev node control -- …` enters it.
pub(crate) fn machine() -> Machine {
    Machine {
        folder: layout::state().join("control"),
        netns: NETNS_CONTROL.to_owned(),
    }
}

/// Log of one of its programs.
pub(crate) fn log(program: &str) -> PathBuf {
    machine().folder.join("log").join(format!("{program}.log"))
}

/// Starts it and waits for it; fine when it runs already.
pub(crate) fn start() -> Result<()> {
    if machine().pid().is_none() {
        for user in ["kube-controller-manager", "kube-scheduler"] {
            let path = machine().folder.join(format!("{user}.kubeconfig"));
            pki::kubeconfig(&format!("system:{user}"), &pki::internal_server(), &path)?;
        }
        process::write(&machine().folder.join("audit.yaml"), AUDIT)?;
        machine().start(&spec()?)?;
    }
    let ready = format!("https://{CONTROL_ADDRESS}:{API_PORT}/readyz");
    if !network::answers(NETNS_CONTROL, &ready, Duration::from_secs(90)) {
        bail!(
            "the API server is not ready; {}",
            process::tail(&log("kube-apiserver"), 15)
        );
    }
    Ok(())
}

/// What our own programs ask of the API server is worth a line; the rest is not.
const AUDIT: &str = "\
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
- level: Metadata
  userGroups: ['system:serviceaccounts:landfall-system']
- level: None
";

fn spec() -> Result<Spec> {
    let folder = machine().folder;
    let kubernetes = layout::kubernetes()?;
    Ok(Spec {
        hostname: "control".to_owned(),
        path: format!(
            "{}:{}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            kubernetes.display(),
            layout::etcd()?.display()
        ),
        tmpfs: vec!["/run".into()],
        binds: Vec::new(),
        shared: Vec::new(),
        services: vec![
            service("etcd", &etcd(&folder.join("etcd").display().to_string())),
            service("kube-apiserver", &api_server()),
            service("kube-controller-manager", &controller_manager()),
            service("kube-scheduler", &scheduler()),
        ],
    })
}

fn service(program: &str, arguments: &str) -> Service {
    let words = std::iter::once(program).chain(arguments.split_whitespace());
    Service {
        words: words.map(str::to_owned).collect(),
        log: log(program),
        after: None,
    }
}

fn etcd(data: &str) -> String {
    // Tests kill programs, not the machine below them: what was written is in the page cache.
    format!(
        "--name default --data-dir {data} --unsafe-no-fsync --log-level warn \
         --listen-client-urls http://127.0.0.1:2379 --advertise-client-urls http://127.0.0.1:2379 \
         --listen-peer-urls http://127.0.0.1:2380 --initial-advertise-peer-urls http://127.0.0.1:2380 \
         --initial-cluster default=http://127.0.0.1:2380"
    )
}

fn api_server() -> String {
    let pki = layout::pki().display().to_string();
    let folder = machine().folder.display().to_string();
    format!(
        "--etcd-servers http://127.0.0.1:2379 --bind-address 0.0.0.0 --secure-port {API_PORT} \
         --advertise-address {CONTROL_ADDRESS} --service-cluster-ip-range {services} \
         --tls-cert-file {pki}/apiserver.crt --tls-private-key-file {pki}/apiserver.key \
         --client-ca-file {pki}/ca.crt --token-auth-file {tokens} \
         --authorization-mode Node,RBAC --enable-admission-plugins NodeRestriction \
         --kubelet-client-certificate {pki}/kubelet-client.crt \
         --kubelet-client-key {pki}/kubelet-client.key \
         --kubelet-preferred-address-types InternalIP --allow-privileged=true \
         --service-account-issuer https://kubernetes.default.svc \
         --service-account-key-file {pki}/sa.pub --service-account-signing-key-file {pki}/sa.key \
         --audit-policy-file {folder}/audit.yaml --audit-log-path {folder}/log/audit.log \
         --audit-log-maxsize 100 --audit-log-maxbackup 1",
        services = layout::SERVICE_SUBNET,
        tokens = layout::state().join("tokens.csv").display(),
    )
}

fn controller_manager() -> String {
    let pki = layout::pki().display().to_string();
    let folder = machine().folder.display().to_string();
    format!(
        "--kubeconfig {folder}/kube-controller-manager.kubeconfig --leader-elect=false \
         --use-service-account-credentials --root-ca-file {pki}/ca.crt \
         --service-account-private-key-file {pki}/sa.key \
         --cluster-signing-cert-file {pki}/ca.crt --cluster-signing-key-file {pki}/ca.key"
    )
}

fn scheduler() -> String {
    let folder = machine().folder.display().to_string();
    format!("--kubeconfig {folder}/kube-scheduler.kubeconfig --leader-elect=false")
}
