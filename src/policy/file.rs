//! The policy file: TOML, version 1. Every key is known or an error with file, line and column. `docs/policy.md` describes
//! the format. Nothing here knows a database.

use super::names::{did_you_mean, quoted};
use crate::error::{Error, Kind, Result};
use crate::mask::key::MasterKey;
use crate::mask::{self, Definition, MASKS, Params, Value, dictionary};
use crate::model::manifest::PolicyProof;
use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// The environments that a policy may speak of.
pub const ENVIRONMENTS: [&str; 3] = ["dev", "staging", "production"];

/// What a snapshot takes of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Mode {
    /// Rows, every column by its own decision.
    Capture,
    /// Rows of a lookup table: kept, except columns that have a mask.
    Reference,
    /// The table without rows.
    Structure,
    /// Nothing.
    Exclude,
}

impl Mode {
    /// Every mode.
    pub const ALL: [Self; 4] = [Self::Capture, Self::Reference, Self::Structure, Self::Exclude];

    /// The word in policy and manifest.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Capture => "capture",
            Self::Reference => "reference",
            Self::Structure => "structure",
            Self::Exclude => "exclude",
        }
    }

    /// Whether rows are taken.
    #[must_use]
    pub fn has_rows(self) -> bool {
        matches!(self, Self::Capture | Self::Reference)
    }
}

/// A place in the policy file, counted from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Place {
    /// The line.
    pub line: usize,
    /// The column in characters.
    pub column: usize,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}

/// The decision for one column.
#[derive(Debug, Clone)]
pub struct ColumnRule {
    /// Where it stands.
    pub place: Place,
    /// The mask.
    pub mask: &'static Definition,
    /// Its parameters.
    pub params: Params,
    /// The domain, where it is not the mask's own.
    pub domain: Option<String>,
    /// The column that keys the mask.
    pub subject: Option<String>,
}

impl ColumnRule {
    /// The decision to keep a column.
    pub(super) fn keep(place: Place) -> Self {
        Self { place, mask: &mask::KEEP, params: Params::default(), domain: None, subject: None }
    }

    /// The domain that keys the mask; empty for masks without a key.
    #[must_use]
    pub fn domain_name(&self) -> &str {
        self.domain.as_deref().unwrap_or(self.mask.domain)
    }

    /// The rule as TOML, to be shown as a proposal.
    #[must_use]
    pub fn toml(&self) -> String {
        let mut parts = vec![format!("mask = {}", quoted(self.mask.name))];
        parts.extend(self.domain.as_ref().map(|domain| format!("domain = {}", quoted(domain))));
        parts.extend(self.subject.as_ref().map(|subject| format!("subject = {}", quoted(subject))));
        parts.extend(self.params.iter().map(|(name, value)| match value {
            Value::Text(text) => format!("{name} = {}", quoted(text)),
            other => format!("{name} = {other}"),
        }));
        if parts.len() == 1 { quoted(self.mask.name) } else { format!("{{ {} }}", parts.join(", ")) }
    }

    /// The rule in short: `token`, `hash(length = 12)`, `email in client.email`.
    #[must_use]
    pub fn shown(&self) -> String {
        let params = if self.params.iter().next().is_some() { format!("({})", self.params) } else { String::new() };
        let domain = self.domain.as_ref().map(|domain| format!(" in {domain}")).unwrap_or_default();
        let subject = self.subject.as_ref().map(|subject| format!(" by {subject}")).unwrap_or_default();
        format!("{}{params}{domain}{subject}", self.mask.name)
    }
}

/// The decisions for one table.
#[derive(Debug, Clone, Default)]
pub struct TableRules {
    /// Where they begin.
    pub place: Place,
    /// What is taken of the table.
    pub mode: Option<Mode>,
    /// Why, for the reviewer.
    pub reason: Option<String>,
    /// Columns by name, those of the `keep` list included.
    pub columns: BTreeMap<String, ColumnRule>,
}

