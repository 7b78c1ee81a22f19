//! What one column is likely to hold: the phrase in its name, held against its type, its table and its siblings.

use super::Guess;
use super::context::{Context, Schema};
use super::kinds::{self, Kind, is_texty};
use super::knowledge::{Classes, Knowledge, Match, Strength};
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
            || matches!(found.phrase.kind.name, "filename" | "document");
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
    let strong = best.is_some_and(|found| {
        found.phrase.strength == Strength::Strong && matches!(found.phrase.kind.tier, Tier::Direct | Tier::Credential)
    });
    strong && !MAKES.contains(&word)
}

/// What surrounds a column.
pub(super) struct Around<'a> {
    pub(super) knowledge: &'a Knowledge,
    pub(super) schema: &'a Schema,
    pub(super) context: &'a Context,
    pub(super) table: &'a Table,
}

fn none(confidence: u8, reason: impl Into<String>) -> Guess {
    Guess { tier: Tier::None, kind: "none", confidence, reason: reason.into() }
}

fn is(kind: &'static str, confidence: u8, reason: String) -> Guess {
    let tier = kinds::find(kind).map_or(Tier::None, |kind| kind.tier);
    Guess { tier, kind, confidence, reason }
}

/// Whether a name ends like a key: `user_id`, `order_uuid`.
fn ends_like_key(named: &Named) -> bool {
    let last = named.words.last().map(String::as_str);
    matches!(last, Some("id" | "ids" | "uuid" | "guid" | "fk" | "pk" | "oid" | "key"))
}

