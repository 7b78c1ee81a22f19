//! What one column is likely to hold: the phrase in its name, held against its type, its table and its siblings.

use super::Guess;
use super::accept::{fair, strong, weak};
use super::context::{Context, Schema};
use super::credential;
use super::kinds::{self, Kind, is_texty};
use super::knowledge::{Classes, Knowledge, Match, Strength};
use super::unnamed::unnamed;
use super::words::{cut, in_full, words};
use crate::model::schema::{Column, Family, Table};
use crate::model::tier::Tier;
use std::collections::BTreeMap;

/// A column's name, read.
#[derive(Debug, Clone, Default)]
pub(super) struct Named {
    pub(super) words: Vec<String>,
    /// The phrase that tells most.
    pub(super) best: Option<Match>,
    /// Whether a word beside the phrase takes its meaning away: `email_verified`.
    pub(super) vetoed: bool,
    /// What the other words are about.
    pub(super) rest: Classes,
    /// Whether every other word is known to change nothing: `billing_`, `_2`.
    pub(super) plain: bool,
    /// Whether there are other words.
    pub(super) alone: bool,
}

/// Reads the names of a table's columns. A word that most of them begin or end with is the table's, not theirs: `user_name`
/// and `user_email`, `nom_adh` and `email_adh`.
pub(super) fn names(knowledge: &Knowledge, table: &Table) -> Vec<Named> {
    let all: Vec<Vec<String>> = table.columns.iter().map(|column| cut(knowledge, words(&column.name))).collect();
    let common = |word: &dyn Fn(&Vec<String>) -> Option<String>| {
        let mut counts: BTreeMap<String, usize> = BTreeMap::new();
        for word in all.iter().filter(|words| words.len() > 1).filter_map(word) {
            *counts.entry(word).or_default() += 1;
        }
        let most = |(_, count): &(String, usize)| *count >= 4 && *count * 5 >= all.len() * 3;
        counts.into_iter().find(most).map(|(word, _)| word)
    };
    let first = common(&|words| words.first().cloned());
    let last = common(&|words| words.last().cloned()).filter(|word| knowledge.classes(word) == Classes::default());
    all.iter()
        .map(|words| {
            let mut own = &words[..];
            if let [begin, rest @ ..] = own
                && !rest.is_empty()
                && Some(begin) == first.as_ref()
            {
                own = rest;
            }
            if let [rest @ .., end] = own
                && !rest.is_empty()
                && Some(end) == last.as_ref()
            {
                own = rest;
            }
            named(knowledge, own.to_vec())
        })
        .collect()
}

impl Named {
    /// The words beside the phrase.
    pub(super) fn others(&self) -> Vec<String> {
        let (start, end) = self.best.map_or((0, 0), |found| (found.start, found.end));
        self.words
            .iter()
            .enumerate()
            .filter(|(at, _)| *at < start || *at >= end)
            .map(|(_, word)| word.clone())
            .collect()
    }
}

fn is_number(word: &str) -> bool {
    word.bytes().all(|byte| byte.is_ascii_digit())
}

pub(super) fn named(knowledge: &Knowledge, words: Vec<String>) -> Named {
    let significant = words.iter().rposition(|word| !is_number(word)).map_or(0, |at| at + 1);
    // What ends the name counts most, then what says most by itself, then what says more.
    let weight = |found: &Match| {
        let ends = found.end >= significant;
        let vague = found.phrase.strength == Strength::Weak
            || (found.phrase.strength == Strength::Fair && found.phrase.kind.tier == Tier::Free)
            || matches!(found.phrase.kind.name, "filename" | "document" | "org_name");
        (!vague, ends, found.phrase.strength, found.phrase.text.len(), found.end)
    };
    let mut matches = knowledge.matches(&words);
    let full = in_full(&words);
    if full != words {
        matches.extend(knowledge.matches(&full));
    }
    let best = matches.iter().copied().max_by_key(weight);
    let (start, end) = best.map_or((0, 0), |found| (found.start, found.end));
    let credential = best.is_some_and(|found| found.phrase.kind.tier == Tier::Credential);
    let sensitive = best.is_some_and(|found| found.phrase.kind.tier == Tier::Sensitive);
    let mut named = Named { plain: true, alone: true, best, ..Named::default() };
    for (at, word) in words.iter().enumerate().filter(|(at, _)| *at < start || *at >= end) {
        let classes = knowledge.classes(word).and(knowledge.classes(&full[at]));
        let number = is_number(word);
        named.alone &= number;
        named.rest = named.rest.and(classes);
        // `county_district`, `address_city`: another word for something of the same sort.
        let alike = |other: &Match| {
            let strong = other.phrase.strength > Strength::Weak && other.phrase.kind.tier.wants_mask();
            other.start <= at && at < other.end && strong && other.phrase.kind.tier != Tier::Free
        };
        named.plain &= number || classes.any(&["neutral", "person", "trader"]) || matches.iter().any(alike);
        // What stands before a plain word for an identifier says whose or what for: `notification_email`.
        let before = at < start && end >= significant && before_is_whose(best, word);
        named.vetoed |= (classes.has("veto") && !before)
            || (classes.has("veto contact") && !credential && !sensitive && !before)
            || (at == 0 && start > 0 && classes.has("veto first") && !sensitive && word != "no");
    }
    named.words = words;
    named
}

