//! Words, and what is made of them.

use super::makers::{Ink, Make, Tag};

/// A few words.
pub(super) static WORDS: Make = Make::Text(words, Tag::Word);
/// A sentence or two.
pub(super) static PROSE: Make = Make::Text(prose, Tag::Word);

#[rustfmt::skip]
pub(super) static WORD_LIST: &[&str] = &[
    "amber", "basic", "bright", "calm", "clear", "coastal", "compact", "copper", "daily", "deep", "double", "early", "eastern",
    "extra", "fine", "first", "fresh", "full", "gentle", "golden", "grand", "green", "half", "harbor", "hollow", "inner", "ivory",
    "large", "late", "light", "little", "long", "lower", "main", "maple", "middle", "narrow", "new", "northern", "olive", "open",
    "outer", "pale", "plain", "prime", "quick", "quiet", "rapid", "ready", "river", "round", "rustic", "second", "short", "silver",
    "simple", "slim", "small", "smooth", "soft", "solid", "southern", "spare", "spring", "steady", "still", "stone", "strong",
    "summer", "sunny", "swift", "third", "tidy", "tiny", "upper", "urban", "velvet", "warm", "western", "white", "wide", "wild",
    "winter", "wooden", "yellow",
];

#[rustfmt::skip]
pub(super) static GOODS: &[&str] = &[
    "Basket", "Bench", "Blanket", "Board", "Bottle", "Bowl", "Box", "Brush", "Cabinet", "Candle", "Chair", "Clock", "Cup",
    "Cushion", "Desk", "Drawer", "Filter", "Frame", "Glass", "Grinder", "Hook", "Jar", "Kettle", "Knife", "Lamp", "Lantern",
    "Mat", "Mirror", "Mug", "Notebook", "Oil", "Pan", "Pen", "Pitcher", "Plate", "Planter", "Pouch", "Rack", "Rug", "Scale",
    "Scarf", "Shelf", "Soap", "Spoon", "Stand", "Stool", "Table", "Tea", "Tin", "Towel", "Tray", "Vase", "Wrap",
];

#[rustfmt::skip]
pub(super) static JOBS: &[&str] = &[
    "Account Manager", "Accountant", "Analyst", "Buyer", "Designer", "Developer", "Dispatcher", "Driver", "Engineer", "Grower",
    "Inspector", "Manager", "Nurse", "Operator", "Planner", "Receptionist", "Sales Associate", "Store Manager", "Supervisor",
    "Teacher", "Technician", "Warehouse Clerk", "Writer",
];

#[rustfmt::skip]
static TOPICS: &[&str] = &[
    "the late delivery", "the open invoice", "a damaged box", "the new price list", "next week's order", "the return of two items",
    "the missing label", "a change of address", "the payment terms", "the sample from last month", "the training on Monday",
    "opening hours", "the renewal of the contract", "the stock count", "a refund", "the appointment", "the broken link",
    "the quality report",
];

#[rustfmt::skip]
static ENDINGS: &[&str] = &[
    "Will call again next week.", "No further action needed.", "Waiting for an answer.", "Sent a summary by email.",
    "Asked for a confirmation.", "Resolved on the phone.", "Follow up before the end of the month.", "Passed on to the team.",
    "Everything is in order.", "Please check before shipping.",
];

static VERBS: &[&str] = &[
    "Spoke with",
    "Called",
    "Met",
    "Wrote to",
    "Left a message for",
    "Received a request from",
    "Visited",
    "Reminded",
];

/// Two or three words, the first with a capital.
pub(super) fn words(ink: &mut Ink<'_>) {
    let start = ink.out.len();
    let (first, second) = (ink.draw.word(WORD_LIST), ink.draw.word(WORD_LIST));
    ink.out.push_str(first);
    ink.out[start..=start].make_ascii_uppercase();
    if ink.room > 14 {
        ink.out.push(' ');
        ink.out.push_str(second);
        if ink.room > 30 {
            ink.out.push(' ');
            ink.out.push_str(ink.noun);
        }
    }
}

