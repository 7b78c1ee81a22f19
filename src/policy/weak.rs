//! What a policy allows and a reviewer should not overlook: masks that counting undoes, identifiers that stay, pairs of
//! columns that tell together what neither tells alone.

use super::checks;
use super::file::{ColumnRule, Mode, Policy};
use super::findings::{Finding, Severity};
use super::resolve::{Draft, KEPT_HINT};
use crate::classify::{Guess, Guesses};
use crate::mask::{Determinism, Strength};
use crate::model::schema::{Catalogue, EngineKind, Family};
use crate::model::tier::Tier;
use std::collections::BTreeMap;

/// How sure a guess must be before a kept column is an error.
const SURE: u8 = 70;
/// How sure a guess must be before a kept column is worth a warning.
const LIKELY: u8 = 50;
/// A hash with fewer hex digits is short.
const SHORT: usize = 12;

/// Looks at every rule of one environment.
pub(super) fn find(policy: &Policy, catalogue: &Catalogue, drafts: &[Draft<'_>], guesses: &Guesses) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut domains: BTreeMap<&str, (&'static str, String)> = BTreeMap::new();
    for (number, draft) in drafts.iter().enumerate() {
        if !draft.has_rows() {
            continue;
        }
        let look = Look { policy, catalogue, drafts, draft, guesses, number };
        let few = look.few_values();
        for (at, rule) in draft.rules.iter().enumerate() {
            let Some(rule) = rule else { continue };
            findings.extend(look.kept(at, rule));
            findings.extend(few[at].and_then(|why| look.relabelled(at, rule, why)));
            findings.extend(look.short(at, rule));
            findings.extend(look.default_literal(at, rule));
            if let Some(domain) = &rule.domain {
                let kind = look.guess(at).kind;
                let shown = look.shown(at);
                match domains.get(domain.as_str()) {
                    _ if kind == Guess::none().kind || domain.starts_with("person:") => {}
                    Some((other, first)) if *other != kind => {
                        let what =
                            format!("{shown} shares domain {domain} with {first}, which seems to hold something else");
                        findings.push(look.warning("shared-domain", at, rule, what));
                    }
                    Some(_) => {}
                    None => drop(domains.insert(domain, (kind, shown))),
                }
            }
        }
        findings.extend(look.tail_beside_birth_date());
    }
    findings
}

/// One table.
struct Look<'a> {
    policy: &'a Policy,
    catalogue: &'a Catalogue,
    drafts: &'a [Draft<'a>],
    draft: &'a Draft<'a>,
    guesses: &'a Guesses,
    number: usize,
}

