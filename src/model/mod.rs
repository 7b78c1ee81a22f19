//! Floor 0: plain data of the flow. No I/O, no clock, no randomness.

pub mod approval;
pub mod audit;
pub mod batch;
pub mod copytext;
pub mod declared;
pub mod digest;
pub mod drift;
pub mod journal;
pub mod manifest;
pub mod mark;
pub mod names;
pub mod padding;
pub mod proof;
pub mod schema;
pub mod subset;
pub mod tag;
pub mod text_table;
pub mod tier;
