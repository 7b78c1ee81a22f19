//! Values while a condition is worked out, as far as the engines tell them apart, and what is known of a table's columns.

use super::time::{self, DAY, Interval};
use crate::generate::value::{Number, Value};
use crate::model::schema::{Catalogue, Column, EngineKind, Family, Table};
use std::fmt;

/// A value.
#[derive(Clone, PartialEq)]
pub(super) enum Datum {
    Null,
    /// A whole number of a whole type: `7 / 2` is 3 in some engines.
    Int(i128),
    Number(Number),
    Real(f64),
    /// Close to the number that the engine works out.
    About(f64),
    Text(String, Rule),
    Bytes(Vec<u8>),
    Bool(bool),
    Date(i32),
    Time(i64),
    Timestamp(i64),
    Interval(Interval),
    Json(serde_json::Value),
    /// An array or a row.
    List(Vec<Datum>),
}

/// Tells the type only.
impl fmt::Debug for Datum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Null => "Null",
            Self::Int(_) => "Int",
            Self::Number(_) => "Number",
            Self::Real(_) => "Real",
            Self::About(_) => "About",
            Self::Text(..) => "Text",
            Self::Bytes(_) => "Bytes",
            Self::Bool(_) => "Bool",
            Self::Date(_) => "Date",
            Self::Time(_) => "Time",
            Self::Timestamp(_) => "Timestamp",
            Self::Interval(_) => "Interval",
            Self::Json(_) => "Json",
            Self::List(_) => "List",
        })
    }
}

/// How texts are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rule {
    /// A literal: as the other side says.
    Literal,
    /// Byte by byte.
    Bytes,
    /// Equal byte by byte, in an order that the database's locale knows.
    Locale,
    /// PostgreSQL's `char(n)`: as `Locale`, without the spaces at the end.
    Padded,
    /// Labels of an enum, whose order is not that of their letters.
    Labels,
    /// By code points; with `pad`, spaces at the end do not count.
    Binary { pad: bool },
    /// Case and accents do not count; with `pad`, nor do spaces at the end.
    Fold { pad: bool },
    /// SQLite's NOCASE.
    NoCase,
    /// SQLite's RTRIM.
    Trimmed,
    /// Not known here.
    Unclear,
}

/// What a cast is to.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Type {
    Int,
    /// With so many places.
    Number(Option<u8>),
    Real,
    /// Text of at most so many characters.
    Text(Option<usize>),
    Padded,
    Bool,
    Date,
    Time,
    Timestamp,
    Interval,
    Json,
    Uuid,
    /// A type of the server's own, whose values keep their text: labels of an enum.
    Own,
    List(Box<Type>),
    /// SQLite's, by affinity.
    Affinity(Affinity),
}

/// SQLite's way with a column's values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Affinity {
    Blob,
    Text,
    Numeric,
    Integer,
    Real,
}

impl Affinity {
    pub(super) fn of(declared: &str) -> Self {
        let upper = declared.to_ascii_uppercase();
        let has = |part: &str| upper.contains(part);
        match () {
            () if has("INT") => Self::Integer,
            () if has("CHAR") || has("CLOB") || has("TEXT") => Self::Text,
            () if upper.is_empty() || has("BLOB") => Self::Blob,
            () if has("REAL") || has("FLOA") || has("DOUB") => Self::Real,
            // A STRICT table's type.
            () if upper == "ANY" => Self::Blob,
            () => Self::Numeric,
        }
    }

    pub(super) fn is_numeric(self) -> bool {
        matches!(self, Self::Numeric | Self::Integer | Self::Real)
    }
}

/// A column, as far as conditions care.
#[derive(Debug, Clone)]
pub(super) struct Slot {
    pub(super) name: String,
    pub(super) declared: String,
    /// The collation of its texts, where it is known.
    pub(super) collation: Option<String>,
    pub(super) family: Family,
    pub(super) rule: Rule,
    pub(super) affinity: Affinity,
    pub(super) nullable: bool,
    /// The most characters of its text.
    pub(super) length: Option<u32>,
    /// Digits behind the point, where its type says so.
    pub(super) places: Option<u8>,
    /// `tinyint(1)`, `boolean`: what a bare name as a condition asks for.
    pub(super) is_flag: bool,
    /// Columns that the engine computes have no cell here.
    pub(super) generated: bool,
}

