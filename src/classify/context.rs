//! What a table is about: people, organisations, places, things; and what its columns say about that together.

use super::column::Named;
use super::kinds::{Kind, is_texty};
use super::knowledge::{Classes, Knowledge, Strength};
use super::words::{cut, forms, words};
use crate::model::schema::{Family, Table};
use crate::model::tier::Tier;
use std::collections::{BTreeMap, BTreeSet};

/// Kinds that only people have, or that stand for people.
const OF_PEOPLE: &[&str] = &[
    "birth_date",
    "email",
    "first_name",
    "gender",
    "gov_id",
    "handle",
    "last_name",
    "marital",
    "password",
    "phone",
    "postal_code",
    "street_address",
];

/// Kinds that tables are named after and hold in a column for the thing itself: `phones.number`.
const ITSELF: &[&str] = &[
    "bank_account",
    "card_number",
    "email",
    "gov_id",
    "insurance_no",
    "licence_no",
    "password",
    "phone",
    "token",
    "secret",
];

/// A table as the classifier sees it.
#[derive(Debug, Clone, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each says one thing of its own about the table")]
pub(super) struct Context {
    /// Its name's words, without what most tables begin with.
    pub(super) words: Vec<String>,
    /// What the noun that it is named after is about.
    pub(super) head: Classes,
    /// What any of its words is about.
    pub(super) all: Classes,
    /// How sure it is that a row is a person, of 100.
    pub(super) person: u8,
    /// Whether its rows belong to people: by a reference or by its name.
    pub(super) of_person: bool,
    /// Whether it keeps sessions.
    pub(super) session: bool,
    /// What stands beside `email` in its columns of email addresses: nothing, or a word that a name may share.
    pub(super) emails: BTreeSet<Vec<String>>,
    /// The kind that the table itself is named after.
    pub(super) itself: Option<&'static Kind>,
    /// Whether there is a column for a city.
    pub(super) city: bool,
    /// Whether rows are about a patient.
    pub(super) patient: bool,
    /// Whether rows are letters: there is a subject or a body.
    pub(super) letter: bool,
    /// Whether sessions have a key beside `id`.
    pub(super) other_key: bool,
    /// Whether any column is called like a password or a secret.
    pub(super) password: bool,
    /// The sensitive kind of thing that it lists, where it is named after one: `religions`.
    pub(super) lists: Option<&'static Kind>,
    /// Kinds that its columns have by name, whatever the table.
    pub(super) kinds: BTreeSet<&'static str>,
}

impl Context {
    /// Whether rows are values to choose from, places or things, and not people.
    pub(super) fn is_lookup(&self) -> bool {
        self.person < 60 && self.head.any(&["kind", "place"]) && !self.head.any(&["person", "trader"])
    }

    pub(super) fn is_thing(&self) -> bool {
        self.person < 60 && self.head.any(&["kind", "place", "thing", "work", "org"])
    }
}

/// What is common to all tables of a schema.
#[derive(Debug, Clone, Default)]
pub(super) struct Schema {
    /// First words that most tables share: `galette_`, `tbl_`.
    prefixes: BTreeSet<String>,
    /// In how many tables a column's name occurs.
    pub(super) common: BTreeMap<String, usize>,
    /// Whether people are kept under keys that are texts, so that a text may refer to one.
    pub(super) text_keys: bool,
    /// Whether people are kept under keys that are numbers or UUIDs.
    pub(super) number_keys: bool,
    /// Whether there are works (films, albums), so that actors and artists are known from them.
    pub(super) works: bool,
    pub(super) tables: usize,
}

