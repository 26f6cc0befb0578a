//! Roles and policies of the chart in a test's hands: rendered, applied under names of their own, and
//! removed at the end.

use anyhow::Result;
use landfall_tests::{
    case::Case,
    cluster::checked,
    manifest::{list, with},
    pod::text,
};
use serde_json::{Value, json};

use crate::{
    chart::{self, objects},
    cluster,
};

const KINDS: &str = "clusterroles,clusterrolebindings,validatingadmissionpolicies,\
                     validatingadmissionpolicybindings,mutatingadmissionpolicies,\
                     mutatingadmissionpolicybindings";

/// A release, as far as a test needs it.
pub(crate) struct Release {
    /// The label of its objects.
    mark: String,
    name: String,
    /// Where its ServiceAccounts are.
    pub(crate) namespace: String,
}

// === impl Release ===

impl Release {
    /// Some templates of a release in the test's namespace.
    pub(crate) fn own(case: &Case<'_>, templates: &[&str]) -> Result<Self> {
        let mark = format!("landfall-{}", case.namespace);
        Self::new(case, &mark, &case.namespace, templates)
    }

    /// The same for the ServiceAccounts of the installed release, if there is one: its policies let
    /// nobody else write.
    pub(crate) fn installed(case: &Case<'_>, templates: &[&str]) -> Result<Self> {
        // Not the state that Helm shows: while a release is upgraded, its policies are in force.
        let accounts = [
            "get",
            "serviceaccounts",
            "landfall-operator",
            "landfall-agent",
        ];
        let home = ["-n", "landfall-system"];
        if cluster().kubectl(&[&accounts[..], &home].concat()).is_ok() {
            Self::new(case, "landfall", "landfall-system", templates)
        } else {
            Self::own(case, templates)
        }
    }

    fn new(case: &Case<'_>, name: &str, namespace: &str, templates: &[&str]) -> Result<Self> {
        let release = Self {
            mark: format!("landfall-{}", case.namespace),
            name: name.to_owned(),
            namespace: namespace.to_owned(),
        };
        let folder = chart::folder();
        let files: Vec<_> = templates
            .iter()
            .map(|template| format!("--show-only=templates/{template}.yaml"))
            .collect();
        let mut words = vec![name, &folder, "-n", namespace];
        words.extend(files.iter().map(String::as_str));
        let mut objects = objects(&chart::template(&words)?)?;
        if name != release.mark {
            objects.retain(|object| text(object, "/metadata/namespace").is_empty());
            objects = objects
                .into_iter()
                .map(|o| renamed(o, &release.mark))
                .collect();
        }
        let words = ["apply", "-f", "-"];
        let objects = list(&objects).to_string();
        checked(&words, &cluster().feed_kubectl(&words, &objects)?)?;
        Ok(release)
    }

    /// The name of a ServiceAccount.
    pub(crate) fn account(&self, component: &str) -> String {
        format!("{}-{component}", self.name)
    }

    /// The user that its token stands for.
    pub(crate) fn user(&self, component: &str) -> String {
        let account = self.account(component);
        format!("system:serviceaccount:{}:{account}", self.namespace)
    }

    /// Whether its ServiceAccounts and its agents are there.
    pub(crate) fn is_installed(&self) -> bool {
        self.name != self.mark
    }
}

/// A cluster-wide object of the installed release under another name.
fn renamed(object: Value, mark: &str) -> Value {
    let mut object = object;
    for pointer in ["/metadata/name", "/roleRef/name", "/spec/policyName"] {
        let name = format!("{}-{mark}", text(&object, pointer));
        if object.pointer(pointer).is_some() {
            object = with(object, pointer, json!(name));
        }
    }
    let label = "/metadata/labels/app.kubernetes.io~1instance";
    with(object, label, json!(mark))
}

impl Drop for Release {
    fn drop(&mut self) {
        let label = format!("app.kubernetes.io/instance={}", self.mark);
        cluster()
            .kubectl(&["delete", KINDS, "-l", &label])
            .map(drop)
            .unwrap_or_default();
    }
}

/// Makes the node objects that no operator has made; they are returned.
pub(crate) fn make_nodes(names: &[&str]) -> Result<Vec<String>> {
    let mut made = Vec::new();
    for name in names {
        if cluster().kubectl(&["get", "lfn", name]).is_err() {
            let object = landfall_tests::manifest::landfall("LandfallNode", name, &json!({}));
            cluster().apply(&[object])?;
            made.push((*name).to_owned());
        }
    }
    Ok(made)
}
