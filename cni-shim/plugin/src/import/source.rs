//! Which networks an input describes: a file of CNI, of Docker, of Multus, or cloud-config.

use std::{ffi::OsStr, path::Path};

use serde_json::{Deserializer, Value};

use super::{
    fields::{self, Fields},
    place::{At, Fault},
};

/// What a person may hand in; ends the sentence "expected …".
const FORMS: &str = "a CNI configuration (type, or plugins), the output of docker network inspect, a \
                     NetworkAttachmentDefinition, or a cloud-config with write_files";

/// A network of the input, still in its own words.
#[derive(Clone, Debug)]
pub(super) enum Found {
    /// A .conf or .conflist.
    Cni {
        /// The configuration.
        fields: Fields,
        /// What stands around it says more.
        given: Given,
    },
    /// An element of `docker network inspect`.
    Docker(Fields),
}

/// What a NetworkAttachmentDefinition says beside its configuration.
#[derive(Clone, Debug, Default)]
pub(super) struct Given {
    /// Its name: that is what pods ask for.
    pub(super) name: Option<String>,
    /// Its namespace: that is who asks.
    pub(super) namespace: Option<String>,
    /// The device plugin's resource.
    pub(super) resource: Option<String>,
}

/// The networks of an input, in its order.
pub(super) fn read(file: &str, text: &str) -> Result<Vec<Found>, Fault> {
    let at = At::file(file);
    let mut found = Vec::new();
    for (index, document) in documents(&at, text)?.into_iter().enumerate() {
        let at = match index {
            0 => at.clone(),
            _ => at.inside(&format!("document {}", index + 1)),
        };
        document_of(&at, document, &mut found)?;
    }
    Ok(found)
}

/// The JSON or YAML documents of a text. Most inputs are JSON, whose errors are the better ones.
fn documents(at: &At, text: &str) -> Result<Vec<Value>, Fault> {
    let text = text.trim_start_matches('\u{feff}');
    let documents = if text.trim_start().starts_with(['{', '[']) {
        let all: Result<Vec<Value>, _> = Deserializer::from_str(text).into_iter().collect();
        all.map_err(|error| at.fault(format!("is no JSON: {error}")))?
    } else {
        let all = serde_saphyr::from_multiple(text);
        all.map_err(|error| at.fault(format!("is no YAML: {}", error.without_snippet())))?
    };
    if documents.is_empty() {
        return Err(at.fault(format!("is empty, expected {FORMS}")));
    }
    Ok(documents)
}

fn document_of(at: &At, value: Value, found: &mut Vec<Found>) -> Result<(), Fault> {
    if value.is_array() {
        for (at, item) in fields::items(at, value)? {
            document_of(&at, item, found)?;
        }
        return Ok(());
    }
    if !value.is_object() {
        return Err(at.fault(format!("is {}, expected {FORMS}", fields::brief(&value))));
    }
    let fields = Fields::of(at, value)?;
    if fields.has("kind") {
        return object(fields, found);
    }
    if fields.has("write_files") {
        return cloud_config(fields, found);
    }
    if fields.has("plugins") || fields.has("type") {
        let given = Given::default();
        found.push(Found::Cni { fields, given });
        return Ok(());
    }
    if fields.has("Driver") {
        found.push(Found::Docker(fields));
        return Ok(());
    }
    Err(at.fault(format!("is none of the known forms, expected {FORMS}")))
}

/// A Kubernetes object, or a list of them.
fn object(mut fields: Fields, found: &mut Vec<Found>) -> Result<(), Fault> {
    let kind = fields.text("kind")?;
    let (at, kind) = kind.unwrap_or_else(|| (fields.place().clone(), String::new()));
    match kind.as_str() {
        "NetworkAttachmentDefinition" => definition(fields, found),
        "List" | "NetworkAttachmentDefinitionList" => {
            for (at, item) in fields.list("items")? {
                document_of(&at, item, found)?;
            }
            Ok(())
        }
        other => Err(at.fault(format!(
            "is {other:?}, expected NetworkAttachmentDefinition, or a List of them"
        ))),
    }
}

fn definition(mut fields: Fields, found: &mut Vec<Found>) -> Result<(), Fault> {
    let mut given = Given::default();
    if let Some(mut metadata) = fields.object("metadata")? {
        given.name = metadata.text("name")?.map(|(_, name)| name);
        given.namespace = metadata.text("namespace")?.map(|(_, name)| name);
        if let Some(mut annotations) = metadata.object("annotations")? {
            let resource = annotations.text("k8s.v1.cni.cncf.io/resourceName")?;
            given.resource = resource.map(|(_, name)| name);
        }
    }
    let spec = fields.place().field("spec");
    let config = match fields.object("spec")? {
        Some(mut spec) => spec.text("config")?,
        None => None,
    };
    let Some((at, config)) = config else {
        return Err(spec.field("config").fault(
            "is empty: the configuration of that name lies on the nodes, in /etc/cni/multus/net.d or \
             /etc/cni/net.d; import that file",
        ));
    };
    let before = found.len();
    nested(&at, &config, found)?;
    for new in found.iter_mut().skip(before) {
        if let Found::Cni { given: place, .. } = new {
            place.clone_from(&given);
        }
    }
    Ok(())
}

/// rkt's way onto a CoreOS machine: its network files, written at boot.
fn cloud_config(mut fields: Fields, found: &mut Vec<Found>) -> Result<(), Fault> {
    let before = found.len();
    let files = fields.place().field("write_files");
    for mut file in fields.objects("write_files")? {
        let path = file.text("path")?.map(|(_, path)| path).unwrap_or_default();
        let extension = Path::new(&path).extension().and_then(OsStr::to_str);
        if !path.contains("net.d/") || !matches!(extension, Some("conf" | "conflist")) {
            continue;
        }
        if let Some((at, encoding)) = file.text("encoding")? {
            return Err(at.fault(format!(
                "is {encoding:?}: decode the content of {path} and import that file"
            )));
        }
        let Some((at, content)) = file.text("content")? else {
            return Err(file.place().field("content").fault(format!(
                "is missing, expected the network configuration of {path}"
            )));
        };
        nested(&at.inside(&path), &content, found)?;
    }
    if found.len() == before {
        return Err(files.fault(
            "has no network configuration, expected a path such as /etc/rkt/net.d/20-lannet.conf",
        ));
    }
    Ok(())
}

/// A configuration that is a text in another document.
fn nested(at: &At, text: &str, found: &mut Vec<Found>) -> Result<(), Fault> {
    let value: Value =
        serde_json::from_str(text).map_err(|error| at.fault(format!("is no JSON: {error}")))?;
    let place = At::file(&at.to_string());
    document_of(&place, value, found)
}
