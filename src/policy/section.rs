//! Sections for one engine, and what holds for one: a policy that serves several databases says under
//! `[engines.NAME]` what only one of them has, with the same keys as at the top of the file.

use super::file::{ColumnRule, Mode, Policy, SubsetRules, TableRules};
use crate::model::schema::EngineKind;
use std::borrow::Cow;
use std::collections::BTreeMap;

/// The engines that a policy may speak of, by the names of their sections.
pub const SECTIONS: [(&str, EngineKind); 4] = [
    ("sqlite", EngineKind::Sqlite),
    ("postgres", EngineKind::Postgres),
    ("mysql", EngineKind::Mysql),
    ("mariadb", EngineKind::Mariadb),
];

/// What is said for one engine.
#[derive(Debug, Clone, Default)]
pub struct Section {
    /// As [`Policy::defaults`].
    pub defaults: BTreeMap<String, ColumnRule>,
    /// As [`Policy::subset`].
    pub subset: SubsetRules,
    /// As [`Policy::tables`].
    pub tables: BTreeMap<String, TableRules>,
    /// As [`Policy::environments`].
    pub environments: BTreeMap<String, BTreeMap<String, TableRules>>,
    /// As [`Policy::captured`].
    pub captured: BTreeMap<String, Mode>,
}

/// The sections that hold for an engine; the first one that is there does.
fn names(engine: EngineKind) -> &'static [&'static str] {
    match engine {
        EngineKind::Sqlite => &["sqlite"],
        EngineKind::Postgres => &["postgres"],
        EngineKind::Mysql => &["mysql"],
        EngineKind::Mariadb => &["mariadb", "mysql"],
    }
}

impl Policy {
    /// The name of the section that holds for an engine, or would if the policy had any.
    #[must_use]
    pub fn section_of(&self, engine: EngineKind) -> &'static str {
        let mut names = names(engine).iter();
        let last = names.clone().next_back();
        names.find(|name| self.engines.contains_key(**name)).or(last).copied().unwrap_or_default()
    }

    /// What the policy says of databases of this engine: each decision of the engine's section replaces the one for all
    /// engines, and its lists are added to theirs.
    #[must_use]
    pub fn of_engine(&self, engine: EngineKind) -> Cow<'_, Self> {
        let own = names(engine).iter().find_map(|name| Some((name, self.engines.get(*name)?)));
        let Some((name, own)) = own else { return Cow::Borrowed(self) };
        let mut policy = self.clone();
        policy.section = format!("engines.{name}.");
        policy.engines.clear();
        policy.defaults.extend(own.defaults.clone());
        policy.captured.extend(own.captured.clone());
        policy.subset.add(&own.subset);
        replace(&mut policy.tables, &own.tables);
        for (environment, tables) in &own.environments {
            replace(policy.environments.entry(environment.clone()).or_default(), tables);
        }
        Cow::Owned(policy)
    }
}

fn replace(tables: &mut BTreeMap<String, TableRules>, own: &BTreeMap<String, TableRules>) {
    for (name, rules) in own {
        let table = tables.entry(name.clone()).or_default();
        table.place = rules.place;
        table.mode = rules.mode.or(table.mode);
        table.reason = rules.reason.clone().or(table.reason.take());
        table.expires = rules.expires.clone().or(table.expires.take());
        table.columns.extend(rules.columns.clone());
    }
}

impl SubsetRules {
    fn add(&mut self, own: &Self) {
        self.children = own.children.or(self.children);
        self.depth = own.depth.or(self.depth);
        self.roots.extend(own.roots.iter().cloned());
        self.whole.extend(own.whole.iter().cloned());
        self.never.extend(own.never.iter().cloned());
        self.edges.extend(own.edges.iter().cloned());
        self.references.extend(own.references.iter().cloned());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "version = 1\n\
        [defaults]\nkeep = [\"id\"]\n\
        [tables.clients]\nmode = \"capture\"\nreason = \"for all\"\n\
        [tables.clients.columns]\nname = \"full_name\"\nnote = \"text_scrub\"\n\
        [[subset.references]]\ntable = \"a\"\ncolumns = \"b\"\nparent = \"clients\"\n\
        [engines.mysql]\ndefaults.columns = { email = \"email\" }\n\
        [engines.mysql.subset]\nchildren = \"down\"\n\
        [[engines.mysql.subset.references]]\ntable = \"c\"\ncolumns = \"d\"\nparent = \"clients\"\n\
        [engines.mysql.tables.clients.columns]\nname = \"persona\"\n\
        [engines.mysql.tables.batches]\nmode = \"structure\"\n\
        [engines.mysql.environments.staging.tables.batches]\nmode = \"exclude\"\n\
        [engines.mysql.environments.production]\nmode = \"structure\"\n";

    #[test]
    fn a_section_replaces_decisions_and_adds_to_lists() {
        let all = Policy::parse("pii.toml", TEXT).unwrap();
        let mysql = all.of_engine(EngineKind::Mysql);
        let clients = &mysql.tables["clients"];
        assert_eq!((clients.mode, clients.reason.as_deref()), (Some(Mode::Capture), Some("for all")));
        let masks: Vec<&str> = clients.columns.values().map(|rule| rule.mask.name).collect();
        assert_eq!(masks, ["persona", "text_scrub"]);
        assert_eq!(mysql.tables["batches"].mode, Some(Mode::Structure));
        assert_eq!(mysql.environments["staging"]["batches"].mode, Some(Mode::Exclude));
        assert_eq!(mysql.captured["production"], Mode::Structure);
        assert_eq!((mysql.subset.references.len(), mysql.defaults.len()), (2, 2));
        assert_eq!(mysql.subset.children, Some(crate::model::subset::Children::Down));
        assert_eq!((mysql.section.as_str(), &mysql.digest), ("engines.mysql.", &all.digest));
    }

    #[test]
    fn other_engines_see_nothing_of_it_and_mariadb_counts_as_mysql() {
        let all = Policy::parse("pii.toml", TEXT).unwrap();
        for engine in [EngineKind::Sqlite, EngineKind::Postgres] {
            let other = all.of_engine(engine);
            assert_eq!((other.tables.len(), other.subset.references.len(), other.section.as_str()), (1, 1, ""));
        }
        assert_eq!(all.of_engine(EngineKind::Mariadb).tables.len(), 2);
        let text = format!("{TEXT}[engines.mariadb.tables.own]\nmode = \"exclude\"\n");
        let own = Policy::parse("pii.toml", &text).unwrap();
        assert!(own.of_engine(EngineKind::Mariadb).tables.contains_key("own"));
        assert!(!own.of_engine(EngineKind::Mariadb).tables.contains_key("batches"));
        assert!(!own.of_engine(EngineKind::Mysql).tables.contains_key("own"));
    }

    #[test]
    fn every_engine_has_a_section() {
        for (name, engine) in SECTIONS {
            assert_eq!(names(engine)[0], name);
        }
    }
}
