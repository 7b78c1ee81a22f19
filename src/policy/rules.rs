//! The rules of `policy check`: what each looks for and what to do about it. The list drives help, SARIF, docs and tests.

use super::findings::Severity;
use crate::error::Kind;

/// A rule.
#[derive(Debug, Clone, Copy)]
pub struct Rule {
    /// Its name in output and in `[[check.allow]]`.
    pub id: &'static str,
    /// What `policy check` fails with where the rule finds an error.
    pub kind: Kind,
    /// The most severe that it gets.
    pub severity: Severity,
    /// What it finds.
    pub about: &'static str,
    /// What to do.
    pub advice: &'static str,
    /// Whether somebody may accept what it finds, with a reason.
    pub allowable: bool,
}

const fn drift(id: &'static str, about: &'static str, advice: &'static str) -> Rule {
    Rule { id, kind: Kind::Drift, severity: Severity::Error, about, advice, allowable: false }
}

const fn fault(id: &'static str, about: &'static str, advice: &'static str) -> Rule {
    Rule { kind: Kind::Policy, ..drift(id, about, advice) }
}

const fn weak(id: &'static str, about: &'static str, advice: &'static str) -> Rule {
    Rule { severity: Severity::Warning, allowable: true, ..fault(id, about, advice) }
}

