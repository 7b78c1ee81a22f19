//! When two cells are the same value to the database that joins them: under the referenced column's collation, and across
//! types. Where a database's own rules are finer than what is known here, more counts as equal, never less: a proof may
//! not refuse what holds.

use crate::mask::Fold;
use crate::mask::canonical;
use crate::model::batch::{Cell, CellKind};
use crate::model::schema::{Column, EngineKind, Family};
use std::collections::BTreeMap;
use std::io::Write as _;

/// How the cells of two columns are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Form {
    /// Byte for byte.
    Bytes,
    /// But for spaces at the end.
    Padded,
    /// In any case.
    Case,
    /// In any case, with any accent.
    Accent,
    /// As numbers, where they are some.
    Number,
    /// As MySQL compares text with a number: by the number that the text begins with, or 0.
    Prefix,
    /// Times with more or fewer digits behind the second.
    Moment,
    /// By rules that the texts do not tell (`1 mon` and `30 days`): any two may be equal.
    Anything,
    /// As SQLite does, by storage class.
    Lite {
        /// Whether a column of the two has a numeric affinity: then text that is a number is one.
        numeric: bool,
        /// The collation of text.
        collation: Collation,
    },
}

/// SQLite's built-in collations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Collation {
    Binary,
    NoCase,
    Rtrim,
}

impl Form {
    /// How a referencing column and the column it refers to are compared. None where their text does not tell.
    pub(super) fn of(
        engine: EngineKind,
        settings: &BTreeMap<String, String>,
        parent: &Column,
        child: &Column,
    ) -> Option<Self> {
        let sides = [parent, child];
        let is_time = |column: &Column| matches!(column.family, Family::Date | Family::Time | Family::Timestamp);
        let precision = |column: &Column| column.declared.split('(').next().unwrap_or_default().to_owned();
        if engine != EngineKind::Sqlite && sides.into_iter().any(is_time) && precision(parent) != precision(child) {
            return None;
        }
        Some(Self::known(engine, settings, sides))
    }

    fn known(engine: EngineKind, settings: &BTreeMap<String, String>, sides: [&Column; 2]) -> Self {
        let parent = sides[0];
        if engine == EngineKind::Sqlite {
            let numeric = sides.iter().any(|column| is_numeric(&column.declared));
            let collation = match parent.collation.as_deref().map(str::to_ascii_lowercase).as_deref() {
                Some("nocase") => Collation::NoCase,
                Some("rtrim") => Collation::Rtrim,
                _ => Collation::Binary,
            };
            return Self::Lite { numeric, collation };
        }
        let mysql = matches!(engine, EngineKind::Mysql | EngineKind::Mariadb);
        let is_number = |column: &Column| matches!(column.family, Family::Integer | Family::Real | Family::Numeric);
        match sides.map(is_number) {
            [true, true] => return Self::Number,
            [false, false] => {}
            _ => return if mysql { Self::Prefix } else { Self::Number },
        }
        if mysql && sides.iter().any(|column| matches!(column.family, Family::Timestamp | Family::Time)) {
            return Self::Moment;
        }
        let declared = parent.declared.to_ascii_lowercase();
        if !mysql && (declared.starts_with("interval") || parent.family == Family::Json) {
            return Self::Anything;
        }
        if sides.iter().any(|column| column.family == Family::Uuid) {
            return Self::Case;
        }
        let is_padded = |column: &Column| match engine {
            EngineKind::Postgres => {
                let declared = column.declared.to_ascii_lowercase();
                declared.contains("bpchar") || declared.contains("char") && !declared.contains("var")
            }
            _ => matches!(column.family, Family::Text | Family::Enum),
        };
        // A collation of the user's own may take any texts for the same.
        let own = parent.collation.as_ref().is_some_and(|name| !name.starts_with("pg_catalog."));
        match Fold::of(parent, engine, settings) {
            _ if engine == EngineKind::Postgres && own => Self::Accent,
            Fold::Case => Self::Case,
            Fold::Accent => Self::Accent,
            Fold::Exact if sides.into_iter().any(is_padded) => Self::Padded,
            Fold::Exact => Self::Bytes,
        }
    }