/// Whether a word before an identifier cannot make it a count, a type or a moment.
fn before_is_whose(best: Option<Match>, word: &str) -> bool {
    const MAKES: &[&str] = &[
        "anzahl", "cantidad", "count", "date", "datum", "fecha", "max", "maximum", "min", "minimum", "nb", "status",
        "time", "tipo", "total", "typ", "type", "valid",
    ];
    let credential =
        best.is_some_and(|found| found.phrase.kind.tier == Tier::Credential && found.phrase.strength > Strength::Weak);
    let strong = best.is_some_and(|found| {
        let fair = found.phrase.strength == Strength::Fair && matches!(found.phrase.kind.name, "email" | "phone");
        (fair || found.phrase.strength == Strength::Strong)
            && matches!(found.phrase.kind.tier, Tier::Direct | Tier::Credential)
    });
    credential || strong && !MAKES.contains(&word)
}

/// What surrounds a column.
pub(super) struct Around<'a> {
    pub(super) knowledge: &'a Knowledge,
    pub(super) schema: &'a Schema,
    pub(super) context: &'a Context,
    pub(super) table: &'a Table,
}

pub(super) fn none(confidence: u8, reason: impl Into<String>) -> Guess {
    Guess { tier: Tier::None, kind: "none", confidence, reason: reason.into() }
}

pub(super) fn is(kind: &'static str, confidence: u8, reason: String) -> Guess {
    let tier = kinds::find(kind).map_or(Tier::None, |kind| kind.tier);
    Guess { tier, kind, confidence, reason }
}

/// Whether a name ends like a key: `user_id`, `order_uuid`.
pub(super) fn ends_like_key(named: &Named) -> bool {
    let last = named.words.last().map(String::as_str);
    matches!(last, Some("id" | "ids" | "uuid" | "guid" | "fk" | "pk" | "oid" | "key"))
}

/// The guess by name, type and context.
pub(super) fn guess(around: &Around<'_>, at: usize, named: &Named) -> Guess {
    let column = &around.table.columns[at];
    if let Some(found) = credential::of_service(around, column, named).or_else(|| opaque(around, column, named)) {
        return found;
    }
    if let Some(found) = names_a_field(around, named).or_else(|| network(around, column, named)) {
        return found;
    }
    let Some(found) = named.best else {
        return unnamed(around, at, named);
    };
    let kind = found.phrase.kind;
    let covers_key = found.end == named.words.len();
    let begins_like_key = named.words.first().is_some_and(|word| matches!(word.as_str(), "id" | "ref" | "fk"));
    if column.family == Family::Integer && found.start > 0 && begins_like_key {
        return none(95, "a key");
    }
    if column.family == Family::Integer && kind.name == "customer_code" && is_everywhere(around, column) {
        return none(80, "a number that many tables refer by");
    }
    if ends_like_key(named) {
        let number = matches!(column.family, Family::Integer | Family::Uuid);
        let email = kind.name == "email" && is_texty(column);
        if number || !(covers_key || email) {
            return if number { none(95, "a key") } else { unnamed(around, at, named) };
        }
    }
    if let Some(echo) = echoed(around, column, named) {
        return echo;
    }
    if named.words == ["name"] && around.context.itself.is_some_and(|kind| matches!(kind.name, "card_number")) {
        return is("person_name", 65, "the name on a card".to_owned());
    }
    if named.vetoed && !(kind.tier == Tier::Sensitive && tells_of_illness(named) && around.context.of_person) {
        return clinical(around, column, named)
            .unwrap_or_else(|| none(85, format!("something about {}, not the thing itself", kind.words)));
    }
    if let Some(refused) = by_type(around, column, named, kind) {
        return clinical(around, column, named).unwrap_or(refused);
    }
    let accepted = match found.phrase.strength {
        Strength::Strong => strong(around, column, named, kind),
        Strength::Fair => fair(around, column, named, kind),
        Strength::Weak => weak(around, column, named, kind),
    };
    let accepted = accepted.or_else(|| clinical(around, column, named));
    accepted.or_else(|| credential::otherwise(around, column, named)).unwrap_or_else(|| {
        let what = around.context.words.join(" ");
        let about = if what.is_empty() { "its table".to_owned() } else { what };
        let confidence = if around.context.person >= 60 { 45 } else { 70 };
        none(confidence, format!("{} of {}, which is no person", named.words.join(" "), about))
    })
}

