//! Titles, descriptions and notes.

use super::{Ink, Make, Maker, Tag};
use crate::generate::field::json;
use crate::generate::field::vocabulary::{GOODS, WORD_LIST, prose, words};

const fn text(
    name: &'static str,
    null: u8,
    kinds: &'static [&'static str],
    words: &'static [&'static str],
    write: fn(&mut Ink<'_>),
    tag: Tag,
) -> Maker {
    Maker { name, null, kinds, words, make: Make::Text(write, tag) }
}

const fn shape(name: &'static str, words: &'static [&'static str], shape: json::Shape) -> Maker {
    Maker { name, null: 10, kinds: &[], words, make: Make::Json(shape) }
}

#[rustfmt::skip]
pub(super) static MAKERS: &[Maker] = &[
    text("name", 1, &[], &["name", "label", "caption"], thing, Tag::Word),
    text("title", 2, &[], &["title", "subject", "headline", "heading", "topic", "summary line", "task name", "task"], title, Tag::Word),
    text("description", 20, &[], &["description", "details", "summary", "instructions", "specification", "long description", "short description", "overview"], description, Tag::Word),
    text("note", 35, &["free_text", "contact_text", "document"], &["note", "notes", "comment", "comments", "remark", "remarks", "memo", "message", "body", "content", "text", "feedback", "review", "answer", "reply", "internal notes"], prose, Tag::Word),
    text("value", 10, &[], &["value", "setting value", "default value", "old value", "new value"], |ink| ink.out.push_str(ink.draw.word(WORD_LIST)), Tag::Word),
    text("error", 60, &[], &["error", "error message", "exception", "failure reason", "last error"], |ink| { let word = ink.draw.word(WORD_LIST); ink.put(&["The ", word, " step did not finish in time."]); }, Tag::Word),
    text("words", 10, &[], &["meta title", "alt text", "placeholder", "hint", "tooltip"], words, Tag::Word),
    shape("json_address", &["address", "shipping address", "billing address", "location"], json::address),
    shape("json_settings", &["settings", "preferences", "options", "config", "configuration", "features", "flags"], json::settings),
    shape("json_tags", &["tags", "labels", "keywords", "categories", "roles", "images", "attachments", "allergens"], json::tags),
    shape("json_items", &["items", "lines", "line items", "products", "entries", "steps", "children"], json::items),
    shape("json_permissions", &["permissions", "abilities", "scopes", "privileges"], json::permissions),
    shape("json_dimensions", &["dimensions", "size", "measurements"], json::dimensions),
    shape("json_changes", &["changes", "old values", "new values", "diff", "before", "after", "payload", "data"], json::changes),
    shape("json_person", &["contact", "person", "customer", "user", "author"], json::person),
    shape("json_metadata", &["metadata", "meta", "attributes", "properties", "extra", "context", "custom fields", "json"], json::metadata),
];

/// A thing of the table's kind: `Amber warehouse`.
fn thing(ink: &mut Ink<'_>) {
    let start = ink.out.len();
    let word = ink.draw.word(WORD_LIST);
    ink.put(&[word, " ", ink.noun]);
    ink.out[start..=start].make_ascii_uppercase();
}

fn title(ink: &mut Ink<'_>) {
    const DEEDS: &[&str] =
        &["Check", "Order", "Review", "Prepare", "Count", "Move", "Replace", "Price", "Pack", "Inspect"];
    let (deed, word, good) = (ink.draw.word(DEEDS), ink.draw.word(WORD_LIST), ink.draw.word(GOODS));
    ink.put(&[deed, " ", word, " "]);
    ink.out.extend(good.chars().map(|c| c.to_ascii_lowercase()));
}

fn description(ink: &mut Ink<'_>) {
    let start = ink.out.len();
    let (word, good, other) = (ink.draw.word(WORD_LIST), ink.draw.word(GOODS), ink.draw.word(WORD_LIST));
    ink.put(&[word, " "]);
    ink.out.extend(good.chars().map(|c| c.to_ascii_lowercase()));
    ink.put(&[" for the ", other, " ", ink.noun]);
    ink.out.push('.');
    ink.out[start..=start].make_ascii_uppercase();
}
