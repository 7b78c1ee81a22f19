//! A written type in the words that the engine's own catalogue has for it.

use super::words::Words;
use crate::model::declared::{mysql_family, postgres_family, sqlite_family, sqlite_length};
use crate::model::schema::{EngineKind, Family};
use std::collections::BTreeMap;

/// A type as a catalogue shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Type {
    pub(super) declared: String,
    pub(super) family: Family,
    pub(super) length: Option<u32>,
    /// Whether the type brings a counter and NOT NULL: `serial`.
    pub(super) serial: bool,
    /// Whether it brings a unique key: MySQL's `SERIAL`.
    pub(super) unique: bool,
}

impl Type {
    fn of(declared: String, family: Family) -> Self {
        Self { declared, family, length: None, serial: false, unique: false }
    }
}

/// A type of the user's own in PostgreSQL.
#[derive(Debug, Clone)]
pub(super) enum Own {
    Enum,
    Domain(Box<Type>),
    Other,
}

/// The types that a file has made, by name as the catalogue shows them.
pub(super) type Owns = BTreeMap<String, Own>;

/// What ends a type: the words that begin an option of the column.
const OPTIONS: &[&str] = &[
    "CONSTRAINT",
    "NOT",
    "NULL",
    "DEFAULT",
    "PRIMARY",
    "UNIQUE",
    "CHECK",
    "REFERENCES",
    "COLLATE",
    "GENERATED",
    "AS",
    "AUTO_INCREMENT",
    "AUTOINCREMENT",
    "COMMENT",
    "ON",
    "KEY",
    "CHARSET",
    "VIRTUAL",
    "STORED",
    "INVISIBLE",
    "VISIBLE",
    "DEFERRABLE",
    "INITIALLY",
    "FIRST",
    "AFTER",
    "USING",
    "STORAGE",
    "COMPRESSION",
    "COLUMN_FORMAT",
    "SRID",
    "WITHOUT SYSTEM",
];

/// Whether an option of the column comes next.
pub(super) fn is_option(words: &Words<'_>) -> bool {
    words.is_any(OPTIONS) || words.is(&["CHARACTER", "SET"]) || words.is(&["CHAR", "SET"])
}

/// Takes the type that comes next. A column of SQLite may have none.
pub(super) fn take(words: &mut Words<'_>, owns: &Owns) -> Type {
    let start = *words;
    while !words.is_empty() && !is_option(words) {
        words.pass();
    }
    let written = start.until(words);
    match words.engine {
        EngineKind::Sqlite => sqlite(written.raw()),
        EngineKind::Postgres => postgres(written, owns),
        EngineKind::Mysql | EngineKind::Mariadb => mysql(written),
    }
}

fn sqlite(declared: &str) -> Type {
    let declared = declared.trim_matches(['"', '`', '[', ']', '\'']).to_owned();
    let mut found = Type::of(declared.clone(), sqlite_family(&declared));
    found.length = sqlite_length(&declared);
    found
}

/// Words in lower case, what stands in the first brackets, and the words behind them.
struct Taken {
    words: String,
    args: Option<String>,
    after: String,
}

fn taken(mut written: Words<'_>) -> Taken {
    let mut taken = Taken { words: String::new(), args: None, after: String::new() };
    while !written.is_empty() {
        if let Some(inside) = written.group() {
            let parts = inside.parts();
            taken.args = Some(parts.iter().map(|part| part.raw().to_owned()).collect::<Vec<_>>().join(","));
            continue;
        }
        let before = written;
        written.pass();
        let word = before.until(&written).raw().to_owned();
        let into = if taken.args.is_some() { &mut taken.after } else { &mut taken.words };
        if !into.is_empty() {
            into.push(' ');
        }
        into.push_str(&word);
    }
    taken
}

/// PostgreSQL's names: as written, as `format_type` shows it, as `pg_type` has it.
const POSTGRES: &[(&[&str], &str, &str)] = &[
    (&["int", "int4", "integer"], "integer", "int4"),
    (&["int8", "bigint"], "bigint", "int8"),
    (&["int2", "smallint"], "smallint", "int2"),
    (&["float4", "real"], "real", "float4"),
    (&["float8", "double precision", "float"], "double precision", "float8"),
    (&["numeric", "decimal", "dec"], "numeric", "numeric"),
    (&["varchar", "character varying", "char varying", "national character varying"], "character varying", "varchar"),
    (&["char", "character", "national character", "nchar"], "character", "bpchar"),
    (&["bool", "boolean"], "boolean", "bool"),
    (&["timestamp", "timestamp without time zone"], "timestamp without time zone", "timestamp"),
    (&["timestamptz", "timestamp with time zone"], "timestamp with time zone", "timestamptz"),
    (&["time", "time without time zone"], "time without time zone", "time"),
    (&["timetz", "time with time zone"], "time with time zone", "timetz"),
    (&["bit varying", "varbit"], "bit varying", "varbit"),
];

const SERIALS: &[(&[&str], &str)] = &[
    (&["serial", "serial4"], "integer"),
    (&["bigserial", "serial8"], "bigint"),
    (&["smallserial", "serial2"], "smallint"),
];