    /// Appends what is the same for equal cells, and differs for others.
    pub(super) fn append(self, cell: Cell<'_>, out: &mut Vec<u8>) {
        let bytes = cell.bytes;
        match self {
            Self::Bytes => out.extend_from_slice(bytes),
            Self::Padded => out.extend_from_slice(without_spaces(bytes)),
            Self::Case => canonical::append(canonical::Form::Case, bytes, out),
            Self::Accent => append_plain(bytes, out),
            Self::Anything => {}
            Self::Number => {
                if !append_decimal(bytes, out) {
                    out.extend_from_slice(without_spaces(bytes));
                }
            }
            Self::Prefix => append_double(number_at_start(bytes), out),
            Self::Moment => {
                let fraction = bytes.contains(&b'.');
                let kept = if fraction { trimmed_end(bytes, b'0') } else { bytes };
                out.extend_from_slice(kept.strip_suffix(b".").unwrap_or(kept));
            }
            Self::Lite { numeric, collation } => append_lite(numeric, collation, cell, out),
        }
    }
}

/// Text without case, accents and ligatures, and with every run of `s` as one: collations differ in whether a sharp s is one
/// or two of them.
fn append_plain(bytes: &[u8], out: &mut Vec<u8>) {
    let start = out.len();
    canonical::append(canonical::Form::Accent, bytes, out);
    if out[start..].is_ascii() && !out[start..].windows(2).any(|pair| pair == b"ss") {
        return;
    }
    let mut plain = String::new();
    for c in String::from_utf8_lossy(&out[start..]).chars() {
        match c {
            'ß' | 's' if plain.ends_with('s') => {}
            'ß' => plain.push('s'),
            'œ' => plain.push_str("oe"),
            'æ' => plain.push_str("ae"),
            other => plain.push(other),
        }
    }
    out.truncate(start);
    out.extend_from_slice(plain.as_bytes());
}

/// Whether a type of SQLite makes numbers of texts that are some.
fn is_numeric(declared: &str) -> bool {
    let declared = declared.to_ascii_uppercase();
    let has = |words: &[&str]| words.iter().any(|word| declared.contains(word));
    has(&["INT"]) || !(has(&["CHAR", "CLOB", "TEXT", "BLOB"]) || declared.trim().is_empty() || declared == "ANY")
}

fn append_lite(numeric: bool, collation: Collation, cell: Cell<'_>, out: &mut Vec<u8>) {
    let bytes = cell.bytes;
    match cell.kind {
        CellKind::Blob | CellKind::Null => {
            out.push(b'b');
            out.extend_from_slice(bytes);
        }
        CellKind::Integer | CellKind::Real => {
            out.push(b'n');
            append_double(bytes, out);
        }
        CellKind::Text if numeric && is_number(bytes.trim_ascii()) => {
            out.push(b'n');
            append_double(bytes.trim_ascii(), out);
        }
        CellKind::Text => {
            out.push(b't');
            match collation {
                Collation::Binary => out.extend_from_slice(bytes),
                Collation::NoCase => out.extend(bytes.iter().map(u8::to_ascii_lowercase)),
                Collation::Rtrim => out.extend_from_slice(without_spaces(bytes)),
            }
        }
    }
}

fn without_spaces(bytes: &[u8]) -> &[u8] {
    trimmed_end(bytes, b' ')
}

fn trimmed_end(bytes: &[u8], byte: u8) -> &[u8] {
    &bytes[..bytes.iter().rposition(|found| *found != byte).map_or(0, |last| last + 1)]
}

/// Whether all of the text is one decimal number.
fn is_number(text: &[u8]) -> bool {
    !text.is_empty() && number_at_start(text).len() == text.len()
}