impl Look<'_> {
    fn guess(&self, at: usize) -> Guess {
        self.guesses.at(self.number, at).cloned().unwrap_or_else(Guess::none)
    }

    fn shown(&self, at: usize) -> String {
        format!("{}.{}", self.draft.table.name, self.draft.table.columns[at].name.escape_debug())
    }

    fn warning(&self, rule: &'static str, at: usize, of: &ColumnRule, what: String) -> Finding {
        let finding = Finding::new(rule, self.policy, of.place, what).severity(Severity::Warning);
        finding.column(&self.draft.table.name, &self.draft.table.columns[at].name)
    }

    /// A column that seems personal and stays, without a reason.
    fn kept(&self, at: usize, rule: &ColumnRule) -> Option<Finding> {
        if !rule.mask.keeps_original || rule.reason().is_some() {
            return None;
        }
        let guess = self.guess(at);
        let is_grave = matches!(guess.tier, Tier::Direct | Tier::Credential);
        let excused = !is_grave && self.has_reason();
        if guess.tier.wants_mask() && guess.confidence >= LIKELY && !excused {
            let severity = if is_grave && guess.confidence >= SURE { Severity::Error } else { Severity::Warning };
            let what = format!("{} is kept without a reason, and seems to be: {}", self.shown(at), guess.tier.words());
            return Some(self.warning("kept-personal", at, rule, what).severity(severity).hint(KEPT_HINT));
        }
        let is_payload = self.draft.table.columns[at].family == Family::Json;
        (is_payload && !excused && self.is_about_people()).then(|| {
            let what = format!("{} is JSON of a table about people, and is kept without a reason", self.shown(at));
            self.warning("kept-payload", at, rule, what).hint(KEPT_HINT)
        })
    }

    /// Whether the table's section says why.
    fn has_reason(&self) -> bool {
        let name = &self.draft.table.name;
        self.policy.tables.iter().any(|(named, rules)| name.is_named(named) && rules.reason.is_some())
    }

    fn is_about_people(&self) -> bool {
        (0..self.draft.table.columns.len()).any(|at| self.guess(at).tier == Tier::Direct)
    }

    /// Why each column can have only few different values, as far as its declaration tells.
    fn few_values(&self) -> Vec<Option<&'static str>> {
        let limits = checks::limits(self.draft.table, self.catalogue);
        let of_lookup = |name: &str| {
            self.draft.table.foreign_keys.iter().any(|key| {
                let parent = self.drafts.iter().find(|draft| draft.table.name == key.parent);
                key.columns == [name] && parent.is_some_and(|parent| parent.mode == Some(Mode::Reference))
            })
        };
        let column = |(at, column): (usize, &crate::model::schema::Column)| match column.family {
            Family::Boolean => Some("it is a boolean"),
            Family::Integer if column.declared.eq_ignore_ascii_case("tinyint(1)") => Some("it is a boolean"),
            Family::Enum => Some("it is an enum"),
            _ if limits[at].labels.is_some() => Some("a CHECK lists its values"),
            _ if of_lookup(&column.name) => Some("it refers to a lookup table"),
            _ => None,
        };
        self.draft.table.columns.iter().enumerate().map(column).collect()
    }

    fn relabelled(&self, at: usize, rule: &ColumnRule, why: &str) -> Option<Finding> {
        is_consistent(rule).then(|| {
            let what = format!("{}: {why}, and mask {} only relabels its values", self.shown(at), rule.mask.name);
            let hint = "Use a mask that does not depend on the value alone (shuffle, fixed, null), or keep the column if it tells nothing.";
            self.warning("few-values", at, rule, what).hint(hint)
        })
    }

    fn short(&self, at: usize, rule: &ColumnRule) -> Option<Finding> {
        let length = rule.params.size("length").filter(|length| rule.mask.name == "hash" && *length < SHORT)?;
        let what = format!("{}: {length} hex digits are so few that different originals get the same", self.shown(at));
        Some(self.warning("short-hash", at, rule, what).hint("Raise length to 16 or more, or leave it out."))
    }

    /// A definition is captured as it is, and a literal in it that a row holds is an original.
    fn default_literal(&self, at: usize, rule: &ColumnRule) -> Option<Finding> {
        let column = &self.draft.table.columns[at];
        let is_grave = matches!(self.guess(at).tier, Tier::Direct | Tier::Credential | Tier::Sensitive);
        let is_plain = rule.when.is_none() && !rule.mask.keeps_original;
        let has_literal = || column.default.as_deref().is_some_and(|text| is_literal(text, self.catalogue.engine));
        (is_grave && is_plain && column.family == Family::Text && has_literal()).then(|| {
            let shown = self.shown(at);
            let what = format!(
                "{shown} has a text as its default, which the captured definition shows: a capture stops where rows hold it"
            );
            self.warning("default-literal", at, rule, what)
                .hint("Drop the default in the database, or mask with a condition: when = \"...\" leaves the default's rows out.")
        })
    }

    fn tail_beside_birth_date(&self) -> Option<Finding> {
        let rules = || self.draft.rules.iter().enumerate().filter_map(|(at, rule)| Some((at, rule.as_ref()?)));
        let (tail, rule) =
            rules().find(|(_, rule)| rule.mask.name == "ssn_tail" && rule.params.text("tail") == Some("real"))?;
        let is_exact = |rule: &ColumnRule| {
            rule.mask.keeps_original || (rule.mask.name == "date_trunc" && rule.params.text("unit") == Some("day"))
        };
        let (birth, _) = rules().find(|(at, rule)| {
            let name = self.draft.table.columns[*at].name.to_lowercase();
            let is_birth = self.guess(*at).kind.contains("birth") || name.contains("birth") || name.contains("dob");
            is_birth && is_exact(rule) && rule.reason().is_none()
        })?;
        let what = format!("{} shows real tails beside exact birth dates in {}", self.shown(tail), self.shown(birth));
        let hint = "Take tail = \"real\" out, mask the birth date with dob or date_trunc, or give its rule a reason.";
        Some(self.warning("tail-beside-birth-date", tail, rule, what).severity(Severity::Error).hint(hint))
    }
}

/// Whether a default of a text column is a literal that is not empty. MySQL shows literals without their quotes, and
/// PostgreSQL with a cast.
fn is_literal(default: &str, engine: EngineKind) -> bool {
    let text = default.trim().trim_start_matches('(');
    let unmarked = text.strip_prefix(['E', 'N', 'e', 'n']).filter(|rest| rest.starts_with('\''));
    let text = match text.strip_prefix('_').and_then(|rest| rest.find('\'').map(|at| &rest[at..])) {
        Some(of_a_character_set) => of_a_character_set,
        None => unmarked.unwrap_or(text),
    };
    let quote = text.chars().next().filter(|first| ['\'', '"'].contains(first));
    match quote {
        Some(quote) => !text[1..].starts_with(quote),
        None => engine == EngineKind::Mysql && !text.is_empty() && !default.contains('('),
    }
}

/// Whether equal originals become equal fakes and different ones mostly different: then counting tells which is which.
pub(super) fn is_consistent(rule: &ColumnRule) -> bool {
    rule.mask.determinism == Determinism::Value
        && rule.mask.strength == Strength::Pseudonym
        && rule.subject.is_none()
        && !rule.mask.may_keep
        && !rule.domain_name().is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literals_of_every_engine_are_known() {
        let all = [EngineKind::Sqlite, EngineKind::Postgres, EngineKind::Mysql, EngineKind::Mariadb];
        for text in ["'abc'", "'abc'::character varying", "('abc')", "N'abc'", "_utf8mb4'abc'", "\"abc\"", "'it''s'"] {
            assert!(all.iter().all(|engine| is_literal(text, *engine)), "{text}");
        }
        for text in ["''", "''::text", "(uuid())", "nextval('a_seq'::regclass)", "lower('ABC')", "(lower('ABC'))", ""] {
            assert!(all.iter().all(|engine| !is_literal(text, *engine)), "{text}");
        }
        assert!(is_literal("abc", EngineKind::Mysql));
        assert!(!is_literal("CURRENT_USER", EngineKind::Postgres) && !is_literal("NULL", EngineKind::Sqlite));
    }
}
