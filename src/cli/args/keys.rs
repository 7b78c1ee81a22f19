//! What can be typed behind `keys` and `pin`.

use clap::{Args, Subcommand};
use std::path::PathBuf;

/// `keys`.
#[derive(Debug, Subcommand)]
pub enum KeysCommand {
    /// Make a store with you as its first member. Writes your identity and a masking key, both secret.
    #[command(after_help = "Examples:
  terp-fixtures keys init
  terp-fixtures keys init --passphrase --name alice
  terp-fixtures keys init --store ./fixtures --identity-file ~/.config/terp-fixtures/identity.key
  terp-fixtures keys init --identity-file ~/.ssh/id_ed25519")]
    Init(KeysInitArgs),
    /// Make an identity, without a store; or show what others may know of one that is there.
    #[command(after_help = "Examples:
  terp-fixtures keys new
  terp-fixtures keys new --passphrase
  terp-fixtures keys new --identity-file ~/.ssh/id_ed25519 --json")]
    New(KeysNewArgs),
    /// List the members of the store, and what each may do.
    #[command(after_help = "Examples:\n  terp-fixtures keys list\n  terp-fixtures keys list --json | jq -r '.[].name'")]
    List,
    /// Add a member by its recipient.
    #[command(after_help = "Examples:
  terp-fixtures keys add age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwj --name bob
  terp-fixtures keys add bob.pub --name bob --role restore
  terp-fixtures keys add ci.pub --name ci --role capture --from-now
  terp-fixtures keys add cron.pub --name cron --role gc")]
    Add(KeysAddArgs),
    /// Remove a member: new keys for all others, and the removed one's key files go.
    #[command(after_help = "Examples:
  terp-fixtures keys remove bob
  terp-fixtures keys remove age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwj --yes")]
    Remove(KeysRemoveArgs),
    /// Begin a new epoch: new keys for the same members.
    #[command(after_help = "Examples:\n  terp-fixtures keys rotate\n  terp-fixtures keys rotate --yes --json")]
    Rotate(KeysRotateArgs),
}

/// `keys init`.
#[derive(Debug, Default, Args)]
pub struct KeysInitArgs {
    /// Where your identity is; it is made there when it is missing. An Ed25519 key of SSH will do.
    #[arg(long, value_name = "FILE", env = "TERP_FIXTURES_IDENTITY_FILE")]
    pub identity_file: Option<PathBuf>,
    /// Where the masking key is; it is made there when it is missing.
    #[arg(long, value_name = "FILE", env = "TERP_FIXTURES_MASK_KEY_FILE")]
    pub mask_key_file: Option<PathBuf>,
    /// Put a new identity under a passphrase.
    #[arg(long)]
    pub passphrase: bool,
    /// What the members call you; without it the name of the user.
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
}

/// `keys new`.
#[derive(Debug, Args)]
pub struct KeysNewArgs {
    /// Where the identity is; it is made there when it is missing.
    #[arg(long, value_name = "FILE", env = "TERP_FIXTURES_IDENTITY_FILE")]
    pub identity_file: Option<PathBuf>,
    /// Put a new identity under a passphrase.
    #[arg(long)]
    pub passphrase: bool,
}

/// `keys add`.
#[derive(Debug, Args)]
pub struct KeysAddArgs {
    /// `age1...`, `ssh-ed25519 AAAA...` in quotes, or a file with such a line, such as id_ed25519.pub.
    pub recipient: String,
    /// What the members call it.
    #[arg(long, value_name = "NAME")]
    pub name: String,
    /// What it may do: capture (publish, not read a row), restore (everything), gc (remove).
    #[arg(long, value_name = "ROLE", default_value = "restore", value_parser = ["capture", "restore", "gc"])]
    pub role: String,
    /// What its snapshots will be signed with, as `keys new` printed it: kept in its card, for who pins signers.
    #[arg(long, value_name = "SIGNER")]
    pub signer: Option<String>,
    /// Give it the current keys only, so that it cannot open earlier snapshots.
    #[arg(long)]
    pub from_now: bool,
}

/// `keys remove`.
#[derive(Debug, Args)]
pub struct KeysRemoveArgs {
    /// The member's name, or its recipient.
    pub member: String,
    /// Do not ask.
    #[arg(short, long)]
    pub yes: bool,
}

/// `keys rotate`.
#[derive(Debug, Args)]
pub struct KeysRotateArgs {
    /// Do not ask.
    #[arg(short, long)]
    pub yes: bool,
}

/// `pin`.
#[derive(Debug, Args)]
pub struct PinArgs {
    /// A name (the newest of it), name@id, or the first digits of an id.
    #[arg(required_unless_present = "remove")]
    pub snapshot: Option<String>,
    /// Take the pin of this name away.
    #[arg(long, value_name = "NAME", conflicts_with = "snapshot")]
    pub remove: Option<String>,
}
