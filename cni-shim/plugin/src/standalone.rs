//! Without an agent: one host, a complete configuration, in place of the reference plugins macvlan and
//! ipvlan.

pub mod arguments;
pub mod config;
pub mod host_local;
pub mod object;
pub mod result;
