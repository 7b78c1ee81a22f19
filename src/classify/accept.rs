//! Whether a phrase in a column's name is believed: by its strength, its table and its siblings.

use super::Guess;
use super::column::{Around, Named, is};
use super::context::Context;
use super::credential::{token, weak_credential};
use super::kinds::{self, Kind, is_texty};
use super::knowledge::{Classes, Knowledge};
use crate::model::schema::{Column, Family};
use crate::model::tier::Tier;

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
pub(super) fn strong(around: &Around<'_>, column: &Column, named: &Named, kind: &'static Kind) -> Option<Guess> {
    let context = around.context;
    let thing_word = named.rest.has("veto soft") && !named.plain;
    let guess = is(kind.name, confidence(named, 95), by_name(named));
    if context.is_lookup()
        && !matches!(kind.tier, Tier::Credential | Tier::Free)
        && context.head.has("kind")
        && !context.of_person
    {
        // Lookup tables hold the names of things; what can only be a person's stays.
        let only_people = kind.tier == Tier::Direct || matches!(kind.name, "birth_date" | "ip");
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
        _ if context.lists == Some(kind) && !context.of_person && context.person < 40 => None,
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
    ["street_address", "postal_code", "ip"].iter().any(|kind| context.kinds.contains(kind))
}

/// A phrase that says it unless the table is plainly about something else.
pub(super) fn fair(around: &Around<'_>, column: &Column, named: &Named, kind: &'static Kind) -> Option<Guess> {
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
        "handle" if around.schema.text_keys && named.words.last().is_some_and(|word| word == "id") => None,
        "handle" if !by_somebody(named) => (!context.head.has("place")).then_some(Guess { confidence: 65, ..guess }),
        "handle" => {
            let reference = around.schema.text_keys || matches!(column.length, Some(32 | 36));
            (!reference).then_some(Guess {
                tier: Tier::Quasi,
                confidence: 60,
                reason: format!("{}, as text", by_name(named)),
                ..guess
            })
        }
        "person_name" => {
            let generic =
                named.best.is_some_and(|found| ["name", "nom"].iter().any(|word| found.phrase.text.contains(word)));
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

/// A phrase that says it only in a table about people, or of the right sort.
pub(super) fn weak(around: &Around<'_>, column: &Column, named: &Named, kind: &'static Kind) -> Option<Guess> {
    let context = around.context;
    if named.rest.any(&["veto soft", "veto contact"]) && !named.plain {
        return None;
    }
    let person = context.person >= 60;
    let why = if context.head.has("person") { "of a table about people" } else { "beside what people have" };
    let guess = is(kind.name, confidence(named, 80), format!("{} {why}", by_name(named)));
    if kind.tier == Tier::Credential {
        return weak_credential(around, column, named, kind, guess);
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
        "street_address" | "region" | "postal_code" => {
            (beside_address(context) || person).then_some(Guess { confidence: 60, ..guess })
        }
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
            let papers = ["kyc", "passport", "identity", "signature", "signatures"];
            let of_papers = context.words.iter().any(|word| papers.contains(&word.as_str()));
            let bytes = column.family == Family::Blob && !context.is_thing();
            (person || of_album || of_papers || bytes).then_some(Guess { tier, confidence: 70, ..guess })
        }
        "handle" => {
            let own = named.words.last().is_some_and(|word| word == "alias") && named.rest.any(&["person", "trader"]);
            let linked =
                ["identity", "identities", "oauth", "openid", "social", "socials", "connection", "connections"];
            let uid = named.words.iter().any(|word| word == "uid");
            let said = named.best.map_or("", |found| found.phrase.text);
            if said == "slug" && context.words.iter().any(|word| word.starts_with("share")) {
                return Some(is("token", 60, "what a shared link is known by".to_owned()));
            }
            let identified = matches!(said, "identifier" | "ident" | "authname" | "uid");
            if identified && (named.rest.has("person") || context.all.any(&["auth", "session"]) || context.person >= 80)
            {
                return Some(Guess { confidence: 65, ..guess });
            }
            if uid && context.words.iter().any(|word| linked.contains(&word.as_str())) {
                return Some(Guess { confidence: 65, ..guess });
            }
            (person && named.plain || own).then_some(Guess { confidence: 60, ..guess })
        }
        "email" => ((context.head.has("mail") || context.letter)
            && !context.words.iter().any(|word| word.starts_with("template")))
        .then_some(Guess { confidence: 65, ..guess }),
        "phone" => {
            const CALLS: &[&str] =
                &["call", "calls", "cdr", "cti", "fax", "faxes", "phone", "phones", "sms", "telephony"];
            let calls = context.words.iter().any(|word| CALLS.contains(&word.as_str()));
            ((person && named.plain) || calls).then_some(Guess { confidence: 65, ..guess })
        }
        "bank_account" => ((context.all.has("pay") || context.person >= 80) && is_texty(column))
            .then_some(Guess { confidence: 65, ..guess }),
        "customer_code" => {
            let numbered = matches!(named.words.last().map(String::as_str), Some("no" | "nr" | "num" | "number"));
            let own = context.head.any(&["person", "trader"]) && is_texty(column) && (named.plain || numbered);
            own.then_some(Guess { confidence: 60, ..guess })
        }
        "gov_id" | "licence_no" => {
            const PAPERS: &[&str] =
                &["documento", "documentos", "kyc", "identity", "identification", "passport", "verification", "id"];
            let papers = context.words.iter().any(|word| PAPERS.contains(&word.as_str()));
            ((person || papers) && named.plain).then_some(Guess { confidence: 65, ..guess })
        }
        "hire_date" => context.all.has("hr").then_some(Guess { confidence: 65, ..guess }),
        "family" => (person || context.of_person).then_some(Guess { confidence: 55, ..guess }),
        _ => {
            let surely = named.plain || (context.head.has("person") && context.person >= 80);
            (person && surely).then_some(Guess { confidence: 65, ..guess })
        }
    }
}

/// A bare name: whose?
fn person_name(around: &Around<'_>, named: &Named, guess: Guess) -> Option<Guess> {
    let context = around.context;
    let agent = named.others().last().is_some_and(|word| is_agent(around.knowledge, word));
    let unknown = context.person >= 80 && named.rest == Classes::default();
    if !(named.plain || agent || unknown) {
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
    if context.head.has("org") && !context.head.any(&["person", "trader"]) && !context.all.has("mail") {
        return Some(is("org_name", 70, "the name of an organisation".to_owned()));
    }
    if context.all.has("service") && !context.head.has("person") {
        return None;
    }
    if context.emails.contains(&named.others()) && !context.head.has("place") {
        return Some(Guess { confidence: 75, reason: "a name beside an email address".to_owned(), ..guess });
    }
    (context.person >= 60).then_some(guess)
}

/// Whether an unknown word is built like one for somebody who does something: `claimant`, `poster`.
pub(super) fn is_agent(knowledge: &Knowledge, word: &str) -> bool {
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
