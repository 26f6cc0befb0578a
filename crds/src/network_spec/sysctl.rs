//! The sysctls that a network may set.

pub use landfall_core::network::SYSCTLS;

/// The rule of the schema: an enumeration of keys, which a structural schema can't express otherwise.
pub fn sysctl_rule() -> String {
    let names: Vec<String> = SYSCTLS.iter().map(|name| format!("'{name}'")).collect();
    format!("self.all(name, name in [{}])", names.join(", "))
}
