//! Certificates, keys, tokens and the kubeconfig files made of them.

use std::{fs, os::unix::fs::PermissionsExt, path::Path};

use anyhow::{Context, Result};
use serde_json::json;

use crate::{
    layout::{self, MAX_NODES, Node},
    process,
};

/// Sections for `openssl req -extensions`: its default configuration marks leaves as CAs, which
/// Rust's TLS refuses.
const OPENSSL: &str = "\
[req]
distinguished_name = name
[name]
[ca]
basicConstraints = critical, CA:true
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
[server]
basicConstraints = critical, CA:false
keyUsage = critical, digitalSignature
extendedKeyUsage = serverAuth
subjectAltName = DNS:localhost, DNS:kubernetes, DNS:kubernetes.default, \
DNS:kubernetes.default.svc, IP:127.0.0.1, IP:10.96.0.1, IP:172.30.0.1
[client]
basicConstraints = critical, CA:false
keyUsage = critical, digitalSignature
extendedKeyUsage = clientAuth
";

/// Makes all of it in the state folder.
pub(crate) fn create() -> Result<()> {
    let folder = layout::pki();
    process::write(&folder.join("openssl.cnf"), OPENSSL)?;
    certificate(&folder, "ca", "/CN=landfall-dev", "ca")?;
    certificate(&folder, "apiserver", "/CN=kube-apiserver", "server")?;
    let kubelet_client = "/O=system:masters/CN=kube-apiserver-kubelet-client";
    certificate(&folder, "kubelet-client", kubelet_client, "client")?;
    let key = "openssl genpkey -quiet -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out sa.key";
    process::run(process::words(&key.replace("-quiet ", "")).current_dir(&folder))?;
    process::run(
        process::words("openssl pkey -in sa.key -pubout -out sa.pub").current_dir(&folder),
    )?;
    tokens()?;
    kubeconfig("admin", "https://127.0.0.1:0", &layout::kubeconfig())
}

fn certificate(folder: &Path, name: &str, subject: &str, extensions: &str) -> Result<()> {
    let line = format!(
        "openssl req -x509 -config openssl.cnf -extensions {extensions} -newkey ec -pkeyopt \
         ec_paramgen_curve:P-256 -nodes -days 3650 -keyout {name}.key -out {name}.crt -subj {subject}"
    );
    let mut openssl = process::words(&line);
    if name != "ca" {
        openssl.args(["-CA", "ca.crt", "-CAkey", "ca.key"]);
    }
    process::run(openssl.current_dir(folder))
}

/// One token a user: the default bindings of Kubernetes know all these names.
fn tokens() -> Result<()> {
    let mut users = vec![
        ("admin".to_owned(), "system:masters"),
        (
            "system:kube-controller-manager".to_owned(),
            "system:authenticated",
        ),
        ("system:kube-scheduler".to_owned(), "system:authenticated"),
        ("system:kube-proxy".to_owned(), "system:authenticated"),
    ];
    let nodes = (1..=MAX_NODES).flat_map(|index| [Node::namespace(index), Node::uml(index)]);
    users.extend(nodes.map(|node| (node.user(), "system:nodes")));
    let mut lines = Vec::new();
    for (user, group) in users {
        lines.push(format!("{},{user},{user},{group}", secret()?));
    }
    let path = layout::state().join("tokens.csv");
    process::write(&path, lines.join("\n"))?;
    Ok(fs::set_permissions(
        path,
        fs::Permissions::from_mode(0o600),
    )?)
}

/// 128 random bits in hexadecimal.
fn secret() -> Result<String> {
    use std::io::Read;
    let mut bytes = [0_u8; 16];
    fs::File::open("/dev/urandom")?
        .read_exact(&mut bytes)
        .context("/dev/urandom")?;
    Ok(format!("{:032x}", u128::from_ne_bytes(bytes)))
}

/// Address of the API server for everything on the cluster bridge.
pub(crate) fn internal_server() -> String {
    format!("https://{}:{}", layout::CONTROL_ADDRESS, layout::API_PORT)
}

/// Writes a kubeconfig file with which `user` reaches `server`.
pub(crate) fn kubeconfig(user: &str, server: &str, path: &Path) -> Result<()> {
    let authority =
        process::output(process::words("openssl base64 -A -in").arg(layout::pki().join("ca.crt")))?;
    let config = json!({
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "landfall-dev", "cluster": {
            "server": server,
            "certificate-authority-data": authority.trim(),
        }}],
        "users": [{"name": user, "user": {"token": layout::token(user)?}}],
        "contexts": [{"name": "landfall-dev", "context": {"cluster": "landfall-dev", "user": user}}],
        "current-context": "landfall-dev",
    });
    process::write(path, serde_json::to_vec_pretty(&config)?)?;
    Ok(fs::set_permissions(
        path,
        fs::Permissions::from_mode(0o600),
    )?)
}