/// The longest decimal number that a text begins with, white space skipped.
fn number_at_start(text: &[u8]) -> &[u8] {
    let text = text.trim_ascii_start();
    let digits = |from: usize| text[from..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    let sign = usize::from(matches!(text.first(), Some(b'+' | b'-')));
    let whole = digits(sign);
    let mut end = sign + whole;
    let mut fraction = 0;
    if text.get(end) == Some(&b'.') {
        fraction = digits(end + 1);
        end += if whole + fraction > 0 { 1 + fraction } else { 0 };
    }
    if whole + fraction == 0 {
        return b"";
    }
    if matches!(text.get(end), Some(b'e' | b'E')) {
        let signed = end + 1 + usize::from(matches!(text.get(end + 1), Some(b'+' | b'-')));
        let exponent = if signed <= text.len() { digits(signed) } else { 0 };
        end = if exponent > 0 { signed + exponent } else { end };
    }
    &text[..end]
}

/// A number as SQLite and MySQL compare it: a whole one in decimal, else the bits of the double.
fn append_double(number: &[u8], out: &mut Vec<u8>) {
    if is_plain(number) && number.len() < 19 {
        return out.extend_from_slice(number);
    }
    let text = str::from_utf8(number).unwrap_or_default();
    // Writing to a Vec cannot fail.
    if let Ok(whole) = text.parse::<i64>() {
        return write!(out, "{whole}").unwrap_or_default();
    }
    let double = text.parse::<f64>().unwrap_or_default();
    if double.fract() == 0.0 && double.abs() < 9.2e18 {
        #[expect(clippy::cast_possible_truncation, reason = "it is a whole number within 64 bits")]
        write!(out, "{}", double as i64).unwrap_or_default();
    } else {
        out.extend_from_slice(b"double");
        out.extend_from_slice(&double.to_bits().to_le_bytes());
    }
}

/// Whether it is a whole number as every engine prints it, as most keys are.
fn is_plain(text: &[u8]) -> bool {
    text.first().is_some_and(|first| (b'1'..=b'9').contains(first)) && text.iter().all(u8::is_ascii_digit)
}

/// A decimal number without what does not matter: its sign, its digits from the first to the last that is not 0, and
/// where the point stands. False, and nothing appended, where it is none.
fn append_decimal(text: &[u8], out: &mut Vec<u8>) -> bool {
    let text = text.trim_ascii();
    if is_plain(text) {
        let kept = trimmed_end(text, b'0');
        out.extend_from_slice(kept);
        write!(out, "e{}", text.len() - kept.len()).unwrap_or_default();
        return true;
    }
    if !is_number(text) {
        return false;
    }
    let (mantissa, exponent) = match text.iter().position(|byte| matches!(byte, b'e' | b'E')) {
        Some(at) => (&text[..at], str::from_utf8(&text[at + 1..]).unwrap_or_default()),
        None => (text, "0"),
    };
    let Ok(mut exponent) = exponent.parse::<i64>() else { return false };
    let negative = mantissa.first() == Some(&b'-');
    let mantissa = mantissa.strip_prefix(b"-").or_else(|| mantissa.strip_prefix(b"+")).unwrap_or(mantissa);
    let fraction = mantissa.iter().position(|byte| *byte == b'.').map_or(0, |point| mantissa.len() - point - 1);
    let digits: Vec<u8> = mantissa.iter().copied().filter(|byte| *byte != b'.').collect();
    let kept = trimmed_end(&digits, b'0');
    exponent += i64::try_from(digits.len() - kept.len()).unwrap_or(0) - i64::try_from(fraction).unwrap_or(0);
    let first = kept.iter().position(|byte| *byte != b'0');
    let Some(first) = first else {
        out.push(b'0');
        return true;
    };
    if negative {
        out.push(b'-');
    }
    out.extend_from_slice(&kept[first..]);
    write!(out, "e{exponent}").unwrap_or_default();
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(declared: &str, family: Family, collation: Option<&str>) -> Column {
        let table = crate::codec::testing::table(&[declared], &[]);
        Column { family, collation: collation.map(str::to_owned), ..table.columns[0].clone() }
    }

    fn same(form: Form, left: Cell<'_>, right: Cell<'_>) -> bool {
        let of = |cell| {
            let mut out = Vec::new();
            form.append(cell, &mut out);
            out
        };
        of(left) == of(right)
    }

    fn int(text: &str) -> Cell<'_> {
        Cell { kind: CellKind::Integer, bytes: text.as_bytes() }
    }

    fn real(text: &str) -> Cell<'_> {
        Cell { kind: CellKind::Real, bytes: text.as_bytes() }
    }

    #[test]
    fn sqlite_compares_by_affinity_and_collation() {
        let form =
            |parent: &Column, child: &Column| Form::of(EngineKind::Sqlite, &BTreeMap::new(), parent, child).unwrap();
        let (number, text) = (column("INTEGER", Family::Integer, None), column("TEXT", Family::Text, None));
        let (any, nocase) = (column("", Family::Any, None), column("TEXT", Family::Text, Some("NOCASE")));
        let mixed = form(&number, &text);
        assert!(same(mixed, int("123"), Cell::text("123")));
        assert!(same(mixed, int("123"), Cell::text(" 0123.0 ")));
        assert!(same(mixed, int("1000"), Cell::text("1e3")));
        assert!(!same(mixed, int("123"), Cell::text("123a")));
        assert!(same(form(&number, &number), int("1"), real("1.0")));
        assert!(same(form(&number, &number), real("0.1"), real("1e-1")));
        assert!(!same(form(&number, &number), int("1"), Cell { kind: CellKind::Blob, bytes: b"1" }));
        assert!(!same(form(&text, &any), Cell::text("7"), int("7")));
        assert!(!same(form(&any, &any), Cell::text("7"), int("7")));
        assert!(!same(form(&text, &text), Cell::text("7"), Cell::text("07")));
        assert!(same(form(&nocase, &text), Cell::text("ABC"), Cell::text("abc")));
        assert!(!same(form(&text, &nocase), Cell::text("ABC"), Cell::text("abc")), "the parent's collation decides");
        assert!(!same(form(&nocase, &text), Cell::text("\u{c4}"), Cell::text("\u{e4}")), "NOCASE knows ASCII only");
        let rtrim = column("TEXT", Family::Text, Some("rtrim"));
        assert!(same(form(&rtrim, &text), Cell::text("a "), Cell::text("a")));
    }

    #[test]
    fn servers_compare_numbers_times_and_padded_text() {
        let form = |engine, parent: &Column, child: &Column| {
            let settings = BTreeMap::from([("collation".to_owned(), "utf8mb4_0900_ai_ci".to_owned())]);
            Form::of(engine, &settings, parent, child).unwrap()
        };
        let (postgres, mysql) = (EngineKind::Postgres, EngineKind::Mysql);
        let number = column("numeric(10,2)", Family::Numeric, None);
        let (int, text) = (column("bigint", Family::Integer, None), column("varchar(10)", Family::Text, None));
        let plain = |form, left: &str, right: &str| same(form, Cell::text(left), Cell::text(right));
        for (left, right) in [("1.00", "1"), ("0100", "100"), ("-0.0", "0"), ("1e3", "1000.0"), ("-12.50", "-12.5")] {
            assert!(plain(form(postgres, &number, &int), left, right), "{left} {right}");
        }
        assert!(!plain(form(postgres, &number, &int), "1.01", "1"));
        assert!(!plain(form(postgres, &int, &int), "10", "100"));
        assert!(plain(form(postgres, &int, &text), "123", "123"));
        assert!(!plain(form(postgres, &int, &text), "123", "abc"));
        assert!(plain(form(mysql, &int, &text), "12", "12abc") && plain(form(mysql, &int, &text), "0", "abc"));
        let (padded, varying) = (column("character(10)", Family::Text, None), column("text", Family::Text, None));
        assert!(plain(form(postgres, &varying, &padded), "ab", "ab        "));
        assert!(!plain(form(postgres, &varying, &text), "ab", "ab "));
        assert!(!plain(form(postgres, &varying, &text), "ab", "AB"));
        assert!(plain(form(mysql, &text, &text), "Zoë", "zoe"));
        let binary = column("varchar(10)", Family::Text, Some("utf8mb4_bin"));
        assert!(plain(form(mysql, &binary, &text), "ab", "ab ") && !plain(form(mysql, &binary, &text), "ab", "AB"));
        let uuid = column("uuid", Family::Uuid, None);
        assert!(plain(form(postgres, &uuid, &text), "ab-cd", "AB-CD"));
        let moment = column("datetime(6)", Family::Timestamp, None);
        assert!(plain(form(mysql, &moment, &moment), "2025-01-01 10:00:00", "2025-01-01 10:00:00.000000"));
        assert!(!plain(form(mysql, &moment, &moment), "2025-01-01 10:00:00", "2025-01-01 10:00:01"));
        let date = column("date", Family::Date, None);
        assert_eq!(Form::of(postgres, &BTreeMap::new(), &moment, &date), None, "their texts never meet");
    }
}
