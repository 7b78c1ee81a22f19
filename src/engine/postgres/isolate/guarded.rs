//! Puts rows back while foreign keys watch: for accounts that may not keep them still.
//!
//! Everything is one statement. Foreign keys are checked at its end, when all rows are there again, and find nothing to cascade to:
//! a row that others refer to is changed in place and never taken out.

use super::opened::Known;
use std::fmt::Write as _;

/// The statement for these tables. It yields, twice for each: its number, the rows that it should change and those that it changed.
pub(super) fn statement(tables: &[(&str, &Known)]) -> String {
    let mut parts = Vec::new();
    let mut answers = Vec::new();
    for (root, known) in tables {
        parts.push(part(root, known));
        for (sign, counted) in [(">", format!("gone_{root}")), ("<", format!("back_{root}"))] {
            answers.push(format!(
                "SELECT {root}, (SELECT abs(coalesce(sum(n), 0)) FROM pg_temp.terp_fixtures_net WHERE root = {root} AND n {sign} 0), \
                 (SELECT count(*) FROM {counted}) + (SELECT count(*) FROM kept_{root})"
            ));
        }
    }
    format!("WITH {} {}", parts.join(", "), answers.join(" UNION ALL "))
}

/// What there is too much of goes, what is changed is kept, what is missing comes back: in this order, because of unique values.
fn part(root: &str, known: &Known) -> String {
    let Known { spelled, reach, columns, cells, keys, matching, image, sets, width, .. } = known;
    let same = |one: &str, other: &str| {
        let pairs: Vec<String> = (1..=*width).map(|at| format!("{one}.k{at} = {other}.k{at}")).collect();
        pairs.join(" AND ")
    };
    let mut text = String::new();
    let in_place = known.referenced && !sets.is_empty() && !keys.is_empty();
    if keys.is_empty() {
        let doomed = doomed(root, spelled, reach, image);
        write!(
            text,
            "d_{root} AS MATERIALIZED ({doomed}), gone_{root} AS (DELETE FROM {reach}{spelled} t USING d_{root} d \
            WHERE t.tableoid = d.place AND t.ctid = d.at RETURNING 1), "
        )
        .unwrap_or_default();
    } else {
        for (name, sign) in [("here", ">"), ("there", "<")] {
            write!(
                text,
                "{name}_{root} AS MATERIALIZED (SELECT r.v, {keys} FROM (SELECT image::{spelled} AS v FROM pg_temp.terp_fixtures_net \
                 WHERE root = {root} AND n {sign} 0 OFFSET 0) r), "
            )
            .unwrap_or_default();
        }
        let but = if in_place {
            format!(" AND NOT EXISTS (SELECT FROM there_{root} e WHERE {})", same("e", "x"))
        } else {
            String::new()
        };
        write!(
            text,
            "gone_{root} AS (DELETE FROM {reach}{spelled} t USING here_{root} x WHERE {matching}{but} RETURNING 1), "
        )
        .unwrap_or_default();
    }
    let first = format!("(SELECT count(*) FROM gone_{root}) >= 0");
    if in_place {
        write!(
            text,
            "kept_{root} AS (UPDATE {reach}{spelled} t SET {sets} FROM there_{root} x WHERE {matching} AND {first} AND EXISTS \
             (SELECT FROM here_{root} e WHERE {}) RETURNING 1), ",
            same("e", "x")
        )
        .unwrap_or_default();
    } else {
        write!(text, "kept_{root} AS (SELECT 1 WHERE false), ").unwrap_or_default();
    }
    let rows = if keys.is_empty() {
        format!(
            "(SELECT image::{spelled} AS v FROM pg_temp.terp_fixtures_net, generate_series(1, -n) WHERE root = {root} AND n < 0 OFFSET 0) r WHERE true"
        )
    } else if in_place {
        format!("there_{root} r WHERE NOT EXISTS (SELECT FROM here_{root} e WHERE {})", same("e", "r"))
    } else {
        format!("there_{root} r WHERE true")
    };
    write!(
        text,
        "back_{root} AS (INSERT INTO {spelled} ({columns}) OVERRIDING SYSTEM VALUE SELECT {cells} FROM {rows} AND {first} \
         AND (SELECT count(*) FROM kept_{root}) >= 0 RETURNING 1)"
    )
    .unwrap_or_default();
    text
}

/// A query of the rows to take out of a table without a key; of rows that are the same to the last bit any will do.
pub(super) fn doomed(root: &str, spelled: &str, reach: &str, image: &str) -> String {
    format!(
        "SELECT h.place, h.at FROM (SELECT terp_fixtures_row.tableoid AS place, terp_fixtures_row.ctid AS at, e.n, \
         row_number() OVER (PARTITION BY e.image) AS nth FROM {reach}{spelled} terp_fixtures_row \
         JOIN pg_temp.terp_fixtures_net e ON e.image = pg_catalog.textin(pg_catalog.record_out({image})) \
         WHERE e.root = {root} AND e.n > 0) h WHERE h.nth <= h.n"
    )
}
