//! Columns whose names no phrase is in: keys, somebody who does something, bytes, findings.

use super::Guess;
use super::accept::is_agent;
use super::column::{Around, Named, clinical, echoed, ends_like_key, is, none, refers};
use super::credential;
use super::kinds::is_texty;
use super::knowledge::Classes;
use crate::model::schema::{Column, Family};

/// Words for what is kept elsewhere.
const OUTSIDE: &[&str] = &[
    "extern",
    "external",
    "federated",
    "global",
    "legacy",
    "national",
    "oauth",
    "other",
    "remote",
    "saml",
    "sis",
    "sso",
    "unique",
];
/// Services that keep customers of their own.
const PROVIDERS: &[&str] =
    &["stripe", "paypal", "braintree", "paddle", "adyen", "mollie", "chargebee", "recurly", "square"];

/// A name that no phrase is in.
pub(super) fn unnamed(around: &Around<'_>, at: usize, named: &Named) -> Guess {
    let column = &around.table.columns[at];
    if let Some(found) = echoed(around, column, named) {
        return found;
    }
    if let Some(found) = credential::otherwise(around, column, named) {
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
        return outside_key(around, column, named).unwrap_or_else(|| none(90, "a key"));
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
    if text && is_somebody(around, named) && !context.is_lookup() && column.length.is_none_or(|length| length >= 20) {
        return is("person_name", 60, "called like somebody, as text".to_owned());
    }
    let glued_key = named.words.last().is_some_and(|word| word.len() > 3 && word.ends_with("key"));
    let lets_in = context.person >= 60 && context.kinds.contains("password");
    if text && glued_key && (lets_in || context.all.any(&["auth", "service"])) {
        return is("token", 60, "some key of what lets in".to_owned());
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

/// Whether a name without a telling phrase ends in a word for somebody, or for somebody who does something.
fn is_somebody(around: &Around<'_>, named: &Named) -> bool {
    let Some((last, rest)) = named.words.split_last() else {
        return false;
    };
    let known = around.knowledge.classes(last);
    let others = named.rest.any(&["veto", "veto soft", "veto contact", "thing", "kind"]);
    let somebody = known.has("person") && (rest.is_empty() || !others);
    let glued =
        (1..last.len()).any(|at| last.len() - at >= 4 && around.knowledge.is_word(last.get(at..).unwrap_or("")));
    let doing = rest.is_empty() && !glued && is_agent(around.knowledge, last) && !around.context.is_thing();
    let done = last == "by" && !rest.is_empty() && !others && !around.schema.text_keys;
    somebody || doing || done
}

/// A key as text that leads out of this database, or is kept beside the numbers that lead through it.
fn outside_key(around: &Around<'_>, column: &Column, named: &Named) -> Option<Guess> {
    let (context, text) = (around.context, is_texty(column));
    let about = |word: &String| around.knowledge.classes(word).has("person");
    let uuid = column.declared.to_ascii_lowercase().contains("uuid") || matches!(column.length, Some(32 | 36));
    let numbers = around.schema.number_keys && !around.schema.text_keys;
    if !text || refers(around, column) {
        return None;
    }
    if numbers && !uuid && context.head.has("person") && named.words.iter().any(about) {
        return Some(is("customer_code", 60, "a number of theirs beside the key".to_owned()));
    }
    let person = matches!(&named.words[..], [noun, id] if id == "id" && about(noun));
    let roomy = column.length.is_none_or(|length| length > 40);
    if person && roomy && !uuid && !around.schema.text_keys {
        return Some(is("handle", 60, "somebody's id as text, and no number as their keys are".to_owned()));
    }
    let signs_on =
        context.all.has("auth") || context.words.iter().any(|word| matches!(word.as_str(), "sign" | "credentials"));
    let elsewhere = named.words.iter().any(|word| OUTSIDE.contains(&word.as_str()));
    if elsewhere && (signs_on || context.person >= 60) {
        return Some(is("handle", 60, "somebody's id at another service".to_owned()));
    }
    let outside = named.words.iter().chain(&context.words).any(|word| PROVIDERS.contains(&word.as_str()));
    let of_customer =
        named.words.iter().any(|word| matches!(word.as_str(), "customer" | "payer" | "account" | "subscription"));
    let paying = outside && of_customer;
    paying.then(|| is("external_id", 65, "somebody's id at a payment service".to_owned()))
}

/// Whether all words of a name are known, and none is about people.
fn knows(around: &Around<'_>, named: &Named) -> bool {
    named.words.iter().all(|word| {
        let classes = around.knowledge.classes(word);
        classes != Classes::default() && !classes.any(&["person", "trader", "either", "health"])
    })
}
