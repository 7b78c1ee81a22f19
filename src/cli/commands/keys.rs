//! `keys init`: a store and its secrets.

use super::audit;
use crate::cli::args::KeysInitArgs;
use crate::cli::render::Answer;
use crate::cli::settings::{self, Settings};
use crate::error::{Error, Result};
use crate::mask::key::MasterKey;
use crate::run::Context;
use crate::run::audit::key_made;
use crate::run::keys;
use crate::run::repository::Repository;
use crate::seal::Member;
use crate::secret::SecretText;
use crate::store;
use serde_json::json;
use std::io::Write as _;
use std::path::{Path, PathBuf};

/// A store, and where its secrets are.
pub(super) struct Made {
    /// The store's public facts.
    pub(super) store: keys::Made,
    /// Your identity.
    pub(super) identity: PathBuf,
    /// The masking key.
    pub(super) mask_key: PathBuf,
}

pub(super) fn init(context: &Context<'_>, settings: &Settings, args: &KeysInitArgs) -> Result<Answer> {
    let address = settings.store();
    let made = make(context, settings, args)?;
    let text = format!(
        "Made the store {address}.\n\n{}\n\nNext: keep both secret files out of git, and share the signer with your team.\n  \
         terp-fixtures capture --policy pii.toml --source sqlite:PATH",
        told(&made)
    );
    let json = json!({ "store": address.to_string(), "repo": made.store.repo, "recipient": made.store.recipient,
        "signer": made.store.signer, "identity_file": made.identity, "mask_key_file": made.mask_key });
    Ok(Answer::new(json, text))
}

/// The secrets and public keys of a store, for people.
pub(super) fn told(made: &Made) -> String {
    format!(
        "  identity     {}   (secret: whoever has it can read the store)\n  masking key  {}   (secret: whoever has it can \
         confirm guesses about masked values)\n  recipient    {}\n  signer       {}",
        made.identity.display(),
        made.mask_key.display(),
        made.store.recipient,
        made.store.signer
    )
}

/// Makes the store that the settings name, and the secrets that are missing.
pub(super) fn make(context: &Context<'_>, settings: &Settings, args: &KeysInitArgs) -> Result<Made> {
    let identity = args.identity_file.clone().unwrap_or_else(|| settings.usual_secret("identity.key"));
    let mask_key = args.mask_key_file.clone().unwrap_or_else(|| settings.usual_secret("mask.key"));
    let store = store::open(&settings.store(), true)?;
    let member = if identity.is_file() {
        Member::parse(&read_secret(&identity)?)?
    } else {
        let member = Member::generate();
        write_secret(&identity, &member.to_file("terp-fixtures identity: keep it secret"))?;
        member
    };
    let made = keys::init(&*store, &member)?;
    let (name, host) = settings.actor();
    let repository = Repository::open(store, &member, &[])?.acting_as(name, host, false);
    audit::record(context, settings, &repository, key_made(&made.signer))
        .map_err(|error| error.within("the store is made, but the first entry of its audit trail is not written"))?;
    if !mask_key.is_file() {
        write_secret(&mask_key, &MasterKey::generate()?.to_text())?;
    }
    Ok(Made { store: made, identity, mask_key })
}

fn read_secret(path: &Path) -> Result<SecretText> {
    std::fs::read_to_string(path)
        .map(SecretText::new)
        .map_err(|error| Error::usage(format!("cannot read {}", path.display())).caused_by(error))
}

/// Writes a secret file that only its owner can read; never over an existing one.
fn write_secret(path: &Path, secret: &SecretText) -> Result<()> {
    let cannot = |error: std::io::Error| Error::usage(format!("cannot write {}", path.display())).caused_by(error);
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder).map_err(cannot)?;
        if folder.ends_with(settings::SECRETS) && !folder.join(".gitignore").exists() {
            std::fs::write(folder.join(".gitignore"), "*\n").map_err(cannot)?;
        }
    }
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    let mut file = options.open(path).map_err(cannot)?;
    file.write_all(secret.expose().as_bytes()).and_then(|()| file.sync_all()).map_err(cannot)
}
