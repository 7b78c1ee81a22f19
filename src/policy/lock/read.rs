//! Reads a lock: every key is known or an error with its place. The text need not be the one that this program writes.

use super::{Each, Lock, LockFile, LockedColumn, LockedTable, table_fingerprint};
use crate::error::{Kind, Result};
use crate::model::tier::Tier;
use crate::policy::file::{ENVIRONMENTS, Place};
use crate::policy::read::{Item, Reader};
use crate::policy::section::SECTIONS;
use std::collections::BTreeMap;
use std::ops::Range;
use toml::de::DeTable;

impl LockFile {
    /// Reads a lock. `file` is only used in messages.
    ///
    /// # Errors
    /// Kind `Usage` for syntax, unknown, missing or doubled keys and wrong values, with line and column.
    pub fn parse(file: &str, text: &str) -> Result<Self> {
        let reader = Reader { file, text };
        let root = DeTable::parse(text).map_err(|error| {
            let what = format!("this is not TOML: {}", error.message());
            reader.error(Kind::Usage, error.span().unwrap_or(0..0), what).hint(
                "Where a merge left marks, take either side; 'terp-fixtures policy lock' writes it anew and keeps who decided what.",
            )
        })?;
        Reading(reader).lock(root.get_ref())
    }
}

struct Reading<'a>(Reader<'a>);

/// Who decided what, when.
struct Review {
    tier: Option<Tier>,
    reason: Option<String>,
    by: String,
    on: String,
    expires: Option<String>,
}

impl<'a> Reading<'a> {
    fn lock(&self, root: &DeTable<'a>) -> Result<LockFile> {
        let reader = &self.0;
        reader.only(root, &["version", "engines"])?;
        let version = self.wanted(root, "version", 0..0)?;
        if reader.integer(version)? != 1 {
            let error = reader.error(Kind::Usage, version.span(), "this version of the lock format is not known");
            return Err(error.hint("This program reads version = 1."));
        }
        let sections = reader.table(self.wanted(root, "engines", 0..0)?)?;
        reader.only(sections, &SECTIONS.map(|(word, _)| word))?;
        let mut engines = BTreeMap::new();
        for (name, section) in sections {
            engines.insert(name.get_ref().to_string(), self.engine(name.get_ref(), section)?);
        }
        Ok(LockFile { file: reader.file.to_owned(), engines })
    }

    fn engine(&self, name: &str, section: &Item<'a>) -> Result<Lock> {
        let section = self.0.table(section)?;
        self.0.only(section, &["tables"])?;
        let mut tables = BTreeMap::new();
        if let Some(item) = section.get("tables") {
            for (name, table) in self.0.table(item)? {
                let place = self.0.place(&name.span());
                tables.insert(name.get_ref().to_string(), self.table(table, place)?);
            }
        }
        Ok(Lock { file: self.0.file.to_owned(), engine: name.to_owned(), tables })
    }

    fn table(&self, item: &Item<'a>, place: Place) -> Result<LockedTable> {
        let table = self.0.table(item)?;
        self.0.only(table, &["mode", "review", "columns"])?;
        let modes = self.each(self.wanted(table, "mode", item.span())?)?;
        let review = self.review(self.wanted(table, "review", item.span())?, &["reason", "by", "on", "expires"])?;
        let mut columns = BTreeMap::new();
        if let Some(item) = table.get("columns") {
            for (name, column) in self.0.table(item)? {
                let place = self.0.place(&name.span());
                columns.insert(name.get_ref().to_string(), self.column(column, place)?);
            }
        }
        let fingerprint = table_fingerprint(&columns);
        let Review { reason, by, on, expires, .. } = review;
        Ok(LockedTable { fingerprint, modes, reason, by, on, expires, columns, place })
    }

