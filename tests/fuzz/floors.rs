//! The floors of the program that read bytes of others, compiled without the rest of it: imports go strictly down, so they need
//! nothing above them. A lean library for the fuzz targets, and no API for anybody.

#![allow(dead_code, unused_imports, missing_docs, reason = "much of these floors is there for the floors above")]

#[path = "../../src/classify/mod.rs"]
pub mod classify;
#[path = "../../src/codec/mod.rs"]
pub mod codec;
#[path = "../../src/error.rs"]
pub mod error;
#[path = "../../src/mask/mod.rs"]
pub mod mask;
#[path = "../../src/model/mod.rs"]
pub mod model;
#[path = "../../src/policy/mod.rs"]
pub mod policy;
#[path = "../../src/seal/mod.rs"]
pub mod seal;
#[path = "../../src/secret.rs"]
pub mod secret;

#[path = "targets/mod.rs"]
pub mod targets;
