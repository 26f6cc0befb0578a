//! An API server: objects with resource versions, generations and finalizers, compare-and-swap, and
//! a history that watches follow until it is compacted.
//!
//! It does what kube-apiserver does with custom resources; `tests/admit/simulation.rs` compares the
//! two, step by step.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    rc::Rc,
};

use landfall_core::id::{Name, Uid};

/// etcd's revision: one for all collections. Every write that changes something draws the next.
#[derive(Clone, Debug, Default)]
pub struct Revision(u64);

/// What every object has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Meta<K> {
    /// Its name.
    pub key: K,
    /// Another one for an object that is made again.
    pub uid: Uid,
    /// `resourceVersion`: the revision of the last write.
    pub version: u64,
    /// Grows with the spec, and once when the deletion begins; not with metadata or status.
    pub generation: u64,
    /// What keeps an object that is being deleted.
    pub finalizers: BTreeSet<Name>,
    /// Has a deletionTimestamp.
    pub is_deleting: bool,
    /// The annotation `landfall.dev/reclaim`: the Node UID of which a user says that its machine is off.
    pub reclaimed: Option<Uid>,
}

/// An object, one version of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Object<K, S, T> {
    /// Its metadata.
    pub meta: Meta<K>,
    /// Written by `replace` and `patch`.
    pub spec: S,
    /// Written by `patch_status`.
    pub status: T,
}

/// What a watch says happened to an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// ADDED.
    Added,
    /// MODIFIED.
    Modified,
    /// DELETED; the object is its last state, with the version of the deletion.
    Deleted,
}

/// One line of a watch.
#[derive(Clone, Debug)]
pub struct Event<K, S, T> {
    /// What happened.
    pub kind: Kind,
    /// The object after it.
    pub object: Rc<Object<K, S, T>>,
}

/// Why a request was not done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Refusal {
    /// 404.
    NotFound,
    /// 409 AlreadyExists.
    Exists,
    /// 409 Conflict: another version, or another object of this name.
    Conflict,
    /// 422: a `test` of a JSON patch failed, or an update names no version.
    Invalid,
    /// 410: the history does not go back so far.
    Gone,
}

/// Objects by name.
pub type Objects<K, S, T> = BTreeMap<K, Rc<Object<K, S, T>>>;

/// All objects of one kind.
#[derive(Clone, Debug)]
pub struct Collection<K, S, T> {
    objects: Objects<K, S, T>,
    history: VecDeque<Event<K, S, T>>,
    /// What there was when the history begins, and the revision of that.
    base: Objects<K, S, T>,
    compacted: u64,
    /// The revision of the last write here.
    latest: u64,
}

// === impl Revision ===

impl Revision {
    /// The last one drawn.
    pub fn last(&self) -> u64 {
        self.0
    }

    /// etcd is restored, and goes on from there (`etcdutl snapshot restore --bump-revision`).
    pub fn bump(&mut self, to: u64) {
        self.0 = to;
    }

    /// Draws the next.
    pub fn draw(&mut self) -> u64 {
        self.0 += 1;
        self.0
    }
}

// === impl Collection ===

impl<K, S, T> Default for Collection<K, S, T> {
    fn default() -> Self {
        Self {
            objects: BTreeMap::new(),
            history: VecDeque::new(),
            base: BTreeMap::new(),
            compacted: 0,
            latest: 0,
        }
    }
}

impl<K: Ord + Clone, S: Clone + PartialEq, T: Clone + PartialEq + Default> Collection<K, S, T> {
    /// A quorum read.
    pub fn get(&self, key: &K) -> Option<&Rc<Object<K, S, T>>> {
        self.objects.get(key)
    }

    /// A quorum list.
    pub fn all(&self) -> impl ExactSizeIterator<Item = &Rc<Object<K, S, T>>> {
        self.objects.values()
    }

    /// The revision of the last write.
    pub fn latest(&self) -> u64 {
        self.latest
    }

    /// POST.
    pub fn create(
        &mut self,
        revision: &mut Revision,
        key: K,
        spec: S,
        finalizers: BTreeSet<Name>,
    ) -> Result<Rc<Object<K, S, T>>, Refusal> {
        if self.objects.contains_key(&key) {
            return Err(Refusal::Exists);
        }
        let version = revision.draw();
        let object = Object {
            meta: Meta {
                key,
                uid: Uid((0xa << 124) | u128::from(version)),
                version,
                generation: 1,
                finalizers,
                is_deleting: false,
                reclaimed: None,
            },
            spec,
            status: T::default(),
        };
        Ok(self.put(Kind::Added, object))
    }

    /// PUT, under the UID and the version that the object carries. The status stays.
    pub fn replace(
        &mut self,
        revision: &mut Revision,
        object: &Object<K, S, T>,
    ) -> Result<Rc<Object<K, S, T>>, Refusal> {
        let stored = self.stored(&object.meta.key)?;
        if stored.meta.uid != object.meta.uid {
            return Err(Refusal::Conflict);
        }
        if object.meta.version == 0 {
            return Err(Refusal::Invalid);
        }
        if stored.meta.version != object.meta.version {
            return Err(Refusal::Conflict);
        }
        let mut next = (*stored).clone();
        next.spec = object.spec.clone();
        next.meta.finalizers.clone_from(&object.meta.finalizers);
        Ok(self.write(revision, &stored, next))
    }

    /// A JSON patch of the spec that tests UID and generation.
    pub fn patch(
        &mut self,
        revision: &mut Revision,
        key: &K,
        (uid, generation): (Uid, u64),
        spec: S,
    ) -> Result<Rc<Object<K, S, T>>, Refusal> {
        let stored = self.stored(key)?;
        if stored.meta.uid != uid || stored.meta.generation != generation {
            return Err(Refusal::Invalid);
        }
        let mut next = (*stored).clone();
        next.spec = spec;
        Ok(self.write(revision, &stored, next))
    }

