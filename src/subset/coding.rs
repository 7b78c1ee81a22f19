//! Cells of keys as bytes that can be compared and held, and back as literals for the next question.

use crate::engine::sql::Sql;
use crate::mask::Fold;
use crate::mask::canonical::{self, Form};
use crate::model::batch::{Cell, CellKind};
use crate::model::schema::{Column, EngineKind, Family};
use crate::subset::keys::Shape;
use std::collections::BTreeMap;

/// A part of a key: a column, or what the engine itself tells rows apart by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Part {
    /// The column at this index of the table.
    Column(usize),
    /// `rowid`, `ctid`, `tableoid`.
    System(&'static str),
}

/// How one part is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum How {
    /// A signed number: eight bytes that sort as it does.
    Signed,
    /// An unsigned number.
    Unsigned,
    /// Sixteen bytes.
    Uuid,
    /// `(block,offset)`.
    Tid,
    /// Storage class, text, end.
    Text,
}

/// What SQLite makes of a value before it compares it with a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Affinity {
    Number,
    Text,
    Nothing,
}

/// When the database takes two values of a part for the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Same {
    /// When their bytes are.
    Bytes,
    /// In any case.
    Case,
    /// In any case, with any accent.
    Accent,
    /// As numbers.
    Number,
    /// When it says so: it has to be asked.
    Unknown,
}

/// Turns the cells of a key into bytes.
#[derive(Debug, Clone)]
pub(super) struct Coder {
    parts: Vec<(How, Affinity, Same)>,
    /// Whether NULL is a value here: keys made of whole rows.
    nulls: bool,
}

/// A cell of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Owned {
    pub(super) kind: CellKind,
    pub(super) bytes: Vec<u8>,
}

impl Owned {
    pub(super) fn cell(&self) -> Cell<'_> {
        Cell { kind: self.kind, bytes: &self.bytes }
    }
}

impl Coder {
    /// A coder for a key of these columns. `exact_row`: the key is the whole row, NULLs included.
    pub(super) fn new(
        engine: EngineKind,
        settings: &BTreeMap<String, String>,
        columns: &[Column],
        parts: &[Part],
        nulls: bool,
    ) -> Self {
        let one = |part: &Part| match part {
            Part::System("ctid") => (How::Tid, Affinity::Nothing, Same::Bytes),
            Part::System(_) => (How::Signed, Affinity::Nothing, Same::Bytes),
            Part::Column(at) => {
                let column = &columns[*at];
                let how = match (engine, column.family) {
                    _ if nulls => How::Text,
                    (EngineKind::Sqlite, Family::Integer) if is_rowid(column) && parts.len() == 1 => How::Signed,
                    (EngineKind::Sqlite, _) => How::Text,
                    (_, Family::Integer) if column.declared.to_ascii_lowercase().contains("unsigned") => How::Unsigned,
                    (_, Family::Integer) => How::Signed,
                    (EngineKind::Postgres, Family::Uuid) => How::Uuid,
                    _ => How::Text,
                };
                let affinity =
                    if engine == EngineKind::Sqlite { affinity(&column.declared) } else { Affinity::Nothing };
                let same = match (engine, column.family, Fold::of(column, engine, settings)) {
                    (
                        EngineKind::Postgres | EngineKind::Mysql | EngineKind::Mariadb,
                        Family::Real | Family::Numeric,
                        _,
                    ) => Same::Number,
                    (EngineKind::Postgres, Family::Any | Family::Json | Family::Time, _) => Same::Unknown,
                    (EngineKind::Postgres, Family::Text, Fold::Exact) if column.collation.is_some() => Same::Unknown,
                    (_, _, Fold::Exact) => Same::Bytes,
                    (_, _, Fold::Case) => Same::Case,
                    (_, _, Fold::Accent) => Same::Accent,
                };
                (how, affinity, same)
            }
        };
        Self { parts: parts.iter().map(one).collect(), nulls }
    }

    /// How a map of such keys holds them.
    pub(super) fn shape(&self) -> Shape {
        let width = |(how, ..): &(How, Affinity, Same)| match how {
            How::Signed | How::Unsigned | How::Tid => Some(8),
            How::Uuid => Some(16),
            How::Text => None,
        };
        match self.parts.iter().map(width).sum::<Option<usize>>() {
            Some(width @ (8 | 16)) => Shape::Fixed(width),
            _ => Shape::Text,
        }
    }

