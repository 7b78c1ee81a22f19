//! Builds the masks of a plan, each for its column and for what the other columns of its domain need.

use super::checks::{self, Limits};
use super::file::{ColumnRule, Mode, Policy};
use super::findings::{Finding, Found, Severity};
use super::names;
use super::propose;
use super::references::References;
use super::resolve::{Draft, Extra, TablePlan};
use super::subject::{Subject, find_subject};
use super::{condition, undecided};
use crate::error::{Error, Kind, Result};
use crate::mask::key::Keyring;
use crate::mask::{Charset, Check, ColumnMask, Fit, Fold, Site, Uniqueness};
use crate::model::schema::{Catalogue, Column, EngineKind, Family, Table};
use std::collections::BTreeMap;

/// What all columns of one mask and domain have to fit, so that equal originals get equal fakes in each of them.
#[derive(Default, Clone)]
struct Shared {
    max_chars: Option<u32>,
    /// The column that is so short.
    narrowest: Option<String>,
    charset: Charset,
    fold: Fold,
    unique: bool,
    labels: Option<Vec<String>>,
    range: (Option<i128>, Option<i128>),
    /// Of the members of a persona, the room that each leaves for a name.
    names: Option<(usize, usize)>,
}

/// What shares a `Shared`: mask, parameters and domain; for a persona only the domain.
type Group = (String, String, String);

fn group(rule: &ColumnRule) -> Group {
    (rule.mask.name.to_owned(), rule.params.to_string(), rule.domain_name().to_owned())
}

/// Gives each persona the domain of the table where its subject is at home, so that it is the same person in every table
/// that reaches the subject, and client 17 another one than user 17.
pub(super) fn name_entities(references: &References<'_>, drafts: &mut [Draft<'_>]) {
    for (at, draft) in drafts.iter_mut().enumerate() {
        for rule in draft.rules.iter_mut().flatten() {
            let Some(subject) =
                rule.subject.as_deref().filter(|_| rule.mask.name == "persona" && rule.domain.is_none())
            else {
                continue;
            };
            let Ok(Subject { table, column: key, .. }) = find_subject(references, at, subject) else { continue };
            let (home, key) = references.end_of(table, key);
            let home = references.table(home);
            let domain = format!("person:{}.{}", home.name, home.columns[key].name);
            rule.domain = Some(domain);
        }
    }
}