impl Schema {
    pub(super) fn of(knowledge: &Knowledge, tables: &[Table]) -> Self {
        let mut schema = Self { tables: tables.len(), ..Self::default() };
        let mut first: BTreeMap<String, usize> = BTreeMap::new();
        for table in tables {
            let words = words(&table.name.name);
            if let [first_word, _, ..] = &words[..] {
                *first.entry(first_word.clone()).or_default() += 1;
            }
            let names: BTreeSet<String> = table.columns.iter().map(|column| column.name.to_lowercase()).collect();
            for name in names {
                *schema.common.entry(name).or_default() += 1;
            }
        }
        let most = |count: usize| tables.len() >= 4 && count * 2 > tables.len();
        schema.prefixes = first.into_iter().filter(|(_, count)| most(*count)).map(|(word, _)| word).collect();
        let heads: Vec<Classes> =
            tables.iter().map(|table| head(knowledge, &schema.table_words(knowledge, &table.name.name))).collect();
        schema.works = heads.iter().any(|head| head.has("work"));
        let keys =
            tables.iter().zip(&heads).filter(|(_, head)| head.has("person")).filter_map(|(table, _)| {
                match table.primary_key[..] {
                    [only] => Some(&table.columns[only]),
                    _ => {
                        table.columns.iter().find(|column| column.name.eq_ignore_ascii_case("id")).or_else(|| {
                            table.columns.first().filter(|column| column.name.to_lowercase().ends_with("id"))
                        })
                    }
                }
            });
        for key in keys {
            schema.text_keys |= is_texty(key);
            schema.number_keys |= !is_texty(key);
        }
        schema
    }

    /// The words of a table's name, without what most tables begin with.
    fn table_words(&self, knowledge: &Knowledge, name: &str) -> Vec<String> {
        let mut words = words(name);
        if words.len() > 1 && words.first().is_some_and(|word| self.prefixes.contains(word)) {
            words.remove(0);
        }
        cut(knowledge, words)
    }
}

/// The noun a table is named after: the last one that is not just some data about it. `customer_addresses` is about
/// customers, `user_roles` about roles.
fn head(knowledge: &Knowledge, words: &[String]) -> Classes {
    // Romance names begin with it: `tipo_cliente`.
    const FIRST: &[&str] =
        &["tipo", "type", "typ", "rol", "role", "grupo", "groupe", "gruppo", "categoria", "categorie"];
    if words.len() > 1 && FIRST.contains(&words[0].as_str()) {
        return knowledge.classes("type");
    }
    let mut end = words.len();
    while end > 0 {
        let of = |length: usize| end.checked_sub(length).map(|start| knowledge.classes(&words[start..end].concat()));
        let here = of(1).unwrap_or_default();
        let two = of(2).unwrap_or_default();
        let here = if two == Classes::default() { here } else { two };
        let number = words[end - 1].bytes().all(|byte| byte.is_ascii_digit());
        if end > 1 && (number || here.has("attribute")) {
            // Data about something known; else it is what the table is about.
            let rest = head(knowledge, &words[..end - 1]);
            return if rest == Classes::default() || rest.has("kind") { here } else { rest };
        }
        if here != Classes::default() || end == 1 {
            return here;
        }
        end -= 1;
    }
    Classes::default()
}

