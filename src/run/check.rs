//! What only the rows of a database tell about a policy: how many different values a consistently masked column has. Counts
//! leave the database, values never do.

use super::Context;
use crate::engine::sql::Sql;
use crate::engine::{Query, Source};
use crate::error::Result;
use crate::model::schema::{Catalogue, Family};
use crate::policy::Policy;
use crate::policy::check::{Consistent, consistent};
use crate::policy::findings::Finding;

/// Families whose values every engine can compare.
const COMPARABLE: [Family; 7] =
    [Family::Text, Family::Integer, Family::Numeric, Family::Date, Family::Timestamp, Family::Uuid, Family::Time];

/// Counts values in the first ten thousand rows of each table.
///
/// # Errors
/// Kind `Unreachable` when the database cannot be read; `Interrupted`.
pub fn few_values(
    context: &Context<'_>,
    source: &mut dyn Source,
    policy: &Policy,
    catalogue: &Catalogue,
    environments: &[&str],
) -> Result<Vec<Finding>> {
    context.stage("counting different values");
    let mut findings = Vec::new();
    for column in consistent(policy, catalogue, environments) {
        context.cancel.check()?;
        if COMPARABLE.contains(&column.column.family) {
            let (distinct, rows) = counted(source, &column)?;
            findings.extend(column.finding(policy, distinct, rows));
        }
    }
    Ok(findings)
}

fn counted(source: &mut dyn Source, of: &Consistent) -> Result<(u64, u64)> {
    let name = &of.column.name;
    let sql = Sql::new(source.engine()).lit("SELECT COUNT(DISTINCT ").name(name).lit("), COUNT(").name(name);
    let sql = sql.lit(") FROM (SELECT ").name(name).lit(" FROM ").table(&of.table).lit(" LIMIT 10000) s");
    let mut counts = (0, 0);
    source.read(&Query { sql, columns: 2 }, &mut |batch| {
        let number = |at| std::str::from_utf8(batch.cell(0, at).bytes).ok().and_then(|text| text.parse().ok());
        if batch.rows() > 0 {
            counts = (number(0).unwrap_or(0), number(1).unwrap_or(0));
        }
        Ok(())
    })?;
    Ok(counts)
}
