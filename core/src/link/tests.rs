//! Plans, undo and check.
