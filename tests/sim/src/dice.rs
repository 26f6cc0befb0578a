//! A seeded die: xorshift64* (Vigna, 2016). Of our own, so that a seed means the same for ever.

/// Where every choice of a schedule comes from.
#[derive(Clone, Debug)]
pub struct Dice(u64);

// === impl Dice ===

impl Dice {
    /// The die of a seed.
    pub fn new(seed: u64) -> Self {
        // A good spread of neighbouring seeds; never 0, where xorshift stands still.
        Self(seed.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// A number below `n`; 0 if `n` is 0.
    pub fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let high = self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33;
        let high = usize::try_from(high).unwrap_or_default();
        high.checked_rem(n).unwrap_or_default()
    }

    /// True once in `n` times.
    pub fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }

    /// One of these.
    pub fn pick<T>(&mut self, items: impl ExactSizeIterator<Item = T>) -> Option<T> {
        let mut items = items;
        let count = items.len();
        if count == 0 {
            None
        } else {
            items.nth(self.below(count))
        }
    }
}