/// Builds every mask. A mask that does not fit its column is a fault, and so is a rule that names a column that is not there.
pub(super) fn tables(
    policy: &Policy,
    catalogue: &Catalogue,
    references: &References<'_>,
    drafts: &[Draft<'_>],
    ring: &Keyring,
    found: &mut Found,
) -> Vec<TablePlan> {
    let limits = all_limits(catalogue, drafts);
    let shared = shared(catalogue, drafts, &limits);
    let mut plans = Vec::with_capacity(drafts.len());
    for (number, draft) in drafts.iter().enumerate() {
        let mut builder = Builder {
            catalogue,
            references,
            ring,
            number,
            draft,
            limits: &limits[number],
            shared: &shared,
            extras: Vec::new(),
            stored: draft.table.stored_columns(),
            tells_values: true,
        };
        let mut columns = Vec::new();
        for at in draft.table.stored_columns() {
            let Some(rule) = draft.rules[at].as_ref() else { continue };
            let name = &draft.table.columns[at].name;
            let shown = format!("{}.{}", draft.table.name, name.escape_debug());
            match builder.column(at, rule) {
                Ok(column) => columns.push(column),
                Err(error) => {
                    let id = if error.kind() == Kind::Drift { "missing-subject" } else { "mask-misfit" };
                    let error = error.within(format!("{}:{}: {shown}", policy.file, rule.place));
                    found.add(Finding::of(id, policy, &error).column(&draft.table.name, name));
                }
            }
            if limits[number][at].unclear && !rule.mask.keeps_original {
                let what = format!(
                    "{shown} is masked, and a CHECK speaks of it that is not understood here; the database will enforce it at restore"
                );
                let finding = Finding::new("check-not-understood", policy, rule.place, what);
                found.add(finding.severity(Severity::Warning).column(&draft.table.name, name));
            }
        }
        let mode = draft.mode.unwrap_or(Mode::Exclude);
        plans.push(TablePlan { table: draft.table.name.clone(), mode, columns, extras: builder.extras });
    }
    plans
}

/// Every mask that can be built, by table and column of the catalogue; none where nothing is decided or nothing fits. They do
/// not know the values that a catalogue tells (defaults and labels), so that nothing made with them can show one.
pub(super) fn previews(
    catalogue: &Catalogue,
    references: &References<'_>,
    drafts: &[Draft<'_>],
    ring: &Keyring,
) -> Vec<Vec<Option<ColumnMask>>> {
    let limits = all_limits(catalogue, drafts);
    let shared = shared(catalogue, drafts, &limits);
    let table = |(number, draft): (usize, &Draft<'_>)| {
        let mut builder = Builder {
            catalogue,
            references,
            ring,
            number,
            draft,
            limits: &limits[number],
            shared: &shared,
            extras: Vec::new(),
            stored: draft.table.stored_columns(),
            tells_values: false,
        };
        let built = |at: usize| builder.one(at, draft.rules[at].as_ref()?).ok();
        (0..draft.table.columns.len()).map(built).collect()
    };
    drafts.iter().enumerate().map(table).collect()
}

fn all_limits(catalogue: &Catalogue, drafts: &[Draft<'_>]) -> Vec<Vec<Limits>> {
    let of = |draft: &Draft<'_>| if draft.has_rows() { checks::limits(draft.table, catalogue) } else { Vec::new() };
    drafts.iter().map(of).collect()
}

fn shared(catalogue: &Catalogue, drafts: &[Draft<'_>], limits: &[Vec<Limits>]) -> BTreeMap<Group, Shared> {
    let mut shared: BTreeMap<Group, Shared> = BTreeMap::new();
    let mut personas: BTreeMap<String, (usize, usize)> = BTreeMap::new();
    for (draft, limits) in drafts.iter().zip(limits) {
        for (at, rule) in draft.rules.iter().enumerate() {
            let Some(rule) = rule else { continue };
            let column = &draft.table.columns[at];
            for rule in [Some(rule), rule.otherwise.as_deref()].into_iter().flatten() {
                if rule.domain_name().is_empty() {
                    continue;
                }
                let entry = shared.entry(group(rule)).or_default();
                if column.length.is_some_and(|length| entry.max_chars.is_none_or(|most| length < most)) {
                    entry.max_chars = column.length;
                    entry.narrowest = Some(format!("{}.{}", draft.table.name, column.name.escape_debug()));
                }
                entry.charset = entry.charset.max(Charset::of(column, catalogue.engine, &catalogue.settings));
                entry.fold = entry.fold.max(Fold::of(column, catalogue.engine, &catalogue.settings));
                entry.unique |= unique_by(draft.table, at, catalogue).is_some();
                entry.labels = both(entry.labels.take(), limits[at].labels.clone());
                let (least, most) = range(column, catalogue.engine, &limits[at].checks);
                entry.range = (entry.range.0.max(least), entry.range.1.into_iter().chain(most).min());
                if rule.mask.name == "persona" {
                    let room = column.length.map_or(usize::MAX, |length| usize::try_from(length).unwrap_or(usize::MAX));
                    let (first, last) = match rule.params.text("member") {
                        Some("first_name") => (room, usize::MAX),
                        Some("last_name") => (usize::MAX, room),
                        Some("full_name") => {
                            (room.saturating_sub(2) / 2, room.saturating_sub(2) - room.saturating_sub(2) / 2)
                        }
                        _ => (usize::MAX, usize::MAX),
                    };
                    let names = personas.entry(rule.domain_name().to_owned()).or_insert((usize::MAX, usize::MAX));
                    *names = (names.0.min(first), names.1.min(last));
                }
            }
        }
    }
    for ((mask, _, domain), entry) in &mut shared {
        entry.names = if mask == "persona" { personas.get(domain).copied() } else { None };
    }
    shared
}

/// The labels that both lists have; any where neither says.
fn both(left: Option<Vec<String>>, right: Option<Vec<String>>) -> Option<Vec<String>> {
    match (left, right) {
        (Some(left), Some(right)) => Some(left.into_iter().filter(|label| right.contains(label)).collect()),
        (left, right) => left.or(right),
    }
}

/// The whole numbers that a column takes, as far as its type and its checks say.
fn range(column: &Column, engine: EngineKind, checks: &[Check]) -> (Option<i128>, Option<i128>) {
    let declared = column.declared.to_ascii_lowercase();
    let unsigned = declared.contains("unsigned");
    let bits = match declared.split(['(', ' ']).next().unwrap_or_default() {
        _ if engine == EngineKind::Sqlite => (column.family == Family::Integer).then_some(64),
        "tinyint" => Some(8),
        "smallint" | "int2" | "smallserial" => Some(16),
        "mediumint" => Some(24),
        "integer" | "int" | "int4" | "serial" => Some(32),
        "bigint" | "int8" | "bigserial" => Some(64),
        _ => None,
    };
    let digits = || {
        let inside = declared.strip_prefix("numeric(").or_else(|| declared.strip_prefix("decimal("))?;
        let mut parts = inside.split(')').next()?.split(',').map(|part| part.trim().parse::<u32>());
        let (precision, scale) = (parts.next()?.ok()?, parts.next().unwrap_or(Ok(0)).ok()?);
        10_i128.checked_pow(precision.checked_sub(scale)?).map(|limit| limit - 1)
    };
    let (mut least, mut most) = match (bits, digits()) {
        (Some(bits), _) if unsigned => (Some(0), Some((1_i128 << bits) - 1)),
        (Some(bits), _) => (Some(-(1_i128 << (bits - 1))), Some((1_i128 << (bits - 1)) - 1)),
        (None, Some(limit)) => (Some(if unsigned { 0 } else { -limit }), Some(limit)),
        (None, None) => (None, None),
    };
    for check in checks {
        if let Check::Range { least: low, most: high } = check {
            let whole = |bound: f64| format!("{bound:.0}").parse::<i128>().ok();
            let low = low.and_then(|(bound, closed)| {
                whole(bound.ceil()).map(|number| number + i128::from(!closed && bound.fract() == 0.0))
            });
            let high = high.and_then(|(bound, closed)| {
                whole(bound.floor()).map(|number| number - i128::from(!closed && bound.fract() == 0.0))
            });
            least = least.max(low);
            most = most.into_iter().chain(high).min();
        }
    }
    (least, most)
}

/// The most bytes that a column takes, where its type counts bytes.
fn max_bytes(column: &Column, engine: EngineKind) -> Option<u32> {
    if !matches!(engine, EngineKind::Mysql | EngineKind::Mariadb) {
        return None;
    }
    match column.declared.to_ascii_lowercase().split([' ', '(']).next() {
        Some("tinytext" | "tinyblob") => Some(255),
        Some("text" | "blob") => Some(65_535),
        Some("mediumtext" | "mediumblob") => Some(16_777_215),
        _ => None,
    }
}

/// A column's default, where it is a plain literal.
fn default_literal(column: &Column) -> Option<String> {
    let text = column.default.as_deref()?.trim();
    // PostgreSQL casts its literals: 'new'::text.
    let text = match (text.starts_with('\''), text.rfind("'::"), text.split_once("::")) {
        (true, Some(end), _) => &text[..=end],
        (false, _, Some((literal, _))) => literal.trim(),
        _ => text,
    };
    let quoted = text.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\'')).map(|inner| inner.replace("''", "'"));
    let number = text.parse::<f64>().is_ok().then(|| text.to_owned());
    let word = matches!(text.to_ascii_lowercase().as_str(), "true" | "false").then(|| text.to_owned());
    quoted.or(number).or(word)
}

/// Builds the masks of one table.
struct Builder<'a> {
    catalogue: &'a Catalogue,
    references: &'a References<'a>,
    ring: &'a Keyring,
    number: usize,
    draft: &'a Draft<'a>,
    limits: &'a [Limits],
    shared: &'a BTreeMap<Group, Shared>,
    extras: Vec<Extra>,
    stored: Vec<usize>,
    /// Whether masks may know the values that the catalogue tells: defaults and labels.
    tells_values: bool,
}

impl Builder<'_> {
    fn column(&mut self, at: usize, rule: &ColumnRule) -> Result<ColumnMask> {
        let mut built = self.one(at, rule)?;
        if let Some(text) = &rule.when {
            condition::validate(text, self.draft.table, self.catalogue.engine)?;
            built.when = Some(self.extra(Extra::Condition(text.clone())));
        }
        if let Some(otherwise) = &rule.otherwise {
            built.otherwise = Some(Box::new(self.one(at, otherwise)?));
        }
        Ok(built)
    }

    fn one(&mut self, at: usize, rule: &ColumnRule) -> Result<ColumnMask> {
        let table = self.draft.table;
        let (about, mask) = (&table.columns[at], rule.mask);
        if !mask.accepts_family(about.family) {
            let error = Error::policy(format!("mask {} does not fit a column of family {}", mask.name, about.family));
            return Err(error.hint(format!(
                "A proposal: {} = {}",
                names::key(&about.name),
                propose::likely(table, at)
            )));
        }
        let constraint = unique_by(table, at, self.catalogue);
        if let (Some(constraint), Uniqueness::None) = (&constraint, mask.unique) {
            let what = format!("mask {} cannot keep values apart, and {constraint} wants them unique", mask.name);
            return Err(Error::policy(what).hint(
                "Use a mask that can (docs/masks.md: `token`, `hash`, `email`, `digits`, ...), or keep the column.",
            ));
        }
        let subject = rule.subject.as_deref().map(|name| self.subject(name)).transpose()?;
        if let (Some((alone, _)), Some(constraint)) = (subject, &constraint)
            && (mask.unique != Uniqueness::Tagged || !alone)
        {
            let what = format!("a subject cannot key values that {constraint} wants unique");
            return Err(Error::policy(what).hint("Leave subject out: the value itself then decides."));
        }
        let site = self.site(at, rule, constraint.is_some());
        let built = ColumnMask::build(mask, &about.name, &site, rule.params.clone());
        let mut built = built.map_err(|error| self.explained(error, at, rule))?;
        built.subject = subject.map(|(_, cell)| cell);
        rule.domain_name().clone_into(&mut built.domain);
        if !mask.keeps_original {
            built.fit = Fit {
                max_chars: about.length,
                max_bytes: max_bytes(about, self.catalogue.engine),
                charset: Charset::of(about, self.catalogue.engine, &self.catalogue.settings),
                labels: self.limits[at].labels.clone(),
                checks: self.limits[at].checks.clone(),
            };
        }
        Ok(built)
    }

    /// Says which other column makes a domain so narrow.
    fn explained(&self, error: Error, at: usize, rule: &ColumnRule) -> Error {
        let shared = self.shared.get(&group(rule));
        let own = self.draft.table.columns[at].length;
        match shared.filter(|shared| shared.max_chars != own).and_then(|shared| shared.narrowest.as_ref()) {
            Some(column) => {
                let domain = rule.domain_name();
                let hint = error.hint_text().map(|hint| format!("{hint} ")).unwrap_or_default();
                error.hint(format!(
                    "{hint}The columns of domain {domain} share the room of {column}; another domain for one of them separates them."
                ))
            }
            None => error,
        }
    }

    fn site(&self, at: usize, rule: &ColumnRule, unique: bool) -> Site {
        let table = self.draft.table;
        let about = &table.columns[at];
        let own = Shared {
            max_chars: about.length,
            narrowest: None,
            charset: Charset::of(about, self.catalogue.engine, &self.catalogue.settings),
            fold: Fold::of(about, self.catalogue.engine, &self.catalogue.settings),
            unique,
            labels: self.limits[at].labels.clone(),
            range: range(about, self.catalogue.engine, &self.limits[at].checks),
            names: None,
        };
        // Texts that are masked inside need not be equal as a whole anywhere else.
        let shared = self.shared.get(&group(rule)).filter(|_| !rule.mask.may_keep).cloned().unwrap_or(own);
        Site {
            max_chars: shared.max_chars,
            charset: shared.charset,
            fold: shared.fold,
            declared: about.declared.clone(),
            unique: shared.unique,
            nullable: about.nullable,
            default: default_literal(about).filter(|_| self.tells_values),
            labels: shared.labels.filter(|_| self.tells_values),
            range: shared.range,
            name_rooms: shared.names.unwrap_or((usize::MAX, usize::MAX)),
            cells: self.stored.iter().map(|&at| self.cell_name(at)).collect(),
            ..Site::free(self.ring, rule.domain_name(), about.family)
        }
    }

    /// The name by which a template can refer to a column; none for one that is made of other cells itself.
    fn cell_name(&self, at: usize) -> String {
        let after = self.draft.rules[at].as_ref().is_some_and(|rule| rule.mask.after);
        if after { String::new() } else { self.draft.table.columns[at].name.clone() }
    }

    /// Whether the subject is different in every row, and its cell's index.
    fn subject(&mut self, name: &str) -> Result<(bool, usize)> {
        let table = self.draft.table;
        let found = find_subject(self.references, self.number, name).map_err(|what| {
            let hint = names::did_you_mean(name, table.columns.iter().map(|column| column.name.as_str()));
            let usual =
                "Name the column that identifies the person, or the way to it along references: order_id.client_id.";
            Error::new(Kind::Drift, what).hint(hint.unwrap_or_else(|| usual.to_owned()))
        })?;
        if found.hops.is_empty() {
            let cell = self.stored.iter().position(|stored| *stored == found.column);
            let cell = cell.ok_or_else(|| Error::internal("a stored column is not among the stored ones"))?;
            return Ok((is_unique_alone(table, found.column), cell));
        }
        let value = self.references.table(found.table).columns[found.column].name.clone();
        // Each step leads from one row to one row; different rows have different subjects if each step is one to one.
        let first = table.column_index(&found.hops[0].column);
        let alone = found.hops.len() == 1
            && first.is_some_and(|at| is_unique_alone(table, at))
            && is_unique_alone(self.references.table(found.table), found.column);
        Ok((alone, self.extra(Extra::Path { hops: found.hops, value })))
    }

    /// The cell's index of an expression, which is asked once however often it is needed.
    fn extra(&mut self, extra: Extra) -> usize {
        let at = self.extras.iter().position(|known| *known == extra).unwrap_or_else(|| {
            self.extras.push(extra);
            self.extras.len() - 1
        });
        self.stored.len() + at
    }
}