/// A table, as far as conditions care.
#[derive(Debug)]
pub(super) struct About {
    pub(super) engine: EngineKind,
    pub(super) slots: Vec<Slot>,
    /// What the clock shows, in microseconds since 1970.
    pub(super) now: i64,
    /// Whether numbers below zero may be out of range.
    pub(super) unsigned: bool,
}

impl About {
    pub(super) fn of(catalogue: &Catalogue, table: &Table, now: i64) -> Self {
        let slots = table.columns.iter().map(|column| slot(catalogue, column)).collect();
        let unsigned = table.columns.iter().any(|column| column.declared.contains("unsigned"));
        Self { engine: catalogue.engine, slots, now, unsigned }
    }

    pub(super) fn is_mysql(&self) -> bool {
        matches!(self.engine, EngineKind::Mysql | EngineKind::Mariadb)
    }

    /// A cell as the engine sees it. None where it is not known how.
    pub(super) fn cell(&self, at: usize, value: &Value) -> Option<Datum> {
        let slot = self.slots.get(at)?;
        match value {
            Value::Null => Some(Datum::Null),
            _ if self.engine == EngineKind::Sqlite => sqlite_cell(slot, value),
            Value::Number(number) => match slot.family {
                Family::Integer if number.places == 0 => Some(Datum::Int(number.units)),
                Family::Integer | Family::Numeric => Some(Datum::Number(*number)),
                Family::Real => self.real(slot, number.real()),
                Family::Text if number.places == 0 => Some(Datum::Text(number.to_string(), slot.rule)),
                Family::Boolean => Some(Datum::Bool(number.units != 0)),
                _ => None,
            },
            Value::Real(real) => self.real(slot, *real),
            Value::Boolean(flag) => Some(if self.is_mysql() { Datum::Int((*flag).into()) } else { Datum::Bool(*flag) }),
            Value::Bytes(bytes) => Some(Datum::Bytes(bytes.clone())),
            Value::Time(micros) => Some(Datum::Time(*micros)),
            Value::Date(date) if slot.family == Family::Timestamp => Some(Datum::Timestamp(i64::from(*date) * DAY)),
            Value::Date(date) => Some(Datum::Date(*date)),
            Value::Timestamp(micros) if slot.family == Family::Date => date_of(*micros).map(Datum::Date),
            Value::Timestamp(micros) => Some(Datum::Timestamp(*micros)),
            Value::Text(text) => match slot.family {
                Family::Text | Family::Enum => Some(Datum::Text(text.clone(), slot.rule)),
                Family::Uuid => Some(Datum::Text(text.to_ascii_lowercase(), Rule::Bytes)),
                Family::Json if self.keeps_text(slot) => Some(Datum::Text(text.clone(), slot.rule)),
                Family::Json => serde_json::from_str(text).ok().map(Datum::Json),
                Family::Integer => text.parse().ok().map(Datum::Int),
                Family::Numeric => Number::parse(text).map(Datum::Number),
                Family::Real => self.real(slot, text.parse().ok()?),
                Family::Date => time::parse_date(text).map(Datum::Date),
                Family::Time => time::parse_time(text).map(Datum::Time),
                Family::Timestamp => time::parse_timestamp(text).map(Datum::Timestamp),
                Family::Boolean => bool_of(text).map(Datum::Bool),
                Family::Blob | Family::Any => None,
            },
        }
    }

