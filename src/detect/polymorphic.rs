//! Polymorphic references: a column says in each row which table the id beside it belongs to.

use super::names::{before, same, words};
use super::naming::{Candidate, Naming};
use super::sample::Sample;
use super::schema::{Known, Schema, comparable};
use super::vocabulary::is_id;
use super::{Kind, Polymorphic, indexes, labels};
use crate::engine::Source;
use crate::error::Result;
use crate::model::schema::{Column, Family};

/// Words at the end of the name of a column that names a table.
const TYPE_WORDS: [&str; 6] = ["type", "kind", "class", "table", "model", "entity"];
/// What an id that can mean any table is called.
const ANY_TABLE: [&str; 18] = [
    "reference",
    "ref",
    "source",
    "target",
    "entity",
    "object",
    "subject",
    "owner",
    "parent",
    "record",
    "resource",
    "related",
    "linked",
    "origin",
    "context",
    "document",
    "model",
    "item",
];

/// A column that may name a table, and an id.
pub(super) struct Pair {
    pub(super) type_column: usize,
    pub(super) id_column: usize,
    /// How surely the two belong together.
    link: Link,
    /// Whether the id's name is one for any table.
    means_any: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Link {
    /// `x_type` and `x_id`.
    Named,
    /// `entity` and `entity_id`.
    Bare,
    /// An id for any table, and the only type column of the table: `target_id` and `adjustment_type`.
    Near,
}

/// The pairs of a table. `singles` are the candidates of each column on its own.
pub(super) fn pairs(schema: &Schema<'_>, at: usize, singles: &[Vec<Candidate>]) -> Vec<Pair> {
    let table = &schema.tables[at];
    let is_label = |column: &Column| matches!(column.family, Family::Text | Family::Enum | Family::Any);
    let free = |column: usize| !table.taken[column] && !table.column(column).generated;
    let types: Vec<usize> = (0..table.columns.len()).filter(|&at| free(at) && is_label(table.column(at))).collect();
    let says_type = |at: usize| table.columns[at].last().is_some_and(|last| TYPE_WORDS.contains(&last.as_str()));
    let mut pairs = Vec::new();
    for id_column in (0..table.columns.len()).filter(|&at| free(at)) {
        let name = &table.columns[id_column];
        let Some((last, thing)) = name.split_last().filter(|(last, thing)| is_id(last) && !thing.is_empty()) else {
            continue;
        };
        let can_be_key = |known: &Known<'_>| {
            known.keys.iter().any(|key| key.is_primary && comparable(table.column(id_column), known.column(key.column)))
        };
        if last == "ref" || !schema.tables.iter().any(can_be_key) {
            continue;
        }
        let means_any = thing.last().is_some_and(|last| ANY_TABLE.contains(&last.as_str()) || last.ends_with("able"));
        let beside = types.iter().copied().filter(|&at| at != id_column);
        let named = beside.clone().find(|&at| {
            let (own, words) = (&table.columns[at], TYPE_WORDS.iter());
            words
                .map(|word| vec![(*word).to_owned()])
                .any(|word| before(own, &word).is_some_and(|own| same(own, thing)))
        });
        let bare = || beside.clone().find(|&at| same(&table.columns[at], thing));
        let only = || {
            let mut near = types.iter().copied().filter(|&at| says_type(at));
            near.next().filter(|_| near.next().is_none() && means_any && singles[id_column].is_empty())
        };
        let link = named.map(|at| (at, Link::Named)).or_else(|| bare().map(|at| (at, Link::Bare)));
        if let Some((type_column, link)) = link.or_else(|| only().map(|at| (at, Link::Near))) {
            pairs.push(Pair { type_column, id_column, link, means_any });
        }
    }
    pairs
}

