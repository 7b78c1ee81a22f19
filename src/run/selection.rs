//! Which rows a capture takes of each table: all of them, or those that a walk from the policy's roots has reached.

use super::capture::Options;
use super::readers::Readers;
use super::writer::{Cut, Known};
use super::{Context, closure, state};
use crate::codec::origins;
use crate::engine::{Query, Sink};
use crate::error::{Error, Result};
use crate::model::batch::Batch;
use crate::model::manifest::{EdgeProof, RootProof, SubsetProof, Why};
use crate::model::schema::{Catalogue, EngineKind, Table, TableName};
use crate::policy::{Extra, Mode, Plan};
use crate::subset::{Graph, Walk};

/// Whether a capture takes a subset at all.
pub(super) fn is_subset(plan: &Plan, options: &Options) -> bool {
    !plan.subset.roots.is_empty() || options.amount.size.is_some()
}

/// For each table of the catalogue, whether the policy takes rows of it.
pub(super) fn gives_rows(catalogue: &Catalogue, plan: &Plan) -> Vec<bool> {
    let takes = |name: &TableName| plan.tables.iter().any(|table| &table.table == name && table.mode.has_rows());
    catalogue.tables.iter().map(|table| takes(&table.name)).collect()
}

/// Walks from the roots to everything that belongs to them.
///
/// # Errors
/// Kind `Policy` where the roots choose nothing, a row references one that the policy does not take, or there are more rows than
/// asked for.
pub(super) fn walk<'g>(
    context: &Context<'_>,
    readers: &mut Readers<'_>,
    graph: &'g Graph<'g>,
    catalogue: &Catalogue,
    plan: &'g Plan,
    options: &Options,
) -> Result<Walk<'g>> {
    context.stage("choosing the rows of the roots");
    let mut walk = Walk::new(graph, &plan.subset);
    for (at, table) in catalogue.tables.iter().enumerate() {
        let is_reference = plan.tables.iter().any(|known| known.table == table.name && known.mode == Mode::Reference);
        if is_reference || plan.subset.whole.contains(&table.name) {
            walk.take_whole(readers, at)?;
        }
    }
    let most = options.amount.max_rows;
    let mut watch = |rows: u64| {
        context.cancel.check()?;
        match most {
            Some(most) if rows > most => Err(too_many(rows, most)),
            _ => Ok(()),
        }
    };
    match options.amount.size {
        Some(size) => walk.grow(readers, &plan.sample, size, &mut watch)?,
        None => walk.start(readers, &plan.sample)?,
    }
    watch(walk.rows())?;
    refuse_empty_roots(context, readers, plan, &walk)?;
    context.stage("following references");
    walk.finish(readers, &mut watch)?;
    watch(walk.rows())?;
    complain(context, &walk)?;
    Ok(walk)
}

/// More rows than `--max-rows` allows.
pub(super) fn too_many(rows: u64, most: u64) -> Error {
    Error::policy(format!("the capture would take more than {most} rows ({rows} so far)")).hint(
        "Nothing was stored. 'capture --dry-run' says which reference brings most of them: limit it in [[subset.edges]], or choose fewer roots.",
    )
}

/// A root without rows is worth a warning; roots without any, in a database that has rows, are a mistake.
fn refuse_empty_roots(context: &Context<'_>, readers: &mut Readers<'_>, plan: &Plan, walk: &Walk<'_>) -> Result<()> {
    let roots = &plan.subset.roots;
    let empty: Vec<&TableName> =
        roots.iter().zip(walk.of_roots()).filter(|(_, rows)| **rows == 0).map(|(root, _)| &root.table).collect();
    if !roots.is_empty() && empty.len() == roots.len() {
        for table in &empty {
            if state::count(readers.first(), table)? > 0 {
                return Err(Error::policy(format!("no root of the subset matches a row: {}", names(&empty)))
                    .hint("Look at 'where' and 'percent' under [[subset.roots]]; the tables do have rows."));
            }
        }
    }
    for table in empty {
        context.warn(
            format!("a root in {table} matches no row"),
            Some("Look at its 'where', or take it out of [[subset.roots]].".into()),
        );
    }
    Ok(())
}