/// Columns that hold the name of a field or property, and not what is in it: `user_attribute.name`, `attr_firstname`.
fn names_a_field(around: &Around<'_>, named: &Named) -> Option<Guess> {
    const PROPERTIES: &[&str] =
        &["attribute", "attributes", "meta", "metadata", "postmeta", "properties", "property", "usermeta"];
    let last = around.context.words.last()?;
    let bag = PROPERTIES.contains(&last.as_str()) || last.len() > 6 && last.ends_with("meta");
    let key = matches!(named.words.last().map(String::as_str), Some("name" | "key")) && named.words.len() <= 2;
    let mapped = named.words.len() > 1 && matches!(named.words[0].as_str(), "attr" | "attribute" | "mapping");
    (bag && key || mapped).then(|| none(80, "the name of a field, not what is in it"))
}

/// Somebody's number at a social network, whatever its type: `github_user_id`.
fn network(around: &Around<'_>, column: &Column, named: &Named) -> Option<Guess> {
    const NETWORKS: &[&str] = &[
        "apple",
        "broker",
        "discord",
        "facebook",
        "fb",
        "github",
        "gitlab",
        "google",
        "instagram",
        "line",
        "linkedin",
        "microsoft",
        "slack",
        "steam",
        "telegram",
        "tiktok",
        "twitch",
        "twitter",
        "vk",
        "wechat",
        "weixin",
        "whatsapp",
    ];
    let [whose, .., id] = &named.words[..] else {
        return None;
    };
    let user = named.words.len() == 2 || named.words[1..named.words.len() - 1].iter().all(|word| word == "user");
    let known = NETWORKS.contains(&whose.as_str()) && (named.words.len() == 3 || whose != "line" && whose != "broker");
    let of_people = named.words.len() == 3 || around.context.person >= 60;
    let is_key = matches!(id.as_str(), "id" | "uid") && user && known && of_people && !refers(around, column);
    is_key.then(|| is("handle", 70, format!("somebody's id at {whose}")))
}

/// Whether a column of this name is in many tables.
fn is_everywhere(around: &Around<'_>, column: &Column) -> bool {
    around.schema.common.get(&column.name.to_lowercase()).is_some_and(|count| *count >= 4)
}

/// Whether a column is declared to refer to another.
pub(super) fn refers(around: &Around<'_>, column: &Column) -> bool {
    around.table.foreign_keys.iter().any(|key| key.columns.contains(&column.name))
}

/// JSON, XML and bytes tell little by their names.
fn opaque(around: &Around<'_>, column: &Column, named: &Named) -> Option<Guess> {
    let xml = column.declared.to_ascii_lowercase().starts_with("xml");
    let kind = named.best.filter(|_| !named.vetoed).map(|found| found.phrase.kind);
    let credential = kind.is_some_and(|kind| kind.tier == Tier::Credential);
    let text = kind.is_some_and(|kind| matches!(kind.name, "free_text"));
    if xml || column.family == Family::Json {
        if around.context.session {
            return Some(is("secret", 80, "the data of sessions".to_owned()));
        }
        let kept = kind.is_some_and(|kind| kind.tier == Tier::Direct);
        let of_keys = credential && (context_is_auth(around));
        if of_keys || credential && named.best.is_some_and(|found| found.phrase.strength == Strength::Strong) || kept {
            return None;
        }
        let kind = if text && xml { "free_text" } else { "json_payload" };
        return Some(is(kind, 80, format!("{} may hold anything", if xml { "XML" } else { "JSON" })));
    }
    None
}