/// A sentence that mentions somebody the row has to do with, and another.
pub(super) fn prose(ink: &mut Ink<'_>) {
    let people = ink.row.people;
    let about = if people.is_empty() { ink.row.subject } else { *ink.draw.pick(people) };
    let (verb, topic, ending) = (ink.draw.word(VERBS), ink.draw.word(TOPICS), ink.draw.word(ENDINGS));
    for part in [verb, " ", about.first_name(), " ", about.last_name(), " about ", topic, "."] {
        ink.out.push_str(part);
    }
    if ink.room > 100 {
        ink.out.push(' ');
        ink.out.push_str(ending);
        if ink.room > 300 && ink.draw.chance(0.25) {
            for part in [" Reach ", about.first_name(), " at ", &about.email(), " or ", &about.phone(), "."] {
                ink.out.push_str(part);
            }
        }
    }
}

/// What a row of the table, or of what the column names, is called: `warehouse` of `warehouses` and of `warehouse_name`.
pub(super) fn noun_of(table: &str, column: &str) -> String {
    const PLAIN: &[&str] = &[
        "name",
        "title",
        "label",
        "description",
        "desc",
        "text",
        "value",
        "note",
        "notes",
        "display",
        "full",
        "number",
        "code",
        "key",
        "ref",
        "reference",
        "id",
        "by",
        "to",
        "hash",
        "no",
    ];
    let own = crate::classify::words_of(column);
    let is_noun =
        |word: &&String| word.len() > 2 && word.is_ascii() && word.bytes().all(|byte| byte.is_ascii_lowercase());
    let said = own.iter().rev().filter(is_noun).find(|word| !PLAIN.contains(&word.as_str())).filter(|_| own.len() > 1);
    let words = crate::classify::words_of(table);
    let last = said.or_else(|| words.iter().rev().find(is_noun));
    last.map_or_else(|| "item".to_owned(), |word| singular(word))
}

/// One of several.
pub(super) fn singular(word: &str) -> String {
    const ENDINGS: &[(&str, &str)] = &[
        ("ies", "y"),
        ("sses", "ss"),
        ("xes", "x"),
        ("ches", "ch"),
        ("shes", "sh"),
        ("houses", "house"),
        ("auses", "ause"),
        ("uses", "us"),
    ];
    for (ending, instead) in ENDINGS {
        if let Some(stem) = word.strip_suffix(ending).filter(|stem| stem.len() > 1) {
            return format!("{stem}{instead}");
        }
    }
    let plural = word.len() > 3 && word.ends_with('s') && !["ss", "us", "is"].iter().any(|end| word.ends_with(end));
    if plural { word[..word.len() - 1].to_owned() } else { word.to_owned() }
}

/// Cuts what stands behind `start` to so many characters, at a space where that leaves most of it, and without one at the end.
pub(super) fn cut(out: &mut String, start: usize, room: usize) {
    if out.len() - start > room
        && let Some((at, _)) = out[start..].char_indices().nth(room)
    {
        let end = start + at;
        let space = out[start..end].rfind(' ').filter(|space| *space * 10 >= room * 6 && !out[end..].starts_with(' '));
        out.truncate(space.map_or(end, |space| start + space));
    }
    while out.len() > start && out.ends_with(char::is_whitespace) {
        out.pop();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nouns_come_from_column_or_table() {
        for (table, column, noun) in [
            ("warehouses", "name", "warehouse"),
            ("t", "warehouse_name", "warehouse"),
            ("product_categories", "title", "category"),
            ("statuses", "label", "status"),
            ("boxes", "name", "box"),
            ("👍", "x", "item"),
        ] {
            assert_eq!(noun_of(table, column), noun, "{table}.{column}");
        }
    }

    #[test]
    fn texts_are_cut_at_words() {
        let cut = |text: &str, room| {
            let mut out = format!("__{text}");
            super::cut(&mut out, 2, room);
            out[2..].to_owned()
        };
        assert_eq!(cut("amber lamp stand", 12), "amber lamp");
        assert_eq!(cut("amber lamp", 10), "amber lamp");
        assert_eq!(cut("amber lamp", 6), "amber");
        assert_eq!(cut("éééé", 2), "éé");
        assert_eq!(cut("abc", 0), "");
    }
}
