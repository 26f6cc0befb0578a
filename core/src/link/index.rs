//! The interface's index, chosen before the kernel is asked.

use crate::id::Uid;

/// Below this the kernel counts its own indexes.
const FIRST: u32 = 0x0001_0000;
/// An index is a positive `int`.
const LAST: u32 = 0x7fff_ffff;

/// The index for an interface of a sandbox. In a fresh namespace it is free but for a chance of one in
/// a thousand million.
///
/// Derived, not drawn: a plan made twice for one sandbox is the same plan.
pub fn index(container_id: &str, interface: &str) -> u32 {
    let Uid(id) = Uid::of(container_id);
    let Uid(name) = Uid::of(interface);
    let offset = (id ^ name.rotate_left(64)) % u128::from(LAST - FIRST + 1);
    // The remainder is below 2^31, so the conversion can't fail.
    FIRST + u32::try_from(offset).unwrap_or_default()
}

/// The index to try when the kernel says that one is taken.
pub const fn next_index(index: u32) -> u32 {
    if index >= FIRST && index < LAST {
        index + 1
    } else {
        FIRST
    }
}
