//! Masks inside of masks: what a parameter such as `paths` of `json` or `item` of `list` names.

use super::definition::Definition;
use super::params::{BadParam, ParamKind, Params, Value};
use super::site::Site;
use super::{Mask, find};
use crate::error::{Error, Result};
use crate::model::schema::Family;

/// A mask as a parameter names it.
#[derive(Debug)]
pub struct Nested {
    /// The mask.
    pub definition: &'static Definition,
    /// Its parameters.
    pub params: Params,
    /// The domain, where it is not the mask's own.
    pub domain: Option<String>,
}

impl Nested {
    /// Reads the name of a mask, or a table with `mask`, `domain` and parameters.
    ///
    /// # Errors
    /// A fragment that says what is wrong.
    pub fn parse(value: &Value) -> std::result::Result<Self, String> {
        let (name, rest) = match value {
            Value::Text(name) => (name.as_ref(), None),
            Value::Table(table) => match table.get("mask").map(Value::as_text) {
                Some(Some(name)) => (name, Some(table)),
                _ => return Err("write the name of a mask, or { mask = \"...\" }".to_owned()),
            },
            _ => return Err("write the name of a mask, or { mask = \"...\" }".to_owned()),
        };
        let Some(definition) = find(name) else {
            return Err(format!("unknown mask '{}'", name.escape_debug()));
        };
        if definition.after || definition.determinism == super::Determinism::Row {
            return Err(format!("mask {name} works on whole columns only, not inside of another mask"));
        }
        let (mut domain, mut given) = (None, Vec::new());
        for (key, value) in rest.into_iter().flatten() {
            match (key.as_str(), value) {
                ("mask", _) => {}
                ("domain", Value::Text(name)) if !definition.domain.is_empty() => domain = Some(name.to_string()),
                ("domain", _) => {
                    return Err(format!("mask {name} has no domain, or this is not the name of one"));
                }
                _ => given.push((key.clone(), value.clone())),
            }
        }
        let params = Params::new(definition, given).map_err(|BadParam { why, .. }| why)?;
        Ok(Self { definition, params, domain })
    }

    /// Builds the mask for parts of the cells of `site`. What the column as a whole has to be (its length, its uniqueness)
    /// does not bind the parts.
    ///
    /// # Errors
    /// As the mask's own build.
    pub fn build(&self, site: &Site) -> Result<Box<dyn Mask>> {
        let domain = self.domain.as_deref().unwrap_or(self.definition.domain);
        let part = Site { cells: site.cells.clone(), ..Site::free(&site.ring, domain, Family::Any) };
        (self.definition.build)(&part, &self.params)
    }
}

/// The mask of the parameter `name` of `params`, built for parts of the cells of `site`.
///
/// # Errors
/// As the mask's own build.
pub fn build(site: &Site, params: &Params, name: &str) -> Result<Option<Box<dyn Mask>>> {
    params.get(name).map(|value| build_value(site, value)).transpose()
}

/// The mask that `value` names, built for parts of the cells of `site`.
///
/// # Errors
/// As the mask's own build.
pub fn build_value(site: &Site, value: &Value) -> Result<Box<dyn Mask>> {
    Nested::parse(value).map_err(Error::policy)?.build(site)
}

/// Whether the masks that a parameter of `kind` names exist and take their parameters.
pub(super) fn check(kind: ParamKind, value: &Value) -> std::result::Result<(), String> {
    match (kind, value) {
        (ParamKind::Mask, value) => Nested::parse(value).map(drop),
        (ParamKind::Masks, Value::Table(masks)) => masks.iter().try_for_each(|(name, value)| {
            Nested::parse(value).map(drop).map_err(|why| format!("{}: {why}", name.escape_debug()))
        }),
        _ => Ok(()),
    }
}
