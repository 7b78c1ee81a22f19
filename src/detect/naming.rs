//! What a column's name says about the table that it refers to.

use super::names::{before, same};
use super::schema::{Known, Schema, comparable, is_id};

/// How a name leads to a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Naming {
    /// `order_id` and `orders`.
    Table,
    /// `billing_address_id` and `addresses`: a role before the table.
    Role,
    /// `status_id` of `orders` and `order_statuses`: the end of the table's name.
    Ending,
    /// `parent_id`, `parentCommentId`: another row of the same table.
    Itself,
    /// `currency_code` and `currencies.code`, `customer_id` and `customer.customer_id`: the name of a key.
    Key,
    /// `created_by`, as elsewhere, where it is declared.
    Namesake,
    /// All columns of a key of several columns.
    Columns,
}

impl Naming {
    /// For people.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Table => "named after the table",
            Self::Role => "named after the table, in a role",
            Self::Ending => "named after the end of the table's name",
            Self::Itself => "names another row of its own table",
            Self::Key => "named after the key",
            Self::Namesake => "columns of this name refer to it elsewhere",
            Self::Columns => "has every column of the key",
        }
    }
}

/// A key that a column may refer to, with the confidence that names and types give, of 100.
#[derive(Debug, Clone, Copy)]
pub(super) struct Candidate {
    pub(super) parent: usize,
    pub(super) column: usize,
    pub(super) naming: Naming,
    pub(super) percent: u32,
}

/// Words for the place of a row among the rows of its own table.
const SELF_WORDS: [&str; 20] = [
    "parent",
    "root",
    "ancestor",
    "previous",
    "prev",
    "next",
    "predecessor",
    "successor",
    "duplicate",
    "superseded",
    "superseding",
    "replaced",
    "replacement",
    "original",
    "reversed",
    "reversal",
    "reply",
    "in",
    "to",
    "by",
];
/// Words for systems outside, whose ids are no ids of ours.
const OUTSIDE: [&str; 24] = [
    "external",
    "ext",
    "remote",
    "foreign",
    "upstream",
    "third",
    "party",
    "stripe",
    "paypal",
    "google",
    "facebook",
    "apple",
    "microsoft",
    "github",
    "gitlab",
    "slack",
    "twilio",
    "shopify",
    "salesforce",
    "hubspot",
    "quickbook",
    "xero",
    "aw",
    "auth0",
];
/// Keys whose name alone says nothing about their table.
const COMMON: [&str; 14] = [
    "name",
    "title",
    "label",
    "email",
    "phone",
    "description",
    "slug",
    "code",
    "number",
    "token",
    "url",
    "path",
    "hash",
    "date",
];

/// Every key that the name of a column may mean, best first.
pub(super) fn candidates(schema: &Schema<'_>, table: usize, column: usize) -> Vec<Candidate> {
    let own = &schema.tables[table];
    let child = own.column(column);
    if child.generated || own.taken[column] {
        return Vec::new();
    }
    let name = &own.columns[column];
    let things = things(name);
    let mut found: Vec<Candidate> = Vec::new();
    for (parent, other) in schema.tables.iter().enumerate() {
        for key in other.keys.iter().filter(|key| comparable(child, other.column(key.column))) {
            if (parent, key.column) == (table, column) {
                continue;
            }
            let is_id_key = other.columns[key.column].iter().all(is_id);
            let by_table = (key.is_primary || is_id_key).then(|| best_thing(&things, own, other, parent == table));
            let by_key = by_key(name, other, &other.columns[key.column], parent == table);
            let best = by_table.flatten().into_iter().chain(by_key).max_by_key(|(_, percent)| *percent);
            if let Some((naming, percent)) = best {
                // Of two keys that fit equally, the primary one.
                let percent = percent.saturating_sub(u32::from(!key.is_primary));
                let alike = child.declared.eq_ignore_ascii_case(&other.column(key.column).declared);
                found.push(Candidate { parent, column: key.column, naming, percent: percent + u32::from(alike) * 3 });
            }
        }
    }
    if let Some((parent, key, times)) = schema.namesake(name)
        && comparable(child, schema.tables[parent].column(key))
        && (parent, key) != (table, column)
    {
        match found.iter_mut().find(|candidate| (candidate.parent, candidate.column) == (parent, key)) {
            Some(candidate) => candidate.percent = (candidate.percent + 5).min(97),
            None => {
                let percent = if times > 1 { 45 } else { 35 };
                found.push(Candidate { parent, column: key, naming: Naming::Namesake, percent });
            }
        }
    }
    crowded(&mut found);
    // Same confidence: a table of the same schema first.
    let elsewhere = |candidate: &Candidate| schema.tables[candidate.parent].table.name.schema != own.table.name.schema;
    found.sort_by_key(|candidate| (std::cmp::Reverse(candidate.percent), elsewhere(candidate), candidate.parent));
    found
}

