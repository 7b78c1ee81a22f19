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
mod faults;
mod gc;
mod init;
mod inside;
mod keys;
mod kill;
mod line;
mod lock;
mod marking;
mod masking;
mod parallel;
mod policy_check;
mod quarantine;
mod refs;
mod resume;
mod retention;
mod review;
mod roundtrip;
#[cfg(feature = "s3")]
mod s3;
mod secrecy;
mod subset;
mod support;
mod templates;
mod tidy;
mod vectors;
mod versions;
mod why;
