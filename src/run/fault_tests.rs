//! Everything that can go wrong around a store, one operation, one bit, one object at a time: see `docs/architecture.md`, "Faults".
//!
//! | part | what it does |
//! |---|---|
//! | `testing` | a small store with a source beside it, and what commands do to it |
//! | `point_tests` | a fault at every operation of every command |
//! | `attack_tests` | what nobody does by accident |
//! | `damage_tests` | every flipped bit, cut, swap, copy and replay of objects |

mod attack_tests;
mod damage_tests;
mod point_tests;
mod testing;
