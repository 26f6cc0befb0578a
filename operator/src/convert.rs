//! Between the API's objects and the ledger's types: the API's crate has it, for whoever reads them.

pub(crate) use landfall_crds::ledger::{block, node};
