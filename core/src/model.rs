//! A model of everything around the protocol, checked by a breadth-first search of our own: what is
//! checked is the shipped `decide` and `step`, there is no second model beside them.
//!
//! ```text
//!   users, power ─┐
//!   kubelets ─────┼──> next(state) ──> states ──> invariants 1 to 9, 12 in each
//!   agents (step) ┤                       │
//!   operators (decide) ───────────────────┴──> progress leads to rest from each (10, 11)
//! ```

mod check;
mod claim;
mod config;
mod decision;
mod machine;
mod mutants;
mod nature;
mod node;
mod operator;
mod pool;
mod rest;
mod runs;
mod search;
mod state;
mod steps;
mod trace;
mod transition;
mod walk;
mod world;
