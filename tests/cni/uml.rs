//! What needs ipvlan, 802.1Q, bonds or dummies: the tier uml, whose machine has them all.
//!
//! Its tests are ignored elsewhere, for they would fail there. The machine has one processor and each call
//! takes it a fifth of a second: what one attachment can show is not shown by two.

mod ipvlan;
mod parents;
mod vlan;
