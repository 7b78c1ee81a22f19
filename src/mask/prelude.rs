//! What the file of a mask needs, so that each begins with what it is and not with a list of names.

pub(super) use super::canonical::{self, Form};
pub(super) use super::definition::{Definition, Determinism, Example, Scan, Strength, Teaches, Uniqueness};
pub(super) use super::key::{Ask, DomainKey, Draw, Role, scale};
pub(super) use super::params::{Param, ParamKind, Params, Value};
pub(super) use super::site::Site;
pub(super) use super::{Mask, Misfit, Row, Written, until_different};
pub(super) use crate::error::{Error, Result};
pub(super) use crate::model::batch::{Cell, CellKind};
pub(super) use crate::model::schema::Family;