/// The guess by name, type and context.
pub(super) fn guess(around: &Around<'_>, at: usize, named: &Named) -> Guess {
    let column = &around.table.columns[at];
    if let Some(found) = opaque(around, column, named) {
        return found;
    }
    let Some(found) = named.best else { return unnamed(around, at, named) };
    let kind = found.phrase.kind;
    let covers_key = found.end == named.words.len();
    if column.family == Family::Integer && found.start > 0 && named.words.first().is_some_and(|word| word == "id") {
        return none(95, "a key");
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
    accepted.or_else(|| clinical(around, column, named)).unwrap_or_else(|| {
        let what = around.context.words.join(" ");
        let about = if what.is_empty() { "its table".to_owned() } else { what };
        let confidence = if around.context.person >= 60 { 45 } else { 70 };
        none(confidence, format!("{} of {}, which is no person", named.words.join(" "), about))
    })
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

fn confidence(named: &Named, base: u8) -> u8 {
    match (named.alone, named.plain) {
        (true, _) => base,
        (false, true) => base.saturating_sub(3),
        (false, false) => base.saturating_sub(15),
    }
}

fn by_name(named: &Named) -> String {
    let phrase = named.best.map_or("", |found| found.phrase.text);
    format!("called {phrase}")
}

/// A phrase that says it in any table but one of lookup values.
fn strong(around: &Around<'_>, column: &Column, named: &Named, kind: &'static Kind) -> Option<Guess> {
    let context = around.context;
    let thing_word = named.rest.has("veto soft") && !named.plain;
    let guess = is(kind.name, confidence(named, 95), by_name(named));
    if context.is_lookup()
        && !matches!(kind.tier, Tier::Credential | Tier::Free)
        && context.head.has("kind")
        && !context.of_person
    {
        // Lookup tables hold the names of things; what can only be a person's stays.
        let only_people = matches!(
            kind.name,
            "email" | "first_name" | "last_name" | "birth_date" | "phone" | "gov_id" | "handle" | "ip"
        );
        if !only_people || context.head.has("place") {
            return None;
        }
    }
    match kind.name {
        "first_name" | "last_name" | "person_name" if is_public(around) => Some(Guess {
            tier: Tier::Business,
            confidence: 65,
            reason: "known from films, music or the like".to_owned(),
            ..guess
        }),
        "ip" | "mac" | "device" if context.head.has("infra") && !context.of_person => None,
        "device" if context.is_thing() && !context.of_person && !context.head.any(&["log", "session", "auth"]) => None,
        "org_name" if context.head.any(&["kind", "thing", "place"]) && context.person < 40 => {
            Some(Guess { confidence: 60, ..guess })
        }
        "health" | "social" | "religion" | "ethnicity" | "politics" | "orientation" | "criminal" | "family" => {
            let lookup = context.head.any(&["kind", "place", "thing", "work", "org"]) && context.person < 60;
            (!lookup || context.of_person || context.all.has("health")).then_some(guess)
        }
        "salary" if context.is_thing() && !context.of_person && !context.all.has("hr") => None,
        "street_address" | "postal_code" if is_company(context) => Some(guess),
        "street_address" if context.head.has("org") && context.person < 70 && !named.rest.has("person") => {
            Some(Guess { tier: Tier::Business, reason: format!("{}, of an organisation", by_name(named)), ..guess })
        }
        "street_address" if context.head.has("infra") && !context.of_person => None,
        "postal_code" if context.head.has("place") && context.person < 60 => None,
        "postal_code" if context.head.has("org") && context.person < 70 => {
            Some(Guess { tier: Tier::Business, ..guess })
        }
        "photo" | "card_type" if column.length.is_some_and(|length| length < 4) => None,
        "free_text" if kinds::is_texty(column) && column.length.is_some_and(|length| length < 20) => None,
        "free_text" | "json_payload" | "filename" | "document" => {
            Some(Guess { confidence: guess.confidence.min(75), ..guess })
        }
        "title" if context.is_lookup() => None,
        "token" if thing_word && around.context.is_thing() => Some(Guess { confidence: 55, ..guess }),
        _ if kind.tier == Tier::Direct && thing_word && context.person < 40 && !context.of_person => None,
        _ if kind.tier == Tier::Direct && thing_word => Some(Guess { confidence: 55, ..guess }),
        _ => Some(guess),
    }
}

/// Whether rows may be people in business as well as companies, so that an address may be somebody's home.
fn is_company(context: &Context) -> bool {
    const WORDS: &[&str] = &[
        "azienda",
        "business",
        "businesses",
        "companies",
        "company",
        "empresa",
        "empresas",
        "entreprise",
        "entreprises",
        "firma",
        "organisation",
        "organisations",
        "organization",
        "organizations",
        "societe",
        "societes",
    ];
    context.words.iter().any(|word| WORDS.contains(&word.as_str()))
}

/// Whether the people of a table are known from their works: actors of films.
fn is_public(around: &Around<'_>) -> bool {
    around.schema.works && around.context.head.has("public") && !around.context.kinds.contains("email")
}

/// Whether other columns make up an address with this one.
fn beside_address(context: &Context) -> bool {
    ["street_address", "postal_code"].iter().any(|kind| context.kinds.contains(kind))
}

/// A phrase that says it unless the table is plainly about something else.
fn fair(around: &Around<'_>, column: &Column, named: &Named, kind: &'static Kind) -> Option<Guess> {
    let context = around.context;
    let guess = is(kind.name, confidence(named, 80), by_name(named));
    let soft = named.rest.has("veto soft") && !named.plain;
    match kind.name {
        "city" | "region" | "country" | "geo" => {
            if context.head.has("place") && context.person < 60 {
                return None;
            }
            let company = if context.head.has("org") && !is_company(context) && context.person < 70 {
                Tier::Business
            } else {
                Tier::Quasi
            };
            let beside = beside_address(context);
            let state = named.best.is_some_and(|found| found.phrase.text == "state");
            let person =
                (context.person >= 40 || (context.of_person && !context.is_lookup())) && (!state || context.city);
            let known = named.plain || (beside && !state && !soft);
            ((beside || person) && known).then(|| {
                let why = if beside { "beside an address" } else { "of somebody" };
                Guess { tier: company, reason: format!("{} {why}", by_name(named)), ..guess }
            })
        }
        "free_text" => {
            let text = kinds::is_texty(column) || column.family == Family::Blob;
            let about_things = context.head.any(&["kind", "place", "thing", "work", "org", "public"])
                && !context.head.any(&["log", "mail", "pay"]);
            (text && !about_things).then_some(Guess { confidence: 65, ..guess })
        }
        "token" => token(around, column, named, guess),
        "tracking_no" => is_texty(column).then_some(Guess { confidence: 65, ..guess }),
        _ if soft => None,
        "handle" if !by_somebody(named) => (!context.is_lookup()).then_some(Guess { confidence: 65, ..guess }),
        "handle" => {
            let reference = around.schema.text_keys || column.length.is_some_and(|length| length <= 36);
            (!reference).then_some(Guess {
                tier: Tier::Quasi,
                confidence: 60,
                reason: format!("{}, as text", by_name(named)),
                ..guess
            })
        }
        "person_name" => {
            let generic = named
                .best
                .is_some_and(|found| ["name", "nom", "nick"].iter().any(|word| found.phrase.text.contains(word)));
            let lookup = context.head.any(&["kind", "place"]) && context.person < 60;
            let thing = generic && (context.is_thing() || context.head.has("auth")) && !context.head.has("person");
            (!lookup && !thing && column.length.is_none_or(|length| length > 8))
                .then_some(Guess { confidence: guess.confidence.min(70), ..guess })
        }
        "bank_account" => {
            if context.all.any(&["pay"]) || context.kinds.contains("bank_account") {
                return Some(guess);
            }
            let of_books = context.head.has("either") || context.is_thing();
            (!of_books || context.of_person).then(|| is("customer_code", 60, by_name(named)))
        }
        "age" => (context.person >= 40 || context.all.any(&["person", "health"])).then_some(guess),
        "ethnicity" => (context.person >= 60).then_some(guess),
        "payment_ref" => {
            (context.all.any(&["pay", "either"]) || named.words.len() > 1).then_some(Guess { confidence: 60, ..guess })
        }
        "device" => {
            let fits = context.of_person || context.person >= 40 || context.head.any(&["log", "session", "auth"]);
            (fits && !context.is_lookup()).then_some(Guess { confidence: 65, ..guess })
        }
        "customer_code" => (is_texty(column) || context.person >= 60).then_some(Guess { confidence: 60, ..guess }),
        "session_id" => {
            if context.session {
                return Some(is("token", 85, "the id of a session".to_owned()));
            }
            Some(Guess { confidence: 65, ..guess })
        }
        "email" | "phone" => (!context.is_lookup()).then_some(guess),
        _ => (!context.is_lookup()).then_some(Guess { confidence: guess.confidence.min(65), ..guess }),
    }
}

/// Whether the phrase names who did something: `created_by`.
fn by_somebody(named: &Named) -> bool {
    let phrase = named.best.map_or("", |found| found.phrase.text);
    phrase.split(' ').any(|word| matches!(word, "by" | "von" | "par" | "por"))
}

/// A bare `token`: public ids are called so too.
fn token(around: &Around<'_>, column: &Column, named: &Named, guess: Guess) -> Option<Guess> {
    let context = around.context;
    let count = around.schema.common.get(&column.name.to_lowercase()).copied().unwrap_or_default();
    if context.all.any(&["auth", "session"]) {
        return Some(Guess { confidence: 85, ..guess });
    }
    if !named.alone {
        const PAGES: &[&str] = &["next", "page", "continuation", "cursor", "public", "position"];
        let page = named.words.iter().any(|word| PAGES.contains(&word.as_str()));
        return (!page).then_some(Guess { confidence: 70, ..guess });
    }
    let everywhere = count >= 4 && count * 4 >= around.schema.tables;
    let housekeeping = count >= 6;
    (!everywhere && !housekeeping && !context.is_lookup()).then_some(Guess { confidence: 65, ..guess })
}

/// A phrase that says it only in a table about people, or of the right sort.
fn weak(around: &Around<'_>, column: &Column, named: &Named, kind: &'static Kind) -> Option<Guess> {
    let context = around.context;
    if named.rest.any(&["veto soft", "veto contact"]) && !named.plain {
        return None;
    }
    let person = context.person >= 60;
    let why = if context.head.has("person") { "of a table about people" } else { "beside what people have" };
    let guess = is(kind.name, confidence(named, 80), format!("{} {why}", by_name(named)));
    if kind.tier == Tier::Credential {
        let auth =
            context.all.has("auth") || context.session || (context.kinds.contains("secret") && kind.name == "secret");
        let of_people =
            person && matches!(kind.name, "password") && named.alone && column.length.is_none_or(|length| length >= 16);
        let tail = named.words.last().map_or("", String::as_str);
        let keyed = matches!(tail, "key" | "hash" | "code" | "remember")
            && named.words.len() > 1
            && named.words[0] != "public"
            && !named.rest.has("thing");
        let of_people =
            of_people || (person && keyed && context.head.has("person") && !named.rest.any(&["veto soft", "place"]));
        let of_keys = context.itself.is_some_and(|kind| kind.tier == Tier::Credential);
        return (auth && (named.plain || of_keys) || of_people).then_some(Guess { confidence: 70, ..guess });
    }
    match kind.name {
        "person_name" => person_name(around, named, guess),
        "job" | "title" => job(around, column, named, person),
        "salary" => (context.head.has("hr") || (context.all.has("hr") && !context.is_lookup())).then_some(guess),
        "financial" => {
            let rules = ["setting", "settings", "rule", "rules", "tier", "tiers", "type", "types", "config"];
            let of_rules = context.words.iter().any(|word| rules.contains(&word.as_str()));
            let of_people = context.head.any(&["person", "trader"])
                || (context.all.has("person") && context.of_person && !of_rules);
            (of_people && column.family != Family::Boolean).then_some(Guess { confidence: 65, ..guess })
        }
        "health" => (context.all.has("health") || (person && context.kinds.contains("birth_date"))).then_some(guess),
        "payment_ref" if context.head.any(&["person", "trader"]) && named.plain && is_texty(column) => {
            Some(is("customer_code", 60, guess.reason))
        }
        "payment_ref" => (context.all.has("pay") && is_texty(column)).then_some(Guess { confidence: 60, ..guess }),
        "city" => (person && context.head.has("person")).then_some(Guess { confidence: 60, ..guess }),
        "street_address" => (beside_address(context) || person).then_some(Guess { confidence: 60, ..guess }),
        "region" | "postal_code" => (beside_address(context) || person).then_some(Guess { confidence: 60, ..guess }),
        "url" => {
            let of_people = person && !context.is_thing() && (named.plain || context.head.has("person"));
            let attached = context.words.iter().any(|word| word.starts_with("attachment"))
                || (context.of_person && context.words.iter().any(|word| word.starts_with("social")));
            (of_people || attached).then_some(Guess { confidence: 65, ..guess })
        }
        "photo" => {
            let album = ["photo", "picture", "avatar", "portrait"];
            let of_album =
                context.of_person && context.words.iter().any(|word| album.contains(&word.trim_end_matches('s')));
            let text = is_texty(column);
            let tier = if text { Tier::Quasi } else { Tier::Direct };
            (person || of_album).then_some(Guess { tier, confidence: 70, ..guess })
        }
        "handle" => {
            let own = named.words.last().is_some_and(|word| word == "alias") && named.rest.any(&["person", "trader"]);
            let linked =
                ["identity", "identities", "oauth", "openid", "social", "socials", "connection", "connections"];
            let uid = named.words.iter().any(|word| word == "uid");
            if uid && context.words.iter().any(|word| linked.contains(&word.as_str())) {
                return Some(Guess { confidence: 65, ..guess });
            }
            (person && named.plain || own).then_some(Guess { confidence: 60, ..guess })
        }
        "email" => (context.head.has("mail") && is_texty(column)).then_some(Guess { confidence: 65, ..guess }),
        "bank_account" => (context.all.has("pay") && is_texty(column)).then_some(Guess { confidence: 65, ..guess }),
        "customer_code" => {
            let own = context.head.any(&["person", "trader"]) && is_texty(column) && (named.alone || named.plain);
            own.then_some(Guess { confidence: 60, ..guess })
        }
        "gov_id" | "licence_no" => {
            const PAPERS: &[&str] = &["kyc", "identity", "identification", "passport", "verification", "id"];
            let papers = context.words.iter().any(|word| PAPERS.contains(&word.as_str()));
            ((person || papers) && named.plain).then_some(Guess { confidence: 65, ..guess })
        }
        "hire_date" => context.all.has("hr").then_some(Guess { confidence: 65, ..guess }),
        "family" => (person || context.of_person).then_some(Guess { confidence: 55, ..guess }),
        _ => (person && named.plain).then_some(Guess { confidence: 65, ..guess }),
    }
}

/// A bare name: whose?
fn person_name(around: &Around<'_>, named: &Named, guess: Guess) -> Option<Guess> {
    let context = around.context;
    let agent = named.others().last().is_some_and(|word| is_agent(around.knowledge, word));
    if !named.plain && !agent && !(context.person >= 80 && named.rest == Classes::default()) {
        return None;
    }
    if is_public(around) {
        return Some(Guess {
            tier: Tier::Business,
            confidence: 60,
            reason: "known from films, music or the like".to_owned(),
            ..guess
        });
    }
    if named.rest.any(&["person"]) && !named.alone {
        return Some(Guess { confidence: 75, reason: "the name of somebody".to_owned(), ..guess });
    }
    if agent && !context.head.has("kind") {
        return Some(Guess { confidence: 60, reason: "the name of somebody who does something".to_owned(), ..guess });
    }
    if context.emails.contains(&named.others()) && !context.head.any(&["kind", "place"]) {
        return Some(Guess { confidence: 75, reason: "a name beside an email address".to_owned(), ..guess });
    }
    if context.head.has("org") && !context.head.any(&["person", "trader"]) {
        return Some(is("org_name", 70, "the name of an organisation".to_owned()));
    }
    (context.person >= 60).then_some(guess)
}

/// Whether an unknown word is built like one for somebody who does something: `claimant`, `poster`.
fn is_agent(knowledge: &Knowledge, word: &str) -> bool {
    const ENDINGS: &[&str] = &["ant", "ee", "eer", "er", "ian", "ist", "or"];
    let classes = knowledge.classes(word);
    word.len() >= 6 && classes == Classes::default() && ENDINGS.iter().any(|ending| word.ends_with(ending))
}

/// A bare title: a form of address, or an occupation.
fn job(around: &Around<'_>, column: &Column, named: &Named, person: bool) -> Option<Guess> {
    let context = around.context;
    if !person
        || !(is_texty(column) || column.family == Family::Enum)
        || !named.plain
        || context.head.any(&["thing", "work", "mail", "log"])
    {
        return None;
    }
    let short = column.length.is_some_and(|length| length < 20);
    let titled = context.kinds.contains("first_name")
        || context.kinds.contains("last_name")
        || context.head.any(&["person", "trader"]);
    let kind = if short && !context.all.has("hr") { "title" } else { "job" };
    titled.then(|| is(kind, 65, format!("{} of a table about people", by_name(named))))
}

/// A measurement in a clinical table of patients, whatever it is called.
fn clinical(around: &Around<'_>, column: &Column, named: &Named) -> Option<Guess> {
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
fn echoed(around: &Around<'_>, column: &Column, named: &Named) -> Option<Guess> {
    const ITSELF: &[&str] = &[
        "number", "no", "value", "code", "data", "content", "ref", "text", "num", "nr", "numero", "nummer", "valor",
        "valeur", "wert",
    ];
    let [word] = &named.words[..] else { return None };
    let context = around.context;
    if !ITSELF.contains(&word.as_str()) || !is_texty(column) || context.is_lookup() && !context.of_person {
        return None;
    }
    let kind = context.itself?;
    kind.fits(column).then(|| is(kind.name, 70, format!("the {word} of {}", kind.words)))
}

/// A name that no phrase is in.
fn unnamed(around: &Around<'_>, at: usize, named: &Named) -> Guess {
    let column = &around.table.columns[at];
    if let Some(found) = echoed(around, column, named) {
        return found;
    }
    let context = around.context;
    let text = is_texty(column);
    let keyed = column.name.eq_ignore_ascii_case("id") && context.other_key;
    if text
        && context.session
        && !keyed
        && named.words.iter().all(|word| matches!(word.as_str(), "id" | "key" | "data" | "value" | "session" | "a"))
    {
        return is("token", 80, "of a table of sessions".to_owned());
    }
    if ends_like_key(named) {
        let person =
            matches!(&named.words[..], [noun, id] if id == "id" && around.knowledge.classes(noun).has("person"));
        let roomy = column.length.is_none_or(|length| length > 40);
        if text
            && person
            && roomy
            && around.schema.number_keys
            && !around.schema.text_keys
            && !column.declared.to_ascii_lowercase().contains("uuid")
        {
            return is("handle", 60, "somebody's id as text, and no number as their keys are".to_owned());
        }
        const PROVIDERS: &[&str] =
            &["stripe", "paypal", "braintree", "paddle", "adyen", "mollie", "chargebee", "recurly", "square"];
        let outside = named.words.iter().chain(&context.words).any(|word| PROVIDERS.contains(&word.as_str()));
        let of_customer =
            named.words.iter().any(|word| matches!(word.as_str(), "customer" | "payer" | "account" | "subscription"));
        let refers = around.table.foreign_keys.iter().any(|key| key.columns.contains(&column.name));
        if text && outside && of_customer && !refers {
            return is("external_id", 65, "somebody's id at a payment service".to_owned());
        }
        return none(90, "a key");
    }
    if column.family == Family::Blob && !text {
        if context.session {
            return is("secret", 70, "the data of sessions".to_owned());
        }
        return is("document", 50, "bytes may hold anything".to_owned());
    }
    if let Some(found) = clinical(around, column, named) {
        return found;
    }
    let sure = match column.family {
        Family::Boolean => (95, "a flag"),
        Family::Date | Family::Time | Family::Timestamp => (90, "a moment"),
        Family::Integer | Family::Real | Family::Numeric => (85, "a number"),
        Family::Uuid => (90, "a key"),
        Family::Enum => (85, "a choice of labels"),
        _ if named.rest.has("veto") || knows(around, named) => (75, "a word about things"),
        _ if context.person >= 60 => (40, "nothing says what it is, in a table about people"),
        _ => (60, "nothing says otherwise"),
    };
    none(sure.0, sure.1)
}

/// Whether all words of a name are known, and none is about people.
fn knows(around: &Around<'_>, named: &Named) -> bool {
    named.words.iter().all(|word| {
        let classes = around.knowledge.classes(word);
        classes != Classes::default() && !classes.any(&["person", "trader", "either", "health"])
    })
}
