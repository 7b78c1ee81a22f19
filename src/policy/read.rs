//! Reads the TOML tree of a policy file key by key, so that every complaint can name line and column.

use super::file::{Allowance, ColumnRule, ENVIRONMENTS, Mode, Place, Policy, TableRules};
use super::keys::{self, names};
use super::names::did_you_mean;
use super::rules::{self, RULES};
use super::section::{SECTIONS, Section};
use crate::error::{Error, Kind, Result};
use crate::mask::{self, Definition, MASKS, Params, Value};
use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// What an environment can make of tables whose mode is `capture`.
pub(super) const INSTEAD: [Mode; 2] = [Mode::Structure, Mode::Exclude];

pub(super) type Item<'a> = Spanned<DeValue<'a>>;

/// What a mask takes, for hints.
fn taken(mask: &Definition) -> String {
    let one = |param: &mask::Param| format!("{} ({})", param.name, param.kind);
    match mask.params {
        [] => format!("Mask {} takes no parameters.", mask.name),
        params => format!("Mask {} takes {}.", mask.name, params.iter().map(one).collect::<Vec<_>>().join(", ")),
    }
}

/// Whether this is a day of the calendar, `YYYY-MM-DD`.
pub(super) fn is_day(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let [year, month, day] = parts[..] else { return false };
    let number = |part: &str, digits: usize| {
        let plain = part.len() == digits && part.bytes().all(|byte| byte.is_ascii_digit());
        part.parse::<u32>().ok().filter(|_| plain)
    };
    let (Some(year), Some(month), Some(day)) = (number(year, 4), number(month, 2), number(day, 2)) else {
        return false;
    };
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let days = match month {
        2 => 28 + u32::from(leap),
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => 0,
    };
    (1..=days).contains(&day)
}

pub(super) struct Reader<'a> {
    pub(super) file: &'a str,
    pub(super) text: &'a str,
}

impl<'a> Reader<'a> {
    /// Reads the whole file.
    pub(super) fn policy(&self, root: &DeTable<'a>, span: Range<usize>) -> Result<Policy> {
        self.only(root, &names(&keys::FILE))?;
        match root.get("version").map(|version| (self.integer(version), version.span())) {
            Some((Ok(1), _)) => {}
            Some((Ok(_), span)) => {
                let error = self.error(Kind::Usage, span, "this version of the policy format is not known");
                return Err(error.hint("This program reads version = 1."));
            }
            Some((Err(error), _)) => return Err(error),
            None => {
                let error = self.error(Kind::Usage, span.start..span.start, "the policy does not say its version");
                return Err(error.hint("Begin the file with version = 1."));
            }
        }
        let all = self.section(root)?;
        let mut policy = Policy {
            file: self.file.to_owned(),
            digest: super::statement::digest(self.text),
            project: "default".to_owned(),
            generation: 1,
            review: BTreeMap::new(),
            defaults: all.defaults,
            subset: all.subset,
            tables: all.tables,
            environments: all.environments,
            captured: all.captured,
            allowances: Vec::new(),
            engines: BTreeMap::new(),
            section: String::new(),
        };
        if let Some(project) = root.get("project") {
            let project = self.table(project)?;
            self.only(project, &names(&keys::PROJECT))?;
            if let Some(name) = project.get("name") {
                self.text(name)?.clone_into(&mut policy.project);
            }
            if let Some(generation) = project.get("generation") {
                let found = u32::try_from(self.integer(generation)?).ok().filter(|number| *number > 0);
                policy.generation = found.ok_or_else(|| {
                    self.error(Kind::Usage, generation.span(), "generation must be a whole number from 1")
                })?;
            }
        }
        if let Some(review) = root.get("review") {
            policy.review = self.review(review)?;
        }
        if let Some(check) = root.get("check") {
            let check = self.table(check)?;
            self.only(check, &names(&keys::CHECK))?;
            if let Some(allow) = check.get("allow") {
                let list = self.list(allow, "a list of findings: [[check.allow]]")?;
                policy.allowances = list.iter().map(|item| self.allowance(item)).collect::<Result<_>>()?;
            }
        }
        if let Some(engines) = root.get("engines") {
            let engines = self.table(engines)?;
            self.only(engines, &SECTIONS.map(|(name, _)| name))?;
            for (name, engine) in engines {
                let engine = self.table(engine)?;
                self.only(engine, &names(&keys::SECTION))?;
                policy.engines.insert(name.get_ref().to_string(), self.section(engine)?);
            }
        }
        Ok(policy)
    }

