//! CNI configurations as text, with our entry and without it.

use serde_json::{Value, json};

/// The plugin's type.
const TYPE: &str = "landfall";
/// With this the runtime hands over the pod's annotations (containerd 1.5, CRI-O 1.29).
const POD_ANNOTATIONS: &str = "io.kubernetes.cri.pod-annotations";

/// A configuration of the node.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Configuration {
    /// Its `name`.
    pub(super) name: String,
    /// The types of its plugins.
    pub(super) types: Vec<String>,
    value: Value,
}

// === impl Configuration ===

impl Configuration {
    /// A list: `*.conflist`.
    pub(super) fn list(text: &str) -> Option<Self> {
        let value: Value = serde_json::from_str(text).ok()?;
        let plugins = value.get("plugins")?.as_array()?;
        let types: Option<Vec<String>> = plugins.iter().map(plugin_type).collect();
        let types = types.filter(|types| !types.is_empty())?;
        Some(Self {
            name: value.get("name")?.as_str()?.to_owned(),
            types,
            value,
        })
    }

    /// A single plugin: `*.conf` and `*.json`. Runtimes treat it as a list of one.
    pub(super) fn single(text: &str) -> Option<Self> {
        let plugin: Value = serde_json::from_str(text).ok()?;
        let types = vec![plugin_type(&plugin)?];
        let name = plugin.get("name")?.as_str()?.to_owned();
        let mut value = json!({"name": name, "plugins": [plugin]});
        let version = value.pointer("/plugins/0/cniVersion").cloned();
        if let (Some(map), Some(version)) = (value.as_object_mut(), version) {
            map.insert("cniVersion".to_owned(), version);
        }
        Some(Self { name, types, value })
    }

    /// Whether the runtime must not look into the plugin folder.
    pub(super) fn is_inlined_only(&self) -> bool {
        let key = self.value.get("loadOnlyInlinedPlugins");
        key.and_then(Value::as_bool).unwrap_or_default()
    }

    /// Whether our entry is in it.
    pub(super) fn is_chained(&self) -> bool {
        self.plugins().iter().any(is_ours)
    }

    /// With our entry as the last.
    pub(super) fn chained(mut self) -> Self {
        if !self.is_chained()
            && let Some(plugins) = self.value.get_mut("plugins").and_then(Value::as_array_mut)
        {
            plugins.push(entry());
            self.types.push(TYPE.to_owned());
        }
        self
    }

    /// Without our entry.
    pub(super) fn unchained(mut self) -> Self {
        if let Some(plugins) = self.value.get_mut("plugins").and_then(Value::as_array_mut) {
            plugins.retain(|plugin| !is_ours(plugin));
            self.types = plugins.iter().filter_map(plugin_type).collect();
        }
        self
    }

    /// As a file's content.
    pub(super) fn text(&self) -> String {
        format!("{:#}\n", self.value)
    }

    fn plugins(&self) -> &[Value] {
        let plugins = self.value.get("plugins").and_then(Value::as_array);
        plugins.map(Vec::as_slice).unwrap_or_default()
    }
}

/// Our entry, as a file's content.
pub(super) fn plugin() -> String {
    format!("{:#}\n", entry())
}

fn entry() -> Value {
    json!({"type": TYPE, "capabilities": {POD_ANNOTATIONS: true}})
}

fn plugin_type(plugin: &Value) -> Option<String> {
    let text = plugin.get("type")?.as_str()?;
    (!text.is_empty()).then(|| text.to_owned())
}

/// An entry with a driver is somebody's stand-alone network and stays.
fn is_ours(plugin: &Value) -> bool {
    plugin_type(plugin).as_deref() == Some(TYPE)
        && plugin.get("driver").is_none()
        && plugin.get("network").is_none()
}

#[cfg(test)]
mod tests;