fn names(tables: &[&TableName]) -> String {
    tables.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

/// Refuses what cannot be closed, and warns of what makes the walk slow or incomplete.
fn complain(context: &Context<'_>, walk: &Walk<'_>) -> Result<()> {
    if let Some((reference, rows)) = walk.refused().first() {
        let (child, parent) = (&reference.child, &reference.parent);
        return Err(Error::policy(format!("{rows} rows of {child} reference {parent} ({reference}), whose rows the policy leaves out"))
            .hint(format!("Set mode = \"capture\" for {parent}, mask the referencing column with null, or leave those rows of {child} out.")));
    }
    for (reference, rows) in walk.untyped() {
        let of = reference.of_type.as_ref().map(|of| of.column.as_str()).unwrap_or_default();
        context.warn(
            format!(
                "{rows} rows of {} have a type in {} that the policy's map does not name",
                reference.child,
                of.escape_debug()
            ),
            Some("What they reference is not followed. Add the missing types to the map of that reference.".into()),
        );
    }
    let unindexed: Vec<String> = walk.unindexed().into_iter().map(ToString::to_string).collect();
    if !unindexed.is_empty() {
        context.warn(
            format!(
                "no index of the referencing table begins with these columns, so the whole table was read to find children: {}",
                unindexed.join("; ")
            ),
            Some("Add an index in the source, or write follow = false for it under [[subset.edges]].".into()),
        );
    }
    Ok(())
}

/// What dangles in the subset dangles in the source.
pub(super) fn warn_of_dangling(context: &Context<'_>, plan: &Plan, dangling: &[u64]) {
    for (reference, &rows) in plan.subset.references.iter().zip(dangling) {
        closure::warn(context, reference, rows);
    }
}

/// What the manifest says about the choice.
pub(super) fn proof(walk: &Walk<'_>, plan: &Plan, options: &Options) -> SubsetProof {
    let roots = walk.roots().iter().zip(walk.of_roots());
    let edge = |at: usize| {
        let (children, parents, _) = walk.of_reference(at);
        let reference = u32::try_from(at).unwrap_or(u32::MAX);
        (children + parents > 0).then_some(EdgeProof { reference, children, parents })
    };
    SubsetProof {
        size: options.amount.size.map(|size| size.word().to_owned()),
        roots: roots
            .map(|(root, rows)| RootProof { table: root.table.clone(), condition: root.condition.clone(), rows: *rows })
            .collect(),
        whole: walk.whole_tables().cloned().collect(),
        edges: (0..plan.subset.references.len()).filter_map(edge).collect(),
    }
}

/// The rows that a capture takes. Tables are named by their place in the catalogue.
pub(super) struct Selection<'a> {
    /// The walk that reached them; none where all rows are taken.
    pub(super) walk: Option<Walk<'a>>,
}

/// What reading a table's rows tells beside the rows.
pub(super) struct Told<'a> {
    /// Why rows are there, in their order, as far as they are in no chunk yet.
    pub(super) origins: Vec<(Why, u32)>,
    /// Chunks of those before.
    pub(super) cuts: Vec<Cut>,
    /// What compresses them.
    pub(super) known: &'a Known,
    /// Per reference, rows whose parent the source does not have.
    pub(super) dangling: &'a mut Vec<u64>,
}

impl Told<'_> {
    fn add(&mut self, origins: impl Iterator<Item = (Why, u32)>) -> Result<()> {
        for origin in origins {
            self.origins.push(origin);
            if self.origins.len() == origins::PER_CHUNK {
                self.cut()?;
            }
        }
        Ok(())
    }

    fn cut(&mut self) -> Result<()> {
        self.cuts.push(self.known.compress(&origins::encode(&self.origins))?);
        self.origins.clear();
        Ok(())
    }

    /// All origins, in chunks.
    pub(super) fn finish(mut self) -> Result<Vec<Cut>> {
        if !self.origins.is_empty() {
            self.cut()?;
        }
        Ok(self.cuts)
    }
}