/// The context of one table, from its name and what its columns are called.
pub(super) fn context(knowledge: &Knowledge, schema: &Schema, table: &Table, named: &[Named]) -> Context {
    let words = schema.table_words(knowledge, &table.name.name);
    let (head, all) = (head(knowledge, &words), knowledge.classes_of(&words));
    let strong = named.iter().zip(&table.columns).filter_map(|(named, column)| {
        let found = named.best.filter(|_| !named.vetoed && named.plain)?;
        (found.phrase.strength == Strength::Strong && found.phrase.kind.fits(column)).then_some(found.phrase.kind.name)
    });
    let kinds: BTreeSet<&'static str> = strong.collect();
    let people = OF_PEOPLE.iter().filter(|kind| kinds.contains(*kind)).count();
    let by_name = match () {
        () if head.has("kind") && !head.any(&["person", "trader"]) => 0,
        () if head.has("person") => 90,
        () if head.has("trader") => 70,
        () if head.has("either") => 40,
        () => 0,
    };
    let certain =
        ["birth_date", "first_name", "last_name", "gender", "marital"].iter().any(|kind| kinds.contains(kind));
    let org_like = head.any(&["org", "kind", "place", "work"]) && by_name == 0;
    let by_columns = match people {
        0 => 0,
        _ if org_like && !certain => 20,
        _ if head.has("either") || all.has("person") => 65,
        _ if head.has("thing") && !certain => 40,
        1 => 40,
        2 => 65,
        _ => 80,
    };
    let references = table.foreign_keys.iter().any(|key| {
        let parent = schema.table_words(knowledge, &key.parent.name);
        self::head(knowledge, &parent).has("person")
    });
    let by_columns_of_people = table.columns.iter().any(|column| {
        let words = super::words::words(&column.name);
        matches!(&words[..], [noun, id] if id == "id" && knowledge.classes(noun).has("person"))
    });
    let of_person = references || by_columns_of_people || by_name >= 70 || all.has("person");
    let plain = |words: &[String]| words.iter().all(|word| word != "item" && word != "items");
    let emails =
        named.iter().filter(|named| !named.vetoed && named.best.is_some_and(|best| best.phrase.kind.name == "email"));
    let emails = emails.map(Named::others).collect();
    let password = named.iter().filter(|named| !named.vetoed).any(|named| {
        named.best.is_some_and(|best| best.phrase.kind.name == "password" && best.phrase.strength == Strength::Strong)
    });
    let listed = |kind: &Kind| kind.tier == Tier::Sensitive || kind.name == "nationality";
    let lists = if of_person { None } else { named_after(knowledge, &words, &listed) };
    let known = |kind: &Kind| ITSELF.contains(&kind.name);
    let itself = (1..=words.len()).rev().find_map(|length| named_after(knowledge, &words[..length], &known));
    let other_key = table
        .columns
        .iter()
        .any(|column| ["sid", "session_id", "sessionid", "session_key"].contains(&&*column.name.to_lowercase()));
    let city = named.iter().any(|named| named.best.is_some_and(|best| best.phrase.kind.name == "city"));
    let about = |word: &String| matches!(word.as_str(), "patient" | "patients" | "paciente" | "paziente");
    let patient = words.iter().any(about)
        || named.iter().any(|named| named.words.len() == 2 && named.words.iter().any(about) && named.words[1] == "id");
    // Applications are clients too: they have secrets and nothing that people have.
    let personal = OF_PEOPLE.iter().any(|kind| *kind != "password" && kinds.contains(kind));
    let machine = ["client", "clients", "agent", "agents", "application", "applications"];
    let machine = words.last().is_some_and(|word| machine.contains(&word.as_str()))
        && (kinds.contains("secret") || kinds.contains("token"))
        && !personal;
    let by_name = if machine { 0 } else { by_name };
    let head = if machine { knowledge.classes("application").and(knowledge.classes("thing")) } else { head };
    // `trainers`, `curators`: who does something, with something of people beside it.
    let agent = words.last().is_some_and(|word| super::accept::is_agent(knowledge, word.trim_end_matches('s')));
    let by_name = if agent && (people > 0 || of_person) { by_name.max(60) } else { by_name };
    Context {
        letter: named.iter().any(|named| named.words.iter().any(|word| word == "subject" || word == "body")),
        city,
        patient,
        emails,
        itself,
        password,
        lists,
        other_key,
        session: head.has("session") && plain(&words) && (words.len() == 1 || has_session_id(table)),
        words,
        head,
        all,
        person: by_name.max(by_columns),
        of_person,
        kinds,
    }
}

/// Whether the key of a table of sessions is a text, as it is where a browser keeps it.
fn has_session_id(table: &Table) -> bool {
    let key = table
        .columns
        .iter()
        .find(|column| ["id", "sid", "session_id", "sessionid"].contains(&&*column.name.to_lowercase()));
    key.is_some_and(|column| column.family == Family::Text)
}

/// The kind that a table's name ends with, in the singular or plural, if it is one of those asked for.
fn named_after(knowledge: &Knowledge, words: &[String], asked: &dyn Fn(&Kind) -> bool) -> Option<&'static Kind> {
    let (last, rest) = words.split_last()?;
    forms(last).find_map(|form| {
        let words: Vec<String> = rest.iter().cloned().chain([form]).collect();
        let named = super::column::named(knowledge, words);
        let found = named.best.filter(|found| found.end == named.words.len() && !named.vetoed)?;
        let weak = found.phrase.strength == Strength::Weak;
        (asked(found.phrase.kind) && !weak).then_some(found.phrase.kind)
    })
}
