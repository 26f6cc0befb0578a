//! A network as YAML, with what its author should know above it.

use serde::Serialize;

use super::network::{Network, Spec};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Manifest<'a> {
    api_version: &'static str,
    kind: String,
    metadata: Metadata<'a>,
    spec: &'a Spec,
}

#[derive(Serialize)]
struct Metadata<'a> {
    name: &'a str,
}

/// The documents of an import. `remarks` are about what is not among them.
pub(super) fn print(
    file: &str,
    networks: &[Network],
    remarks: &[String],
) -> Result<String, serde_saphyr::ser::Error> {
    let mut text = String::new();
    comment(&mut text, &format!("Made from {file} by landfall import."));
    for remark in remarks {
        comment(&mut text, &format!("Left out: {remark}"));
    }
    for (index, network) in networks.iter().enumerate() {
        if index > 0 {
            text.push_str("---\n");
        }
        for note in network.notes.iter() {
            comment(&mut text, note);
        }
        text.push_str(&manifest(network)?);
    }
    Ok(text)
}

fn manifest(network: &Network) -> Result<String, serde_saphyr::ser::Error> {
    serde_saphyr::to_string(&Manifest {
        api_version: "landfall.dev/v1alpha1",
        kind: format!("{}Network", network.kind),
        metadata: Metadata {
            name: &network.name,
        },
        spec: &network.spec,
    })
}

/// Texts of the input end up in comments: none of them may end the line.
fn comment(text: &mut String, sentence: &str) {
    let plain = sentence
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c });
    text.push_str("# ");
    text.extend(plain);
    text.push('\n');
}
