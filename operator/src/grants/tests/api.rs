//! An API server in memory: the few requests that the shell makes, with versions, preconditions and
//! a log for watches, and with faults on demand.

use std::{
    collections::{BTreeMap, BTreeSet},
    future::pending,
    sync::{Arc, Mutex, MutexGuard},
};

use axum::{
    Router,
    extract::{Path, State},
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::get,
};
use serde_json::{Value, json};

/// The plural and name of an object.
pub(super) type Key = (String, String);

/// What becomes of a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// It never arrives.
    Lost,
    /// It is done, and the answer never arrives.
    Unanswered,
    /// It arrives at the next [`Store::deliver`], when nobody waits for the answer any more.
    Late,
}

/// A write that is under way.
type Write = Box<dyn FnOnce(&mut Store) -> Answer + Send>;

/// All objects.
#[derive(Default)]
pub(super) struct Store {
    version: u64,
    pub(super) objects: BTreeMap<Key, Value>,
    /// Every change in order; `None` is a deletion, beside the last state.
    pub(super) log: Vec<(Key, Value, bool)>,
    /// The faults of the next writes.
    pub(super) faults: Vec<Option<Fault>>,
    /// What is sent to patch these neither arrives nor is answered.
    pub(super) silent: BTreeSet<Key>,
    /// Writes that were refused because the object had changed.
    pub(super) conflicts: usize,
    late: Vec<Write>,
}

#[derive(Clone, Default)]
pub(super) struct Server(Arc<Mutex<Store>>);