    /// Whether the database takes two keys for the same exactly when their bytes are.
    pub(super) fn is_exact(&self) -> bool {
        self.parts.iter().all(|(_, _, same)| *same == Same::Bytes)
    }

    /// Appends a key. False, with nothing appended, where a part is NULL or can be no value of its column.
    pub(super) fn encode<'a>(&self, cells: impl Iterator<Item = Cell<'a>>, out: &mut Vec<u8>) -> bool {
        let start = out.len();
        for ((how, affinity, ..), cell) in self.parts.iter().zip(cells) {
            if self.encode_one(*how, *affinity, cell, out).is_none() {
                out.truncate(start);
                return false;
            }
        }
        true
    }

    fn encode_one(&self, how: How, affinity: Affinity, cell: Cell<'_>, out: &mut Vec<u8>) -> Option<()> {
        if cell.is_null() && !self.nulls {
            return None;
        }
        let text = || std::str::from_utf8(cell.bytes).ok().map(str::trim);
        match how {
            How::Signed => {
                let number: i64 = text()?.parse().ok()?;
                out.extend_from_slice(&number.cast_unsigned().wrapping_add(1 << 63).to_be_bytes());
            }
            How::Unsigned => out.extend_from_slice(&text()?.parse::<u64>().ok()?.to_be_bytes()),
            How::Uuid => {
                let digits: Vec<u8> = text()?.bytes().filter(u8::is_ascii_hexdigit).collect();
                let bytes = data_encoding::HEXLOWER_PERMISSIVE.decode(&digits).ok()?;
                out.extend_from_slice(<&[u8; 16]>::try_from(bytes.as_slice()).ok()?);
            }
            How::Tid => {
                let (block, offset) = text()?.strip_prefix('(')?.strip_suffix(')')?.split_once(',')?;
                let number = block.parse::<u64>().ok()? << 16 | offset.parse::<u64>().ok()?;
                out.extend_from_slice(&number.to_be_bytes());
            }
            How::Text => {
                let mut held = Owned { kind: cell.kind, bytes: Vec::new() };
                let cell = compared(cell, affinity, &mut held);
                out.push(cell.kind as u8);
                for &byte in cell.bytes {
                    out.push(byte);
                    if byte == 0 {
                        out.push(0xff);
                    }
                }
                out.extend_from_slice(&[0, 0]);
            }
        }
        Some(())
    }

    /// The cells of a key.
    pub(super) fn decode(&self, mut key: &[u8]) -> Vec<Owned> {
        let mut cells = Vec::with_capacity(self.parts.len());
        for (how, ..) in &self.parts {
            let text = |text: String, kind| Owned { kind, bytes: text.into_bytes() };
            let number = |key: &[u8]| key.first_chunk::<8>().map_or(0, |bytes| u64::from_be_bytes(*bytes));
            let (cell, taken) = match how {
                How::Signed => {
                    (text(number(key).wrapping_sub(1 << 63).cast_signed().to_string(), CellKind::Integer), 8)
                }
                How::Unsigned => (text(number(key).to_string(), CellKind::Integer), 8),
                How::Tid => (text(format!("({},{})", number(key) >> 16, number(key) & 0xffff), CellKind::Text), 8),
                How::Uuid => {
                    let hex = data_encoding::HEXLOWER.encode(key.get(..16).unwrap_or_default());
                    let cuts = [0..8, 8..12, 12..16, 16..20, 20..32].map(|range| hex.get(range).unwrap_or_default());
                    (text(cuts.join("-"), CellKind::Text), 16)
                }
                How::Text => decode_text(key),
            };
            key = key.get(taken..).unwrap_or_default();
            cells.push(cell);
        }
        cells
    }

    /// Appends what two keys mostly share that the database takes for the same.
    pub(super) fn fold(&self, key: &[u8], out: &mut Vec<u8>) {
        if self.is_exact() {
            out.extend_from_slice(key);
            return;
        }
        for (cell, (_, _, same)) in self.decode(key).iter().zip(&self.parts) {
            let start = out.len();
            match same {
                Same::Bytes | Same::Unknown => out.extend_from_slice(&cell.bytes),
                Same::Case => canonical::append(Form::Case, &cell.bytes, out),
                Same::Accent => canonical::append(Form::Accent, &cell.bytes, out),
                Same::Number => append_number(&cell.bytes, out),
            }
            let length = (out.len() - start) as u64;
            out.extend_from_slice(&length.to_be_bytes());
        }
    }
}

