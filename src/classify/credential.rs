//! Credentials under words that mean other things elsewhere: `token`, `key`, `code`; and what services are logged in to with.

use super::Guess;
use super::column::{Around, Named, is, refers};
use super::kinds::{Kind, is_texty};
use crate::model::schema::{Column, Family};
use crate::model::tier::Tier;

/// A bare `token`: public ids are called so too.
pub(super) fn token(around: &Around<'_>, column: &Column, named: &Named, guess: Guess) -> Option<Guess> {
    const QUEUES: &[&str] = &["cache", "job", "jobs", "lock", "locks", "queue", "queues"];
    let context = around.context;
    let count = around.schema.common.get(&column.name.to_lowercase()).copied().unwrap_or_default();
    if context.all.any(&["auth", "session"]) || context.head.has("person") {
        return Some(Guess { confidence: 85, ..guess });
    }
    if !named.alone {
        const PAGES: &[&str] = &["next", "page", "continuation", "cursor", "public", "position"];
        let page = named.words.iter().any(|word| PAGES.contains(&word.as_str()));
        return (!page).then_some(Guess { confidence: 70, ..guess });
    }
    let of_work = context.words.last().is_some_and(|word| QUEUES.contains(&word.as_str()));
    let everywhere = of_work || count >= 4 && count * 4 >= around.schema.tables;
    let housekeeping = count >= 6 && count * 10 >= around.schema.tables;
    (!everywhere && !housekeeping && !context.is_lookup()).then_some(Guess { confidence: 65, ..guess })
}

/// `key`, `code`, `hash` and the like: only where there is talk of authentication, or beside a password.
pub(super) fn weak_credential(
    around: &Around<'_>,
    column: &Column,
    named: &Named,
    kind: &'static Kind,
    guess: Guess,
) -> Option<Guess> {
    let context = around.context;
    let person = context.person >= 60;
    let auth =
        context.all.has("auth") || context.session || (context.kinds.contains("secret") && kind.name == "secret");
    let of_people =
        person && matches!(kind.name, "password") && named.alone && column.length.is_none_or(|length| length >= 16);
    let tail = named.words.last().map_or("", String::as_str);
    let keyed = matches!(tail, "key" | "hash" | "remember")
        && named.words.len() > 1
        && named.words[0] != "public"
        && !named.words.iter().any(|word| word == "value")
        && !named.rest.has("thing");
    let of_people =
        of_people || (person && keyed && context.head.has("person") && !named.rest.any(&["veto soft", "place"]));
    if named.words.iter().any(|word| word == "public" || word == "pub") {
        return None;
    }
    let snmp = named.words.iter().chain(&context.words).any(|word| word == "snmp");
    let service = named.best.is_some_and(|found| matches!(found.phrase.text, "community" | "security name"))
        && (snmp || context.all.has("infra"));
    let of_keys = context.itself.is_some_and(|kind| kind.tier == Tier::Credential);
    let beside_password =
        person && context.kinds.contains("password") && column.length.is_none_or(|length| length >= 10);
    let of_people = of_people || (beside_password && named.alone && !matches!(kind.name, "secret"));
    let code = named.best.is_some_and(|found| matches!(found.phrase.text, "code" | "ref"));
    if code && !auth && !beside_password && context.head.has("person") && named.plain && is_texty(column) {
        return Some(is("customer_code", 60, guess.reason));
    }
    let of_auth = context.head.any(&["auth", "session"])
        && matches!(tail, "digest" | "hash" | "nonce" | "secret" | "signature" | "verifier");
    let tail = context.all.has("service") && matches!(tail, "key" | "hash" | "secret");
    (auth && (named.plain || of_keys) || of_people || of_auth || tail || service)
        .then_some(Guess { confidence: 70, ..guess })
}

/// Settings of something that is logged in to elsewhere hold what it is logged in to with: a gateway's `config`.
pub(super) fn of_service(around: &Around<'_>, column: &Column, named: &Named) -> Option<Guess> {
    const SETTINGS: &[&str] = &[
        "attributes",
        "config",
        "configuration",
        "credentials",
        "data",
        "extra",
        "options",
        "parameters",
        "params",
        "preferences",
        "properties",
        "settings",
        "val",
        "value",
    ];
    const AROUND: &[&str] = &["event", "events", "history", "log", "logs", "status", "statuses", "type", "types"];
    let context = around.context;
    let room = match column.family {
        Family::Json | Family::Blob => true,
        _ => is_texty(column) && column.length.is_none_or(|length| length >= 200),
    };
    let last = |words: &[String], among: &[&str]| words.last().is_some_and(|word| among.contains(&word.as_str()));
    let fits = room && context.all.has("service") && last(&named.words, SETTINGS) && !last(&context.words, AROUND);
    fits.then(|| is("secret", 60, format!("{} of something that is logged in to", named.words.join(" "))))
}

/// What a name without a telling phrase may still be: who logs in, or a key that lets in.
pub(super) fn otherwise(around: &Around<'_>, column: &Column, named: &Named) -> Option<Guess> {
    const LOGINS: &[&str] =
        &["authname", "dn", "login", "principal", "uname", "user", "userid", "username", "usr", "utente", "usuario"];
    let context = around.context;
    if !is_texty(column) || refers(around, column) || column.length.is_some_and(|length| length < 8) {
        return None;
    }
    let last = named.words.last()?.as_str();
    let logs_in = context.password || context.all.has("service");
    if logs_in && LOGINS.contains(&last) && !named.rest.has("veto") {
        return Some(is("handle", 65, format!("{} beside a password", named.words.join(" "))));
    }
    let key = last == "key" && named.words.len() == 2 && column.length.is_none_or(|length| length >= 16);
    let whose = around.knowledge.classes(&named.words[0]);
    let opens = whose.any(&["person", "trader", "org", "auth", "session", "service"]) && !whose.has("thing");
    let tables_own =
        context.person >= 60 || context.head.any(&["org", "auth", "session"]) || context.all.has("service");
    if key && opens && tables_own {
        return Some(is("token", 60, format!("a key of {}", context.words.join(" "))));
    }
    None
}