fn postgres(written: Words<'_>, owns: &Owns) -> Type {
    let Taken { words, args, after } = taken(written);
    let (words, brackets) = match words.find('[') {
        Some(at) => (words[..at].trim_end().to_owned(), "[]"),
        None => (words, if after.contains('[') { "[]" } else { "" }),
    };
    let after = after.split('[').next().unwrap_or_default().trim().to_lowercase();
    let plain = words.replace(" . ", ".");
    let folded = if plain.contains('"') { plain.replace('"', "") } else { plain.to_lowercase() };
    let folded = folded.strip_prefix("public.").or_else(|| folded.strip_prefix("pg_catalog.")).unwrap_or(&folded);
    if let Some((_, integer)) = SERIALS.iter().find(|(names, _)| names.contains(&folded)) {
        return Type { serial: true, ..Type::of((*integer).to_owned(), Family::Integer) };
    }
    let whole = if after.is_empty() { folded.to_owned() } else { format!("{folded} {after}") };
    let known = POSTGRES.iter().find(|(names, ..)| names.contains(&whole.as_str()));
    let (shown, base) = known.map_or((folded, folded), |(_, shown, base)| (*shown, *base));
    // format_type puts the precision behind the first word: timestamp(3) without time zone.
    let args = match (base, args) {
        ("numeric", Some(args)) if !args.contains(',') => Some(format!("{args},0")),
        ("bpchar", None) if shown == "character" => Some("1".to_owned()),
        (_, args) => args,
    };
    let declared = match (&args, shown.split_once(' ')) {
        (Some(args), Some((first, rest))) if first.starts_with("time") => format!("{first}({args}) {rest}"),
        (Some(args), _) => format!("{shown}({args})"),
        (None, _) => shown.to_owned(),
    };
    if !brackets.is_empty() {
        return Type::of(format!("{declared}[]"), Family::Any);
    }
    match owns.get(folded) {
        Some(Own::Enum) => Type::of(declared, Family::Enum),
        Some(Own::Domain(base)) => Type { declared, serial: false, ..(**base).clone() },
        Some(Own::Other) => Type::of(declared, Family::Any),
        None => {
            let length = args.as_deref().filter(|_| ["varchar", "bpchar"].contains(&base)).and_then(|n| n.parse().ok());
            Type { length, ..Type::of(declared, postgres_family(base, "b")) }
        }
    }
}

/// MySQL's names: as written and as the catalogue has them.
const MYSQL: &[(&[&str], &str)] = &[
    (&["integer", "int4"], "int"),
    (&["int1"], "tinyint"),
    (&["int2"], "smallint"),
    (&["int3", "middleint"], "mediumint"),
    (&["int8"], "bigint"),
    (&["dec", "numeric", "fixed"], "decimal"),
    (&["double precision", "float8"], "double"),
    (&["float4"], "float"),
    (&["character"], "char"),
    (&["character varying", "char varying", "nvarchar", "varcharacter", "national varchar"], "varchar"),
    (&["nchar", "national char"], "char"),
    (&["long", "long varchar"], "mediumtext"),
    (&["long varbinary"], "mediumblob"),
];

fn mysql(written: Words<'_>) -> Type {
    let engine = written.engine;
    let Taken { words, args, after } = taken(written);
    let is_mark =
        |word: &&str| matches!(word.to_lowercase().as_str(), "unsigned" | "zerofill" | "signed" | "binary" | "ascii");
    let all = words.to_lowercase();
    let mut name: Vec<&str> = all.split(' ').collect();
    let marks: Vec<String> = match name.iter().skip(1).position(is_mark) {
        Some(at) => name.split_off(at + 1).into_iter().map(str::to_owned).collect(),
        None => Vec::new(),
    };
    let name = name.join(" ");
    let marks: Vec<String> = marks.into_iter().chain(after.split_whitespace().map(str::to_lowercase)).collect();
    let has = |mark: &str| marks.iter().any(|known| known == mark);
    let name = MYSQL.iter().find(|(names, _)| names.contains(&name.as_str())).map_or(name.as_str(), |(_, shown)| shown);
    match name {
        "serial" => {
            return Type { serial: true, unique: true, ..Type::of("bigint unsigned".to_owned(), Family::Integer) };
        }
        "bool" | "boolean" => return Type::of("tinyint(1)".to_owned(), Family::Integer),
        "real" => return Type::of("double".to_owned(), Family::Real),
        "json" if engine == EngineKind::Mariadb => return Type::of("longtext".to_owned(), Family::Json),
        _ => {}
    }
    let is_whole = ["tinyint", "smallint", "mediumint", "int", "bigint", "year"].contains(&name);
    let args = match (name, args) {
        ("decimal", None) => Some("10,0".to_owned()),
        ("decimal", Some(args)) if !args.contains(',') => Some(format!("{args},0")),
        ("char" | "binary" | "bit", None) => Some("1".to_owned()),
        // MySQL shows no width of whole numbers, but for booleans; MariaDB always does.
        (_, Some(width))
            if is_whole && engine == EngineKind::Mysql && !(name == "tinyint" && width == "1") && !has("zerofill") =>
        {
            None
        }
        (_, None) if is_whole && engine == EngineKind::Mariadb => Some(width(name, has("unsigned") || has("zerofill"))),
        (_, args) => args,
    };
    let mut declared = args.as_ref().map_or_else(|| name.to_owned(), |args| format!("{name}({args})"));
    if has("unsigned") || has("zerofill") {
        declared.push_str(" unsigned");
    }
    if has("zerofill") {
        declared.push_str(" zerofill");
    }
    let length = args.filter(|_| ["char", "varchar"].contains(&name)).and_then(|length| length.trim().parse().ok());
    Type { length, ..Type::of(declared, mysql_family(name)) }
}

/// The display width that MariaDB gives a whole number.
fn width(name: &str, unsigned: bool) -> String {
    let (signed, without_sign) = match name {
        "tinyint" => (4, 3),
        "smallint" => (6, 5),
        "mediumint" => (9, 8),
        "int" => (11, 10),
        "year" => (4, 4),
        _ => (20, 20),
    };
    if unsigned { without_sign } else { signed }.to_string()
}
