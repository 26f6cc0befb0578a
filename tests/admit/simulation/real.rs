//! The script on the real API server: a kind of custom resource of its own.

use anyhow::{Context, Result, anyhow, bail};
use landfall_sim::server::Refusal;
use landfall_tests::{case::Case, cluster::Cluster, wait::until};
use serde_json::{Deserializer, Value, json};

use super::{Line, Outcome, Server, Shown, Step, proxy::Proxy};

/// A watch ends by itself after so many seconds.
const WATCH_SECONDS: u32 = 1;
const GUARD: &str = "landfall.dev/probe";

/// The server, and its answers so far, as in `Simulated`.
pub(super) struct Real<'c> {
    cluster: &'c Cluster,
    proxy: Proxy,
    namespace: String,
    /// The API group, which no other run has.
    group: String,
    answers: Vec<Value>,
}

// === impl Real ===

impl<'c> Real<'c> {
    /// Makes the kind, and removes it whatever comes of the test.
    pub(super) fn run(case: &Case<'c>, test: impl FnOnce(&mut Self) -> Result<()>) -> Result<()> {
        let group = format!("{}.landfall.dev", case.namespace);
        let name = format!("probes.{group}");
        let mut real = Self {
            cluster: case.cluster,
            proxy: Proxy::start(case.cluster, &case.namespace)?,
            namespace: case.namespace.clone(),
            group,
            answers: Vec::new(),
        };
        let result = real.establish(&name).and_then(|()| test(&mut real));
        let unguarded = real.unguard();
        let removed = real
            .cluster
            .kubectl(&["delete", "crd", &name, "--ignore-not-found"]);
        removed?;
        result.and(unguarded)
    }

    /// Takes our finalizer from all that is left: the kind would wait for it.
    fn unguard(&mut self) -> Result<()> {
        for shown in self.list()? {
            let steps = json!([{"op": "add", "path": "/metadata/finalizers", "value": []}]);
            let freed = self.patch(&self.path(&shown.name), &steps)?;
            freed.map_err(|refusal| anyhow!("{}: {refusal:?}", shown.name))?;
        }
        Ok(())
    }

    fn establish(&self, name: &str) -> Result<()> {
        let number = json!({"type": "integer"});
        let part = json!({"type": "object", "properties": {"value": number}});
        let schema = json!({"type": "object", "properties": {"spec": part, "status": part}});
        let version = json!({
            "name": "v1", "served": true, "storage": true, "subresources": {"status": {}},
            "schema": {"openAPIV3Schema": schema},
        });
        let names = json!({"plural": "probes", "singular": "probe", "kind": "Probe"});
        self.cluster.apply(&[json!({
            "apiVersion": "apiextensions.k8s.io/v1",
            "kind": "CustomResourceDefinition",
            "metadata": {"name": name},
            "spec": {
                "group": self.group, "scope": "Namespaced", "names": names, "versions": [version],
            },
        })])?;
        until("the kind is served", 20, || {
            self.cluster
                .kubectl(&["get", "--raw", &self.path("")])
                .map(drop)
        })
    }

    fn path(&self, name: &str) -> String {
        let (group, namespace) = (&self.group, &self.namespace);
        let path = format!("/apis/{group}/v1/namespaces/{namespace}/probes");
        if name.is_empty() {
            path
        } else {
            format!("{path}/{name}")
        }
    }

    fn object(&self, name: &str, value: u64, finalizers: &[&str]) -> Value {
        json!({
            "apiVersion": format!("{}/v1", self.group),
            "kind": "Probe",
            "metadata": {"name": name, "namespace": self.namespace, "finalizers": finalizers},
            "spec": {"value": value},
        })
    }

    /// The body of a PUT over an object as it was seen.
    fn put(&self, seen: &Value, value: u64, is_guarded: bool) -> Value {
        let is_deleting = seen.pointer("/metadata/deletionTimestamp").is_some();
        let finalizers: &[&str] = if is_guarded && !is_deleting {
            &[GUARD]
        } else {
            &[]
        };
        let mut object = self.object(name_of(seen), value, finalizers);
        for field in ["uid", "resourceVersion"] {
            object["metadata"][field] = seen["metadata"][field].clone();
        }
        object
    }

    /// A request with a body.
    fn raw(&self, verb: &str, path: &str, body: &Value) -> Result<Result<Value, Refusal>> {
        let json = "application/json";
        answer(self.proxy.ask(verb, path, json, &body.to_string())?)
    }

    fn patch(&self, path: &str, steps: &Value) -> Result<Result<Value, Refusal>> {
        let json = "application/json-patch+json";
        answer(self.proxy.ask("PATCH", path, json, &steps.to_string())?)
    }

    fn answer(&self, number: usize) -> Result<&Value> {
        self.answers.get(number).context("no such answer")
    }