fn decode_text(key: &[u8]) -> (Owned, usize) {
    const KINDS: [CellKind; 5] = [CellKind::Null, CellKind::Text, CellKind::Integer, CellKind::Real, CellKind::Blob];
    let kind = key.first().and_then(|&kind| KINDS.get(usize::from(kind))).copied().unwrap_or(CellKind::Text);
    let (mut bytes, mut at) = (Vec::new(), 1);
    while let Some(&byte) = key.get(at) {
        if byte == 0 {
            if key.get(at + 1) == Some(&0) {
                break;
            }
            at += 1;
        }
        bytes.push(byte);
        at += 1;
    }
    (Owned { kind, bytes }, at + 2)
}

/// Whether a SQLite column is the row id by another name. Only `INTEGER` is, spelled in full.
pub(super) fn is_rowid(column: &Column) -> bool {
    column.declared.eq_ignore_ascii_case("INTEGER")
}

fn affinity(declared: &str) -> Affinity {
    let declared = declared.to_ascii_uppercase();
    let has = |word: &str| declared.contains(word);
    match () {
        () if has("INT") => Affinity::Number,
        () if has("CHAR") || has("CLOB") || has("TEXT") => Affinity::Text,
        () if has("BLOB") || declared.trim().is_empty() || declared == "ANY" => Affinity::Nothing,
        () => Affinity::Number,
    }
}

/// A cell as SQLite compares it with a column of that affinity, and whole reals as integers.
fn compared<'a>(cell: Cell<'a>, affinity: Affinity, held: &'a mut Owned) -> Cell<'a> {
    let number = matches!(cell.kind, CellKind::Integer | CellKind::Real);
    if affinity == Affinity::Text && number {
        return Cell { kind: CellKind::Text, bytes: cell.bytes };
    }
    let spelled = std::str::from_utf8(cell.bytes).ok().map(str::trim);
    let spelled = spelled.filter(|text| text.starts_with(|c: char| c.is_ascii_digit() || "+-.".contains(c)));
    let becomes = cell.kind == CellKind::Real || (affinity == Affinity::Number && cell.kind == CellKind::Text);
    if !becomes {
        return cell;
    }
    let Some(text) = spelled else { return cell };
    if let Ok(whole) = text.parse::<i64>() {
        *held = Owned { kind: CellKind::Integer, bytes: whole.to_string().into_bytes() };
    } else if let Some(real) = text.parse::<f64>().ok().filter(|real| real.is_finite()) {
        #[expect(clippy::cast_possible_truncation, reason = "whole and below 2^53")]
        let whole = (real.fract() == 0.0 && real.abs() < 9e15).then_some(real as i64);
        *held = match whole {
            Some(whole) => Owned { kind: CellKind::Integer, bytes: whole.to_string().into_bytes() },
            None => Owned { kind: CellKind::Real, bytes: format!("{real:?}").into_bytes() },
        };
    } else {
        return cell;
    }
    held.cell()
}

/// A number's text without what does not count: `1.50` and `01.5` are `1.5`.
fn append_number(text: &[u8], out: &mut Vec<u8>) {
    let Some(spelled) = std::str::from_utf8(text).ok().filter(|text| !text.contains(['e', 'E'])) else {
        out.extend_from_slice(text);
        return;
    };
    let (sign, digits) = spelled.strip_prefix('-').map_or(("", spelled), |digits| ("-", digits));
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let (whole, fraction) = (whole.trim_start_matches('0'), fraction.trim_end_matches('0'));
    let sign = if whole.is_empty() && fraction.is_empty() { "" } else { sign };
    out.extend_from_slice(sign.as_bytes());
    out.extend_from_slice(whole.as_bytes());
    if !fraction.is_empty() {
        out.push(b'.');
        out.extend_from_slice(fraction.as_bytes());
    }
}