    /// What is said for all engines, or for one.
    fn section(&self, root: &DeTable<'a>) -> Result<Section> {
        let mut section = Section::default();
        if let Some(defaults) = root.get("defaults") {
            let defaults = self.table(defaults)?;
            self.only(defaults, &names(&keys::DEFAULTS))?;
            self.columns_of("defaults", defaults, &mut section.defaults)?;
        }
        if let Some(subset) = root.get("subset") {
            section.subset = self.subset(subset)?;
        }
        if let Some(tables) = root.get("tables") {
            section.tables = self.tables(tables)?;
        }
        if let Some(environments) = root.get("environments") {
            let environments = self.table(environments)?;
            self.only(environments, &ENVIRONMENTS)?;
            for (name, environment) in environments {
                let environment = self.table(environment)?;
                self.only(environment, &names(&keys::ENVIRONMENT))?;
                let name = name.get_ref().to_string();
                if let Some(mode) = environment.get("mode") {
                    section.captured.insert(name.clone(), self.instead(mode)?);
                }
                let tables = environment.get("tables").map(|tables| self.tables(tables)).transpose()?;
                section.environments.insert(name, tables.unwrap_or_default());
            }
        }
        Ok(section)
    }

    /// One of `[[check.allow]]`.
    fn allowance(&self, item: &Item<'a>) -> Result<Allowance> {
        let table = self.table(item)?;
        self.only(table, &names(&keys::ALLOWANCE))?;
        let what = "an entry of check.allow";
        let named = self.needed(item, table, "rule", what)?;
        let rule = self.text(named)?;
        if !rules::find(rule).is_some_and(|rule| rule.allowable) {
            let known = || RULES.iter().filter(|rule| rule.allowable).map(|rule| rule.id);
            let what = format!("no rule '{}' finds what can be allowed", rule.escape_debug());
            let error = self.error(Kind::Usage, named.span(), what);
            let hint = did_you_mean(rule, known());
            return Err(
                error.hint(hint.unwrap_or_else(|| format!("It is one of {}.", known().collect::<Vec<_>>().join(", "))))
            );
        }
        let reason = self.needed(item, table, "reason", what)?;
        if self.text(reason)?.trim().is_empty() {
            return Err(self.error(Kind::Policy, reason.span(), "the reason is empty"));
        }
        let name = |key: &str| table.get(key).map(|name| self.text(name).map(str::to_owned)).transpose();
        Ok(Allowance {
            place: self.place(&named.span()),
            rule: rule.to_owned(),
            table: name("table")?,
            column: name("column")?,
            reason: self.text(reason)?.to_owned(),
            expires: table.get("expires").map(|day| self.day(day)).transpose()?,
        })
    }

    /// What an environment makes of captured tables.
    fn instead(&self, item: &Item<'a>) -> Result<Mode> {
        let word = self.text(item)?;
        INSTEAD.into_iter().find(|mode| mode.word() == word).ok_or_else(|| {
            let what = format!("mode of an environment cannot be '{}'", word.escape_debug());
            self.error(Kind::Usage, item.span(), what).hint(format!(
                "It says what becomes of tables with mode = \"capture\" there, and is one of {}.",
                INSTEAD.map(Mode::word).join(", ")
            ))
        })
    }

    /// What people say that no program can know. An empty answer is none.
    fn review(&self, review: &Item<'a>) -> Result<BTreeMap<String, String>> {
        let review = self.table(review)?;
        self.only(review, &names(&keys::REVIEW))?;
        let mut answers = BTreeMap::new();
        for (key, answer) in review {
            let answer = self.text(answer)?.trim();
            if !answer.is_empty() {
                answers.insert(key.get_ref().to_string(), answer.to_owned());
            }
        }
        Ok(answers)
    }

    fn tables(&self, tables: &Item<'a>) -> Result<BTreeMap<String, TableRules>> {
        let mut found = BTreeMap::new();
        for (name, table) in self.table(tables)? {
            let rules = self.rules(name.get_ref(), self.table(table)?, self.place(&name.span()))?;
            found.insert(name.get_ref().to_string(), rules);
        }
        Ok(found)
    }

    fn rules(&self, of: &str, table: &DeTable<'a>, place: Place) -> Result<TableRules> {
        self.only(table, &names(&keys::TABLE))?;
        let mut rules = TableRules { place, ..TableRules::default() };
        if let Some(mode) = table.get("mode") {
            let word = self.text(mode)?;
            let words = Mode::ALL.map(Mode::word);
            let found = Mode::ALL.into_iter().find(|mode| mode.word() == word);
            rules.mode = Some(found.ok_or_else(|| {
                let error = self.error(Kind::Usage, mode.span(), format!("unknown mode '{}'", word.escape_debug()));
                error.hint(format!("A table's mode is one of {}.", words.join(", ")))
            })?);
        }
        if let Some(reason) = table.get("reason") {
            rules.reason = Some(self.text(reason)?.to_owned());
        }
        rules.expires = table.get("expires").map(|day| self.day(day)).transpose()?;
        self.columns_of(of, table, &mut rules.columns)?;
        Ok(rules)
    }