/// A policy as written.
#[derive(Debug, Clone)]
pub struct Policy {
    /// The file's name, for messages.
    pub file: String,
    /// BLAKE3 of the file's text, 64 hex digits.
    pub digest: String,
    /// The project, part of every masking key.
    pub project: String,
    /// The key's generation.
    pub generation: u32,
    /// Columns that are kept in every captured table that has them.
    pub keep: BTreeMap<String, ColumnRule>,
    /// Decisions by table.
    pub tables: BTreeMap<String, TableRules>,
    /// Overlays by environment and table; each decision in them replaces the one above.
    pub environments: BTreeMap<String, BTreeMap<String, TableRules>>,
}

impl Policy {
    /// Reads a policy. `file_name` is only used in messages and in the proof.
    ///
    /// # Errors
    /// Kind `Usage` for syntax, unknown keys and wrong types; kind `Policy` for an unknown mask, a bad parameter or two
    /// decisions for one column.
    pub fn parse(file_name: &str, text: &str) -> Result<Self> {
        let reader = Reader { file: file_name, text };
        let root = DeTable::parse(text).map_err(|error| {
            let what = format!("this is not TOML: {}", error.message());
            reader.error(Kind::Usage, error.span().unwrap_or(0..0), what)
        })?;
        reader.policy(root.get_ref(), root.span())
    }

    /// What the manifest says about the masking.
    #[must_use]
    pub fn proof(&self, master: &MasterKey) -> PolicyProof {
        PolicyProof {
            file: self.file.rsplit(['/', '\\']).next().unwrap_or_default().to_owned(),
            digest: self.digest.clone(),
            dictionaries: dictionary::digests(),
            key_id: master.key_id(),
            generation: self.generation,
        }
    }
}

type Item<'a> = Spanned<DeValue<'a>>;

struct Reader<'a> {
    file: &'a str,
    text: &'a str,
}