fn context_is_auth(around: &Around<'_>) -> bool {
    around.context.itself.is_some_and(|kind| kind.tier == Tier::Credential)
}

/// Types that cannot hold what the name says.
fn by_type(around: &Around<'_>, column: &Column, named: &Named, kind: &'static Kind) -> Option<Guess> {
    let moment = matches!(column.family, Family::Date | Family::Time | Family::Timestamp);
    let refused = |what: &str| Some(none(90, format!("{what} is not {}", kind.words)));
    let sensitive = kind.tier == Tier::Sensitive;
    match column.family {
        Family::Boolean if !sensitive => refused("a flag"),
        Family::Boolean if around.context.is_lookup() => refused("a flag"),
        _ if moment && !matches!(kind.holds, kinds::Holds::Dates) && !sensitive => refused("a moment"),
        _ if moment && sensitive && !tells_of_illness(named) => refused("a moment"),
        Family::Time => refused("a time of day"),
        Family::Enum if !matches!(kind.holds, kinds::Holds::Labels | kinds::Holds::Anything) => {
            refused("a choice of labels")
        }
        _ if !kind.fits(column) => refused(&format!("a column of type {}", shown_type(column))),
        _ => None,
    }
}

/// Whether the moment itself is the finding: `diagnosed_date`, `onset`.
fn tells_of_illness(named: &Named) -> bool {
    const WORDS: &[&str] =
        &["diagnosed", "diagnosis", "healed", "onset", "vaccination", "vaccinated", "arrest", "baptism", "sick"];
    named.words.iter().any(|word| WORDS.contains(&word.as_str()))
}

fn shown_type(column: &Column) -> String {
    let declared = column.declared.to_lowercase();
    let bare = declared.split('(').next().unwrap_or_default().trim();
    match column.length {
        Some(length) => format!("{bare}({length})"),
        None if bare.is_empty() => "unknown".to_owned(),
        None => bare.to_owned(),
    }
}

/// A measurement in a clinical table of patients, whatever it is called.
pub(super) fn clinical(around: &Around<'_>, column: &Column, named: &Named) -> Option<Guess> {
    const HOUSEKEEPING: &[&str] = &[
        "state",
        "code",
        "name",
        "date",
        "time",
        "at",
        "by",
        "id",
        "active",
        "sequence",
        "created",
        "updated",
        "version",
        "number",
        "url",
        "key",
        "signed",
        "user",
        "institution",
        "start",
        "end",
        "total",
        "price",
        "currency",
        "unit",
        "units",
        "type",
        "info",
        "preferred",
        "comment",
        "comments",
        "note",
        "notes",
    ];
    let context = around.context;
    let deep = context.all.has("health") && context.of_person && !context.head.any(&["kind", "place", "thing", "org"]);
    let moment = matches!(column.family, Family::Date | Family::Time | Family::Timestamp | Family::Uuid | Family::Json);
    let kept = named.words.iter().any(|word| HOUSEKEEPING.contains(&word.as_str()));
    (deep && context.patient && !moment && !kept && !ends_like_key(named))
        .then(|| is("health", 55, format!("a finding in the {} table", context.words.join(" "))))
}

/// What a table is named after, in its column for the thing itself: `phones.number`, `identifications.value`.
pub(super) fn echoed(around: &Around<'_>, column: &Column, named: &Named) -> Option<Guess> {
    const ITSELF: &[&str] = &[
        "number", "no", "value", "code", "data", "content", "ref", "text", "num", "nr", "numero", "nummer", "valor",
        "valeur", "wert",
    ];
    let [word] = &named.words[..] else {
        return None;
    };
    let context = around.context;
    let amount = word == "amount" && context.itself.is_some_and(|kind| kind.name == "salary");
    if !(ITSELF.contains(&word.as_str()) && is_texty(column) || amount) || context.is_lookup() && !context.of_person {
        return None;
    }
    let kind = context.itself?;
    kind.fits(column).then(|| is(kind.name, 70, format!("the {word} of {}", kind.words)))
}
