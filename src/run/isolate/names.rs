//! What templates, clones and locks are called.

use crate::engine::{self, Whereabouts};
use crate::error::{Error, Result};
use crate::model::schema::EngineKind;
use crate::secret::Address;
use std::path::Path;

/// Goes up when templates or clones are made in another way: those of another format are other databases.
const FORMAT: u32 = 1;

/// The lock under which names are given away.
pub(super) const REGISTRY_LOCK: &str = "registry";

/// The template of a snapshot on an engine.
pub(super) fn template(snapshot: &str, engine: EngineKind) -> String {
    let mut hasher = blake3::Hasher::new_derive_key("terp-fixtures v1 isolated database");
    hasher.update(format!("{FORMAT}\n{engine}\n{snapshot}").as_bytes());
    format!("terp_t_{}", &hasher.finalize().to_hex()[..12])
}

/// A clone of a template, by number.
pub(super) fn clone(template: &str, number: usize) -> String {
    format!("terp_w_{}_{number}", template.trim_start_matches("terp_t_"))
}

/// A scratch database.
pub(super) fn scratch(random: [u8; 6]) -> String {
    format!("terp_s_{}", data_encoding::HEXLOWER.encode(&random))
}

/// The lock of whoever makes or removes a template.
pub(super) fn template_lock(name: &str) -> String {
    format!("template {name}")
}

/// The lock of whoever has a clone or a scratch database.
pub(super) fn clone_lock(name: &str) -> String {
    format!("clone {name}")
}

/// The lock of whoever resets a clone of somebody else.
pub(super) fn reset_lock(name: &str) -> String {
    format!("reset {name}")
}

/// The host that a clone's address is on, for the same account, and the clone's name there.
///
/// # Errors
/// Kind `Usage` where the address names no database.
pub fn home(address: &Address) -> Result<(Address, String)> {
    let engine = engine::find(address)?;
    let unnamed = || Error::usage(format!("'{address}' names no database"));
    let text = address.expose();
    let (text, _) = text.split_once('?').unwrap_or((text, ""));
    if (engine.whereabouts)(address) != Whereabouts::File {
        let (_, name) = text.split_once("://").and_then(|(_, rest)| rest.split_once('/')).ok_or_else(unnamed)?;
        return if name.is_empty() { Err(unnamed()) } else { Ok((address.clone(), name.to_owned())) };
    }
    let (scheme, path) = text.split_once(':').ok_or_else(unnamed)?;
    let path = Path::new(path.strip_prefix("//").unwrap_or(path));
    let name = path.file_stem().and_then(|name| name.to_str()).ok_or_else(unnamed)?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    Ok((Address::new(format!("{scheme}:{}", folder.display())), name.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clone_is_found_by_its_address() {
        let found = |text: &str| home(&Address::new(text)).map(|(host, name)| (host.expose().to_owned(), name));
        let url = "postgres://me:secret@h:5432/terp_w_0_1?sslmode=require";
        assert_eq!(found(url).unwrap(), (url.to_owned(), "terp_w_0_1".to_owned()));
        assert_eq!(found("sqlite:/a/terp_w_0_1.sqlite").unwrap(), ("sqlite:/a".to_owned(), "terp_w_0_1".to_owned()));
        assert_eq!(found("sqlite:x.sqlite").unwrap(), ("sqlite:.".to_owned(), "x".to_owned()));
        assert!(found("mysql://h/").is_err() && found("mysql://h").is_err() && found("other://h/x").is_err());
    }

    #[test]
    fn names_tell_snapshot_and_engine() {
        let one = template("0123", EngineKind::Postgres);
        assert_eq!(one.len(), "terp_t_".len() + 12);
        assert_ne!(one, template("0124", EngineKind::Postgres));
        assert_ne!(one, template("0123", EngineKind::Mysql));
        assert_eq!(clone(&one, 3), format!("terp_w_{}_3", &one[7..]));
    }
}
