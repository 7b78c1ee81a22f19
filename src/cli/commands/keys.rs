//! `keys init` and `keys new`: a store and its secrets, or an identity alone.

use super::audit;
use crate::cli::args::{KeysInitArgs, KeysNewArgs};
use crate::cli::render::Answer;
use crate::cli::settings::{self, Settings};
use crate::error::{Error, Result};
use crate::mask::key::MasterKey;
use crate::run::Context;
use crate::run::audit::key_made;
use crate::run::keys;
use crate::run::repository::Repository;
use crate::seal::{self, Member};
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
    let (member, _) = member(&identity, args.passphrase)?;
    let (name, host) = settings.actor();
    let called = match &args.name {
        Some(named) => named.clone(),
        None if seal::check_name(&name).is_ok() => name.clone(),
        None => "first".to_owned(),
    };
    let made = keys::init_named(&*store, &member, &called)?;
    let repository = Repository::open(store, &member, &[])?.acting_as(name, host, settings.is_public());
    audit::record(context, settings, &repository, key_made(&made.signer))
        .map_err(|error| error.within("the store is made, but the first entry of its audit trail is not written"))?;
    if !mask_key.is_file() {
        write_secret(&mask_key, &MasterKey::generate()?.to_text())?;
    }
    Ok(Made { store: made, identity, mask_key })
}

pub(super) fn new(settings: &Settings, args: &KeysNewArgs) -> Result<Answer> {
    let identity = args.identity_file.clone().unwrap_or_else(|| settings.usual_secret("identity.key"));
    let (member, is_new) = member(&identity, args.passphrase)?;
    let (recipient, signer) = (member.recipient().to_string(), member.signer().id().to_string());
    let public = public_file(&identity);
    if is_new {
        super::write_whole(&public, &format!("# signer: {signer}\n{recipient}\n"))?;
    }
    let text = format!(
        "{} {}   (secret: keep it out of git)\n\n  recipient    {recipient}\n  signer       {signer}\n\nNext: send these two lines to a member of the store, who types\n  \
         terp-fixtures keys add '{recipient}' --signer {signer} --name NAME{}",
        if is_new { "Made the identity" } else { "There is an identity already:" },
        identity.display(),
        if is_new {
            format!("\nor send {}, for\n  terp-fixtures keys add {} --name NAME", public.display(), public.display())
        } else {
            String::new()
        },
    );
    let json = json!({ "identity_file": identity, "public_file": is_new.then_some(&public), "recipient": recipient,
        "signer": signer, "made": is_new });
    Ok(Answer::new(json, text))
}

/// Where what others may know of a new identity is written: as ssh-keygen does.
fn public_file(identity: &Path) -> PathBuf {
    let mut name = identity.file_name().unwrap_or_default().to_owned();
    name.push(".pub");
    identity.with_file_name(name)
}

/// The member whose identity lies at `path`; a new one where nothing does. The flag says that it is new.
fn member(path: &Path, under_passphrase: bool) -> Result<(Member, bool)> {
    if path.exists() {
        if under_passphrase {
            return Err(Error::usage(format!("{} is there already", path.display()))
                .hint("--passphrase is for a new identity: leave it out, or name another file with --identity-file."));
        }
        return Ok((settings::member_of(path)?, false));
    }
    let member = Member::generate();
    if let Some(file) = member.to_file("terp-fixtures identity: keep it secret") {
        let file = if under_passphrase { seal::lock_identity(&file, &Settings::new_passphrase()?)? } else { file };
        write_secret(path, &file)?;
    }
    Ok((member, true))
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
