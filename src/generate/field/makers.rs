//! The table of makers: which names of columns, and which kinds of content, are made by what.
//!
//! A maker is a line in the file of its family. `choose` looks through all of them; docs and tests do, too.

mod numbers;
mod people;
mod prose;
mod technical;
mod times;
mod trade;

pub(super) use technical::{nth_ip, nth_mac};

use super::number::Usual;
use super::types::Type;
use super::when::Role;
use super::{Row, Spec};
use crate::classify::{self, About};
use crate::generate::draw::Draw;
use crate::model::schema::{Column, EngineKind, Family, Table};
use std::collections::{BTreeMap, HashMap};
use std::sync::OnceLock;

/// A way of making cells.
#[derive(Debug)]
pub struct Maker {
    /// Its name.
    pub name: &'static str,
    /// The share of NULL where the column may have it, of 100.
    pub null: u8,
    /// The kinds of content of `classify` that it makes.
    pub kinds: &'static [&'static str],
    /// What columns are called that it is for: the last word of a name says most, a longer phrase more than a short one.
    pub words: &'static [&'static str],
    /// How.
    pub make: Make,
}

/// How cells are made.
#[derive(Debug)]
pub enum Make {
    /// Text, and how two of them are told apart.
    Text(fn(&mut Ink<'_>), Tag),
    /// One of these texts, those in front more often.
    List(&'static [&'static str]),
    /// A number.
    Number(Usual),
    /// A number that follows from others of the row.
    Total(Total),
    /// True with this probability.
    Flag(f64),
    /// A date or a time.
    When(Role),
    /// JSON of a shape.
    Json(super::json::Shape),
}

/// A number that follows from other columns, by makers' names.
#[derive(Debug)]
pub struct Total {
    /// What is usual where it follows from nothing.
    pub usual: Usual,
    /// The first of these whose leading column the table has counts; columns behind it are left out where there are none.
    pub sums: &'static [&'static [(&'static str, Sum)]],
}

/// What a part does to a total.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sum {
    /// It is added, or begins.
    Plus,
    /// It is taken off.
    Minus,
    /// The rest is multiplied with it.
    Times,
    /// All of it, half of it or nothing.
    Partly,
}

/// How texts of a maker are told apart by a number.
#[derive(Debug, Clone, Copy)]
pub enum Tag {
    /// Behind a space.
    Word,
    /// At the end.
    Glued,
    /// Before the `@`.
    Local,
    /// Before the last full stop.
    File,
    /// Not at all.
    None,
    /// The maker numbers them itself: how many, in how many characters, and how.
    Own(u64, u32, fn(u64, &mut String)),
}

/// What a text is written with.
#[derive(Debug)]
pub struct Ink<'a> {
    /// Where to.
    pub out: &'a mut String,
    /// Chance.
    pub draw: &'a mut Draw,
    /// For which row.
    pub row: &'a Row<'a>,
    /// How many characters there is room for; what is more is cut off.
    pub room: usize,
    /// What a row of the table is called.
    pub noun: &'a str,
    /// The present of the made-up world.
    pub now: i64,
}

impl Sum {
    /// How it is written between two columns.
    pub(super) fn sign(self) -> &'static str {
        match self {
            Self::Plus => "+ ",
            Self::Minus => "- ",
            Self::Times => "× ",
            Self::Partly => "all, half or nothing of ",
        }
    }
}

impl Ink<'_> {
    /// Writes pieces.
    fn put(&mut self, pieces: &[&str]) {
        self.out.extend(pieces.iter().copied());
    }

    /// Writes so many digits of chance.
    fn digits(&mut self, count: u32) {
        for _ in 0..count {
            self.out.push(char::from(b'0' + self.draw.below(10).to_le_bytes()[0]));
        }
    }
}

impl Tag {
    /// The least room in which a text of this form makes sense.
    pub(super) fn room(self) -> u32 {
        match self {
            Self::Word | Self::Glued | Self::None => 3,
            Self::Local => 14,
            Self::File => 8,
            Self::Own(_, room, _) => room,
        }
    }

    /// Characters around the number that cannot be given up.
    pub(super) fn around(self) -> u32 {
        match self {
            Self::Local => 12,
            Self::File => 5,
            _ => 0,
        }
    }

