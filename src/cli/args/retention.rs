//! What can be typed behind `prune`, `rm` and `gc`.

use crate::run::timing::Timing;
use clap::Args;
use std::time::Duration;

/// `prune`.
#[derive(Debug, Args)]
pub struct PruneArgs {
    /// Also remove all but the newest N snapshots of each source and environment.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub keep_last: Option<u32>,
    /// Also remove what was captured longer ago than this: 12h, 30d, 8w. What --keep-last keeps stays.
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub keep_within: Option<Duration>,
    /// Also remove what does not have this tag; may be given several times. What another rule keeps stays.
    #[arg(long, value_name = "TAG")]
    pub keep_tag: Vec<String>,
    /// Say what would be removed; remove nothing.
    #[arg(long)]
    pub dry_run: bool,
    /// Do not ask.
    #[arg(short, long)]
    pub yes: bool,
}

/// `rm`.
#[derive(Debug, Args)]
pub struct RmArgs {
    /// A name (the newest of it), name@id, or the first digits of an id.
    pub snapshot: String,
    /// Say what would be removed; remove nothing.
    #[arg(long)]
    pub dry_run: bool,
    /// Do not ask.
    #[arg(short, long)]
    pub yes: bool,
}

/// `gc`.
#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag on the command line")]
pub struct GcArgs {
    /// Say what would be marked and deleted; do nothing.
    #[arg(long)]
    pub dry_run: bool,
    /// How old a pack is before it is marked, and a mark before its packs are deleted: 1h, 3d, 2w; at least 1h, usually 24h. Longer
    /// than the longest capture.
    #[arg(long, value_name = "DURATION", value_parser = grace)]
    pub grace: Option<Duration>,
    /// Mark also where no snapshot needs more than half of the store.
    #[arg(long)]
    pub force: bool,
    /// Delete at once whatever no snapshot needs. Only while nothing else writes to the store: it breaks a capture under way.
    #[arg(long, conflicts_with = "grace")]
    pub no_grace: bool,
    /// Do not ask.
    #[arg(short, long)]
    pub yes: bool,
}

/// `12h`, `30d`, `8w`.
fn duration(text: &str) -> Result<Duration, String> {
    let hours = match text.chars().last() {
        Some('h') => Some(1),
        Some('d') => Some(24),
        Some('w') => Some(24 * 7),
        _ => None,
    };
    let number: Option<u64> = hours.and_then(|_| text[..text.len() - 1].parse().ok());
    hours
        .zip(number)
        .and_then(|(hours, number)| number.checked_mul(hours))
        // A hundred years, so that no clock overflows.
        .filter(|hours| (1..=876_000).contains(hours))
        .map(Duration::from_hours)
        .ok_or_else(|| "write a number and h, d or w, such as 12h, 30d or 8w".to_owned())
}

/// A duration that leaves captures the time to publish what they have looked at.
fn grace(text: &str) -> Result<Duration, String> {
    duration(text).and_then(|grace| {
        let is_enough = grace >= Timing::LEAST_GRACE;
        if is_enough { Ok(grace) } else { Err("a grace is at least 1h; --no-grace does without".to_owned()) }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read() {
        assert_eq!(duration("12h").unwrap(), Duration::from_hours(12));
        assert_eq!(duration("8w").unwrap(), Duration::from_hours(8 * 7 * 24));
        for text in ["", "d", "0d", "-1d", "1.5d", "1 d", "10", "9999999999w", "ä", "1ä", "30m", "0h"] {
            assert!(duration(text).is_err() && grace(text).is_err(), "{text}");
        }
        assert_eq!(grace("1h").unwrap(), Timing::LEAST_GRACE);
    }
}
