//! CNI types and wire types.
