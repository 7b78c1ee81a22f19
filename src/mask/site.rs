//! Where a mask is put to work: everything about a column, and about the columns that share its domain, that may decide
//! what can be written there.

use super::canonical::Form;
use super::key::{DomainKey, Keyring};
use crate::model::schema::{Column, EngineKind, Family};
use std::collections::BTreeMap;

/// Which texts the columns of a domain take for the same value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Fold {
    /// The same bytes only.
    #[default]
    Exact,
    /// Texts that differ in case, width or space behind them (`_as_ci`, citext, NOCASE).
    Case,
    /// Also texts that differ in accents (`_general_ci`, `_ai_ci`).
    Accent,
}

impl Fold {
    /// How a column compares. `settings` are the catalogue's: MySQL and MariaDB name the default collation there.
    #[must_use]
    pub fn of(column: &Column, engine: EngineKind, settings: &BTreeMap<String, String>) -> Self {
        let named = column.collation.as_deref().map(str::to_ascii_lowercase);
        match engine {
            EngineKind::Sqlite => match named.as_deref() {
                Some("nocase" | "rtrim") => Self::Case,
                _ => Self::Exact,
            },
            EngineKind::Postgres if column.declared.to_ascii_lowercase().contains("citext") => Self::Case,
            EngineKind::Postgres => Self::Exact,
            EngineKind::Mysql | EngineKind::Mariadb => {
                let text = matches!(column.family, Family::Text | Family::Enum | Family::Any);
                let default = || settings.get("collation").map(|name| name.to_ascii_lowercase());
                match named.or_else(|| default().filter(|_| text)) {
                    Some(name) if name.ends_with("_as_ci") => Self::Case,
                    Some(name) if name.ends_with("_ci") => Self::Accent,
                    _ => Self::Exact,
                }
            }
        }
    }
}

/// Which characters a column can hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Charset {
    /// All of Unicode.
    #[default]
    Unicode,
    /// Unicode's first 65,536 characters: MySQL's utf8mb3.
    Basic,
    /// Unicode's first 256 characters.
    Latin1,
    /// Unicode's first 128 characters, and whatever else is not known to fit.
    Ascii,
}

impl Charset {
    /// What a column can hold.
    #[must_use]
    pub fn of(column: &Column, engine: EngineKind, settings: &BTreeMap<String, String>) -> Self {
        let name = match engine {
            EngineKind::Sqlite => return Self::Unicode,
            EngineKind::Postgres => settings.get("server_encoding").or_else(|| settings.get("encoding")).cloned(),
            EngineKind::Mysql | EngineKind::Mariadb => {
                let own = column.collation.as_ref().and_then(|name| name.split('_').next()).map(str::to_owned);
                own.or_else(|| settings.get("character_set").cloned())
            }
        };
        match name.unwrap_or_default().to_ascii_lowercase().as_str() {
            "" | "utf8mb4" | "utf16" | "utf16le" | "utf32" | "utf8" | "utf-8" | "unicode" | "gb18030" | "uca1400"
                if engine != EngineKind::Mysql && engine != EngineKind::Mariadb =>
            {
                Self::Unicode
            }
            "" | "utf8mb4" | "utf16" | "utf16le" | "utf32" | "gb18030" | "uca1400" => Self::Unicode,
            "utf8" | "utf8mb3" | "ucs2" => Self::Basic,
            "latin1" | "iso_8859_1" => Self::Latin1,
            _ => Self::Ascii,
        }
    }

    /// Whether the column can hold the text.
    #[must_use]
    pub fn holds(self, text: &str) -> bool {
        let limit = match self {
            Self::Unicode => return true,
            Self::Basic => 0xFFFF,
            Self::Latin1 => 0xFF,
            Self::Ascii => 0x7F,
        };
        text.chars().all(|c| u32::from(c) <= limit)
    }
}

/// Where a mask is put to work. Limits are those of all columns of the domain together.
#[derive(Debug, Clone)]
pub struct Site {
    /// The key of the column's domain.
    pub key: DomainKey,
    /// The keys of other domains, for masks that are made of masks.
    pub ring: Keyring,
    /// The longest value in characters that every column of the domain takes.
    pub max_chars: Option<u32>,
    /// The characters that every column of the domain takes.
    pub charset: Charset,
    /// What the columns of the domain take for the same value.
    pub fold: Fold,
    /// What the column holds.
    pub family: Family,
    /// The type as the server spells it, such as `numeric(10,2)` or `smallint`.
    pub declared: String,
    /// Whether a column of the domain is unique.
    pub unique: bool,
    /// Whether the column takes NULL.
    pub nullable: bool,
    /// The column's default, where it is a plain literal.
    pub default: Option<String>,
    /// The only values that every column of the domain takes (ENUM, `CHECK (x IN (...))`); none where any will do.
    pub labels: Option<Vec<String>>,
    /// The least and the greatest number that every column of the domain takes, as far as type and CHECK say so.
    pub range: (Option<i128>, Option<i128>),
    /// Rooms in characters for first and last names that fit every column of a persona.
    pub name_rooms: (usize, usize),
    /// The names of the cells of a row, in order.
    pub cells: Vec<String>,
}