    /// What stands before the number and what behind it.
    pub(super) fn split(self, text: &str) -> (&str, &str) {
        let at = match self {
            Self::Local => text.find('@'),
            Self::File => text.rfind('.'),
            _ => None,
        };
        text.split_at(at.unwrap_or(text.len()))
    }
}

/// The families, in the order in which their makers are asked.
static MAKERS: &[&[Maker]] =
    &[people::MAKERS, trade::MAKERS, technical::MAKERS, prose::MAKERS, numbers::MAKERS, times::MAKERS];

/// Every maker.
pub fn all() -> impl Iterator<Item = &'static Maker> {
    MAKERS.iter().flat_map(|family| family.iter())
}

/// The maker of that name.
#[must_use]
pub fn find(name: &str) -> Option<&'static Maker> {
    all().find(|maker| maker.name == name)
}

/// The maker for a column; none where its type is all that is known.
pub(super) fn choose(spec: &Spec<'_>, kind: &Type) -> Option<&'static Maker> {
    let column = spec.column();
    let words = classify::words_of(&column.name);
    let fits = |maker: &&'static Maker| maker.make.fits(kind, spec.engine, &words);
    let by_name = best(&words, fits);
    let guessed = spec.guess.filter(|guess| guess.confidence >= 60 && guess.kind != "none");
    let by_guess = guessed.and_then(|guess| all().find(|maker| maker.kinds.contains(&guess.kind) && fits(maker)));
    let named = match (by_name, by_guess) {
        // A phrase of several words knows better than a kind.
        (Some((score, maker)), guess) if score >= 200 || guess.is_none() => Some(maker),
        (_, guess) => guess,
    };
    match named {
        Some(maker) if maker.name == "name" => Some(by_table(spec, &words).unwrap_or(maker)),
        None if column.comment.is_some() => {
            let said = classify::words_of(column.comment.as_deref().unwrap_or_default());
            best(&said, fits).filter(|(score, _)| *score >= 200 && said.len() < 8).map(|(_, maker)| maker)
        }
        named => named,
    }
}

/// A phrase and whose it is.
struct Phrase {
    words: Vec<&'static str>,
    maker: &'static Maker,
    /// Its maker's place in the table: of two that say the same the first counts.
    place: usize,
}

/// All phrases by their first word.
fn phrases() -> &'static HashMap<&'static str, Vec<Phrase>> {
    static PHRASES: OnceLock<HashMap<&'static str, Vec<Phrase>>> = OnceLock::new();
    PHRASES.get_or_init(|| {
        let mut phrases: HashMap<&'static str, Vec<Phrase>> = HashMap::new();
        for (place, maker) in all().enumerate() {
            for words in maker.words.iter().map(|phrase| phrase.split(' ').collect::<Vec<_>>()) {
                phrases.entry(words[0]).or_default().push(Phrase { words, maker, place });
            }
        }
        phrases
    })
}

/// The maker whose phrase says most about these words, and how much that is: a hundred for each word, and more where the phrase
/// ends or begins the name.
fn best(words: &[String], fits: impl Fn(&&'static Maker) -> bool) -> Option<(usize, &'static Maker)> {
    let whole: Vec<&str> = words.iter().map(String::as_str).collect();
    let bare: Vec<&str> =
        whole.iter().copied().filter(|word| !word.bytes().all(|byte| byte.is_ascii_digit())).collect();
    let mut found: Option<(usize, usize, &'static Maker)> = None;
    for words in [&whole, &bare] {
        for (at, word) in words.iter().enumerate() {
            let plural = word.strip_suffix('s').unwrap_or_default();
            for phrase in [word, plural].into_iter().filter_map(|first| phrases().get(first)).flatten() {
                let Some(score) = score(&words[at..], phrase, at == 0) else { continue };
                let better = found.is_none_or(|(most, place, _)| score > most || score == most && phrase.place < place);
                if better && fits(&phrase.maker) {
                    found = Some((score, phrase.place, phrase.maker));
                }
            }
        }
    }
    found.map(|(score, _, maker)| (score, maker))
}

/// How much a phrase says that the words begin with.
fn score(words: &[&str], phrase: &Phrase, first: bool) -> Option<usize> {
    let length = phrase.words.len();
    let forms = words.get(..length)?.iter().zip(&phrase.words);
    // What is written in the plural may be another's singular.
    let mut plurals = 0;
    for (word, wanted) in forms {
        plurals += usize::from(word != wanted);
        if word != wanted && word.strip_suffix('s') != Some(wanted) {
            return None;
        }
    }
    let place = match (first, words.len() == length) {
        (true, true) => 80,
        (false, true) => 50,
        (true, false) => 10,
        (false, false) => 0,
    };
    Some(100 * length + place - plurals.min(place))
}

/// What `name` means in a table: a person, a company, a product, or a thing of the table's own kind.
fn by_table(spec: &Spec<'_>, words: &[String]) -> Option<&'static Maker> {
    #[rustfmt::skip]
    const NAMED: &[(&str, &[&str])] = &[
        ("company", &["company", "organization", "organisation", "vendor", "supplier", "client", "customer", "account", "partner", "manufacturer", "brand", "tenant", "merchant", "carrier", "bank", "distributor", "dispensary", "store", "shop", "employer", "agency", "business", "competitor", "lead"]),
        ("product", &["product", "item", "article", "sku", "variant", "good", "part", "material", "asset"]),
        ("strain", &["strain", "cultivar"]),
        ("category", &["category", "genre", "group", "class", "family", "segment", "kind", "type", "collection"]),
        ("role", &["role"]), ("department", &["department", "team", "division", "unit"]), ("tag", &["tag", "label", "keyword", "topic"]),
        ("country", &["country"]), ("city", &["city", "town"]), ("region", &["region", "state", "province", "territory"]),
        ("currency_name", &["currency"]), ("language_name", &["language", "locale"]), ("color", &["color", "colour"]),
        ("file_name", &["file", "attachment", "document", "upload", "image", "photo", "media"]),
        ("permission", &["permission", "privilege", "ability", "scope"]), ("status", &["status", "stage", "phase"]),
        ("unit", &["uom", "measure"]), ("job_title", &["position", "job", "occupation"]),
        ("full_name", &["person", "people", "user", "employee", "contact", "member", "staff", "patient", "student", "teacher", "author", "driver", "doctor", "actor", "guest", "passenger", "profile", "player", "salesperson", "agent", "technician"]),
        ("key", &["setting", "config", "configuration", "parameter", "option", "preference", "feature", "flag", "migration", "job", "queue", "event"]),
    ];
    let of = |word: &str| NAMED.iter().find(|(_, nouns)| nouns.contains(&word)).and_then(|(maker, _)| find(maker));
    let own = words.iter().rev().skip(1).find_map(|word| of(&super::vocabulary::singular(word)));
    own.or_else(|| {
        let table = classify::words_of(&spec.table.name.name);
        table.iter().rev().take(1).find_map(|word| of(&super::vocabulary::singular(word)))
    })
}

/// Whether a table's rows are somebody: people, or companies. It is asked for every row, so it looks at the last word only.
#[must_use]
pub fn is_about_somebody(about: Option<About>, table: &Table) -> bool {
    const COMPANIES: &[&str] =
        &["company", "organization", "organisation", "vendor", "supplier", "client", "customer", "lead", "tenant"];
    let name = table.name.name.as_str();
    let small = name.trim_end_matches(|c: char| c.is_ascii_lowercase());
    let last = match &name[small.len()..] {
        // `CUSTOMERS` and `clientCompanies`.
        "" => name.rsplit('_').next().unwrap_or_default(),
        rest => name
            .get(name.len() - rest.len() - usize::from(small.ends_with(|c: char| c.is_ascii_uppercase()))..)
            .unwrap_or(rest),
    };
    about == Some(About::People)
        || COMPANIES.contains(&super::vocabulary::singular(&last.to_ascii_lowercase()).as_str())
}

/// The columns of dates and times, and what they mean.
pub(super) fn times_of(table: &Table) -> Vec<(usize, &'static Maker)> {
    let timely = |column: &Column| {
        matches!(column.family, Family::Date | Family::Time | Family::Timestamp)
            || (matches!(column.family, Family::Text | Family::Integer | Family::Any) && !column.generated)
    };
    let columns = table.columns.iter().enumerate().filter(|(_, column)| !column.generated && timely(column));
    let found = columns.filter_map(|(at, column)| {
        let words = classify::words_of(&column.name);
        let native = matches!(column.family, Family::Date | Family::Time | Family::Timestamp);
        let is_time = |maker: &&'static Maker| matches!(maker.make, Make::When(_)) && (native || says_time(&words));
        best(&words, is_time).map(|(_, maker)| (at, maker))
    });
    found.collect()
}

/// Whether words say that text or a number is a time: `created at`, `due date`.
fn says_time(words: &[String]) -> bool {
    const ENDS: &[&str] =
        &["at", "on", "date", "time", "datetime", "timestamp", "ts", "utc", "ms", "millis", "until", "since"];
    words.last().is_some_and(|word| ENDS.contains(&word.as_str())) && words.len() > 1
        || words.first().is_some_and(|word| matches!(word.as_str(), "date" | "datetime" | "timestamp"))
}

/// Whether words say that a short text is a time of day.
fn says_hour(words: &[String]) -> bool {
    words.last().is_some_and(|word| matches!(word.as_str(), "time" | "start" | "end" | "opens" | "closes"))
}

/// The columns that a total follows from, with what each does to it.
pub(super) fn parts_of(spec: &Spec<'_>, total: &Total) -> Vec<(usize, Sum)> {
    let mut named: BTreeMap<&str, usize> = BTreeMap::new();
    for (at, column) in spec.table.columns.iter().enumerate() {
        let number = matches!(column.family, Family::Integer | Family::Numeric | Family::Real);
        if at == spec.column || column.generated || !number {
            continue;
        }
        let words = classify::words_of(&column.name);
        let amounts = |maker: &&'static Maker| matches!(maker.make, Make::Number(_) | Make::Total(_));
        if let Some((_, maker)) = best(&words, amounts) {
            named.entry(maker.name).or_insert(at);
        }
    }
    for sum in total.sums {
        let parts: Vec<(usize, Sum)> =
            sum.iter().filter_map(|(name, how)| named.get(name).map(|at| (*at, *how))).collect();
        let leads = sum.first().is_some_and(|(name, _)| named.contains_key(name));
        if leads && (parts.len() > 1 || sum.len() == 1) {
            return parts;
        }
    }
    Vec::new()
}

impl Make {
    /// Whether a column of this type can hold what it makes.
    fn fits(&self, kind: &Type, engine: EngineKind, words: &[String]) -> bool {
        match (self, kind) {
            // Seven letters are a color's number; elsewhere it has to be asked for.
            (Self::Text(_, Tag::Own(_, 7, _)), Type::Text { room }) => *room == 7 || (*room > 7 && words.len() > 1),
            (Self::Text(_, tag), Type::Text { room }) => *room >= tag.room(),
            (Self::List(list), Type::Text { room }) => list.iter().any(|item| item.len() <= *room as usize),
            (Self::Number(_) | Self::Total(_), Type::Number { .. } | Type::Real { .. } | Type::Year)
            | (Self::Flag(_), Type::Boolean { .. })
            | (Self::Json(_), Type::Json)
            | (Self::When(_), Type::Date | Type::Time { .. } | Type::Timestamp { .. } | Type::Year) => true,
            (Self::Flag(_), Type::Number { places: 0, .. }) => {
                words.len() > 1 && ["is", "has"].contains(&words[0].as_str())
            }
            (Self::Number(_), Type::Text { room }) => engine == EngineKind::Sqlite && *room > 12,
            (Self::Json(_), Type::Text { room }) => *room > 2000 && words.last().is_some_and(|word| word == "json"),
            (Self::When(_), Type::Text { room }) if *room >= 10 => says_time(words),
            (Self::When(role), Type::Text { room }) => *room >= 5 && role.states.is_empty() && says_hour(words),
            (Self::When(_), Type::Number { high, places: 0, .. }) => *high >= 2_000_000_000 && says_time(words),
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::schema::{TableKind, TableName};

    #[test]
    fn companies_are_somebody() {
        let is_somebody = |name: &str| {
            let table = Table {
                name: TableName::plain(name),
                kind: TableKind::Ordinary,
                columns: Vec::new(),
                primary_key: Vec::new(),
                uniques: Vec::new(),
                foreign_keys: Vec::new(),
                checks: Vec::new(),
                create: String::new(),
                counter: false,
                strict: false,
            };
            is_about_somebody(None, &table)
        };
        assert!(
            ["customers", "CUSTOMERS", "clientCompanies", "Vendor", "x_suppliers", "TBL_LEAD"]
                .iter()
                .all(|name| is_somebody(name))
        );
        assert!(!["customer_orders", "orders", "", "é", "CUSTOMER_ORDERS", "🦀"].iter().any(|name| is_somebody(name)));
    }
}
