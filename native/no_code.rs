//! Empty: the manifest beside this file exists to pin a source, see Cargo.toml.