    /// What `keep` and `columns` of a table say.
    fn columns_of(&self, of: &str, table: &DeTable<'a>, found: &mut BTreeMap<String, ColumnRule>) -> Result<()> {
        self.keep(table, found)?;
        let Some(columns) = table.get("columns") else { return Ok(()) };
        for (name, column) in self.table(columns)? {
            let rule = self.column(of, name, column)?;
            let name = name.get_ref().to_string();
            let place = rule.place;
            if let Some(kept) = found.insert(name.clone(), rule) {
                let what =
                    format!("column {} is in keep (line {}) and has a mask", name.escape_debug(), kept.place.line);
                let error = Error::policy(format!("{}:{place}: {what}", self.file));
                return Err(error.hint("Take it out of one of the two."));
            }
        }
        Ok(())
    }

    /// The `keep` list of `table`.
    fn keep(&self, table: &DeTable<'a>, columns: &mut BTreeMap<String, ColumnRule>) -> Result<()> {
        let Some(keep) = table.get("keep") else { return Ok(()) };
        let Some(list) = keep.get_ref().as_array() else { return Err(self.wrong_type(keep, "a list of column names")) };
        for item in list {
            let name = self.text(item)?;
            let place = self.place(&item.span());
            if columns.insert(name.to_owned(), ColumnRule::keep(place)).is_some() {
                let what = format!("column {} is in keep twice", name.escape_debug());
                return Err(self.error(Kind::Policy, item.span(), what));
            }
        }
        Ok(())
    }

    /// `name = "mask"` or `name = { mask = "...", domain = "...", subject = "...", when = "...", parameters }`.
    fn column(&self, table: &str, name: &Spanned<toml::de::DeString<'a>>, column: &Item<'a>) -> Result<ColumnRule> {
        let place = self.place(&name.span());
        let of = format!("{}.{}", table.escape_debug(), name.get_ref().escape_debug());
        if let Some(mask) = column.get_ref().as_str() {
            return Ok(ColumnRule::of(place, self.mask(&of, mask, column.span())?));
        }
        self.long_rule(&of, place, column)
    }

    /// `{ mask = "...", ... }`; `of` names the column in messages.
    fn long_rule(&self, of: &str, place: Place, column: &Item<'a>) -> Result<ColumnRule> {
        let Some(table) = column.get_ref().as_table() else {
            return Err(self.wrong_type(column, "the name of a mask, or { mask = \"...\" }"));
        };
        let Some(written) = table.get("mask") else {
            let what = format!("{of}: the column has no mask");
            let error = self.error(Kind::Policy, column.span(), what);
            return Err(error.hint("Write { mask = \"...\" }; docs/masks.md lists the masks."));
        };
        let mask = self.mask(of, self.text(written)?, written.span())?;
        let mut rule = ColumnRule::of(place, mask);
        let mut given = Vec::new();
        for (key, value) in table {
            let own = mask.params.iter().any(|param| param.name == key.get_ref().as_ref());
            match key.get_ref().as_ref() {
                "mask" => {}
                "domain" if mask.domain.is_empty() => {
                    return Err(self.error(
                        Kind::Policy,
                        key.span(),
                        format!("{of}: mask {} has no domain", mask.name),
                    ));
                }
                "domain" => rule.domain = Some(self.text(value)?.to_owned()),
                "subject" if !mask.takes_subject => {
                    return Err(self.error(
                        Kind::Policy,
                        key.span(),
                        format!("{of}: mask {} takes no subject", mask.name),
                    ));
                }
                "subject" => rule.subject = Some(self.text(value)?.to_owned()),
                "when" => rule.when = Some(self.text(value)?.to_owned()),
                "otherwise" => rule.otherwise = Some(Box::new(self.otherwise(of, value)?)),
                "expires" => rule.expires = Some(self.day(value)?),
                "reason" if !own => rule.reason = Some(self.text(value)?.to_owned()),
                name => given.push((name.to_owned(), self.value(mask, name, value)?)),
            }
        }
        if let (None, Some(otherwise)) = (&rule.when, &rule.otherwise) {
            let what = format!("{}:{}: {of}: 'otherwise' needs a condition", self.file, otherwise.place);
            return Err(Error::policy(what).hint("Add when = \"...\", or take it out."));
        }
        rule.params = Params::new(mask, given).map_err(|bad| {
            let place = table.iter().find(|(key, _)| key.get_ref().as_ref() == bad.name);
            let span = place.map_or(column.span(), |(key, value)| if bad.unknown { key.span() } else { value.span() });
            let error = self.error(Kind::Policy, span, format!("{of}: {}", bad.why));
            let known = mask.params.iter().map(|param| param.name).chain(names(&keys::RULE));
            let hint = if bad.unknown { did_you_mean(&bad.name, known) } else { None };
            error.hint(hint.unwrap_or_else(|| taken(mask)))
        })?;
        Ok(rule)
    }

