//! The policy file: TOML, version 1. Every key is known or an error with file, line and column. `docs/policy.md` describes
//! the format. Nothing here knows a database.

use super::names::quoted;
use super::read::Reader;
use super::section::Section;
use crate::error::{Kind, Result};
use crate::mask::key::{Keyring, MasterKey};
use crate::mask::{self, Definition, Params, dictionary};
use crate::model::manifest::PolicyProof;
use crate::model::subset::{Children, OfType, OrderBy};
use std::collections::BTreeMap;
use std::fmt;
use toml::de::DeTable;

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
    /// The column that keys the mask, or the way to it along references: `order_id.client_id`.
    pub subject: Option<String>,
    /// The condition in SQL under which the mask applies.
    pub when: Option<String>,
    /// What happens where the condition does not hold; without it such cells are kept.
    pub otherwise: Option<Box<ColumnRule>>,
    /// Why, for the reviewer.
    pub reason: Option<String>,
    /// The day on which the decision has to be made again, `YYYY-MM-DD`.
    pub expires: Option<String>,
}

impl ColumnRule {
    /// The decision to keep a column.
    pub(super) fn keep(place: Place) -> Self {
        Self::of(place, &mask::KEEP)
    }

    /// A mask without anything else said.
    pub(super) fn of(place: Place, mask: &'static Definition) -> Self {
        let params = Params::default();
        Self {
            place,
            mask,
            params,
            domain: None,
            subject: None,
            when: None,
            otherwise: None,
            reason: None,
            expires: None,
        }
    }

    /// Why it was decided so, as the policy says.
    #[must_use]
    pub fn reason(&self) -> Option<&str> {
        let said = self.params.text("reason").or(self.reason.as_deref());
        said.filter(|reason| !reason.trim().is_empty())
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
        parts.extend(self.when.as_ref().map(|when| format!("when = {}", quoted(when))));
        parts.extend(self.otherwise.as_ref().map(|rule| format!("otherwise = {}", rule.toml())));
        parts.extend(self.reason.as_ref().map(|reason| format!("reason = {}", quoted(reason))));
        parts.extend(self.expires.as_ref().map(|expires| format!("expires = {}", quoted(expires))));
        parts.extend(self.params.iter().map(|(name, value)| format!("{name} = {value}")));
        if parts.len() == 1 { quoted(self.mask.name) } else { format!("{{ {} }}", parts.join(", ")) }
    }

    /// The rule in short: `token`, `hash(length = 12)`, `email in client.email`.
    #[must_use]
    pub fn shown(&self) -> String {
        let params = if self.params.iter().next().is_some() { format!("({})", self.params) } else { String::new() };
        let domain = self.domain.as_ref().map(|domain| format!(" in {domain}")).unwrap_or_default();
        let subject = self.subject.as_ref().map(|subject| format!(" by {subject}")).unwrap_or_default();
        let when = if self.when.is_some() { " under a condition" } else { "" };
        format!("{}{params}{domain}{subject}{when}", self.mask.name)
    }
}

/// A reference that the database does not declare.
#[derive(Debug, Clone)]
pub struct VirtualReference {
    /// Where it stands.
    pub place: Place,
    /// The referencing table.
    pub table: String,
    /// Its columns.
    pub columns: Vec<String>,
    /// The referenced table.
    pub parent: String,
    /// The referenced columns; empty for the primary key.
    pub parent_columns: Vec<String>,
    /// The rows it speaks of, where it is one of several that share their columns (polymorphic).
    pub of_type: Option<OfType>,
}

/// Rows that a subset begins with.
#[derive(Debug, Clone)]
pub struct RootRule {
    /// Where it stands.
    pub place: Place,
    /// The table.
    pub table: String,
    /// The condition in SQL that its rows fulfil.
    pub condition: Option<(Place, String)>,
    /// At most this many rows.
    pub limit: Option<u64>,
    /// The share of the rows, in millionths.
    pub share: Option<u32>,
    /// Which come first where a limit leaves some out.
    pub order: Vec<(Place, OrderBy)>,
}