impl Selection<'_> {
    /// How many rows of a table there are.
    pub(super) fn count(&self, readers: &mut Readers<'_>, at: usize, table: &TableName) -> Result<u64> {
        match &self.walk {
            Some(walk) => Ok(walk.rows_of(at)),
            None => state::count(readers.first(), table),
        }
    }

    /// Cells behind those that masks ask for.
    pub(super) fn asks(&self, at: usize) -> usize {
        self.walk.as_ref().map_or(0, |walk| walk.asks(at).len())
    }

    /// Reads about `expected` rows in their stable order: stored columns, what masks ask, what the walk asks.
    pub(super) fn read(
        &self,
        readers: &mut Readers<'_>,
        at: usize,
        (table, extras, expected): (&Table, &[Extra], u64),
        told: &mut Told<'_>,
        sink: &mut Sink<'_>,
    ) -> Result<u64> {
        let Some(walk) = &self.walk else { return readers.read(table, extras, expected, sink) };
        let mut rows = 0;
        let engine = readers.first().engine();
        // A whole table is read in one go, as it would be without a walk.
        let whole = walk.is_whole(at).then(|| state::asking_rows(engine, table, extras, &walk.asks(at)));
        let some = whole.is_none().then(|| queries(engine, walk, at, (table, extras), None));
        let mut queries = whole.into_iter().chain(some.into_iter().flatten());
        readers.read_all(&mut queries, &mut |batch| {
            let found = walk.origins(at, &batch);
            // Where rows are told apart by their content, SQL may find more than was meant.
            let batch = if found.iter().all(Option::is_some) { batch } else { kept(&batch, &found) };
            told.add(found.into_iter().flatten())?;
            walk.count_dangling(at, &batch, told.dangling);
            rows += batch.rows() as u64;
            sink(batch)
        })?;
        if rows < expected {
            return Err(Error::internal("rows that were reached were not found again"));
        }
        Ok(rows)
    }

    /// A table whose rows were read needs no keys any more.
    pub(super) fn forget(&mut self, at: usize) {
        if let Some(walk) = &mut self.walk {
            walk.forget(at);
        }
    }

    /// Reads only the stored columns that are `needed`, and what masks ask.
    pub(super) fn read_part(
        &self,
        readers: &mut Readers<'_>,
        at: usize,
        (table, extras): (&Table, &[Extra]),
        needed: &[usize],
        sink: &mut Sink<'_>,
    ) -> Result<u64> {
        let engine = readers.first().engine();
        match &self.walk {
            Some(walk) => readers.read_all(&mut queries(engine, walk, at, (table, extras), Some(needed)), sink),
            None => readers.first().read(&state::asked_rows(engine, table, extras, Some(needed)), sink),
        }
    }
}

/// The questions for the rows of a table that a walk reached.
pub(super) fn queries<'q>(
    engine: EngineKind,
    walk: &'q Walk<'_>,
    at: usize,
    (table, extras): (&'q Table, &'q [Extra]),
    needed: Option<&'q [usize]>,
) -> impl Iterator<Item = Query> + use<'q> {
    let asks = walk.asks(at);
    walk.selections(at).map(move |condition| state::selected_rows(engine, table, extras, needed, (&asks, &condition)))
}

fn kept(batch: &Batch, found: &[Option<(Why, u32)>]) -> Batch {
    let mut kept = Batch::new(batch.columns());
    for row in (0..batch.rows()).filter(|&row| found[row].is_some()) {
        (0..batch.columns()).for_each(|column| kept.push(batch.cell(row, column)));
    }
    kept
}
