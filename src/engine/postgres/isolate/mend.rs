//! What the row journal does not tell by rows: tables by their difference or as a whole, sequences, materialised views.

use super::super::catalog::cell;
use super::undo::{Step, Stop, Work};
use crate::engine::isolate::Rung;
use crate::model::schema::TableName;
use std::collections::BTreeSet;

/// Where the snapshot's rows of one table lie for a comparison.
const PRISTINE: &str = "terp_fixtures_pristine";

/// A query of the digest that `seal.sql` keeps.
fn digest(image: &str, from: &str) -> String {
    format!(
        "(SELECT count(*) || ':' || coalesce(pg_catalog.bit_xor(x.hash), 0) || ':' || coalesce(sum(x.hash & 1073741823), 0) FROM \
         (SELECT pg_catalog.hashtextextended(pg_catalog.textin(pg_catalog.record_out({image})), 0) AS hash FROM {from} terp_fixtures_row) x)"
    )
}

/// The tables whose rows are not those of the template, going by a digest of all of them.
pub(super) fn differing(work: &mut Work<'_>) -> Step<BTreeSet<String>> {
    let mut queries = Vec::new();
    for (root, known) in work.clone.tables.iter().filter(|(_, known)| !known.marked) {
        let from = format!("{}{}", known.reach, known.spelled);
        queries.push(format!("SELECT {root}, {}", digest(&known.image, &from)));
    }
    let mut found: BTreeSet<String> = BTreeSet::new();
    for some in queries.chunks(100) {
        let some = some.join(" UNION ALL ");
        for row in work.answers(&format!("SET LOCAL enable_seqscan = on; {some}; SET LOCAL enable_seqscan = off"))? {
            if work.known(cell(&row, 0))?.digest != cell(&row, 1) {
                found.insert(cell(&row, 0).to_owned());
            }
        }
    }
    // Those that keep their rows whole cost no comparison.
    if work.clone.tables.values().any(|known| known.inherited) {
        let all = work.clone.tables.iter().filter(|(_, known)| known.inherited).map(|(root, _)| root.clone()).collect();
        work.lock(&all)?;
        inherited(work)?;
    }
    Ok(found)
}

/// Refuses a table on which triggers or rules of the application would act.
pub(super) fn refuse_triggers(work: &Work<'_>, root: &str) -> Step<()> {
    let known = work.known(root)?;
    if known.fires_always || (known.fires && !work.clone.is_replica) {
        let why = if known.fires_always { "fire in replicas, too" } else { "this account cannot keep still" };
        return Err(Stop::Spoiled(format!("table {} has triggers or rules that {why}", known.name)));
    }
    Ok(())
}

/// Puts a table back by the rows of the snapshot.
pub(super) fn table(work: &mut Work<'_>, root: &str, rung: Rung) -> Step<()> {
    refuse_triggers(work, root)?;
    let known = work.known(root)?;
    // Where foreign keys watch, a row that others refer to must not be taken out.
    if rung == Rung::Difference || (known.referenced && !work.clone.is_replica) {
        return difference(work, root);
    }
    let (name, spelled, reach) = (known.name.clone(), known.spelled.clone(), known.reach.clone());
    work.answers(&format!("DELETE FROM {reach}{spelled}; DELETE FROM terp_fixtures.journal WHERE root = {root}"))?;
    let rows = work.pristine.load(&mut work.clone.postgres, &name, None)?;
    work.did(root, Rung::Reload, rows.max(1))
}

/// The journal is made to say what the difference of the table and the snapshot says; then it is taken back as ever.
fn difference(work: &mut Work<'_>, root: &str) -> Step<()> {
    let known = work.known(root)?;
    let (name, spelled, reach, image) =
        (known.name.clone(), known.spelled.clone(), known.reach.clone(), known.image.clone());
    work.answers(&format!("CREATE TEMP TABLE {PRISTINE} (LIKE {spelled})"))?;
    work.pristine.load(&mut work.clone.postgres, &name, Some(&TableName::plain(PRISTINE)))?;
    let images = |change: i8, from: &str| {
        format!(
            "INSERT INTO terp_fixtures.journal SELECT {root}, {change}, pg_catalog.textin(pg_catalog.record_out({image})) FROM {from} terp_fixtures_row"
        )
    };
    work.answers(&format!(
        "DELETE FROM terp_fixtures.journal WHERE root = {root}; {}; {}; DROP TABLE pg_temp.{PRISTINE}",
        images(1, &format!("{reach}{spelled}")),
        images(-1, &format!("pg_temp.{PRISTINE}"))
    ))?;
    let untold = work.undo(&[root.to_owned()])?;
    if !untold.is_empty() {
        if !work.clone.is_replica {
            return Err(Stop::Spoiled(format!("table {name} does not become what it was")));
        }
        return table(work, root, Rung::Reload);
    }
    work.did(root, Rung::Difference, 0)
}

/// All tables that inherit, or are inherited from, get the rows back that the template keeps of them.
pub(super) fn inherited(work: &mut Work<'_>) -> Step<()> {
    let mut text = String::new();
    let roots: Vec<String> =
        work.clone.tables.iter().filter(|(_, known)| known.inherited).map(|(root, _)| root.clone()).collect();
    for root in &roots {
        refuse_triggers(work, root)?;
        let known = work.known(root)?;
        text.push_str(&format!("DELETE FROM ONLY {}; ", known.spelled));
    }
    for root in &roots {
        let known = work.known(root)?;
        if !known.columns.is_empty() {
            text.push_str(&format!(
                "WITH back AS (INSERT INTO {} ({columns}) OVERRIDING SYSTEM VALUE SELECT {columns} FROM terp_fixtures.rows_{root} \
                 RETURNING 1) SELECT {root}, count(*) FROM back; ",
                known.spelled,
                columns = known.columns
            ));
        }
    }
    text.push_str(&format!("DELETE FROM terp_fixtures.journal WHERE root = ANY ('{{{}}}')", roots.join(",")));
    for row in work.answers(&text)? {
        let rows: u64 = cell(&row, 1).parse().unwrap_or_default();
        work.did(cell(&row, 0), Rung::Reload, rows)?;
    }
    Ok(())
}

/// Materialised views that were refreshed while other rows were there.
pub(super) fn views(work: &mut Work<'_>) -> Step<()> {
    for (view, wanted) in work.clone.views.clone() {
        let query = format!("SELECT {}", digest("terp_fixtures_row", &view));
        let is_same = |rows: Vec<Vec<Option<String>>>| rows.first().is_some_and(|row| cell(row, 0) == wanted);
        if is_same(work.answers(&query)?) {
            continue;
        }
        work.answers(&format!("REFRESH MATERIALIZED VIEW {view}"))?;
        if !is_same(work.answers(&query)?) {
            return Err(Stop::Spoiled(format!("materialized view {} is another one now", view.escape_debug())));
        }
        work.notes.push(format!("materialized view {} was refreshed", view.escape_debug()));
    }
    Ok(())
}

/// Sequences are set back last, because that is not part of any transaction.
pub(super) fn sequences(work: &mut Work<'_>) -> Step<u64> {
    let answer = work.answers("EXECUTE terp_fixtures_moved")?;
    let moved: Vec<String> = answer
        .first()
        .map_or("", |row| cell(row, 0))
        .split(',')
        .filter_map(|id| work.clone.sequences.get(id).cloned())
        .collect();
    if !moved.is_empty() {
        work.answers(&moved.join("; "))?;
    }
    Ok(u64::try_from(moved.len()).unwrap_or(u64::MAX))
}