impl<'a> Reader<'a> {
    fn policy(&self, root: &DeTable<'a>, span: Range<usize>) -> Result<Policy> {
        self.only(root, &["version", "project", "defaults", "tables", "environments"])?;
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
        let mut policy = Policy {
            file: self.file.to_owned(),
            digest: blake3::hash(self.text.as_bytes()).to_hex().to_string(),
            project: "default".to_owned(),
            generation: 1,
            keep: BTreeMap::new(),
            tables: BTreeMap::new(),
            environments: BTreeMap::new(),
        };
        if let Some(project) = root.get("project") {
            let project = self.table(project)?;
            self.only(project, &["name", "generation"])?;
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
        if let Some(defaults) = root.get("defaults") {
            let defaults = self.table(defaults)?;
            self.only(defaults, &["keep"])?;
            self.keep(defaults, &mut policy.keep)?;
        }
        if let Some(tables) = root.get("tables") {
            policy.tables = self.tables(tables)?;
        }
        if let Some(environments) = root.get("environments") {
            let environments = self.table(environments)?;
            self.only(environments, &ENVIRONMENTS)?;
            for (name, environment) in environments {
                let environment = self.table(environment)?;
                self.only(environment, &["tables"])?;
                let tables = environment.get("tables").map(|tables| self.tables(tables)).transpose()?;
                policy.environments.insert(name.get_ref().to_string(), tables.unwrap_or_default());
            }
        }
        Ok(policy)
    }

    fn tables(&self, tables: &Item<'a>) -> Result<BTreeMap<String, TableRules>> {
        let mut found = BTreeMap::new();
        for (name, table) in self.table(tables)? {
            let rules = self.rules(self.table(table)?, self.place(&name.span()))?;
            found.insert(name.get_ref().to_string(), rules);
        }
        Ok(found)
    }

    fn rules(&self, table: &DeTable<'a>, place: Place) -> Result<TableRules> {
        self.only(table, &["mode", "keep", "reason", "columns"])?;
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
        self.keep(table, &mut rules.columns)?;
        if let Some(columns) = table.get("columns") {
            for (name, column) in self.table(columns)? {
                let rule = self.column(name, column)?;
                let name = name.get_ref().to_string();
                let place = rule.place;
                if let Some(kept) = rules.columns.insert(name.clone(), rule) {
                    let what =
                        format!("column {} is in keep (line {}) and has a mask", name.escape_debug(), kept.place.line);
                    let error = Error::policy(format!("{}:{place}: {what}", self.file));
                    return Err(error.hint("Take it out of one of the two."));
                }
            }
        }
        Ok(rules)
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

    /// `name = "mask"` or `name = { mask = "...", domain = "...", subject = "...", parameters }`.
    fn column(&self, name: &Spanned<toml::de::DeString<'a>>, column: &Item<'a>) -> Result<ColumnRule> {
        let place = self.place(&name.span());
        if let Some(mask) = column.get_ref().as_str() {
            let mask = self.mask(mask, column.span())?;
            return Ok(ColumnRule { place, mask, params: Params::default(), domain: None, subject: None });
        }
        let Some(table) = column.get_ref().as_table() else {
            return Err(self.wrong_type(column, "the name of a mask, or { mask = \"...\" }"));
        };
        let Some(written) = table.get("mask") else {
            let error = self.error(
                Kind::Policy,
                column.span(),
                format!("column {} has no mask", name.get_ref().escape_debug()),
            );
            return Err(error.hint("Write { mask = \"...\" }; docs/masks.md lists the masks."));
        };
        let mask = self.mask(self.text(written)?, written.span())?;
        let (mut domain, mut subject, mut given) = (None, None, Vec::new());
        for (key, value) in table {
            match key.get_ref().as_ref() {
                "mask" => {}
                "domain" if mask.domain.is_empty() => {
                    return Err(self.error(Kind::Policy, key.span(), format!("mask {} has no domain", mask.name)));
                }
                "domain" => domain = Some(self.text(value)?.to_owned()),
                "subject" if !mask.takes_subject => {
                    return Err(self.error(Kind::Policy, key.span(), format!("mask {} takes no subject", mask.name)));
                }
                "subject" => subject = Some(self.text(value)?.to_owned()),
                name => given.push((name.to_owned(), self.value(mask, name, value)?)),
            }
        }
        let params = Params::new(mask, given).map_err(|bad| {
            let place = table.iter().find(|(key, _)| key.get_ref().as_ref() == bad.name);
            let span = place.map_or(column.span(), |(key, value)| if bad.unknown { key.span() } else { value.span() });
            let error = self.error(Kind::Policy, span, bad.why);
            let known = mask.params.iter().map(|param| param.name).chain(["mask", "domain", "subject"]);
            let hint = if bad.unknown { did_you_mean(&bad.name, known) } else { None };
            error.hint(hint.unwrap_or_else(|| format!("docs/masks.md describes the parameters of {}.", mask.name)))
        })?;
        Ok(ColumnRule { place, mask, params, domain, subject })
    }

    fn mask(&self, name: &str, span: Range<usize>) -> Result<&'static Definition> {
        mask::find(name).ok_or_else(|| {
            let error = self.error(Kind::Policy, span, format!("unknown mask '{}'", name.escape_debug()));
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
            other => {
                let what = format!("parameter '{name}' of mask {} cannot be of type {}", mask.name, other.type_str());
                Err(self.error(Kind::Policy, value.span(), what))
            }
        }
    }

    fn table<'t>(&self, item: &'t Item<'a>) -> Result<&'t DeTable<'a>> {
        item.get_ref().as_table().ok_or_else(|| self.wrong_type(item, "a table"))
    }

    fn text<'t>(&self, item: &'t Item<'a>) -> Result<&'t str> {
        item.get_ref().as_str().ok_or_else(|| self.wrong_type(item, "a string"))
    }

    fn integer(&self, item: &Item<'a>) -> Result<i64> {
        let number = item.get_ref().as_integer();
        let number = number.and_then(|number| i64::from_str_radix(number.as_str(), number.radix()).ok());
        number.ok_or_else(|| self.wrong_type(item, "a whole number"))
    }

    fn only(&self, table: &DeTable<'a>, known: &[&str]) -> Result<()> {
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

    fn wrong_type(&self, item: &Item<'a>, wanted: &str) -> Error {
        let found = item.get_ref().type_str();
        self.error(Kind::Usage, item.span(), format!("this must be {wanted}, and is of type {found}"))
    }

    fn error(&self, kind: Kind, span: Range<usize>, what: impl fmt::Display) -> Error {
        Error::new(kind, format!("{}:{}: {what}", self.file, self.place(&span)))
    }

    fn place(&self, span: &Range<usize>) -> Place {
        let before = self.text.get(..span.start).unwrap_or(self.text);
        let line = before.rsplit('\n').next().unwrap_or_default();
        Place { line: before.matches('\n').count() + 1, column: line.chars().count() + 1 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> (Kind, String, String) {
        let error = Policy::parse("pii.toml", text).unwrap_err();
        (error.kind(), error.what().to_owned(), error.hint_text().unwrap_or_default().to_owned())
    }

    #[test]
    fn places_are_lines_and_characters() {
        let (kind, what, hint) = refused("version = 1\n[tables.\"ü\".columns]\nemail = { mask = \"emial\" }\n");
        assert_eq!((kind, what.as_str()), (Kind::Policy, "pii.toml:3:18: unknown mask 'emial'"));
        assert_eq!(hint, "Did you mean 'email'?");
        let (kind, what, _) = refused("version = 1\n\n  taables = 1\n");
        assert_eq!((kind, what.as_str()), (Kind::Usage, "pii.toml:3:3: unknown key 'taables'"));
    }

    #[test]
    fn short_and_long_rules_are_read() {
        let text = "version = 1\n[project]\nname = \"erp\"\ngeneration = 3\n[tables.clients]\nmode = \"capture\"\n\
                    keep = [\"id\"]\n[tables.clients.columns]\nemail = \"email\"\n\
                    name = { mask = \"full_name\", subject = \"id\", domain = \"client.name\" }\n\
                    [environments.staging.tables.clients.columns]\nname = { mask = \"hash\", length = 12 }\n";
        let policy = Policy::parse("pii.toml", text).unwrap();
        assert_eq!((policy.project.as_str(), policy.generation), ("erp", 3));
        let clients = &policy.tables["clients"];
        assert_eq!(clients.mode, Some(Mode::Capture));
        assert!(clients.columns["id"].mask.keeps_original);
        assert_eq!(clients.columns["email"].mask.name, "email");
        assert_eq!(clients.columns["name"].subject.as_deref(), Some("id"));
        assert_eq!(clients.columns["name"].domain.as_deref(), Some("client.name"));
        assert_eq!(policy.environments["staging"]["clients"].columns["name"].params.size("length"), Some(12));
    }

    #[test]
    fn the_proof_has_no_path_and_no_key() {
        let policy = Policy::parse("some/where/pii.toml", "version = 1\n").unwrap();
        let master = MasterKey::new(crate::secret::Secret32::new([1; 32]));
        let proof = policy.proof(&master);
        assert_eq!((proof.file.as_str(), proof.key_id.len(), proof.digest.len()), ("pii.toml", 16, 64));
        assert_eq!(proof.dictionaries.len(), 8);
    }

    /// Every file of `policies/valid` is read; every file of `policies/invalid` fails as its first two lines say.
    #[test]
    fn the_example_policies_do_what_they_say() {
        let folder = |name: &str| {
            let path = format!("{}/policies/{name}", env!("CARGO_MANIFEST_DIR"));
            let mut files: Vec<_> = std::fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()).collect();
            files.sort();
            assert!(files.len() >= 3);
            files.into_iter().map(|path| (path.display().to_string(), std::fs::read_to_string(&path).unwrap()))
        };
        for (file, text) in folder("valid") {
            let policy = Policy::parse(&file, &text);
            assert!(policy.is_ok(), "{:?}", policy.err());
        }
        for (file, text) in folder("invalid") {
            let mut lines = text.lines();
            let want = lines.next().unwrap().strip_prefix("# error: ").unwrap();
            let exit: u8 = lines.next().unwrap().strip_prefix("# exit: ").unwrap().parse().unwrap();
            let error = Policy::parse(&file, &text).expect_err(&file);
            assert!(error.what().contains(want), "{file}: {}", error.what());
            assert_eq!(error.kind().exit_code(), exit, "{file}");
            assert!(error.what().contains(".toml:"), "{file}: no place");
        }
    }
}