/// Every rule: schema drift, then faults of the policy, then what is weak.
pub const RULES: &[Rule] = &[
    drift(
        "missing-table",
        "The policy names a table that the database does not have.",
        "Remove its section, or rename it if the table was renamed.",
    ),
    drift(
        "missing-column",
        "The policy names a column that the database does not have.",
        "Remove the line, or rename it if the column was renamed.",
    ),
    drift(
        "missing-reference",
        "A reference of the policy names a table or column that the database does not have.",
        "Change or remove the entry of [[subset.references]].",
    ),
    drift(
        "missing-subject",
        "A rule's subject is a column that its table does not have.",
        "Name the column that identifies the person, or the way to it along references.",
    ),
    drift(
        "new-table",
        "The database has a table that the policy does not decide.",
        "Give it a section; the finding has a proposal.",
    ),
    drift(
        "new-column",
        "The database has a column that the policy does not decide.",
        "Decide it; the finding has a proposal.",
    ),
    drift(
        "removed-table",
        "The lock has a table that the database no longer has.",
        "Remove it from the policy, and write the lock anew.",
    ),
    drift(
        "removed-column",
        "The lock has a column that the database no longer has.",
        "Remove it from the policy, or rename it there, and write the lock anew.",
    ),
    drift(
        "retyped-column",
        "A column's type is not what it was when the lock was written.",
        "See whether its mask still fits what the column holds now, and write the lock anew.",
    ),
    drift(
        "lost-unique",
        "A column was unique when the lock was written, and no longer is.",
        "See whether it still identifies what it did, and write the lock anew.",
    ),
    Rule {
        severity: Severity::Warning,
        ..drift(
            "gained-unique",
            "A column is unique now, and was not when the lock was written.",
            "See whether its mask keeps values apart, and write the lock anew.",
        )
    },
    Rule {
        severity: Severity::Warning,
        ..drift(
            "changed-nullability",
            "A column takes NULL now and did not when the lock was written, or the other way round.",
            "See whether its mask still fits, and write the lock anew.",
        )
    },
    fault(
        "ambiguous-name",
        "A name of the policy fits several tables or columns, or one of them twice.",
        "Write names exactly as the database does, with the schema where several tables have the name.",
    ),
    fault(
        "mask-misfit",
        "A mask does not fit its column: type, length, NOT NULL, character set, uniqueness, CHECK, a bad condition.",
        "Choose another mask; `terp-fixtures masks` says what each takes.",
    ),
    fault(
        "reference-conflict",
        "Both sides of a reference are masked differently, so that the reference would break.",
        "Leave the referencing column out: it inherits. Or give both sides the same mask, parameters and domain.",
    ),
    fault(
        "revealing-mask",
        "A mask shows characters of the original in dev, without a reason.",
        "Move the rule to staging, or give it a reason.",
    ),
    fault("virtual-rows", "Rows of a virtual table are taken, and they cannot travel.", "Give it mode = \"exclude\"."),
    fault(
        "production-rows",
        "Environment production takes rows of a table that is no reference table.",
        "Give it mode = \"structure\" or \"exclude\" there.",
    ),
    fault(
        "subset",
        "A root, edge or list of [subset] names what is not taken, or has a condition that is none.",
        "Change the entry that the finding names.",
    ),
    fault(
        "expired-decision",
        "A decision had to be made again by a day that has come.",
        "Decide again: change the mask or the day, with a reason.",
    ),
    fault(
        "kept-personal",
        "A column that seems to hold personal data or a credential is kept without a reason: an error for direct identifiers and credentials, a warning for the rest.",
        "Give it a mask, or a reason.",
    ),
    Rule {
        severity: Severity::Error,
        ..weak(
            "tail-beside-birth-date",
            "Real tails of social security numbers stand beside exact birth dates, which together tell who somebody is.",
            "Take tail = \"real\" out, mask the birth date with `dob` or `date_trunc`, or give its rule a reason.",
        )
    },
    fault(
        "approval-missing",
        "Too few have approved the policy with its lock.",
        "Have both reviewed, then 'terp-fixtures policy approve'.",
    ),
    fault(
        "approval-void",
        "The policy or its lock changed since they were approved; what lets less through is a warning.",
        "Have the change approved, or take it back.",
    ),
    fault(
        "approval-expired",
        "An approval has ended, or holds for longer than is allowed.",
        "Approve again with 'terp-fixtures policy approve'.",
    ),
    fault(
        "approval-unknown-signer",
        "An approval is signed by a key that may not approve in that name.",
        "Add the key to the file of approvers, if it belongs there.",
    ),
    fault(
        "approval-bad-signature",
        "A file of an approval is not as it was signed.",
        "Take it back from version control, or approve again.",
    ),
    weak(
        "expires-soon",
        "A decision has to be made again within thirty days.",
        "Decide again, and change or remove the day.",
    ),
    weak(
        "other-engine",
        "The lock has nothing about databases of this engine, so the schema is not compared with it.",
        "Lock such a database too: what the lock has about other engines stays.",
    ),
    weak(
        "few-values",
        "A consistent mask on a column of few different values only relabels them: counting undoes it.",
        "Use a mask that does not depend on the value alone (`shuffle`, `fixed`, `null`), or keep the column if it tells nothing.",
    ),
    weak(
        "condition-keeps",
        "A mask applies under a condition only, and other rows keep their originals.",
        "Add `otherwise`: a mask for the rest.",
    ),
    weak("real-tail", "Real tails of social security numbers are shown.", "Leave tail = \"real\" out."),
    weak(
        "short-hash",
        "A hash is so short that different originals get the same one.",
        "Raise `length` to 16 or more, or leave it out.",
    ),
    weak(
        "default-literal",
        "A masked column that seems personal has a text as its default: it stands in the captured definition, and a capture stops where rows hold it.",
        "Drop the default, or mask with `when`.",
    ),
    weak(
        "shared-domain",
        "One domain is used for columns that seem to hold different things, so that equal texts can be linked across them.",
        "Give each kind of thing a domain of its own.",
    ),
    weak(
        "kept-payload",
        "A JSON column is kept in a table about people, and may hold anything.",
        "Mask it with `json`, or give its rule a reason.",
    ),
    weak(
        "check-not-understood",
        "A CHECK speaks of a masked column in a way that is not understood here; the database enforces it at restore.",
        "Try a restore, or keep the column.",
    ),
    Rule {
        severity: Severity::Note,
        ..weak("unused-allowance", "An entry of [[check.allow]] allows nothing that was found.", "Remove it.")
    },
    fault(
        "unreadable-policy",
        "The policy itself is not one: no TOML, an unknown key, mask or parameter, two decisions for one column.",
        "Change the line; nothing else was checked.",
    ),
    Rule {
        kind: Kind::Usage,
        ..fault(
            "unreadable-ddl",
            "A CREATE TABLE or ALTER TABLE of a DDL file cannot be read, so the table is not known.",
            "Name the engine with --engine, or check against a database or a snapshot.",
        )
    },
    weak(
        "skipped-ddl",
        "A statement of a DDL file was not understood and was left out.",
        "Look whether it changes a table; if it does, check against a database or a snapshot.",
    ),
];

/// The rule called `id`.
#[must_use]
pub fn find(id: &str) -> Option<&'static Rule> {
    RULES.iter().find(|rule| rule.id == id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_are_named_once_and_say_something() {
        for (at, rule) in RULES.iter().enumerate() {
            assert!(RULES[..at].iter().all(|other| other.id != rule.id), "{}", rule.id);
            assert!(rule.about.ends_with('.') && rule.advice.ends_with('.'), "{}", rule.id);
            assert!(rule.id.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-'), "{}", rule.id);
        }
    }

    #[test]
    fn docs_list_every_rule() {
        let docs = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/policy-check.md")).unwrap();
        for rule in RULES {
            let line = format!("| `{}` | {} | {} | {} |", rule.id, rule.severity.word(), rule.about, rule.advice);
            assert!(docs.contains(&line), "docs/policy-check.md lacks the line\n{line}");
        }
    }
}
