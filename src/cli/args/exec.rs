//! What can be typed behind `exec` and `pool`.

use clap::{Args, Subcommand};
use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::PathBuf;

/// `exec`.
#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag on the command line")]
pub struct ExecArgs {
    /// A name (the newest of it), name@id, or the first digits of an id.
    pub snapshot: String,
    /// How many databases, for so many workers of the command.
    #[arg(short = 'n', long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=256))]
    pub workers: u16,
    /// Also set this variable: to the address, or to a text with {url} {scheme} {host} {port} {user} {password} {database} {path} {n};
    /// with {n} once for each worker. May be given several times.
    #[arg(long, value_name = "NAME[=TEMPLATE]")]
    pub env: Vec<String>,
    /// When the command fails, leave its databases as they are, and say where they are.
    #[arg(long)]
    pub keep_on_failure: bool,
    /// Leave the databases as they are, however the command ends, and say where they are.
    #[arg(long)]
    pub keep: bool,
    /// Put the databases back at the end and leave them on the host for the next one, instead of removing them: worth it on MySQL and
    /// MariaDB, where making one takes seconds.
    #[arg(long, conflicts_with = "keep")]
    pub reuse: bool,
    /// Compare every table with the snapshot, before the command runs and after the last reset.
    #[arg(long)]
    pub verify: bool,
    /// Databases that nobody had before.
    #[arg(long)]
    pub fresh: bool,
    /// Into another engine: also what that one can hold only in part (the losses are listed).
    #[arg(long)]
    pub allow_lossy: bool,
    /// The server, or sqlite:FOLDER, that the databases are made on; without it TERP_FIXTURES_SERVER, `[isolation] server` of the
    /// configuration, and for snapshots of SQLite a folder among your caches.
    #[arg(long, value_name = "URL")]
    pub server: Option<String>,
    /// The command and its arguments, behind `--`.
    #[arg(last = true, required = true, value_name = "CMD")]
    pub command: Vec<OsString>,
}

/// `pool`.
#[derive(Debug, Subcommand)]
pub enum PoolCommand {
    /// Hand out databases over HTTP until it is ended: on a socket that only you can open, or on a port of this machine.
    #[command(after_help = "Examples:
  terp-fixtures pool serve demo-2025-12
  terp-fixtures pool serve demo-2025-12 --socket ./pool.sock --clones 4
  terp-fixtures pool serve nightly release-12 --server postgres://localhost --clones 8 --templates 4
  terp-fixtures pool serve nightly --listen 127.0.0.1:7432 --json")]
    Serve(PoolServeArgs),
}

/// `pool serve`.
#[derive(Debug, Args)]
pub struct PoolServeArgs {
    /// The snapshots whose databases are kept ready. Leases may name others.
    #[arg(required = true)]
    pub snapshots: Vec<String>,
    /// The socket to make; without it one in a folder of its own, which is told on stdout.
    #[arg(long, value_name = "PATH", conflicts_with = "listen")]
    pub socket: Option<PathBuf>,
    /// A port of the loopback to listen on instead, 0 for any; whoever asks has to show a token.
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub listen: Option<SocketAddr>,
    /// Databases at a time, of all snapshots; so many are made ahead.
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..=256))]
    pub clones: u16,
    /// Templates at a time; the one that was used least lately makes room. Without it as many as snapshots are named, and at least 4.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    pub templates: Option<u16>,
    /// Remove the databases at the end, instead of leaving them, put back, for the next pool.
    #[arg(long)]
    pub remove: bool,
    /// Into another engine: also what that one can hold only in part (the losses are listed).
    #[arg(long)]
    pub allow_lossy: bool,
    /// The server, or sqlite:FOLDER, that the databases are made on; without it TERP_FIXTURES_SERVER, `[isolation] server` of the
    /// configuration, and for snapshots of SQLite a folder among your caches.
    #[arg(long, value_name = "URL")]
    pub server: Option<String>,
}
