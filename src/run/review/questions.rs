//! What people have to answer: decisions that are missing, flags that want a reason, and what no program can know.

use super::document::{ColumnView, Question, TableView};
use super::flags::advice;
use super::is_undecided;
use super::words::count;
use crate::policy::Policy;
use crate::policy::answers::ASKED;
use crate::policy::findings::{Finding, Severity};

pub(super) fn questions(policy: &Policy, tables: &[TableView], findings: &[Finding]) -> Vec<Question> {
    let mut questions: Vec<Question> = tables.iter().filter_map(|table| undecided(table, findings)).collect();
    questions.extend(flagged(findings));
    questions.extend(ASKED.iter().map(|asked| Question {
        kind: "knowledge",
        topic: asked.topic.to_owned(),
        question: asked.question.to_owned(),
        items: Vec::new(),
        answer_in: format!("[review] {}", asked.key),
        answer: policy.review.get(asked.key).cloned(),
        paste: None,
    }));
    questions
}

/// One question for each table with something undecided.
fn undecided(table: &TableView, findings: &[Finding]) -> Option<Question> {
    let open: Vec<&ColumnView> = table.columns.iter().filter(|column| is_undecided(column)).collect();
    let whole = table.modes.values().any(Option::is_none);
    if open.is_empty() && !whole {
        return None;
    }
    let item = |column: &&ColumnView| {
        let name = column.name.escape_debug();
        match column.tier {
            crate::model::tier::Tier::None => format!("{name}: nothing says that it is personal"),
            tier => format!("{name}: looks like {}, {}", column.kind.replace('_', " "), tier.words()),
        }
    };
    let question = if whole {
        "What is taken of this table, and what happens to its columns?".to_owned()
    } else {
        format!(
            "What happens to {}?",
            if let [only] = open.as_slice() {
                format!("column {}", only.name.escape_debug())
            } else {
                count(open.len() as u64, "column")
            }
        )
    };
    Some(Question {
        kind: "decision",
        topic: table.name.clone(),
        question,
        items: open.iter().map(item).collect(),
        answer_in: format!("[tables.{}]", crate::policy::names::key(&table.name)),
        answer: None,
        paste: proposed(table, findings),
    })
}

/// What the findings about a table propose, in one block: each section's head once.
fn proposed(table: &TableView, findings: &[Finding]) -> Option<String> {
    let own = |finding: &&Finding| finding.table.as_ref().is_some_and(|name| name.to_string() == table.name);
    let pastes: Vec<String> =
        findings.iter().filter(own).filter_map(|finding| advice(finding.hint.as_deref()?).1).collect();
    let mut lines: Vec<&str> = Vec::new();
    for line in pastes.iter().flat_map(|paste| paste.lines()) {
        if !(line.starts_with('[') && lines.contains(&line)) {
            lines.push(line);
        }
    }
    (!lines.is_empty()).then(|| lines.join("\n"))
}

/// One question for each kind of flag that wants a reason and has none.
fn flagged(findings: &[Finding]) -> Vec<Question> {
    let ask = |rule: &str, topic: &str, question: &str| {
        let open = |finding: &&Finding| finding.rule == rule && finding.severity == Severity::Warning;
        let items: Vec<String> = findings.iter().filter(open).map(|finding| finding.what.clone()).collect();
        (!items.is_empty()).then(|| Question {
            kind: "flag",
            topic: topic.to_owned(),
            question: question.to_owned(),
            items,
            answer_in: "reason = \"...\" in the column's rule".to_owned(),
            answer: None,
            paste: None,
        })
    };
    [
        ask("kept-personal", "Kept personal data", "Why do these have to stay as they are, and who has agreed?"),
        ask("partial-mask", "Parts of identifiers", "Is what these masks leave needed for the purpose?"),
        ask("few-values", "Few values", "Does it matter that shares show which fake stands for which value?"),
        ask("tail-beside-birth-date", "Tails beside dates of birth", "Who needs real tails and real dates together?"),
    ]
    .into_iter()
    .flatten()
    .collect()
}
