//! `generate`: rows for a schema, made up from a seed and a profile, published as an ordinary snapshot.

mod outside;
mod prove;
mod shape;

use super::invented::{self, Invention, Of, Rows, Stored};
use super::isolate::Ground;
use super::publish::Label;
use super::repository::{Repository, Snapshot};
use super::{Context, millis};
use crate::engine::Source;
use crate::error::{Error, Result};
use crate::generate::check;
use crate::generate::invariant::Verified;
use crate::generate::make::{self, Ask, Request};
use crate::generate::profile::{self, Bound, Profile};
use crate::generate::world::World;
use crate::mask::invented::MADE;
use crate::model::manifest::{EmptyTable, Generated, InvariantResult};
use crate::model::proof::Invented;
use crate::model::schema::TableName;
use crate::policy::Mode;
use crate::secret::Address;
use crate::subset::Size;
use outside::Outside;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

/// The profiles that come with the program, by name.
pub const BUILT_IN: &[(&str, &str)] = &[("cannabis-erp", include_str!("../../../policies/profiles/cannabis-erp.toml"))];

/// What to make up, and what to write about it.
#[derive(Debug)]
pub struct Options {
    /// The snapshot's name.
    pub name: String,
    /// How many rows in all, where nothing else is said.
    pub size: Size,
    /// How many rows of single tables.
    pub rows: BTreeMap<String, u64>,
    /// What kind of world.
    pub scenario: Option<String>,
    /// What all randomness comes from.
    pub seed: u64,
    /// Only tables that are empty.
    pub only_empty: bool,
    /// Whether references are followed that only names tell of.
    pub infer: bool,
    /// Only say what would be made.
    pub dry_run: bool,
    /// A server on which the rows are loaded first.
    pub prove: Option<Address>,
    /// When the snapshot expires, RFC 3339.
    pub expires: Option<String>,
    /// The tags that it begins with.
    pub tags: BTreeSet<String>,
}

/// Whose rows are made.
pub enum Shape<'a> {
    /// A database's.
    Database(Box<dyn Source>),
    /// A snapshot's.
    Snapshot(&'a Snapshot),
}

/// What was made.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// What was published; none after a dry run.
    pub stored: Option<Stored>,
    /// Tables, their rows, and why so many.
    pub tables: Vec<(TableName, u64, String)>,
    /// What each column gets, by table.
    pub columns: Vec<(TableName, Vec<(String, String)>)>,
    /// References that only names tell of.
    pub inferred: Vec<String>,
    /// What was held against the rows beside the constraints.
    pub invariants: Vec<InvariantResult>,
    /// What else there is to say.
    pub notes: Vec<String>,
    /// How long it took.
    pub millis: u64,
}

/// Makes up rows and publishes them into `repository`; a dry run needs none.
///
/// # Errors
/// Kind `Policy` where a constraint cannot be satisfied, by its name; `Drift` where the profile needs what the schema does not have;
/// kind `Store` or `Unreachable` when either side fails. Nothing is published then.
pub fn generate(
    context: &Context<'_>,
    mut shape: Shape<'_>,
    profile: &Profile,
    repository: Option<&Repository>,
    options: &Options,
) -> Result<Outcome> {
    let start = Instant::now();
    context.stage("reading the catalogue");
    let catalogue = match &mut shape {
        Shape::Database(source) => source.catalogue()?,
        Shape::Snapshot(snapshot) => snapshot.manifest.schema.clone(),
    };
    let catalogue = &catalogue;
    let (references, inferred) = shape::references(catalogue, profile, options)?;
    let bound = profile.bind(catalogue, &references, asked(options))?;
    let outside = match &mut shape {
        Shape::Database(source) if options.only_empty => outside::read(context, &mut **source, catalogue, &references)?,
        _ => Outside::default(),
    };
    let mut rows = shape::asked_rows(catalogue, &options.rows)?;
    if let Shape::Snapshot(snapshot) = &shape {
        for entry in &snapshot.manifest.tables {
            rows.entry(entry.table.clone()).or_insert(entry.rows);
        }
    }
    let request = Request {
        catalogue,
        references: &references,
        bound: &bound,
        size: asked(options).size,
        rows,
        seed: options.seed,
        leave_out: outside.tables.clone(),
        outside: outside.keys.clone(),
    };
    let forecast = make::plan(&request)?;
    let mut outcome = Outcome {
        stored: None,
        tables: shape::told(catalogue, forecast.tables),
        columns: shape::columns(catalogue, &references, &bound),
        inferred,
        invariants: Vec::new(),
        notes: bound.warnings().iter().cloned().chain(forecast.notes).collect(),
        millis: millis(start),
    };
    let Some(repository) = repository.filter(|_| !options.dry_run) else { return Ok(outcome) };
    context.stage("making up rows");
    // The database is let go behind it: whatever comes after that may take its time.
    let made = match shape {
        Shape::Database(mut source) => {
            let ask: &mut Ask<'_> = &mut |table, checks, rows| check::ask(&mut *source, table, checks, rows);
            make::make(&request, Some(ask), &context.cancel)?
        }
        Shape::Snapshot(_) => make::make(&request, None, &context.cancel)?,
    };
    for (at, table) in outcome.tables.iter_mut().enumerate() {
        table.1 = made.world.tables[at].rows as u64;
    }
    outcome.notes = bound.warnings().iter().cloned().chain(made.notes).collect();
    outcome.invariants = verified(&bound, &made.world)?;
    outcome.millis = millis(start);
    let label = label(profile, options);
    if let Some(server) = &options.prove {
        let mut ground = Ground::open(server, &context.cancel)?.acting_on(&repository.actor().host);
        outcome.notes.extend(prove::prove(context, &mut ground, &made.world, &label)?);
    }
    let stored = publish(context, repository, (&made.world, &outside), (&label, options), &outcome)?;
    Ok(Outcome { stored: Some(stored), millis: millis(start), ..outcome })
}

