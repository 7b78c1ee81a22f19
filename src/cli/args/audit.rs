//! What can be typed behind `audit`.

use crate::model::audit::{Operation, Outcome};
use clap::builder::PossibleValuesParser;
use clap::{Args, Subcommand};
use std::path::PathBuf;

/// `audit`.
#[derive(Debug, Subcommand)]
pub enum AuditCommand {
    /// Show who did what, when and where: captures, approvals, restores, rollbacks, removals, keys, and what was refused.
    #[command(after_help = "Examples:
  terp-fixtures audit log
  terp-fixtures audit log --operation restore --since 2025-12-01 --limit 20
  terp-fixtures audit log --outcome refused --json
  terp-fixtures audit log --target sqlite:dev.sqlite")]
    Log(AuditLogArgs),
    /// Find out whether anything was removed from the audit trail, reordered, edited or forged (exit code 7).
    #[command(after_help = "Examples:
  terp-fixtures audit verify
  terp-fixtures audit verify --head audit-head.txt
  terp-fixtures audit verify --target sqlite:dev.sqlite")]
    Verify(AuditVerifyArgs),
    /// Sign where the audit trail stands now. Keep it elsewhere: `audit verify --head` finds entries that went missing since.
    #[command(after_help = "Examples:
  terp-fixtures audit head
  terp-fixtures audit head --output audit-head.txt")]
    Head(AuditHeadArgs),
}

/// `audit log`.
#[derive(Debug, Args)]
pub struct AuditLogArgs {
    /// Only this operation; may be given several times.
    #[arg(long, value_name = "OPERATION", value_parser = PossibleValuesParser::new(Operation::ALL.map(Operation::word)))]
    pub operation: Vec<String>,
    /// Only what ended like this; may be given several times.
    #[arg(long, value_name = "OUTCOME", value_parser = PossibleValuesParser::new(Outcome::ALL.map(Outcome::word)))]
    pub outcome: Vec<String>,
    /// Not before this day or moment, UTC.
    #[arg(long, value_name = "TIME", value_parser = since)]
    pub since: Option<String>,
    /// Not after this day or moment, UTC.
    #[arg(long, value_name = "TIME", value_parser = until)]
    pub until: Option<String>,
    /// Only this snapshot: a name, name@id, or the first digits of an id.
    #[arg(long, value_name = "SNAPSHOT")]
    pub snapshot: Option<String>,
    /// Only this actor: the name, the machine, or the beginning of the signer.
    #[arg(long, value_name = "ACTOR")]
    pub actor: Option<String>,
    /// Only this environment.
    #[arg(long, value_name = "ENV", value_parser = ["dev", "staging", "production"])]
    pub environment: Option<String>,
    /// Only the newest so many.
    #[arg(long, value_name = "N")]
    pub limit: Option<usize>,
    /// The chain inside this database instead of the store's trail.
    #[arg(long, value_name = "URL")]
    pub target: Option<String>,
}

/// `audit verify`.
#[derive(Debug, Args)]
pub struct AuditVerifyArgs {
    /// A file of `audit head`: every entry that it names must still be there. May be given several times.
    #[arg(long, value_name = "FILE", conflicts_with = "target")]
    pub head: Vec<PathBuf>,
    /// The chain inside this database, also against what the store's trail knows of it.
    #[arg(long, value_name = "URL")]
    pub target: Option<String>,
}

/// `audit head`.
#[derive(Debug, Args)]
pub struct AuditHeadArgs {
    /// Write it into this new file instead of on stdout.
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
}

pub(super) fn since(text: &str) -> Result<String, String> {
    moment(text, "T00:00:00Z")
}

pub(super) fn until(text: &str) -> Result<String, String> {
    moment(text, "T23:59:59Z")
}

/// A moment as entries have it; a day is completed by `of_day`.
fn moment(text: &str, of_day: &str) -> Result<String, String> {
    if let Ok(day) = text.parse::<jiff::civil::Date>()
        && text.len() == 10
    {
        return Ok(format!("{day}{of_day}"));
    }
    match text.parse::<jiff::Timestamp>() {
        Ok(time) => Ok(time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()),
        Err(_) => Err("write a day such as 2025-12-03, or a moment such as 2025-12-03T10:15:00Z".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_and_moments_are_read() {
        assert_eq!(since("2025-12-03").unwrap(), "2025-12-03T00:00:00Z");
        assert_eq!(until("2025-12-03").unwrap(), "2025-12-03T23:59:59Z");
        assert_eq!(since("2025-12-03T11:15:00+01:00").unwrap(), "2025-12-03T10:15:00Z");
        for text in ["", "yesterday", "2025-13-01", "2025-12-03 10:15", "2025-12-03T10:15:00"] {
            assert!(since(text).is_err(), "{text}");
        }
    }
}
