//! Floor 2: which rows a snapshot takes. `graph` knows tables and references, `walk` follows them set by set (`roots`, `children`, `parents`), `keys` holds what
//! was reached, `select` asks the database. `docs/subset.md` says what is taken; nothing is ever written to the source.

mod children;
mod coding;
mod graph;
mod indexes;
mod keys;
mod parents;
mod roots;
mod select;
mod size;
mod taken;
mod walk;

pub use graph::Graph;
pub use size::Size;
pub use walk::{Answers, Ask, Walk};
