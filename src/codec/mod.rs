//! Floor 1: COPY text, chunks, packs, manifests, tombs and audit entries as bytes. Knows no key but the one that names chunks, and no store.

pub mod audit;
pub mod chunker;
pub mod csv;
pub mod journal;
pub mod manifest;
pub mod origins;
pub mod pack;
pub mod rows;
pub mod tag;
pub mod tomb;

#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod vectors;