/// What wants the values of a column to differ, in words.
pub(super) fn unique_by(table: &Table, at: usize, catalogue: &Catalogue) -> Option<String> {
    if table.primary_key.contains(&at) {
        return Some("the primary key".to_owned());
    }
    let named = |unique: &&crate::model::schema::Unique| {
        unique.columns.contains(&at) || (unique.columns.is_empty() && indexed_by(table, &unique.name, at, catalogue))
    };
    let unique = table.uniques.iter().find(named);
    unique.map(|unique| format!("unique constraint {}", unique.name.escape_debug()))
}

/// Whether an index over expressions speaks of a column: `UNIQUE (lower(email))`.
fn indexed_by(table: &Table, index: &str, at: usize, catalogue: &Catalogue) -> bool {
    let object = catalogue.post.iter().find(|object| {
        object.kind == "index" && object.name.ends_with(index) && object.table.as_ref() == Some(&table.name)
    });
    let text = object.map_or(table.create.as_str(), |object| object.create.as_str());
    let inside = match object {
        Some(_) => text.split_once('(').map_or("", |(_, rest)| rest),
        None => text.lines().find(|line| line.contains("UNIQUE") && line.contains(index)).unwrap_or_default(),
    };
    undecided::words_of(inside).any(|word| word.eq_ignore_ascii_case(&table.columns[at].name))
}

/// Whether no two rows share a value of this column.
fn is_unique_alone(table: &Table, at: usize) -> bool {
    table.primary_key == [at] || table.uniques.iter().any(|unique| !unique.partial && unique.columns == [at])
}
