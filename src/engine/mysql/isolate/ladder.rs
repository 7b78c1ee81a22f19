//! What the rungs of the ladder below the row journal need: which tables differ from the template's, and one transaction for
//! whatever has to be done.

use super::key::mysql;
use super::reset::Warm;
use super::triggers::at;
use super::undo::Step;
use crate::engine::mysql::catalog::cell;
use crate::engine::mysql::session::Answer;
use crate::error::Result;

/// Statements are sent together up to this many bytes.
const PIECE: usize = 512 << 10;

/// Which of these tables hold other rows than the template's, by the server's checksums of all their rows.
pub(super) fn differing(warm: &mut Warm, tables: &[usize]) -> Result<Vec<usize>> {
    if tables.is_empty() {
        return Ok(Vec::new());
    }
    if warm.checksums.is_none() {
        let all: Vec<usize> = (0..warm.plan.tables.len()).collect();
        let template = warm.template.clone();
        warm.checksums = Some(checksums(warm, &template, &all)?);
    }
    let name = warm.name.clone();
    let now = checksums(warm, &name, tables)?;
    let before = warm.checksums.as_deref().unwrap_or_default();
    let pairs = tables.iter().zip(now);
    Ok(pairs.filter(|(at, now)| before.get(**at) != Some(now)).map(|(at, _)| *at).collect())
}

fn checksums(warm: &mut Warm, database: &str, tables: &[usize]) -> Result<Vec<String>> {
    let sql = mysql().lit("CHECKSUM TABLE ");
    let sql = sql.list(tables, ", ", |sql, &table| sql.part(&at(database, &warm.plan.tables[table].name)));
    let answers = warm.batch(sql.text())?;
    Ok(answers.iter().flat_map(|answer| &answer.rows).map(|row| cell(row, 1).to_owned()).collect())
}

/// Runs statements in one transaction, in as few round trips as packets allow; then those that stand `alone`, because what they
/// change is not taken back, and servers may refuse to have that in a transaction.
pub(super) fn run(warm: &mut Warm, steps: &[Step], alone: &[Step]) -> Result<Vec<Answer>> {
    let text = |step: &Step| step.sql.text().to_owned();
    let texts = steps.iter().map(text).chain(["COMMIT".to_owned()]).chain(alone.iter().map(text));
    let mut answers = Vec::new();
    let mut piece = "START TRANSACTION".to_owned();
    for text in texts {
        if piece.len() + text.len() > PIECE {
            answers.append(&mut warm.batch(&std::mem::take(&mut piece))?);
        } else {
            piece.push_str(";\n");
        }
        piece.push_str(&text);
    }
    answers.append(&mut warm.batch(&piece)?);
    // Neither the beginning nor the end is a statement of the caller's.
    answers.remove(steps.len() + 1);
    answers.remove(0);
    Ok(answers)
}