    /// A worked-out value as a cell of a column. None where it is not of the column's kind.
    pub(super) fn value(&self, at: usize, datum: &Datum) -> Option<Value> {
        let slot = self.slots.get(at)?;
        let number = |number: Number| match slot.family {
            Family::Real => Some(Value::Real(number.real())),
            Family::Integer | Family::Numeric | Family::Any => Some(Value::Number(number)),
            Family::Boolean => Some(Value::Boolean(number.units != 0)),
            Family::Text | Family::Enum => Some(Value::text(number.to_string())),
            _ => None,
        };
        match datum {
            Datum::Null => Some(Value::Null),
            Datum::Int(whole) => number(Number::whole(*whole)),
            Datum::Number(decimal) => number(*decimal),
            Datum::Real(real) | Datum::About(real) => match slot.family {
                Family::Integer | Family::Numeric => decimal(*real).map(Value::Number),
                Family::Real | Family::Any => Some(Value::Real(*real)),
                _ => None,
            },
            Datum::Bool(flag) => match slot.family {
                Family::Integer | Family::Numeric => Some(Value::whole(i128::from(*flag))),
                Family::Boolean => Some(Value::Boolean(*flag)),
                _ => None,
            },
            Datum::Text(text, _) => match slot.family {
                Family::Integer | Family::Numeric => Number::parse(text).map(Value::Number),
                Family::Real => text.parse().ok().map(Value::Real),
                Family::Boolean => bool_of(text).map(Value::Boolean),
                Family::Date => time::parse_date(text.get(..10)?).map(Value::Date),
                Family::Time => time::parse_time(text).map(Value::Time),
                Family::Timestamp => time::parse_timestamp(text).map(Value::Timestamp),
                Family::Blob => None,
                _ => Some(Value::text(text.as_str())),
            },
            Datum::Bytes(bytes) => Some(Value::Bytes(bytes.clone())),
            Datum::Date(date) if slot.family == Family::Timestamp => Some(Value::Timestamp(i64::from(*date) * DAY)),
            Datum::Date(date) => (slot.family == Family::Date).then_some(Value::Date(*date)),
            Datum::Timestamp(micros) if slot.family == Family::Date => date_of(*micros).map(Value::Date),
            Datum::Timestamp(micros) => (slot.family == Family::Timestamp).then_some(Value::Timestamp(*micros)),
            Datum::Time(micros) => (slot.family == Family::Time).then_some(Value::Time(*micros)),
            Datum::Json(json) => (slot.family == Family::Json).then(|| Value::text(json.to_string())),
            Datum::Interval(_) | Datum::List(_) => None,
        }
    }
}

impl About {
    #[expect(clippy::cast_possible_truncation, reason = "the column keeps no more")]
    fn real(&self, slot: &Slot, real: f64) -> Option<Datum> {
        let four_bytes = match self.engine {
            EngineKind::Postgres => slot.declared == "real",
            _ => self.is_mysql() && slot.declared.starts_with("float"),
        };
        match slot.family {
            Family::Real if four_bytes => Some(Datum::Real(f64::from(real as f32))),
            Family::Real => Some(Datum::Real(real)),
            Family::Numeric | Family::Integer => decimal(real).map(Datum::Number),
            _ => None,
        }
    }

    /// Whether a column keeps its JSON as the text that it came as.
    fn keeps_text(&self, slot: &Slot) -> bool {
        match self.engine {
            EngineKind::Postgres => false,
            EngineKind::Mysql => slot.declared != "json",
            EngineKind::Sqlite | EngineKind::Mariadb => true,
        }
    }
}

/// The day of a moment.
pub(super) fn date_of(micros: i64) -> Option<i32> {
    i32::try_from(micros.div_euclid(DAY)).ok()
}

pub(super) fn decimal(real: f64) -> Option<Number> {
    Number::parse(&real.to_string())
}

pub(super) fn bool_of(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "t" | "true" | "y" | "yes" | "on" | "1" => Some(true),
        "f" | "false" | "n" | "no" | "off" | "0" => Some(false),
        _ => None,
    }
}

/// What SQLite stores: it has numbers, texts and bytes only.
fn sqlite_cell(slot: &Slot, value: &Value) -> Option<Datum> {
    let text = |text: String| match slot.affinity {
        affinity if affinity.is_numeric() => numeric(&text).unwrap_or(Datum::Text(text, slot.rule)),
        _ => Datum::Text(text, slot.rule),
    };
    let stored = match value {
        Value::Null => Datum::Null,
        Value::Number(number) if slot.affinity == Affinity::Text => Datum::Text(number.to_string(), slot.rule),
        Value::Number(number) => number.rounded(0).filter(|whole| whole == number).map_or_else(
            || Some(Datum::Real(number.real())),
            |whole| i64::try_from(whole.units).ok().map(|whole| Datum::Int(whole.into())),
        )?,
        Value::Real(real) => Datum::Real(*real),
        Value::Boolean(flag) if slot.affinity != Affinity::Text => Datum::Int((*flag).into()),
        Value::Boolean(_) => return None,
        Value::Bytes(bytes) => Datum::Bytes(bytes.clone()),
        Value::Text(own) => text(own.clone()),
        Value::Date(date) => text(time::show_date((*date).into())),
        Value::Time(micros) => text(time::show_time(*micros)),
        Value::Timestamp(micros) => text(time::show_timestamp(*micros)),
    };
    Some(match stored {
        #[expect(clippy::cast_precision_loss, reason = "that is what the column does")]
        Datum::Int(whole) if slot.affinity == Affinity::Real => Datum::Real(whole as f64),
        #[expect(clippy::cast_possible_truncation, reason = "held against its limits before")]
        Datum::Real(real)
            if matches!(slot.affinity, Affinity::Integer | Affinity::Numeric)
                && real.fract() == 0.0
                && real.abs() < 9e15 =>
        {
            Datum::Int(real as i128)
        }
        Datum::Real(_) if slot.affinity == Affinity::Text => return None,
        other => other,
    })
}

