//! Words that columns and tables are named with, in singular (see `names`), and what they say.

/// Words that stand for a key at the end of a column's name.
const ID: [&str; 9] = ["id", "uuid", "guid", "ulid", "key", "ref", "fk", "pk", "oid"];
/// First words of table names that say only "this is a table".
const NOTATION: [&str; 3] = ["tbl", "tb", "t"];
/// The place of a row among the rows of its own table.
const PLACE: [&str; 27] = [
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
    "supersede",
    "superseding",
    "replaced",
    "replace",
    "replacement",
    "original",
    "reversed",
    "reversal",
    "reply",
    "merged",
    "copied",
    "cloned",
    "forked",
    "derived",
    "split",
    "linked",
    "master",
];
/// Words that join others: `in_reply_to_id`, `merged_into`.
const JOINT: [&str; 7] = ["in", "to", "into", "by", "of", "from", "with"];
/// Systems outside, whose ids are no ids of ours.
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
/// What columns hold that are often copied and seldom referred to.
const COPIED: [&str; 6] = ["name", "title", "label", "email", "phone", "description"];
/// What people are to a row.
const PERSON: [&str; 19] = [
    "owner",
    "author",
    "actor",
    "assignee",
    "manager",
    "creator",
    "editor",
    "reviewer",
    "approver",
    "submitter",
    "requester",
    "sender",
    "rep",
    "representative",
    "agent",
    "supervisor",
    "handler",
    "moderator",
    "uploader",
];
/// Tables of people, the likeliest first.
pub(super) const PEOPLE: [&str; 6] = ["user", "employee", "staff", "person", "member", "operator"];
/// What a table of things may be called behind the thing.
const COLLECTION: [&str; 12] = [
    "catalog",
    "catalogue",
    "journal",
    "list",
    "registry",
    "register",
    "master",
    "record",
    "table",
    "header",
    "directory",
    "datum",
];

fn has(list: &[&str], word: impl AsRef<str>) -> bool {
    list.contains(&word.as_ref())
}

/// Whether a word stands for a key.
pub(super) fn is_id(word: impl AsRef<str>) -> bool {
    has(&ID, word)
}

/// Whether a word before a table's name means nothing.
pub(super) fn is_notation(word: &str) -> bool {
    has(&NOTATION, word)
}

/// How many words at the beginning say which other row of the same table is meant: `parent`, `in_reply_to`.
pub(super) fn place(thing: &[String]) -> usize {
    let words = thing.iter().take_while(|word| has(&PLACE, word) || has(&JOINT, word)).count();
    if thing[..words].iter().any(|word| has(&PLACE, word)) { words } else { 0 }
}

/// Whether a role names a system outside.
pub(super) fn is_outside(role: &[String]) -> bool {
    role.iter().any(|word| has(&OUTSIDE, word))
}

/// Whether a key is called like those of many tables.
pub(super) fn is_common(key: &[String]) -> bool {
    matches!(key, [only] if has(&COMMON, only))
}

/// Whether a column holds what is often copied from table to table.
pub(super) fn is_copied(name: &[String]) -> bool {
    name.last().is_some_and(|last| has(&COPIED, last))
}

/// Whether a thing is somebody: `created_by`, `assigned_to`, `sales_rep`.
pub(super) fn is_person(thing: &[String]) -> bool {
    match thing {
        [.., before, last] if last == "by" => !has(&PLACE, before) || has(&JOINT, before),
        [.., before, last] if last == "to" => before == "assigned",
        [.., last] => has(&PERSON, last),
        [] => false,
    }
}

/// Whether a word says that a table is a collection of what stands before it.
pub(super) fn is_collection(word: &str) -> bool {
    has(&COLLECTION, word)
}