/// The proposal for a pair, if it is one once its labels are known. `plain` are the tables that the id may refer to always.
pub(super) fn decide(
    source: &mut dyn Source,
    schema: &Schema<'_>,
    at: usize,
    pair: &Pair,
    sample: &Sample,
    plain: &[Candidate],
) -> Result<Option<Polymorphic>> {
    let table = &schema.tables[at];
    let (id, kind) = (table.column(pair.id_column), table.column(pair.type_column));
    let declared = labels::declared(schema.catalogue, table.table, kind);
    let is_declared = !declared.is_empty();
    let known = if is_declared { declared } else { sample.texts(pair.type_column) };
    let (count, mut map, mut exact, mut others) = (known.len(), Vec::new(), 0, Vec::new());
    for label in known {
        let Some((parent, is_exact)) = table_of(schema, at, &label, id) else {
            others.push(label);
            continue;
        };
        exact += usize::from(is_exact);
        let parent = &schema.tables[parent];
        let only = Some((pair.type_column, label.as_str()));
        let overlap = sample.overlap(source, &[pair.id_column], parent.table, &parent.table.primary_key, only)?;
        map.push(Kind { label, parent: parent.table.name.clone(), overlap });
    }
    let is_plain = |candidate: &Candidate| {
        candidate.percent >= 60 && matches!(candidate.naming, Naming::Table | Naming::Role | Naming::Key)
    };
    // `account_type` beside `account_id` is about the account, unless it lists tables.
    let lists_tables = exact >= 2 && exact * 2 >= count;
    if !lists_tables
        && (plain.iter().any(is_plain) || pair.link == Link::Near || (pair.link == Link::Bare && !pair.means_any))
    {
        return Ok(None);
    }
    let share = u32::try_from(map.len() * 100).unwrap_or_default() / u32::try_from(count.max(1)).unwrap_or(u32::MAX);
    let confidence = match (pair.link, count, map.is_empty()) {
        (Link::Named, 0, _) => {
            if pair.means_any {
                70
            } else {
                60
            }
        }
        (Link::Named, _, true) => {
            if pair.means_any {
                55
            } else {
                35
            }
        }
        (Link::Named, _, false) => 60 + 38 * share / 100,
        (Link::Bare, 0, _) => 55,
        (Link::Bare, _, true) => 50,
        (Link::Bare | Link::Near, ..) => 50 + 30 * share / 100,
    };
    let (open, further) = if is_declared { (others, 0) } else { (Vec::new(), others.len()) };
    Ok(Some(Polymorphic {
        table: table.table.name.clone(),
        type_column: kind.name.clone(),
        id_column: id.name.clone(),
        confidence,
        map,
        open,
        further,
        is_indexed: [pair.id_column, pair.type_column]
            .iter()
            .any(|&c| indexes::covers(schema.catalogue, table.table, c)),
    }))
}

/// The table that a label names, and whether it names it whole: `Order`, `ORDER_LINE_ITEM`, `App\Models\Order`.
fn table_of(schema: &Schema<'_>, at: usize, label: &str, id: &Column) -> Option<(usize, bool)> {
    let name = words(label.rsplit(['\\', '/', '.', ':']).next().unwrap_or(label));
    if name.is_empty() {
        return None;
    }
    let has_key =
        |known: &&Known<'_>| known.keys.iter().any(|key| key.is_primary && comparable(id, known.column(key.column)));
    let matching = |fits: &dyn Fn(&Known<'_>) -> bool| {
        let mut found: Vec<usize> =
            (0..schema.tables.len()).filter(|&at| fits(&schema.tables[at]) && has_key(&&schema.tables[at])).collect();
        let nearby = |&other: &usize| schema.tables[other].table.name.schema == schema.tables[at].table.name.schema;
        if found.len() > 1 && found.iter().filter(|other| nearby(other)).count() == 1 {
            found.retain(nearby);
        }
        match found[..] {
            [only] => Some(only),
            _ => None,
        }
    };
    let whole = matching(&|known| same(&known.words, &name));
    let ending = || matching(&|known| before(&known.words, &name).is_some());
    whole.map(|table| (table, true)).or_else(|| ending().map(|table| (table, false)))
}