    /// The rule for rows where a condition does not hold.
    fn otherwise(&self, of: &str, value: &Item<'a>) -> Result<ColumnRule> {
        let place = self.place(&value.span());
        let rule = match value.get_ref().as_str() {
            Some(mask) => ColumnRule::of(place, self.mask(of, mask, value.span())?),
            None => self.long_rule(of, place, value)?,
        };
        if rule.when.is_some() {
            let what = format!("{of}: a condition inside of 'otherwise' is not supported");
            return Err(self.error(Kind::Policy, value.span(), what));
        }
        Ok(rule)
    }

    fn mask(&self, of: &str, name: &str, span: Range<usize>) -> Result<&'static Definition> {
        mask::find(name).ok_or_else(|| {
            let error = self.error(Kind::Policy, span, format!("{of}: unknown mask '{}'", name.escape_debug()));
            let known = || MASKS.iter().map(|mask| mask.name);
            let hint = did_you_mean(name, known());
            error.hint(hint.unwrap_or_else(|| format!("The masks are {}.", known().collect::<Vec<_>>().join(", "))))
        })
    }

    /// A parameter's value.
    fn value(&self, mask: &Definition, name: &str, value: &Item<'a>) -> Result<Value> {
        match value.get_ref() {
            DeValue::String(text) => Ok(Value::Text(text.to_string().into())),
            DeValue::Boolean(flag) => Ok(Value::Bool(*flag)),
            DeValue::Integer(_) => self.integer(value).map(Value::Integer),
            DeValue::Array(list) => {
                list.iter().map(|item| self.value(mask, name, item)).collect::<Result<_>>().map(Value::List)
            }
            DeValue::Table(table) => {
                let entry = |(key, item): (&Spanned<toml::de::DeString<'a>>, &Item<'a>)| {
                    Ok((key.get_ref().to_string(), self.value(mask, name, item)?))
                };
                table.iter().map(entry).collect::<Result<_>>().map(Value::Table)
            }
            other => {
                let what = format!("parameter '{name}' of mask {} cannot be of type {}", mask.name, other.type_str());
                Err(self.error(Kind::Policy, value.span(), what))
            }
        }
    }

    /// A calendar day: `"2026-05-31"`, or the same as a TOML date.
    fn day(&self, item: &Item<'a>) -> Result<String> {
        let text = match item.get_ref() {
            DeValue::Datetime(day) => day.to_string(),
            _ => self.text(item)?.to_owned(),
        };
        if is_day(&text) {
            return Ok(text);
        }
        let error = self.error(Kind::Usage, item.span(), "this is not a calendar day");
        Err(error.hint("Write it as \"2026-05-31\"."))
    }

    pub(super) fn table<'t>(&self, item: &'t Item<'a>) -> Result<&'t DeTable<'a>> {
        item.get_ref().as_table().ok_or_else(|| self.wrong_type(item, "a table"))
    }

    pub(super) fn text<'t>(&self, item: &'t Item<'a>) -> Result<&'t str> {
        item.get_ref().as_str().ok_or_else(|| self.wrong_type(item, "a string"))
    }

    pub(super) fn integer(&self, item: &Item<'a>) -> Result<i64> {
        let number = item.get_ref().as_integer();
        let number = number.and_then(|number| i64::from_str_radix(number.as_str(), number.radix()).ok());
        number.ok_or_else(|| self.wrong_type(item, "a whole number"))
    }

    pub(super) fn only(&self, table: &DeTable<'a>, known: &[&str]) -> Result<()> {
        for key in table.keys() {
            let name = key.get_ref().as_ref();
            if !known.contains(&name) {
                let error = self.error(Kind::Usage, key.span(), format!("unknown key '{}'", name.escape_debug()));
                let hint = did_you_mean(name, known.iter().copied());
                return Err(error.hint(hint.unwrap_or_else(|| format!("Known here: {}.", known.join(", ")))));
            }
        }
        Ok(())
    }

    pub(super) fn wrong_type(&self, item: &Item<'a>, wanted: &str) -> Error {
        let found = item.get_ref().type_str();
        self.error(Kind::Usage, item.span(), format!("this must be {wanted}, and is of type {found}"))
    }

    /// An error with its place in the file in front.
    pub(super) fn error(&self, kind: Kind, span: Range<usize>, what: impl fmt::Display) -> Error {
        Error::new(kind, format!("{}:{}: {what}", self.file, self.place(&span)))
    }

    pub(super) fn place(&self, span: &Range<usize>) -> Place {
        let before = self.text.get(..span.start).unwrap_or(self.text);
        let line = before.rsplit('\n').next().unwrap_or_default();
        Place { line: before.matches('\n').count() + 1, column: line.chars().count() + 1 }
    }
}