/// A text that SQLite takes for a number.
pub(super) fn numeric(text: &str) -> Option<Datum> {
    let trimmed = text.trim_matches([' ', '\t', '\n', '\r', '\u{b}', '\u{c}']);
    if let Ok(whole) = trimmed.parse::<i64>() {
        return Some(Datum::Int(whole.into()));
    }
    let good = trimmed.bytes().all(|byte| byte.is_ascii_digit() || b"+-.eE".contains(&byte))
        && trimmed.bytes().any(|byte| byte.is_ascii_digit());
    let real: f64 = good.then(|| trimmed.parse().ok())??;
    #[expect(clippy::cast_possible_truncation, reason = "held against its limits before")]
    let whole = (real.fract() == 0.0 && real.abs() < 9e15).then_some(Datum::Int(real as i128));
    Some(whole.unwrap_or(Datum::Real(real)))
}

fn slot(catalogue: &Catalogue, column: &Column) -> Slot {
    let declared = column.declared.to_ascii_lowercase();
    let (affinity, engine) = (Affinity::of(&declared), catalogue.engine);
    let is_mysql = matches!(engine, EngineKind::Mysql | EngineKind::Mariadb);
    let modifiers = declared.split_once('(').and_then(|(_, rest)| rest.split(')').next()).unwrap_or_default();
    let places = modifiers.split_once(',').and_then(|(_, places)| places.trim().parse().ok());
    Slot {
        name: column.name.clone(),
        declared: column.declared.clone(),
        collation: column
            .collation
            .clone()
            .or_else(|| catalogue.settings.get("collation").filter(|_| is_mysql).cloned()),
        family: column.family,
        rule: rule(catalogue, column, &declared),
        affinity,
        nullable: column.nullable,
        length: column.length.filter(|_| engine != EngineKind::Sqlite),
        places: places.or((column.family == Family::Numeric && is_mysql).then_some(0)),
        is_flag: column.family == Family::Boolean || declared.starts_with("tinyint(1)"),
        generated: column.generated,
    }
}

fn rule(catalogue: &Catalogue, column: &Column, declared: &str) -> Rule {
    match catalogue.engine {
        EngineKind::Sqlite => collation(column.collation.as_deref().unwrap_or("BINARY"), catalogue.engine),
        EngineKind::Postgres => match (column.family, &column.collation) {
            (Family::Enum, _) => Rule::Labels,
            _ if declared == "citext" => Rule::Unclear,
            _ if declared.starts_with("character(") || declared == "bpchar" => Rule::Padded,
            (_, None) => Rule::Locale,
            (_, Some(collation_name)) => collation(collation_name, catalogue.engine),
        },
        EngineKind::Mysql | EngineKind::Mariadb => {
            let database = catalogue.settings.get("collation").map_or("", String::as_str);
            match collation(column.collation.as_deref().unwrap_or(database), catalogue.engine) {
                // Labels are compared as texts, and put in order by their place.
                Rule::Binary { .. } if column.family == Family::Enum => Rule::Labels,
                _ if column.family == Family::Enum => Rule::Unclear,
                rule => rule,
            }
        }
    }
}

/// The rule of a collation, by its name.
pub(super) fn collation(name: &str, engine: EngineKind) -> Rule {
    let name = name.trim_matches('"').to_ascii_lowercase();
    let last = name.rsplit(['.', '"']).find(|part| !part.is_empty()).unwrap_or_default();
    match engine {
        EngineKind::Sqlite => match last {
            "binary" => Rule::Bytes,
            "nocase" => Rule::NoCase,
            "rtrim" => Rule::Trimmed,
            _ => Rule::Unclear,
        },
        EngineKind::Postgres => match last {
            "c" | "posix" | "ucs_basic" => Rule::Bytes,
            "default" => Rule::Locale,
            // A collation of one's own may say that different texts are equal.
            _ => Rule::Unclear,
        },
        EngineKind::Mysql | EngineKind::Mariadb => {
            let pad = !(last.contains("_0900_") || last.contains("_nopad_"));
            match () {
                () if last == "binary" => Rule::Bytes,
                () if last.ends_with("_bin") => Rule::Binary { pad },
                () if last.ends_with("_ci") => Rule::Fold { pad },
                () => Rule::Unclear,
            }
        }
    }
}