type Answer = Result<Value, (StatusCode, &'static str)>;

// === impl Store ===

impl Store {
    /// Puts an object, with a new version, and a new generation if its spec is new.
    pub(super) fn put(&mut self, key: &Key, mut object: Value) -> Value {
        self.version += 1;
        let old = self.objects.get(key);
        let generation = old.map_or(0, |old| old["metadata"]["generation"].as_i64().unwrap());
        let is_same = old.is_some_and(|old| old["spec"] == object["spec"]);
        let meta = &mut object["metadata"];
        meta["name"] = key.1.clone().into();
        meta["resourceVersion"] = self.version.to_string().into();
        meta["generation"] = (generation + i64::from(!is_same)).into();
        meta["uid"] = match old {
            Some(old) => old["metadata"]["uid"].clone(),
            None => format!("uid-{}", self.version).into(),
        };
        self.log.push((key.clone(), object.clone(), true));
        self.objects.insert(key.clone(), object.clone());
        object
    }

    /// What a backup has.
    pub(super) fn backup(&self) -> BTreeMap<Key, Value> {
        self.objects.clone()
    }

    /// etcd is restored from a backup, with `--bump-revision` and `--mark-compacted`: versions go on from
    /// far above, and every watch begins anew.
    pub(super) fn restore(&mut self, backup: BTreeMap<Key, Value>) {
        self.version += 1_000_000_000;
        self.objects = backup;
        self.log.clear();
        for (key, object) in &self.objects {
            self.log.push((key.clone(), object.clone(), true));
        }
    }

    fn remove(&mut self, key: &Key) -> Answer {
        self.version += 1;
        let mut object = self.objects.remove(key).ok_or(NOT_FOUND)?;
        object["metadata"]["resourceVersion"] = self.version.to_string().into();
        self.log.push((key.clone(), object.clone(), false));
        Ok(object)
    }

    fn conflict<T>(
        &mut self,
        answer: (StatusCode, &'static str),
    ) -> Result<T, (StatusCode, &'static str)> {
        self.conflicts += 1;
        Err(answer)
    }

    fn create(&mut self, plural: String, object: Value) -> Answer {
        let name = object["metadata"]["name"].as_str().unwrap().to_owned();
        let key = (plural, name);
        if self.objects.contains_key(&key) {
            return self.conflict((StatusCode::CONFLICT, "AlreadyExists"));
        }
        Ok(self.put(&key, object))
    }

    fn replace(&mut self, key: &Key, object: Value) -> Answer {
        let old = self.objects.get(key).ok_or(NOT_FOUND)?;
        if old["metadata"]["resourceVersion"] != object["metadata"]["resourceVersion"] {
            return self.conflict((StatusCode::CONFLICT, "Conflict"));
        }
        if object["metadata"]["deletionTimestamp"].is_string() && !is_guarded(&object) {
            self.put(key, object);
            return self.remove(key);
        }
        Ok(self.put(key, object))
    }

    /// A deletion by a client, under its preconditions; a finalizer keeps the object.
    fn end(&mut self, key: &Key, options: &Value) -> Answer {
        let mut object = self.objects.get(key).ok_or(NOT_FOUND)?.clone();
        let version = &options["preconditions"]["resourceVersion"];
        if object["metadata"]["resourceVersion"] != *version {
            return self.conflict((StatusCode::CONFLICT, "Conflict"));
        }
        if !is_guarded(&object) {
            return self.remove(key);
        }
        object["metadata"]["deletionTimestamp"] = "2026-11-24T12:00:00Z".into();
        Ok(self.put(key, object))
    }

    /// A JSON patch of tests, additions and removals of fields, or a merge patch.
    fn patch(&mut self, key: &Key, patch: &Value) -> Answer {
        let mut object = self.objects.get(key).ok_or(NOT_FOUND)?.clone();
        if patch.is_object() {
            merge(&mut object, patch);
            return Ok(self.put(key, object));
        }
        for step in patch.as_array().expect("a JSON patch") {
            let pointer = step["path"].as_str().unwrap();
            match step["op"].as_str().unwrap() {
                "test" if object.pointer(pointer) == Some(&step["value"]) => {}
                "test" => return self.conflict((StatusCode::UNPROCESSABLE_ENTITY, "Invalid")),
                "add" => {
                    let (parent, field) = pointer.rsplit_once('/').unwrap();
                    object.pointer_mut(parent).unwrap()[field] = step["value"].clone();
                }
                "remove" => {
                    let (parent, field) = pointer.rsplit_once('/').unwrap();
                    let parent = object.pointer_mut(parent).unwrap().as_object_mut();
                    parent.unwrap().remove(&field.replace("~1", "/")).unwrap();
                }
                other => panic!("{other}"),
            }
        }
        Ok(self.put(key, object))
    }

    /// A write, or what a fault makes of it.
    fn write(&mut self, act: impl FnOnce(&mut Self) -> Answer + Send + 'static) -> Answer {
        const SILENT: (StatusCode, &str) = (StatusCode::INTERNAL_SERVER_ERROR, "InternalError");
        match self.faults.pop().flatten() {
            None => act(self),
            Some(Fault::Lost) => Err(SILENT),
            Some(Fault::Unanswered) => act(self).and(Err(SILENT)),
            Some(Fault::Late) => {
                self.late.push(Box::new(act));
                Err(SILENT)
            }
        }
    }

    /// The writes that were under way arrive. Returns how many were done.
    pub(super) fn deliver(&mut self) -> usize {
        let late = std::mem::take(&mut self.late);
        late.into_iter()
            .map(|act| usize::from(act(self).is_ok()))
            .sum()
    }
}

fn merge(object: &mut Value, patch: &Value) {
    let Some(fields) = patch.as_object() else {
        *object = patch.clone();
        return;
    };
    for (name, field) in fields {
        if field.is_null() {
            object.as_object_mut().map(|object| object.remove(name));
        } else {
            merge(&mut object[name.as_str()], field);
        }
    }
}

fn is_guarded(object: &Value) -> bool {
    let finalizers = object["metadata"]["finalizers"].as_array();
    finalizers.is_some_and(|all| !all.is_empty())
}

const NOT_FOUND: (StatusCode, &str) = (StatusCode::NOT_FOUND, "NotFound");

// === impl Server ===

#[expect(
    clippy::unused_async,
    reason = "axum takes asynchronous functions only"
)]
impl Server {
    pub(super) fn store(&self) -> MutexGuard<'_, Store> {
        self.0.lock().unwrap()
    }

    pub(super) fn delete(&self, plural: &str, name: &str) {
        let key = (plural.to_owned(), name.to_owned());
        self.store().remove(&key).unwrap();
    }

    pub(super) fn client(&self) -> kube::Client {
        let objects = get(Self::list).post(Self::create);
        let object = get(Self::read)
            .put(Self::replace)
            .patch(Self::patch)
            .delete(Self::deletion);
        let router = Router::new()
            .route("/apis/landfall.dev/v1alpha1/{plural}", objects.clone())
            .route(
                "/apis/landfall.dev/v1alpha1/{plural}/{name}",
                object.clone(),
            )
            .route("/api/v1/{plural}", get(Self::list))
            .route("/api/v1/{plural}/{name}", get(Self::read))
            .route("/api/v1/namespaces/home/{plural}", objects)
            .route("/api/v1/namespaces/home/{plural}/{name}", object)
            .with_state(self.clone());
        kube::Client::new(router, "home")
    }

    async fn list(State(server): State<Self>, Path(plural): Path<String>) -> Response {
        let store = server.store();
        let items = store
            .objects
            .iter()
            .filter(|((kind, _), _)| *kind == plural);
        let items: Vec<&Value> = items.map(|(_, object)| object).collect();
        let list = json!({"metadata": {"resourceVersion": "1"}, "items": items});
        list.to_string().into_response()
    }

    async fn read(State(server): State<Self>, Path(key): Path<Key>) -> Response {
        let store = server.store();
        answer(store.objects.get(&key).cloned().ok_or(NOT_FOUND))
    }

    async fn create(
        State(server): State<Self>,
        Path(plural): Path<String>,
        body: String,
    ) -> Response {
        let object = serde_json::from_str(&body).unwrap();
        answer(
            server
                .store()
                .write(move |store| store.create(plural, object)),
        )
    }

    async fn replace(State(server): State<Self>, Path(key): Path<Key>, body: String) -> Response {
        let object = serde_json::from_str(&body).unwrap();
        answer(
            server
                .store()
                .write(move |store| store.replace(&key, object)),
        )
    }

    async fn deletion(State(server): State<Self>, Path(key): Path<Key>, body: String) -> Response {
        let options = serde_json::from_str(&body).unwrap();
        answer(server.store().write(move |store| store.end(&key, &options)))
    }

    async fn patch(State(server): State<Self>, Path(key): Path<Key>, body: String) -> Response {
        let is_silent = server.store().silent.contains(&key);
        if is_silent {
            pending::<()>().await;
        }
        let patch = serde_json::from_str(&body).unwrap();
        answer(server.store().write(move |store| store.patch(&key, &patch)))
    }
}

fn answer(answer: Answer) -> Response {
    match answer {
        Ok(object) => object.to_string().into_response(),
        Err((code, reason)) => {
            let status = json!({
                "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
                "message": reason, "reason": reason, "code": code.as_u16(),
            });
            (code, status.to_string()).into_response()
        }
    }
}
