//! A seeded die: the same seed makes the same choices (not the same run: kernels and clocks have a say).

use std::time::Duration;

/// xorshift64* (Vigna, 2016).
#[derive(Clone, Debug)]
pub(super) struct Dice(u64);

impl Dice {
    /// One of several streams of a seed.
    pub(super) fn new(seed: u64, stream: u64) -> Self {
        let mixed = seed
            .wrapping_add(stream.wrapping_mul(0xd134_2543_de82_ef95))
            .wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let mut dice = Self(mixed | 1);
        // Seeds that differ in a bit begin alike.
        for _ in 0..8 {
            dice.next();
        }
        dice
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33
    }

    /// Less than `n`.
    pub(super) fn below(&mut self, n: usize) -> usize {
        let n = u64::try_from(n.max(1)).unwrap_or(1);
        usize::try_from(self.next().rem_euclid(n)).unwrap_or_default()
    }

    /// A time of up to so many milliseconds.
    pub(super) fn millis(&mut self, most: usize) -> Duration {
        Duration::from_millis(u64::try_from(self.below(most)).unwrap_or_default())
    }

    /// One of several.
    pub(super) fn pick<'a, T>(&mut self, all: &'a [T]) -> Option<&'a T> {
        all.get(self.below(all.len()))
    }
}
