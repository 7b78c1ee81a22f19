//! Whether a target's column takes every value of a snapshot's column of the same engine, by their types alone.

use crate::model::drift::{Aspect, Verdict};
use crate::model::schema::{Column, EngineKind};
use crate::translate::neutral::{self, NamedTypes, Neutral};

/// The named types of both sides.
pub(super) struct Types {
    pub(super) engine: EngineKind,
    pub(super) captured: NamedTypes,
    pub(super) live: NamedTypes,
}

/// How two types differ.
pub(super) struct Retyped {
    pub(super) aspect: Aspect,
    pub(super) snapshot: String,
    pub(super) target: String,
    pub(super) verdict: Verdict,
}

const CAST: &str = "change the column, or say under cast in [restore.map] how it goes in";

impl Types {
    /// The difference between two columns' types; none where they are one.
    pub(super) fn compare(&self, captured: &Column, live: &Column) -> Option<Retyped> {
        let from = neutral::of(self.engine, &self.captured, captured);
        let to = neutral::of(self.engine, &self.live, live);
        if let (Neutral::Enum(from), Neutral::Enum(to)) | (Neutral::Set(from), Neutral::Set(to)) = (&from, &to) {
            return labels(from, to);
        }
        if is_same(&captured.declared, &live.declared) {
            return None;
        }
        let verdict = match self.why_it_fits((captured, &from), (live, &to)) {
            Some(why) => Verdict::Tolerated(why.to_owned()),
            None => Verdict::Refused(CAST.to_owned()),
        };
        let (snapshot, target) = (shown(&captured.declared), shown(&live.declared));
        Some(Retyped { aspect: Aspect::Type, snapshot, target, verdict })
    }

    fn why_it_fits(
        &self,
        (captured, from): (&Column, &Neutral),
        (live, to): (&Column, &Neutral),
    ) -> Option<&'static str> {
        match self.engine {
            EngineKind::Sqlite if !crate::translate::stored_alike(&captured.declared, &live.declared) => None,
            EngineKind::Mysql | EngineKind::Mariadb => mysql_room((captured, from), (live, to)),
            EngineKind::Postgres if live.declared == "name" => None,
            EngineKind::Sqlite | EngineKind::Postgres => wider(from, to),
        }
    }
}

/// Whether two declared types are one, but for case and spaces.
pub(super) fn is_same(a: &str, b: &str) -> bool {
    let plain = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ").to_ascii_uppercase();
    plain(a) == plain(b)
}

/// A declared type for people.
pub(super) fn shown(declared: &str) -> String {
    if declared.is_empty() { "no type".to_owned() } else { declared.escape_debug().to_string() }
}

fn labels(from: &[String], to: &[String]) -> Option<Retyped> {
    if from == to {
        return None;
    }
    let without = |all: &[String], known: &[String]| -> Vec<String> {
        all.iter().filter(|label| !known.contains(label)).map(|label| label.escape_debug().to_string()).collect()
    };
    let (lost, more) = (without(from, to), without(to, from));
    let verdict = match (lost.is_empty(), more.is_empty()) {
        (false, _) => Verdict::Refused("add the labels, or map them under labels in [restore.map]".to_owned()),
        (true, false) => Verdict::Tolerated("the target knows every label of the snapshot".to_owned()),
        (true, true) => Verdict::Tolerated("the labels are the same in another order".to_owned()),
    };
    let listed = |labels: &[String], else_: &str| if labels.is_empty() { else_.to_owned() } else { labels.join(", ") };
    let (snapshot, target) = match (lost.is_empty(), more.is_empty()) {
        (true, true) => (from.join(", ").escape_debug().to_string(), to.join(", ").escape_debug().to_string()),
        _ => (listed(&lost, ""), listed(&more, "")),
    };
    Some(Retyped { aspect: Aspect::Labels, snapshot, target, verdict })
}

const ROOM: &str = "the target has room for more";
const SAME: &str = "the same values under another name";

/// MySQL's texts and bytes have sizes that only their names tell.
fn mysql_room((captured, from): (&Column, &Neutral), (live, to): (&Column, &Neutral)) -> Option<&'static str> {
    match (from, to) {
        (Neutral::Text { padded: from_padded, .. }, Neutral::Text { padded: to_padded, .. }) => {
            // A VARCHAR's spaces at the end would be lost.
            let keeps_spaces = *from_padded || !*to_padded;
            (keeps_spaces && fits_in(captured, live)).then_some(ROOM)
        }
        (Neutral::Bytes(from), Neutral::Bytes(to)) => {
            // BINARY is filled up with zeros.
            let is_fixed = base(&live.declared) == "binary";
            let limit = |column: &Column, length: &Option<u32>| size(&column.declared).or(length.map(u64::from));
            let fits = matches!((limit(captured, from), limit(live, to)), (Some(from), Some(to)) if from <= to);
            (fits && !is_fixed).then_some(ROOM)
        }
        (Neutral::Enum(labels), Neutral::Text { padded: false, .. }) => {
            let longest = labels.iter().map(|label| label.chars().count()).max().unwrap_or(0);
            let room = characters(live);
            (longest as u64 <= room).then_some("every label is a text that fits")
        }
        _ => wider(from, to),
    }
}

