//! The one integration binary.

#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    reason = "tests"
)]

mod approval;
mod audit;
mod bad_input;
mod browser;
mod cases;
mod closure;
mod conflicts;
mod detect;
mod documents;
mod drift;
#[cfg(unix)]
mod exec;
mod faults;
mod gc;
mod generate;
mod guards;
mod init;
mod inside;
#[cfg(unix)]
mod isolated;
mod isolation;
mod keys;
mod kill;
mod line;
mod lock;
mod locks;
mod marking;
mod masking;
mod parallel;
mod policy_check;
#[cfg(unix)]
mod pool;
mod quarantine;
mod refs;
mod resume;
mod retention;
mod review;
mod rollback;
mod roundtrip;
#[cfg(feature = "s3")]
mod s3;
mod secrecy;
#[path = "../../src/engine/testing.rs"]
mod servers;
mod subset;
mod summary;
mod support;
mod templates;
mod testing;
mod tidy;
mod vectors;
mod versions;
mod why;
