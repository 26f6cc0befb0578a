//! The environment of a CNI call.

use std::path::PathBuf;

use landfall_core::network::NetworkKind;

use crate::{
    spec::{CniError, Code, Verb},
    wire::Pod,
};

/// IFNAMSIZ without the zero at the end.
const MAX_INTERFACE: usize = 15;

/// The variables of a call, checked as the reference library does, in its order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Environment {
    /// CNI_COMMAND.
    pub verb: Verb,
    /// CNI_CONTAINERID; empty where the verb has none.
    pub container_id: String,
    /// CNI_NETNS; a DEL may come without.
    pub netns: Option<PathBuf>,
    /// CNI_IFNAME; empty where the verb has none.
    pub interface: String,
    /// CNI_ARGS, not yet read: a pod that asks for no network must not fail for them.
    pub args: String,
    /// CNI_PATH, where other plugins are; empty where the verb needs none.
    pub path: String,
    /// CNI_NETNS_OVERRIDE: CNI_NETNS may be the plugin's own namespace.
    pub netns_override: bool,
    /// The name that the binary was called by, where it is that of a reference plugin.
    pub called_as: Option<NetworkKind>,
}

/// Whether a verb needs a variable.
const fn needs(verb: Verb, variable: &str) -> bool {
    match verb {
        Verb::Add | Verb::Check => true,
        // The bytes differ in their fifth place already.
        Verb::Del => !matches!(variable.as_bytes(), b"CNI_NETNS"),
        Verb::Gc | Verb::Status => matches!(variable.as_bytes(), b"CNI_PATH"),
        Verb::Version => false,
    }
}

impl Environment {
    /// Reads the variables. `None`: CNI_COMMAND is not set, so this is no CNI call.
    pub fn read(variable: impl Fn(&str) -> Option<String>) -> Result<Option<Self>, CniError> {
        let variable = |name| variable(name).filter(|value| !value.is_empty());
        let Some(command) = variable("CNI_COMMAND") else {
            return Ok(None);
        };
        let verb =
            Verb::of(&command).ok_or_else(|| invalid(format!("unknown CNI_COMMAND: {command}")))?;
        // What a verb has no use for is not checked, so it is not taken either.
        let needed = |name| variable(name).filter(|_| needs(verb, name));
        let container_id = needed("CNI_CONTAINERID").unwrap_or_default();
        let interface = needed("CNI_IFNAME").unwrap_or_default();
        if !container_id.is_empty() {
            check_container_id(&container_id)?;
        }
        if !interface.is_empty() {
            check_interface(&interface)?;
        }
        let missing: Vec<_> = ["CNI_CONTAINERID", "CNI_NETNS", "CNI_IFNAME", "CNI_PATH"]
            .into_iter()
            .filter(|name| needs(verb, name) && variable(name).is_none())
            .collect();
        if !missing.is_empty() {
            let names = missing.join(",");
            return Err(invalid(format!("required env variables [{names}] missing")));
        }
        Ok(Some(Self {
            verb,
            container_id,
            netns: variable("CNI_NETNS").map(PathBuf::from),
            interface,
            args: variable("CNI_ARGS").unwrap_or_default(),
            path: needed("CNI_PATH").unwrap_or_default(),
            netns_override: variable("CNI_NETNS_OVERRIDE")
                .is_some_and(|value| value == "1" || value.eq_ignore_ascii_case("true")),
            called_as: None,
        }))
    }

    /// The pod, from CNI_ARGS. The runtime always names all three.
    pub fn pod(&self) -> Result<Pod, CniError> {
        let mut pod = Pod::default();
        for pair in self.args.split(';').filter(|pair| !pair.is_empty()) {
            // Values of other keys may have an `=`, or the pair none at all: they are none of ours.
            match pair.split_once('=') {
                Some(("K8S_POD_NAMESPACE", value)) => value.clone_into(&mut pod.namespace),
                Some(("K8S_POD_NAME", value)) => value.clone_into(&mut pod.name),
                Some(("K8S_POD_UID", value)) => value.clone_into(&mut pod.uid),
                _ => {}
            }
        }
        if pod.namespace.is_empty() || pod.name.is_empty() || pod.uid.is_empty() {
            return Err(invalid(
                "CNI_ARGS must name the pod: K8S_POD_NAMESPACE, K8S_POD_NAME and K8S_POD_UID",
            )
            .with_details(&self.args));
        }
        Ok(pod)
    }
}

fn invalid(msg: impl std::fmt::Display) -> CniError {
    CniError::new(Code::InvalidEnvironment, msg)
}

/// The characters of container IDs and of network names.
pub(crate) fn is_plain(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-'))
}

fn check_container_id(id: &str) -> Result<(), CniError> {
    if is_plain(id) {
        Ok(())
    } else {
        Err(invalid("invalid characters in containerID").with_details(id))
    }
}

fn check_interface(name: &str) -> Result<(), CniError> {
    if name.len() > MAX_INTERFACE {
        return Err(invalid("interface name is too long").with_details(format!(
            "interface name should be less than {} characters",
            MAX_INTERFACE + 1
        )));
    }
    if matches!(name, "." | "..") {
        return Err(invalid("interface name is . or .."));
    }
    if name.contains(|c: char| matches!(c, '/' | ':') || c.is_whitespace()) {
        return Err(invalid(
            "interface name contains / or : or whitespace characters",
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