    fn request(&self, step: &Step) -> Result<Result<Option<Value>, Refusal>> {
        Ok(match step {
            Step::Create {
                name,
                value,
                is_guarded,
            } => {
                let finalizers: &[&str] = if *is_guarded { &[GUARD] } else { &[] };
                let object = self.object(name, *value, finalizers);
                self.raw("POST", &self.path(""), &object)?.map(Some)
            }
            Step::Replace {
                answer,
                has_version,
                value,
                is_guarded,
            } => {
                let mut body = self.put(self.answer(*answer)?, *value, *is_guarded);
                if !has_version {
                    body["metadata"]["resourceVersion"].take();
                }
                let name = name_of(&body).to_owned();
                match self.raw("PUT", &self.path(&name), &body)? {
                    Ok(object) => Ok(self.get(&name)?.map(|_| object)),
                    Err(refusal) => Err(refusal),
                }
            }
            Step::Patch { answer, value } => {
                let seen = self.answer(*answer)?;
                let steps = json!([
                    {"op": "test", "path": "/metadata/uid", "value": seen["metadata"]["uid"]},
                    {"op": "test", "path": "/metadata/generation",
                        "value": seen["metadata"]["generation"]},
                    {"op": "add", "path": "/spec/value", "value": value},
                ]);
                self.patch(&self.path(name_of(seen)), &steps)?.map(Some)
            }
            Step::PatchStatus { answer, status } => {
                let seen = self.answer(*answer)?;
                let steps = json!([
                    {"op": "test", "path": "/spec/value", "value": seen["spec"]["value"]},
                    {"op": "add", "path": "/status", "value": {"value": status}},
                ]);
                self.patch(&format!("{}/status", self.path(name_of(seen))), &steps)?
                    .map(Some)
            }
            Step::Delete { answer, is_tested } => {
                let seen = self.answer(*answer)?;
                let name = name_of(seen);
                let mut options = json!({"apiVersion": "v1", "kind": "DeleteOptions"});
                if *is_tested {
                    let meta = &seen["metadata"];
                    options["preconditions"] =
                        json!({"uid": meta["uid"], "resourceVersion": meta["resourceVersion"]});
                }
                match self.raw("DELETE", &self.path(name), &options)? {
                    Ok(_) => Ok(self.get(name)?),
                    Err(refusal) => Err(refusal),
                }
            }
        })
    }

    fn get(&self, name: &str) -> Result<Option<Value>> {
        match answer(self.proxy.ask("GET", &self.path(name), "", "")?)? {
            Ok(object) => Ok(Some(object)),
            Err(Refusal::NotFound) => Ok(None),
            Err(refusal) => bail!("GET {name}: {refusal:?}"),
        }
    }
}

impl Server for Real<'_> {
    fn run(&mut self, step: &Step) -> Result<Outcome> {
        let outcome = self.request(step)?;
        let answered = outcome.as_ref().ok().and_then(Option::as_ref);
        let known = answered.or_else(|| self.answers.last()).cloned();
        self.answers
            .push(known.context("the first step shows nothing")?);
        Ok(match outcome {
            Ok(object) => Ok(object.as_ref().map(shown).transpose()?),
            Err(refusal) => Err(refusal),
        })
    }

    fn list(&mut self) -> Result<Vec<Shown>> {
        let (_, list) = self.proxy.ask("GET", &self.path(""), "", "")?;
        let list: Value = serde_json::from_str(&list)?;
        let items = list["items"].as_array().context("a list")?;
        let mut shown: Vec<Shown> = items.iter().map(shown).collect::<Result<_>>()?;
        shown.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(shown)
    }

    fn watch(&mut self, answer: usize) -> Result<Vec<Line>> {
        let version = number(self.answer(answer)?, "/metadata/resourceVersion")?;
        let query = format!("watch=1&resourceVersion={version}&timeoutSeconds={WATCH_SECONDS}");
        let path = format!("{}?{query}", self.path(""));
        let (_, text) = self.proxy.ask("GET", &path, "", "")?;
        let mut lines = Vec::new();
        for event in Deserializer::from_str(&text).into_iter::<Value>() {
            let event = event?;
            let word = match event["type"].as_str() {
                Some("ADDED") => "ADDED",
                Some("MODIFIED") => "MODIFIED",
                Some("DELETED") => "DELETED",
                _ => bail!("a watch says {event}"),
            };
            lines.push((word, shown(&event["object"])?));
        }
        Ok(lines)
    }
}

fn name_of(object: &Value) -> &str {
    object["metadata"]["name"].as_str().unwrap_or_default()
}

/// A number, or a text that is one.
fn number(object: &Value, path: &str) -> Result<u64> {
    let value = object.pointer(path).with_context(|| path.to_owned())?;
    let text = value.as_str().and_then(|text| text.parse().ok());
    text.or_else(|| value.as_u64())
        .with_context(|| format!("{path}: {value}"))
}

fn shown(object: &Value) -> Result<Shown> {
    let meta = &object["metadata"];
    Ok(Shown {
        name: name_of(object).to_owned(),
        version: number(object, "/metadata/resourceVersion")?,
        generation: number(object, "/metadata/generation")?,
        value: number(object, "/spec/value")?,
        status: number(object, "/status/value").unwrap_or_default(),
        is_guarded: meta["finalizers"]
            .as_array()
            .is_some_and(|all| !all.is_empty()),
        is_deleting: meta["deletionTimestamp"].is_string(),
    })
}

/// The object, or what its HTTP code says.
fn answer((code, body): (u16, String)) -> Result<Result<Value, Refusal>> {
    let object: Value = serde_json::from_str(&body).with_context(|| body.clone())?;
    Ok(match (code, object["reason"].as_str()) {
        (200..=202, _) => Ok(object),
        (404, _) => Err(Refusal::NotFound),
        (409, Some("AlreadyExists")) => Err(Refusal::Exists),
        (409, _) => Err(Refusal::Conflict),
        (422, _) => Err(Refusal::Invalid),
        _ => bail!("HTTP {code}: {body}"),
    })
}