/// The end of a name that is the end of several tables' names says little.
fn crowded(found: &mut [Candidate]) {
    let ends = |candidate: &&Candidate| candidate.naming == Naming::Ending;
    let best = found.iter().filter(ends).map(|candidate| candidate.percent).max().unwrap_or_default();
    let rivals = found.iter().filter(ends).filter(|candidate| candidate.percent == best).count();
    if rivals > 1 {
        found.iter_mut().filter(|c| c.naming == Naming::Ending && c.percent == best).for_each(|c| c.percent = 35);
    }
}

/// What a column's name may name, without the words that say "key", and whether there were such words.
fn things(name: &[String]) -> Vec<(Vec<String>, bool)> {
    let mut thing = name.to_vec();
    let mut says_key = false;
    while thing.len() > 1 && thing.last().is_some_and(|last| is_id(last) || last.bytes().all(|b| b.is_ascii_digit())) {
        says_key |= thing.pop().as_ref().is_some_and(is_id);
    }
    // `id_customer`, `fk_order_id`.
    while thing.len() > 1 && thing.first().is_some_and(is_id) {
        thing.remove(0);
        says_key = true;
    }
    let mut things = vec![(thing.clone(), says_key)];
    // `customerid`: the capitals were lost.
    if !says_key && let Some(last) = thing.pop() {
        for ending in ["uuid", "guid", "id"] {
            if let Some(stem) = last.strip_suffix(ending).filter(|stem| stem.len() > 1) {
                thing.push(super::names::singular(stem));
                things.push((thing, true));
                break;
            }
        }
    }
    things
}

type Said = Option<(Naming, u32)>;

fn best_thing(things: &[(Vec<String>, bool)], own: &Known<'_>, other: &Known<'_>, is_own: bool) -> Said {
    let said = things.iter().filter_map(|(thing, says_key)| {
        let (naming, percent) = by_thing(thing, own, other, is_own)?;
        // A column called `customer` may also hold a name.
        Some((naming, if *says_key { percent } else { percent.min(40) * u32::from(naming == Naming::Table) }))
    });
    said.filter(|(_, percent)| *percent > 0).max_by_key(|(_, percent)| *percent)
}

/// What a thing says about a table.
fn by_thing(thing: &[String], own: &Known<'_>, other: &Known<'_>, is_own: bool) -> Said {
    let name = &other.words;
    if same(thing, name) {
        // `orders.order_id` beside `orders.id` is rather the order's number elsewhere.
        return Some((Naming::Table, if is_own { 45 } else { 90 }));
    }
    let role = thing.iter().take_while(|word| SELF_WORDS.contains(&word.as_str())).count();
    if is_own && role > 0 && ["in", "to", "by"].iter().all(|word| thing[0] != *word || role > 1) {
        let rest = &thing[role..];
        if rest.is_empty() || before(name, rest).is_some() || same(rest, name) {
            return Some((Naming::Itself, 89));
        }
    }
    if let Some(role) = before(thing, name) {
        let outside = role.iter().any(|word| OUTSIDE.contains(&word.as_str()));
        // The more of the name is the table's, the better.
        let length = u32::try_from(name.len().min(4)).unwrap_or(4);
        return Some((Naming::Role, if outside { 35 } else { 74 + 2 * length }));
    }
    let shared = thing.iter().rev().zip(name.iter().rev()).take_while(|(a, b)| a == b).count();
    let rest = &name[..name.len() - shared];
    if shared == 0 || rest.is_empty() || thing.iter().any(|word| OUTSIDE.contains(&word.as_str())) {
        return None;
    }
    let mine = rest.iter().filter(|word| own.words.contains(word)).count();
    let percent = match (mine == rest.len(), mine > 0, shared == thing.len()) {
        (true, _, true) => 72,
        (true, _, false) => 55,
        (false, true, true) => 62,
        (false, false, true) => 45,
        _ => return None,
    };
    Some((Naming::Ending, percent))
}

/// What a name says about a key: `currency_code` about `currencies.code`, `customer_id` about `customer.customer_id`.
fn by_key(name: &[String], other: &Known<'_>, key: &[String], is_own: bool) -> Said {
    if is_own || key.is_empty() || (name.len() > 1 && name.last() != key.last()) {
        return None;
    }
    let says_little = key.last().is_some_and(|last| COMMON[..6].contains(&last.as_str()));
    let less = |percent: u32| if says_little { percent / 2 } else { percent };
    let full: Vec<String> = other.words.iter().chain(key).cloned().collect();
    let names_table = key.len() > 1 && other.words.last().is_some_and(|last| key.contains(last));
    if same(name, &full) || (names_table && same(name, key)) {
        return Some((Naming::Key, less(88)));
    }
    if let Some(role) = before(name, &full).or_else(|| before(name, key).filter(|_| names_table)) {
        let outside = role.iter().any(|word| OUTSIDE.contains(&word.as_str()));
        return Some((Naming::Key, if outside { 30 } else { less(72) }));
    }
    if name == key && !key.iter().all(is_id) {
        let common = key.len() == 1 && COMMON.contains(&key[0].as_str());
        return Some((
            Naming::Key,
            if common {
                5
            } else if key.len() > 1 {
                less(45)
            } else {
                30
            },
        ));
    }
    None
}
