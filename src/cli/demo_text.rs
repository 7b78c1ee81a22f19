//! The demo's screen: what was done and what it proves, in plain words.

use super::render::{Answer, Screen, bytes, count, grouped, seconds};
use crate::generate::sample::promises::PROMISES;
use crate::run::demo::{Outcome, next_steps};
use serde_json::json;

/// The answer of `demo`.
pub(super) fn answer(screen: &Screen, done: &Outcome) -> Answer {
    let json = json!({
        "tables": done.sample.0, "rows": done.sample.1, "masked_columns": done.first.masked_columns,
        "leaks": done.first.leaks.hits, "originals": done.first.leaks.originals, "uploaded_bytes": done.first.uploaded_bytes,
        "second_capture_packs": done.second.uploaded_packs, "restored_rows": done.restored.rows(),
        "content_before": done.before, "content_between": done.between, "content_after": done.after,
        "audit_entries": done.audited, "kept": done.kept, "millis": done.millis,
    });
    Answer::new(json, text(screen, done))
}

fn text(screen: &Screen, done: &Outcome) -> String {
    let first = &done.first;
    let masks: Vec<String> = done.masks.iter().map(|(mask, count)| format!("{mask} {count}")).collect();
    let deleted: u64 = done.rolled_back.deleted();
    let steps = [
        (
            "Sample",
            vec![format!("a made-up ERP with {} tables and {} rows, in SQLite", done.sample.0, grouped(done.sample.1))],
        ),
        (
            "Capture",
            vec![
                format!(
                    "{} rows read in one consistent read, {} columns masked by policies/pii.toml",
                    grouped(first.tables.iter().map(|(_, rows)| rows).sum()),
                    first.masked_columns
                ),
                format!("by mask: {}", masks.join(", ")),
                format!(
                    "leak check: {} originals looked for in {} written cells, {} found; {} canaries sent through, none came out",
                    grouped(first.leaks.originals),
                    grouped(first.leaks.cells),
                    first.leaks.hits,
                    grouped(first.leaks.canaries)
                ),
                format!(
                    "{} of rows became {} in the store, encrypted and signed",
                    bytes(first.raw_bytes),
                    bytes(first.uploaded_bytes)
                ),
            ],
        ),
        (
            "Capture again",
            vec![format!(
                "nothing had changed: {} of {} chunks were known, {} packs uploaded",
                grouped(done.second.chunks.1),
                grouped(done.second.chunks.0),
                done.second.uploaded_packs
            )],
        ),
        (
            "Verify",
            vec![format!(
                "{}, {} and {} read back and compared with their signed digests",
                count(done.verified.packs, "pack"),
                count(done.verified.manifests, "manifest"),
                count(done.verified.rows, "row")
            )],
        ),
        (
            "Restore",
            vec![
                format!(
                    "{} rows into a dev database, beside {} rows of its own, each marked with {}",
                    grouped(done.restored.rows()),
                    done.own_rows,
                    done.restored.run
                ),
                format!("{} foreign keys verified; content {}", done.restored.foreign_keys, short(&done.between)),
                format!("sums, stock, states and the order of dates still agree: {} rules hold", PROMISES.len()),
                "the same restore again changed nothing".to_owned(),
            ],
        ),
        (
            "Rollback",
            vec![
                format!("{} rows rolled back, markers, ledger and audit chain gone", grouped(deleted)),
                format!("content before {}", short(&done.before)),
                format!("content after  {}  {}", short(&done.after), screen.painted("1;32", "equal")),
                format!(
                    "{} entries in the store's audit trail, signed and chained: all of them verified",
                    done.audited
                ),
            ],
        ),
    ];
    let mut text = String::new();
    for (name, lines) in steps {
        for (at, line) in lines.iter().enumerate() {
            let head = if at == 0 { format!("{} {:14}", screen.painted("1;32", "✓"), name) } else { " ".repeat(16) };
            text.push_str(&format!("{} {line}\n", if at == 0 { screen.painted("1", &head) } else { head }));
        }
    }
    text.push_str(&format!("\nDone in {}. ", seconds(done.millis)));
    text.push_str(&match &done.kept {
        Some(folder) => format!("Everything is in {}. Try next:\n", folder.display()),
        None => "Nothing was left behind. Try next:\n".to_owned(),
    });
    for step in next_steps(done.kept.as_deref()) {
        text.push_str(&format!("  {step}\n"));
    }
    text
}

/// Enough of a digest to compare by eye.
fn short(digest: &str) -> &str {
    digest.get(..16).unwrap_or(digest)
}
