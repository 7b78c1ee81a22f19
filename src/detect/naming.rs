//! What a column's name says about the table that it refers to.

use super::names::{before, same};
use super::schema::{Known, Schema, comparable};
use super::vocabulary::{self, is_id, is_outside};

/// How a name leads to a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Naming {
    /// `order_id` and `orders`.
    Table,
    /// `billing_address_id` and `addresses`: a role before the table.
    Role,
    /// `status_id` of `orders` and `order_statuses`: part of the table's name, with its end.
    Ending,
    /// `parent_id`, `parentCommentId`: another row of the same table.
    Itself,
    /// `currency_code` and `currencies.code`, `customer_id` and `customer.customer_id`: the name of a key.
    Key,
    /// `reward_id` and `reward_catalog`: the beginning of the table's name.
    Beginning,
    /// `created_by`, `owner_id` and `users`: somebody.
    Person,
    /// Columns of this name refer to it elsewhere, where it is declared.
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
            Self::Ending => "named after part of the table's name",
            Self::Itself => "names another row of its own table",
            Self::Key => "named after the key",
            Self::Beginning => "named after the beginning of the table's name",
            Self::Person => "names somebody",
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
            let by_key = by_key(name, own, other, &other.columns[key.column]).filter(|_| parent != table);
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

/// A part of a name that several tables share says little.
fn crowded(found: &mut [Candidate]) {
    for naming in [Naming::Ending, Naming::Beginning] {
        let best = found.iter().filter(|c| c.naming == naming).map(|c| c.percent).max().unwrap_or_default();
        let is_best = |candidate: &&mut Candidate| candidate.naming == naming && candidate.percent == best;
        let rivals: Vec<&mut Candidate> = found.iter_mut().filter(is_best).collect();
        if rivals.len() > 1 {
            for candidate in rivals {
                candidate.percent = candidate.percent.min(35);
            }
        }
    }
}

/// What a column's name may name, without the words that say "key", and whether there were such words.
fn things(name: &[String]) -> Vec<(Vec<String>, bool)> {
    let mut thing = name.to_vec();
    let mut says_key = false;
    // `contact_a_id`, `address_id_2`.
    let is_ordinal = |word: &str| word.len() == 1 || word.bytes().all(|byte| byte.is_ascii_digit());
    while thing.len() > 1 && thing.last().is_some_and(|last| is_id(last) || is_ordinal(last)) {
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
        // A column called `customer` may also hold a name; `created_by` and `merged_into` are whole without an "id".
        let without_key = match naming {
            Naming::Table => percent.min(40),
            Naming::Itself => percent.min(if thing.len() > 1 { 45 } else { 60 }),
            Naming::Person => percent,
            _ => 0,
        };
        Some((naming, if *says_key { percent } else { without_key }))
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
    let place = vocabulary::place(thing);
    if is_own && place > 0 {
        let rest = &thing[place..];
        if rest.is_empty() || before(name, rest).is_some() || same(rest, name) {
            return Some((Naming::Itself, 89));
        }
    }
    if let Some(role) = before(thing, name) {
        // The more of the name is the table's, the better.
        let length = u32::try_from(name.len().min(4)).unwrap_or(4);
        return Some((Naming::Role, if is_outside(role) { 35 } else { 74 + 2 * length }));
    }
    if let Some(at) = vocabulary::PEOPLE.iter().position(|people| name == &[*people])
        && vocabulary::is_person(thing)
    {
        return Some((Naming::Person, 42 - u32::try_from(at).unwrap_or_default()));
    }
    by_part(thing, own, name).filter(|_| !is_own && !same(thing, &own.words) && !is_outside(thing))
}

/// What a thing says about a table whose name it shares a part with.
fn by_part(thing: &[String], own: &Known<'_>, name: &[String]) -> Said {
    if let Some(rest) = name.strip_prefix(thing) {
        let is_collection = matches!(rest, [only] if vocabulary::is_collection(only));
        return Some((Naming::Beginning, if is_collection { 55 } else { 30 }));
    }
    // `order_item_id` and `order_line_items`.
    if thing.len() > 1 && name.first() == thing.first() && name.last() == thing.last() {
        let mut rest = name.iter();
        if thing.iter().all(|word| rest.any(|other| other == word)) {
            return Some((Naming::Ending, 60));
        }
    }
    let shared = thing.iter().rev().zip(name.iter().rev()).take_while(|(a, b)| a == b).count();
    let rest = &name[..name.len() - shared];
    if shared == 0 {
        return None;
    }
    let is_whole = shared == thing.len();
    let mine = rest.iter().filter(|word| own.words.contains(word)).count();
    let percent = match () {
        // `intake_receipt_items.receipt_id` and `intake_receipts`, even beside `receipts`.
        () if is_whole && own.words.starts_with(name) => 92,
        () if is_whole && mine == rest.len() => 72,
        () if is_whole && mine > 0 => 62,
        // `dispute_notes.dispute_id` and `invoice_disputes`.
        () if is_whole && own.words.starts_with(thing) => 58,
        () if is_whole => 45,
        () if mine == rest.len() => 55,
        () if mine > 0 => 40,
        () => 25,
    };
    Some((Naming::Ending, percent))
}

/// What a name says about a key: `currency_code` about `currencies.code`, `customer_id` about `customer.customer_id`.
fn by_key(name: &[String], own: &Known<'_>, other: &Known<'_>, key: &[String]) -> Said {
    if key.is_empty() || (name.len() > 1 && name.last() != key.last()) {
        return None;
    }
    // `bank_accounts.account_number` is a number of its own, whatever `accounts` have.
    if name.split_last().is_some_and(|(_, thing)| before(&own.words, thing).is_some() || same(&own.words, thing)) {
        return None;
    }
    let less = |percent: u32| if vocabulary::is_copied(key) { percent / 2 } else { percent };
    let full: Vec<String> = other.words.iter().chain(key).cloned().collect();
    let names_table = key.len() > 1 && other.words.last().is_some_and(|last| key.contains(last));
    if same(name, &full) || (names_table && same(name, key)) {
        return Some((Naming::Key, less(88)));
    }
    if let Some(role) = before(name, &full).or_else(|| before(name, key).filter(|_| names_table)) {
        return Some((Naming::Key, if is_outside(role) { 30 } else { less(72) }));
    }
    if name == key && !key.iter().all(is_id) {
        let percent = match key {
            _ if vocabulary::is_common(key) => 5,
            [_] => 30,
            _ => less(45),
        };
        return Some((Naming::Key, percent));
    }
    None
}
