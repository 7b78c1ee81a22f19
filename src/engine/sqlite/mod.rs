//! The SQLite engine, through rusqlite.

use super::{Engine, Source, Target};
use crate::error::{Error, Result};
use crate::event::Cancel;
use crate::secret::Address;

/// The SQLite engine.
pub static ENGINE: Engine =
    Engine { schemes: &["sqlite"], example: "sqlite:PATH", source: open_source, target: open_target, is_file: true };

fn open_source(_: &Address, _: &Cancel) -> Result<Box<dyn Source>> {
    Err(Error::internal("later"))
}

fn open_target(_: &Address, _: bool, _: &Cancel) -> Result<Box<dyn Target>> {
    Err(Error::internal("later"))
}
