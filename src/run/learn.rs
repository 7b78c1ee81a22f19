//! What a capture has to know before it masks the first row: whole columns for masks that move values about, and sensitive
//! values with their masked forms for masks that look for them elsewhere. Reads only those columns, in the same
//! consistent read; does nothing when no mask of the policy asks.

use super::Context;
use super::readers::Readers;
use super::selection::Selection;
use crate::error::Result;
use crate::mask::known::Learning;
use crate::mask::{ColumnMask, Known, Row, Teaches};
use crate::model::batch::Batch;
use crate::model::schema::{Catalogue, Table};
use crate::policy::{Plan, TablePlan};

/// Reads what masks have to know.
pub(super) fn learn(
    context: &Context<'_>,
    readers: &mut Readers<'_>,
    catalogue: &Catalogue,
    plan: &Plan,
    selection: &Selection<'_>,
) -> Result<Known> {
    let asked = plan.tables.iter().flat_map(|table| &table.columns).any(asks);
    let mut lesson = Lesson { learning: Learning::new(Learning::CAPACITY), asked };
    let due = |(_, table): &(usize, &TablePlan)| table.columns.iter().any(|column| lesson_for(column, asked));
    let tables: Vec<(usize, &TablePlan)> = plan.tables.iter().enumerate().filter(due).collect();
    if tables.is_empty() {
        return Ok(Known::default());
    }
    context.stage("reading what the masks have to know first");
    for (at, table) in tables {
        context.cancel.check()?;
        let Some(live) = catalogue.table(&table.table) else { continue };
        lesson
            .table(readers, selection, (at, live), table)
            .map_err(|error| error.within(format!("table {}", table.table)))?;
    }
    let known = lesson.learning.finish();
    let counts = known.counts();
    if counts.passed_over > 0 {
        context.warn(
            format!("{} sensitive values were too many to be looked for in free text", counts.passed_over),
            Some("Texts that repeat one are still refused by the leak scan. Mask such texts with text_replace, or take fewer rows.".into()),
        );
    }
    Ok(known)
}

fn asks(column: &ColumnMask) -> bool {
    let ask = |column: &ColumnMask| (column.definition.asks)(&column.params);
    ask(column) || column.otherwise.as_deref().is_some_and(ask)
}

/// Whether the column is read here.
fn lesson_for(column: &ColumnMask, asked: bool) -> bool {
    column.mask.learner().is_some() || (asked && teaches(column))
}

/// A mask that asks cannot teach: it would need its own lesson.
fn teaches(column: &ColumnMask) -> bool {
    (column.definition.teaches)(&column.params) != Teaches::Nothing && !asks(column)
}

struct Lesson {
    learning: Learning,
    asked: bool,
}

impl Lesson {
    fn table(
        &mut self,
        readers: &mut Readers<'_>,
        selection: &Selection<'_>,
        (place, live): (usize, &Table),
        plan: &TablePlan,
    ) -> Result<()> {
        let columns: Vec<usize> =
            (0..plan.columns.len()).filter(|&at| lesson_for(&plan.columns[at], self.asked)).collect();
        let mut needed = columns.clone();
        needed.extend(columns.iter().filter_map(|&at| plan.columns[at].subject));
        let mut first = 0;
        selection.read_part(readers, place, (live, &plan.extras), &needed, &mut |batch| {
            for &at in &columns {
                self.column(&plan.columns[at], at, &batch, first)?;
            }
            first += batch.rows() as u64;
            Ok(())
        })?;
        columns.iter().filter_map(|&at| plan.columns[at].mask.learner()).try_for_each(crate::mask::Learner::learned)
    }

    fn column(&mut self, column: &ColumnMask, at: usize, batch: &Batch, first: u64) -> Result<()> {
        let mut masked = Vec::new();
        for row in 0..batch.rows() {
            let cell = batch.cell(row, at);
            let here = column.in_row(batch, row).is_some_and(|decided| std::ptr::eq(decided, column));
            let subject = column.subject.map(|at| batch.cell(row, at));
            let ordinal = first + row as u64;
            if let Some(learner) = column.mask.learner() {
                let cell = if here { cell } else { crate::model::batch::Cell::NULL };
                learner.learn(cell, subject)?;
            }
            if here && self.asked && teaches(column) && !cell.bytes.is_empty() {
                masked.clear();
                // A cell that does not fit is refused, with its place, when the rows are masked.
                if column.mask.mask(cell, &Row { ordinal, ..Row::of(subject) }, &mut masked).is_ok() {
                    self.learning.learn((column.definition.teaches)(&column.params), cell, &masked, subject);
                }
            }
        }
        Ok(())
    }
}