    fn column(&self, item: &Item<'a>, place: Place) -> Result<LockedColumn> {
        let column = self.0.table(item)?;
        self.0.only(column, &["schema", "decision", "review"])?;
        let stated = self.wanted(column, "schema", item.span())?;
        let schema = self.0.table(stated)?;
        self.0.only(schema, &["type", "null", "unique", "fingerprint"])?;
        let fingerprint = self.wanted(schema, "fingerprint", stated.span())?;
        let hex = self.0.text(fingerprint)?;
        if hex.len() != 16 || !hex.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte)) {
            return Err(self.bad(fingerprint, "a fingerprint has 16 hex digits"));
        }
        let known = ["tier", "reason", "by", "on", "expires"];
        let written = self.wanted(column, "review", item.span())?;
        let Review { tier, reason, by, on, expires } = self.review(written, &known)?;
        Ok(LockedColumn {
            declared: self.0.text(self.wanted(schema, "type", stated.span())?)?.to_owned(),
            nullable: self.flag(self.wanted(schema, "null", stated.span())?)?,
            unique: self.flag(self.wanted(schema, "unique", stated.span())?)?,
            fingerprint: hex.to_owned(),
            decisions: self.each(self.wanted(column, "decision", item.span())?)?,
            tier: tier.ok_or_else(|| self.bad(written, "'tier' is missing here"))?,
            reason,
            by,
            on,
            expires,
            place,
        })
    }

    fn review(&self, item: &Item<'a>, known: &[&str]) -> Result<Review> {
        let review = self.0.table(item)?;
        self.0.only(review, known)?;
        let text = |name: &str| review.get(name).map(|item| self.0.text(item).map(str::to_owned)).transpose();
        let tier = |item: &Item<'a>| {
            let letter = self.0.text(item)?;
            Tier::of_letter(letter).ok_or_else(|| self.bad(item, "the tier must be one of D, C, S, Q, F, B, N"))
        };
        Ok(Review {
            tier: review.get("tier").map(tier).transpose()?,
            reason: text("reason")?,
            by: self.0.text(self.wanted(review, "by", item.span())?)?.to_owned(),
            on: self.day(self.wanted(review, "on", item.span())?)?,
            expires: review.get("expires").map(|item| self.day(item)).transpose()?,
        })
    }

    /// One text for all environments, or one for each.
    fn each(&self, item: &Item<'a>) -> Result<Each> {
        if let Some(text) = item.get_ref().as_str() {
            return Ok(Each([text.to_owned(), text.to_owned(), text.to_owned()]));
        }
        let Some(table) = item.get_ref().as_table() else {
            return Err(self.0.wrong_type(item, "a string, or a table with one for each environment"));
        };
        self.0.only(table, &ENVIRONMENTS)?;
        let one = |name: &str| Ok(self.0.text(self.wanted(table, name, item.span())?)?.to_owned());
        Ok(Each([one(ENVIRONMENTS[0])?, one(ENVIRONMENTS[1])?, one(ENVIRONMENTS[2])?]))
    }

    fn flag(&self, item: &Item<'a>) -> Result<bool> {
        item.get_ref().as_bool().ok_or_else(|| self.0.wrong_type(item, "true or false"))
    }

    fn day(&self, item: &Item<'a>) -> Result<String> {
        let text = self.0.text(item)?;
        if is_day(text) { Ok(text.to_owned()) } else { Err(self.bad(item, "a day is written YYYY-MM-DD")) }
    }

    fn wanted<'t>(&self, table: &'t DeTable<'a>, name: &str, of: Range<usize>) -> Result<&'t Item<'a>> {
        table
            .get(name)
            .ok_or_else(|| self.0.error(Kind::Usage, of.start..of.start, format!("'{name}' is missing here")))
    }

    fn bad(&self, item: &Item<'a>, what: impl std::fmt::Display) -> crate::error::Error {
        let error = self.0.error(Kind::Usage, item.span(), what);
        error.hint("Let 'terp-fixtures policy lock' write the lock; it keeps who decided what.")
    }
}

/// Whether a text is a day of the calendar, `YYYY-MM-DD`. As texts such days have the order of time.
pub(in crate::policy) fn is_day(text: &str) -> bool {
    let shape = text.bytes().map(|byte| if byte.is_ascii_digit() { b'0' } else { byte }).eq(*b"0000-00-00");
    let number = |range: Range<usize>| text.get(range).and_then(|digits| digits.parse::<u32>().ok()).unwrap_or(0);
    shape && (1..=12).contains(&number(5..7)) && (1..=31).contains(&number(8..10))
}