impl Site {
    /// A site without limits.
    #[must_use]
    pub fn free(ring: &Keyring, domain: &str, family: Family) -> Self {
        Self {
            key: ring.domain(domain),
            ring: ring.clone(),
            max_chars: None,
            charset: Charset::Unicode,
            fold: Fold::Exact,
            family,
            declared: String::new(),
            unique: false,
            nullable: true,
            default: None,
            labels: None,
            range: (None, None),
            name_rooms: (usize::MAX, usize::MAX),
            cells: Vec::new(),
        }
    }

    /// The longest value in characters; without a limit, a very large number.
    #[must_use]
    pub fn room(&self) -> usize {
        self.max_chars.and_then(|chars| usize::try_from(chars).ok()).unwrap_or(usize::MAX)
    }

    /// The canonical form of values that are compared byte for byte unless the columns' collation says otherwise.
    #[must_use]
    pub fn exact_form(&self) -> Form {
        match self.fold {
            Fold::Exact => Form::Exact,
            Fold::Case => Form::Case,
            Fold::Accent => Form::Accent,
        }
    }

    /// The canonical form of values whose fakes only have to agree: without case and accents, so that engines that compare
    /// differently give the same fakes. Where a unique column tells spellings apart, they stay apart.
    #[must_use]
    pub fn loose_form(&self) -> Form {
        if self.unique { self.exact_form() } else { Form::Accent }
    }

    /// A site without limits and with a fixed key.
    #[cfg(test)]
    pub(crate) fn for_tests(domain: &str) -> Self {
        let master = super::key::MasterKey::new(crate::secret::Secret32::new([7; 32]));
        Self::free(&Keyring::new(&master, "tests", "dev", 1), domain, Family::Text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(declared: &str, collation: Option<&str>) -> Column {
        Column {
            name: "c".into(),
            declared: declared.into(),
            family: Family::Text,
            length: None,
            nullable: true,
            default: None,
            generated: false,
            collation: collation.map(str::to_owned),
            comment: None,
        }
    }

    #[test]
    fn collations_say_what_is_the_same() {
        let settings = BTreeMap::from([("collation".to_owned(), "utf8mb4_0900_ai_ci".to_owned())]);
        let fold = |engine, declared, collation| Fold::of(&column(declared, collation), engine, &settings);
        assert_eq!(fold(EngineKind::Mysql, "varchar(9)", None), Fold::Accent);
        assert_eq!(fold(EngineKind::Mysql, "varchar(9)", Some("utf8mb4_0900_as_ci")), Fold::Case);
        assert_eq!(fold(EngineKind::Mysql, "varchar(9)", Some("utf8mb4_bin")), Fold::Exact);
        assert_eq!(fold(EngineKind::Mysql, "varchar(9)", Some("utf8mb4_0900_as_cs")), Fold::Exact);
        assert_eq!(fold(EngineKind::Postgres, "citext", None), Fold::Case);
        assert_eq!(fold(EngineKind::Postgres, "text", None), Fold::Exact);
        assert_eq!(fold(EngineKind::Sqlite, "TEXT", Some("NOCASE")), Fold::Case);
    }

    #[test]
    fn character_sets_hold_what_they_hold() {
        let settings = BTreeMap::from([("character_set".to_owned(), "utf8mb4".to_owned())]);
        let of = |collation| Charset::of(&column("varchar(9)", collation), EngineKind::Mysql, &settings);
        assert_eq!(of(None), Charset::Unicode);
        assert_eq!(of(Some("latin1_swedish_ci")), Charset::Latin1);
        assert_eq!(of(Some("utf8mb3_bin")), Charset::Basic);
        assert_eq!(of(Some("cp1251_general_ci")), Charset::Ascii);
        assert!(Charset::Latin1.holds("José") && !Charset::Latin1.holds("Łukasz") && !Charset::Ascii.holds("é"));
        assert!(Charset::Basic.holds("Łukasz") && !Charset::Basic.holds("🌿"));
    }
}