fn base(declared: &str) -> String {
    declared.chars().take_while(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase()
}

/// The bytes that MySQL's texts and blobs hold.
fn size(declared: &str) -> Option<u64> {
    Some(match base(declared).as_str() {
        "tinytext" | "tinyblob" => 255,
        "text" | "blob" => 65_535,
        "mediumtext" | "mediumblob" => 16_777_215,
        "longtext" | "longblob" => u64::from(u32::MAX),
        _ => return None,
    })
}

/// The characters that surely fit into a text column of MySQL, whose largest take four bytes.
fn characters(column: &Column) -> u64 {
    size(&column.declared).map_or(u64::from(column.length.unwrap_or(0)), |bytes| bytes / 4)
}

fn fits_in(captured: &Column, live: &Column) -> bool {
    match (size(&captured.declared), size(&live.declared)) {
        (Some(from), Some(to)) => from <= to,
        (Some(_), None) => false,
        (None, _) => u64::from(captured.length.unwrap_or(u32::MAX)) <= characters(live),
    }
}

/// Why every value of one type is one of the other; none where that is not so.
fn wider(from: &Neutral, to: &Neutral) -> Option<&'static str> {
    use Neutral::{Any, Bits, Bytes, Date, Decimal, Enum, Float, Integer, Json, Rendered, Text, Timestamp, Uuid, Year};
    let fits = |yes: bool, why: &'static str| yes.then_some(why);
    match (from, to) {
        // What only the engine itself knows is the same only under the same name.
        (Rendered, _) | (_, Rendered) => None,
        (from, to) if from == to => Some(SAME),
        (_, Any) => Some("the target's column takes anything"),
        (Integer { .. }, Integer { .. }) => fits(holds(range(from), range(to)), ROOM),
        (Year, Integer { .. }) => fits(holds(Some((1901, 2155)), range(to)), ROOM),
        (Integer { .. }, Decimal(limits)) => {
            let digits =
                range(from).map_or(0, |(low, high)| low.unsigned_abs().max(high.unsigned_abs()).to_string().len());
            fits(limits.is_none_or(|(precision, scale)| digits <= whole(precision, scale)), ROOM)
        }
        (Integer { bits, .. }, Float(to)) => {
            fits(*bits <= if *to == 32 { 24 } else { 53 }, "whole numbers of that size are exact there")
        }
        (Decimal(Some(from)), Decimal(to)) => {
            let fits_to =
                |(precision, scale): (u32, i32)| scale >= from.1 && whole(from.0, from.1) <= whole(precision, scale);
            fits(to.is_none_or(fits_to), ROOM)
        }
        (Float(32), Float(64)) => Some(ROOM),
        (Text { length: from, padded: from_padded }, Text { length: to, padded: to_padded }) => {
            fits(from_padded == to_padded && at_most(*from, *to), ROOM)
        }
        (Enum(labels), Text { length, padded: false }) => {
            let longest = labels.iter().map(|label| label.chars().count()).max().unwrap_or(0);
            fits(length.is_none_or(|length| longest <= length as usize), "every label is a text that fits")
        }
        (Uuid, Text { length, padded: false }) => fits(length.is_none_or(|length| length >= 36), "its text fits"),
        (Json, Text { length: None, padded: false }) => Some("its text fits"),
        (Bytes(from), Bytes(to)) | (Bits { length: from, .. }, Bits { length: to, varying: true }) => {
            fits(at_most(*from, *to), ROOM)
        }
        (Date, Timestamp { zoned: false, .. }) => Some("a day is its first moment there"),
        (Timestamp { digits: from, zoned: a }, Timestamp { digits: to, zoned: b }) => fits(a == b && from <= to, ROOM),
        _ => None,
    }
}

fn at_most(from: Option<u32>, to: Option<u32>) -> bool {
    to.is_none_or(|to| from.is_some_and(|from| from <= to))
}

fn whole(precision: u32, scale: i32) -> usize {
    usize::try_from(i64::from(precision) - i64::from(scale)).unwrap_or(0)
}

fn range(neutral: &Neutral) -> Option<(i128, i128)> {
    let Neutral::Integer { bits, unsigned } = neutral else { return None };
    let all = 1_i128 << (*bits).min(64);
    Some(if *unsigned { (0, all - 1) } else { (-all / 2, all / 2 - 1) })
}

fn holds(inner: Option<(i128, i128)>, outer: Option<(i128, i128)>) -> bool {
    matches!((inner, outer), (Some(inner), Some(outer)) if outer.0 <= inner.0 && inner.1 <= outer.1)
}

#[cfg(test)]
#[path = "types_tests.rs"]
mod tests;