/// Appends a cell as a literal to be compared with `column`; none where it can be no value of it.
pub(super) fn literal(sql: Sql, column: Option<&Column>, cell: Cell<'_>) -> Option<Sql> {
    let text = std::str::from_utf8(cell.bytes).ok();
    let family = column.map_or(Family::Any, |column| column.family);
    if cell.is_null() {
        return Some(sql.lit("NULL"));
    }
    Some(match sql.engine() {
        EngineKind::Sqlite => match (cell.kind, text) {
            (CellKind::Integer, Some(text)) => match text.parse() {
                // The literal of the lowest number would be read as a real.
                Ok(number) if number > i64::MIN => sql.integer(number),
                _ => sql.lit("(-9223372036854775807 - 1)"),
            },
            (CellKind::Real, Some("Inf")) => sql.lit("9e999"),
            (CellKind::Real, Some("-Inf")) => sql.lit("-9e999"),
            (CellKind::Real, Some(text)) => sql.number(text)?,
            (CellKind::Text, Some(text)) if !text.contains('\0') => sql.string(text),
            (CellKind::Text, _) => sql.lit("CAST(").bytes(cell.bytes).lit(" AS TEXT)"),
            _ => sql.bytes(cell.bytes),
        },
        EngineKind::Postgres => {
            let text = text?;
            let good = match family {
                Family::Integer => text.trim().parse::<i64>().is_ok(),
                Family::Uuid => text.bytes().filter(u8::is_ascii_hexdigit).count() == 32,
                _ => !text.contains('\0'),
            };
            if !good {
                return None;
            }
            sql.string(text)
        }
        EngineKind::Mysql | EngineKind::Mariadb => match (family, text) {
            (Family::Integer | Family::Real | Family::Numeric, Some(text)) => sql.number(text.trim())?,
            // MariaDB compares bits with a number, and not with bytes.
            (Family::Blob, Some(text)) if column.is_some_and(|column| column.declared.starts_with("bit")) => {
                sql.number(&u64::from_str_radix(text.strip_prefix("0x")?, 16).ok()?.to_string())?
            }
            (Family::Blob | Family::Any, Some(text)) if text.starts_with("0x") && text.len() > 2 => {
                sql.bytes(&data_encoding::HEXLOWER.decode(&text.as_bytes()[2..]).ok()?)
            }
            (Family::Blob, Some("0x")) => sql.lit("''"),
            (_, Some(text)) => sql.string(text),
            (_, None) => return None,
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn column(declared: &str, family: Family) -> Column {
        Column {
            name: "c".into(),
            declared: declared.into(),
            family,
            length: None,
            nullable: true,
            default: None,
            generated: false,
            collation: None,
            comment: None,
        }
    }

    fn coder(engine: EngineKind, columns: &[Column]) -> Coder {
        let parts: Vec<Part> = (0..columns.len()).map(Part::Column).collect();
        Coder::new(engine, &BTreeMap::new(), columns, &parts, false)
    }

    fn encoded(coder: &Coder, cells: &[Cell<'_>]) -> Option<Vec<u8>> {
        let mut out = Vec::new();
        coder.encode(cells.iter().copied(), &mut out).then_some(out)
    }

    proptest! {
        #[test]
        fn keys_come_back(number in any::<i64>(), unsigned in any::<u64>(), text in any::<Vec<u8>>(), uuid in any::<[u8; 16]>()) {
            let columns =
                [column("bigint", Family::Integer), column("bigint unsigned", Family::Integer), column("text", Family::Text)];
            let coder = coder(EngineKind::Mysql, &columns);
            let (number, unsigned) = (number.to_string(), unsigned.to_string());
            let cells = [Cell::text(&number), Cell::text(&unsigned), Cell { kind: CellKind::Text, bytes: &text }];
            let key = encoded(&coder, &cells).unwrap();
            let back = coder.decode(&key);
            prop_assert!(back.iter().zip(&cells).all(|(back, cell)| back.bytes == cell.bytes));
            let coder = self::coder(EngineKind::Postgres, &[column("uuid", Family::Uuid)]);
            let hex = data_encoding::HEXLOWER.encode(&uuid);
            let spelled = format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]);
            let key = encoded(&coder, &[Cell::text(&spelled)]).unwrap();
            prop_assert_eq!(&coder.decode(&key)[0].bytes, spelled.as_bytes());
            prop_assert_eq!(coder.shape(), Shape::Fixed(16));
        }

        #[test]
        fn numbers_sort_as_numbers(left in any::<i64>(), right in any::<i64>()) {
            let coder = coder(EngineKind::Postgres, &[column("bigint", Family::Integer)]);
            let key = |number: i64| encoded(&coder, &[Cell::text(&number.to_string())]).unwrap();
            prop_assert_eq!(key(left).cmp(&key(right)), left.cmp(&right));
        }
    }

    #[test]
    fn sqlite_compares_by_affinity() {
        let integer = |text: &'static str| Cell { kind: CellKind::Integer, bytes: text.as_bytes() };
        let real = |text: &'static str| Cell { kind: CellKind::Real, bytes: text.as_bytes() };
        let number = coder(EngineKind::Sqlite, &[column("INT", Family::Integer)]);
        let five = encoded(&number, &[integer("5")]);
        assert_eq!(encoded(&number, &[Cell::text("5")]), five);
        assert_eq!(encoded(&number, &[Cell::text(" 5 ")]), five);
        assert_eq!(encoded(&number, &[real("5.0")]), five);
        assert_ne!(encoded(&number, &[real("5.5")]), five);
        assert_ne!(encoded(&number, &[Cell::text("five")]), five);
        let text = coder(EngineKind::Sqlite, &[column("TEXT", Family::Text)]);
        assert_eq!(encoded(&text, &[integer("5")]), encoded(&text, &[Cell::text("5")]));
        assert_eq!(encoded(&text, &[Cell::NULL]), None);
    }

    #[test]
    fn what_the_database_takes_for_the_same_folds_alike() {
        let fold = |coder: &Coder, text: &str| {
            let mut out = Vec::new();
            coder.fold(&encoded(coder, &[Cell::text(text)]).unwrap(), &mut out);
            out
        };
        let mut no_case = column("varchar(20)", Family::Text);
        no_case.collation = Some("utf8mb4_general_ci".into());
        let coder = coder(EngineKind::Mysql, &[no_case]);
        assert!(!coder.is_exact());
        assert_eq!(fold(&coder, "Abc"), fold(&coder, "aBC"));
        let coder = self::coder(EngineKind::Postgres, &[column("numeric", Family::Numeric)]);
        assert_eq!(fold(&coder, "1.50"), fold(&coder, "1.5"));
        assert_ne!(fold(&coder, "15"), fold(&coder, "1.5"));
        assert_eq!(fold(&coder, "-0.0"), fold(&coder, "0"));
    }

    #[test]
    fn literals_are_safe() {
        let shown = |engine, column: &Column, cell| {
            literal(Sql::new(engine), Some(column), cell).map(|sql| sql.text().to_owned())
        };
        let (number, text) = (column("int", Family::Integer), column("text", Family::Text));
        for engine in [EngineKind::Sqlite, EngineKind::Postgres, EngineKind::Mysql] {
            assert_eq!(shown(engine, &text, Cell::text("it's")).unwrap(), "'it''s'");
        }
        assert_eq!(shown(EngineKind::Postgres, &number, Cell::text("1); DROP")), None);
        assert_eq!(shown(EngineKind::Mysql, &number, Cell::text("1); DROP")), None);
        assert_eq!(
            shown(EngineKind::Mysql, &number, Cell::text("18446744073709551615")).unwrap(),
            "18446744073709551615"
        );
        let bytes = column("binary(2)", Family::Blob);
        assert_eq!(shown(EngineKind::Mysql, &bytes, Cell::text("0x00ff")).unwrap(), "x'00ff'");
        let broken = Cell { kind: CellKind::Text, bytes: &[0xff] };
        assert_eq!(shown(EngineKind::Sqlite, &text, broken).unwrap(), "CAST(x'ff' AS TEXT)");
    }
}
