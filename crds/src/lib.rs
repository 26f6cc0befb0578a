//! Landfall's Kubernetes API types.
