//! Interned parts of a state: equal parts have one number, so a state is a few small numbers.

#[expect(
    clippy::disallowed_types,
    reason = "asked millions of times, and never walked through"
)]
use std::collections::HashMap;
use std::{
    hash::{BuildHasherDefault, Hash, Hasher},
    rc::Rc,
    vec::Vec,
};

/// Multiplies and rotates, as rustc's own tables do: the keys are small numbers that nobody
/// chooses to our harm.
#[derive(Clone, Copy, Default)]
pub(super) struct Fold(u64);

/// A map from small numbers.
#[expect(
    clippy::disallowed_types,
    reason = "asked millions of times, and never walked through"
)]
pub(super) type Map<K, V> = HashMap<K, V, BuildHasherDefault<Fold>>;

/// Values by number, numbers by value.
pub(super) struct Pool<T> {
    items: Vec<Rc<T>>,
    numbers: Map<Rc<T>, u32>,
}

// === impl Pool ===

impl<T: Eq + Hash> Pool<T> {
    pub(super) fn new() -> Self {
        Self {
            items: Vec::new(),
            numbers: Map::default(),
        }
    }

    /// The number of a value.
    pub(super) fn number(&mut self, value: T) -> u32 {
        if let Some(number) = self.numbers.get(&value) {
            return *number;
        }
        let number = u32::try_from(self.items.len()).expect("fewer than 2^32 parts");
        let value = Rc::new(value);
        self.items.push(Rc::clone(&value));
        self.numbers.insert(value, number);
        number
    }

    /// The value of a number.
    pub(super) fn get(&self, number: u32) -> Rc<T> {
        Rc::clone(&self.items[index(number)])
    }
}

/// A number as an index.
pub(super) fn index(number: u32) -> usize {
    usize::try_from(number).expect("32 bits fit")
}

// === impl Fold ===

impl Fold {
    fn add(&mut self, word: u64) {
        self.0 = (self.0.rotate_left(5) ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }
}

impl Hasher for Fold {
    fn finish(&self) -> u64 {
        self.0.rotate_left(26)
    }

    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.add(u64::from_le_bytes(word));
        }
    }

    fn write_u8(&mut self, n: u8) {
        self.add(n.into());
    }

    fn write_u16(&mut self, n: u16) {
        self.add(n.into());
    }

    fn write_u32(&mut self, n: u32) {
        self.add(n.into());
    }

    fn write_u64(&mut self, n: u64) {
        self.add(n);
    }

    fn write_usize(&mut self, n: usize) {
        self.add(u64::try_from(n).expect("64 bits fit"));
    }
}