/// How one reference is followed to the children.
#[derive(Debug, Clone)]
pub struct EdgeRule {
    /// Where it stands.
    pub place: Place,
    /// The referencing table.
    pub table: String,
    /// Its columns.
    pub columns: Vec<String>,
    /// The referenced table, where several references share the columns.
    pub parent: Option<String>,
    /// Whether it is followed at all.
    pub follow: bool,
    /// At most this many children of each parent row.
    pub limit: Option<u64>,
    /// The condition in SQL that the children fulfil.
    pub condition: Option<(Place, String)>,
    /// Which come first where the limit leaves some out.
    pub order: Vec<(Place, OrderBy)>,
}

/// `[subset]`: which rows are taken.
#[derive(Debug, Clone, Default)]
pub struct SubsetRules {
    /// Where to begin; none: everywhere.
    pub roots: Vec<RootRule>,
    /// Whose children are followed.
    pub children: Option<Children>,
    /// How many references to children may follow one another.
    pub depth: Option<u8>,
    /// Tables that are taken whole.
    pub whole: Vec<(Place, String)>,
    /// Tables whose rows are never taken.
    pub never: Vec<(Place, String)>,
    /// How references are followed.
    pub edges: Vec<EdgeRule>,
    /// References that the database does not declare.
    pub references: Vec<VirtualReference>,
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
    /// The day on which the section's decisions have to be made again, `YYYY-MM-DD`.
    pub expires: Option<String>,
    /// Columns by name, those of the `keep` list included.
    pub columns: BTreeMap<String, ColumnRule>,
}

/// A finding of `policy check` that somebody accepts: `[[check.allow]]`.
#[derive(Debug, Clone)]
pub struct Allowance {
    /// Where it stands.
    pub place: Place,
    /// The rule that finds it.
    pub rule: String,
    /// The table it is about; none: any.
    pub table: Option<String>,
    /// The column it is about; none: any.
    pub column: Option<String>,
    /// Why it is accepted.
    pub reason: String,
    /// The day on which it no longer is, `YYYY-MM-DD`.
    pub expires: Option<String>,
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
    /// What people say that no program can know, by key of [`ASKED`](super::answers::ASKED).
    pub review: BTreeMap<String, String>,
    /// Decisions for columns of these names in every table that has them and says nothing else.
    pub defaults: BTreeMap<String, ColumnRule>,
    /// Which rows are taken.
    pub subset: SubsetRules,
    /// Decisions by table.
    pub tables: BTreeMap<String, TableRules>,
    /// Overlays by environment and table; each decision in them replaces the one above.
    pub environments: BTreeMap<String, BTreeMap<String, TableRules>>,
    /// What an environment makes of tables whose mode is `capture`, where it says nothing else of them.
    pub captured: BTreeMap<String, Mode>,
    /// Findings that are accepted.
    pub allowances: Vec<Allowance>,
    /// What is said for one engine only.
    pub engines: BTreeMap<String, Section>,
    /// What stands before `tables` in the headings of the engine whose policy this is; see [`Policy::of_engine`].
    pub section: String,
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
    pub fn proof(&self, master: &MasterKey, environment: &str) -> PolicyProof {
        PolicyProof {
            key_check: Keyring::new(master, &self.project, environment, self.generation).check_value(),
            file: self.file.rsplit(['/', '\\']).next().unwrap_or_default().to_owned(),
            digest: self.digest.clone(),
            dictionaries: dictionary::digests(),
            key_id: master.key_id(),
            generation: self.generation,
            masks: BTreeMap::new(),
            lock: None,
            reviewed: None,
            approvals: Vec::new(),
        }
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
        assert_eq!((kind, what.as_str()), (Kind::Policy, "pii.toml:3:18: ü.email: unknown mask 'emial'"));
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
        let proof = policy.proof(&master, "dev");
        assert_eq!((proof.file.as_str(), proof.key_id.len(), proof.digest.len()), ("pii.toml", 16, 64));
        assert_eq!(proof.dictionaries, dictionary::digests());
    }

    #[test]
    fn the_document_shows_a_policy_that_is_read() {
        let text = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/policy.md")).unwrap();
        let blocks = text.split("```toml\n").skip(1).map(|block| block.split_once("```").unwrap().0);
        let policies: Vec<Policy> = blocks.map(|block| Policy::parse("docs/policy.md", block).unwrap()).collect();
        let tables = |policy: &Policy| policy.tables.len();
        assert_eq!(policies.iter().map(tables).collect::<Vec<_>>(), [3, 0]);
        assert_eq!(policies[1].of_engine(crate::model::schema::EngineKind::Mysql).tables.len(), 1);
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