/// What the profile is asked.
fn asked(options: &Options) -> profile::Request<'_> {
    profile::Request {
        size: match options.size {
            Size::Small => profile::Size::Small,
            Size::Medium => profile::Size::Medium,
            Size::Large => profile::Size::Large,
        },
        scenario: options.scenario.as_deref(),
    }
}

/// How the profile's promises hold.
///
/// # Errors
/// Kind `Policy` where one does not hold that is required.
fn verified(bound: &Bound, world: &World<'_>) -> Result<Vec<InvariantResult>> {
    let verified = bound.verify(world);
    if let Some(broken) = verified.iter().find(|it| it.required && it.failed > 0) {
        let what = format!(
            "the invariant {} does not hold in {} of {} rows of {}",
            broken.invariant, broken.failed, broken.rows, broken.table
        );
        return Err(Error::policy(what)
            .hint("Nothing was published. A CHECK or a unique key may stand against it; docs/profiles.md says what an invariant needs."));
    }
    let result = |it: Verified| InvariantResult {
        invariant: it.invariant,
        kind: it.kind.to_owned(),
        table: it.table,
        rows: it.rows,
        failed: it.failed,
    };
    Ok(verified.into_iter().map(result).collect())
}

fn label(profile: &Profile, options: &Options) -> Label {
    let decided = (!profile.digest.is_empty()).then(|| (profile.file.as_str(), profile.digest.clone()));
    Label {
        name: options.name.clone(),
        environment: "dev".to_owned(),
        policy: invented::proof(decided),
        expires: options.expires.clone(),
        tags: options.tags.clone(),
    }
}

fn publish(
    context: &Context<'_>,
    repository: &Repository,
    (world, outside): (&World<'_>, &Outside),
    (label, options): (&Label, &Options),
    outcome: &Outcome,
) -> Result<Stored> {
    let generated = Generated {
        profile: Some(label.policy.file.clone()).filter(|file| file != invented::NOBODY),
        seed: options.seed,
        size: options.size.word().to_owned(),
        rows: options.rows.clone(),
        scenario: options.scenario.clone(),
        inferred: outcome.inferred.clone(),
        invariants: outcome.invariants.clone(),
        empty: empty(outcome),
        notes: outcome.notes.clone(),
    };
    let mode = |table: &crate::model::schema::Table| shape::mode(table, &outside.tables);
    let modes: Vec<Mode> = world.catalogue.tables.iter().map(mode).collect();
    let counted: Vec<u64> =
        world.references.iter().map(|it| outside::referencing(world, it, &outside.tables)).collect();
    let invention = Invention {
        catalogue: world.catalogue,
        modes: &modes,
        rows: world,
        references: world.references,
        outside: &counted,
        word: MADE,
        of: Of::Generated(generated),
        label,
    };
    invented::store(context, repository, &invention)
}

fn empty(outcome: &Outcome) -> Vec<EmptyTable> {
    let empty = outcome.tables.iter().filter(|(_, rows, why)| *rows == 0 && !why.is_empty());
    empty.map(|(table, _, why)| EmptyTable { table: table.clone(), why: why.clone() }).collect()
}

impl Rows for World<'_> {
    fn count(&self, at: usize) -> u64 {
        self.tables[at].rows as u64
    }

    fn batches(&self, at: usize) -> Box<dyn Iterator<Item = Invented> + '_> {
        Box::new(self.invented(at))
    }
}