    /// A JSON patch of the status subresource, with a test.
    pub fn patch_status(
        &mut self,
        revision: &mut Revision,
        key: &K,
        test: impl FnOnce(&Object<K, S, T>) -> bool,
        status: T,
    ) -> Result<Rc<Object<K, S, T>>, Refusal> {
        let stored = self.stored(key)?;
        if !test(&stored) {
            return Err(Refusal::Invalid);
        }
        let mut next = (*stored).clone();
        next.status = status;
        Ok(self.write(revision, &stored, next))
    }

    /// A JSON patch of the annotation, which tests the UID and what it was.
    pub fn annotate(
        &mut self,
        revision: &mut Revision,
        key: &K,
        (uid, known): (Uid, Option<Uid>),
        reclaimed: Option<Uid>,
    ) -> Result<Rc<Object<K, S, T>>, Refusal> {
        let stored = self.stored(key)?;
        if stored.meta.uid != uid || stored.meta.reclaimed != known {
            return Err(Refusal::Invalid);
        }
        let mut next = (*stored).clone();
        next.meta.reclaimed = reclaimed;
        Ok(self.write(revision, &stored, next))
    }

    /// DELETE, under these preconditions where there are any. With a finalizer left the object stays
    /// and says that it is being deleted.
    pub fn delete(
        &mut self,
        revision: &mut Revision,
        key: &K,
        uid: Option<Uid>,
        version: Option<u64>,
    ) -> Result<(), Refusal> {
        let stored = self.stored(key)?;
        let is_other = uid.is_some_and(|uid| uid != stored.meta.uid)
            || version.is_some_and(|version| version != stored.meta.version);
        if is_other {
            return Err(Refusal::Conflict);
        }
        let mut next = (*stored).clone();
        if next.meta.finalizers.is_empty() {
            next.meta.version = revision.draw();
            self.put(Kind::Deleted, next);
            return Ok(());
        }
        if !next.meta.is_deleting {
            next.meta.is_deleting = true;
            next.meta.generation += 1;
        }
        self.write(revision, &stored, next);
        Ok(())
    }

    fn stored(&self, key: &K) -> Result<Rc<Object<K, S, T>>, Refusal> {
        self.objects.get(key).cloned().ok_or(Refusal::NotFound)
    }

    /// A write that changes nothing is none. One that takes the last finalizer of an object that is
    /// being deleted is its end.
    fn write(
        &mut self,
        revision: &mut Revision,
        stored: &Rc<Object<K, S, T>>,
        mut next: Object<K, S, T>,
    ) -> Rc<Object<K, S, T>> {
        if **stored == next {
            return Rc::clone(stored);
        }
        if stored.spec != next.spec {
            next.meta.generation += 1;
        }
        let version = revision.draw();
        if next.meta.is_deleting && next.meta.finalizers.is_empty() {
            // What a watch shows of the end is the last state that was stored.
            let mut last = (**stored).clone();
            last.meta.version = version;
            return self.put(Kind::Deleted, last);
        }
        next.meta.version = version;
        self.put(Kind::Modified, next)
    }

    fn put(&mut self, kind: Kind, object: Object<K, S, T>) -> Rc<Object<K, S, T>> {
        let object = Rc::new(object);
        self.latest = object.meta.version;
        let event = Event {
            kind,
            object: Rc::clone(&object),
        };
        apply(&mut self.objects, &event);
        self.history.push_back(event);
        object
    }

    /// What was written after `version`, oldest first.
    pub fn after(
        &self,
        version: u64,
    ) -> Result<impl Iterator<Item = &Event<K, S, T>> + use<'_, K, S, T>, Refusal> {
        if version < self.compacted {
            return Err(Refusal::Gone);
        }
        let from = self
            .history
            .partition_point(|event| event.object.meta.version <= version);
        Ok(self.history.range(from..))
    }

    /// The list that a server which is behind would give, as of a revision that it still has.
    pub fn list_at(&self, version: u64) -> Vec<Rc<Object<K, S, T>>> {
        let mut objects = self.base.clone();
        let old = |event: &&Event<K, S, T>| event.object.meta.version <= version;
        for event in self.history.iter().take_while(old) {
            apply(&mut objects, event);
        }
        objects.into_values().collect()
    }

    /// The oldest revision that can be listed.
    pub fn oldest(&self) -> u64 {
        self.compacted
    }

    /// What a backup has of it.
    pub fn back_up(&self) -> Objects<K, S, T> {
        self.objects.clone()
    }

    /// A backup's objects, each with the version that it had then; of the history nothing is left
    /// (`--mark-compacted`).
    pub fn restore(&mut self, objects: Objects<K, S, T>, revision: u64) {
        *self = Self {
            base: objects.clone(),
            objects,
            history: VecDeque::new(),
            compacted: revision,
            latest: revision,
        };
    }

    /// Forgets all but the last events.
    pub fn compact(&mut self, keep: usize) {
        while self.history.len() > keep {
            if let Some(event) = self.history.pop_front() {
                self.compacted = event.object.meta.version;
                apply(&mut self.base, &event);
            }
        }
    }
}

fn apply<K: Ord + Clone, S, T>(objects: &mut Objects<K, S, T>, event: &Event<K, S, T>) {
    let key = &event.object.meta.key;
    if event.kind == Kind::Deleted {
        objects.remove(key);
    } else {
        objects.insert(key.clone(), Rc::clone(&event.object));
    }
}
