//! What there is to show for rules and laws. Words of evidence: what was found, what is done about it, what is missing and what
//! only a person can judge. Never a verdict.

use super::classes::{CLASSES, class_of, class_of_mask};
use super::document::{
    ByEnvironment, ColumnView, DecisionView, Framework, History, Outcome, Point, PointColumn, TableView,
};
use super::words::{count, is_are};
use crate::model::tier::Tier;
use crate::policy::Policy;
use crate::policy::file::ENVIRONMENTS;

/// What the evidence is made of.
pub(super) struct Known<'a> {
    pub policy: &'a Policy,
    pub tables: &'a [TableView],
    pub history: &'a History,
    pub has_lock: bool,
    pub approvals: usize,
}

pub(super) fn evidence(known: &Known<'_>) -> Vec<Framework> {
    vec![hipaa(known), gdpr(known), ccpa(known), iso(known)]
}

fn hipaa(known: &Known<'_>) -> Framework {
    let mut columns: Vec<Vec<PointColumn>> = CLASSES.iter().map(|_| Vec::new()).collect();
    let mut free: Vec<PointColumn> = Vec::new();
    for (at, table) in known.tables.iter().enumerate() {
        for (number, column) in table.columns.iter().enumerate() {
            let shown = || named(table, column, (at, number));
            match class(column) {
                Some(class) => columns[class].push(shown()),
                None if column.tier == Tier::Free => free.push(shown()),
                None => {}
            }
        }
    }
    let mut points: Vec<Point> = CLASSES
        .iter()
        .zip(columns)
        .map(|(class, columns)| {
            let mut gaps = gaps(&columns);
            if (!columns.is_empty() || class.kinds.is_empty()) && !class.judge.is_empty() {
                gaps.push(class.judge.to_owned());
            }
            let evidence = if columns.is_empty() {
                "No column seems to hold it, by name, type and mask.".to_owned()
            } else {
                told(&columns)
            };
            Point { reference: class.letter, title: class.title, evidence, columns, gaps }
        })
        .collect();
    let evidence =
        if free.is_empty() { "There are no columns of free text or payloads.".to_owned() } else { told(&free) };
    let mut judged = gaps(&free);
    if !free.is_empty() {
        judged.push(
            "Any of the eighteen may stand in free text; masks that scrub find what they can recognise or have seen."
                .to_owned(),
        );
    }
    points.push(Point {
        reference: "A–R",
        title: "Anywhere in free text and payloads",
        evidence,
        columns: free,
        gaps: judged,
    });
    Framework {
        id: "hipaa",
        title: "HIPAA Safe Harbor: the eighteen identifiers (45 CFR 164.514(b)(2))",
        about: "Which columns seem to hold each class, and what becomes of them. Safe Harbor also asks that nobody knows of a way \
                to identify a person in what is left; that is a person's statement, not a program's.",
        points,
    }
}

/// The class that a column's data seems to be of: by its name, else by the mask that somebody chose for it.
fn class(column: &ColumnView) -> Option<usize> {
    if column.tier != Tier::None {
        return class_of(column.kind, matches!(column.tier, Tier::Direct | Tier::Credential));
    }
    let by_mask =
        |decision: &DecisionView| class_of_mask(decision.mask, decision.params.get("member").map(String::as_str));
    column.decisions.iter().find_map(by_mask)
}

fn gdpr(known: &Known<'_>) -> Framework {
    let answered = |key: &str| known.policy.review.get(key).map(|answer| format!("{}.", answer.trim_end_matches('.')));
    let stated = |key: &str, lead: &str| answered(key).map(|answer| format!("{lead}: {answer}"));
    let special = all(known, &|column| column.tier == Tier::Sensitive);
    let personal = all(known, &is_personal);
    let not_taken =
        |environment| personal.iter().filter(|column| column.outcomes[environment] == Outcome::NotIncluded).count();
    let scanned: u64 = snapshots(known).map(|snapshot| snapshot.leaks.cells).sum();
    let point = |reference, title, evidence: String, columns: Vec<PointColumn>, gaps: Vec<Option<String>>| Point {
        reference,
        title,
        evidence,
        columns,
        gaps: gaps.into_iter().flatten().collect(),
    };
    let missing =
        |key: &str, what: &str| answered(key).is_none().then(|| format!("{what} is not stated under [review]."));
    let points = vec![
        point("4(5)", "Pseudonymisation", format!("Masks replace values under a secret key that is kept apart from the snapshots; each environment has keys of its own, so that two cannot be linked. {}", told(&personal)), Vec::new(), vec![
            Some("For whoever holds the masking key or the source, masked rows are still personal data.".to_owned())]),
        point("5(1)(b)", "Purpose limitation", stated("purpose", "Stated purpose").unwrap_or_else(|| "The purpose is a statement of people.".to_owned()), Vec::new(), vec![missing("purpose", "The purpose")]),
        point("5(1)(c)", "Data minimisation", format!("{} with personal data {} not taken for dev, {} for staging, {} for production.", count(not_taken("dev") as u64, "column"), is_are(not_taken("dev")), not_taken("staging"), not_taken("production")), Vec::new(), vec![
            Some("Whether fewer rows would do is for a person to judge; a subset takes fewer.".to_owned())]),
        point("5(1)(e)", "Storage limitation", retained(known), Vec::new(), vec![missing("retention", "How long snapshots are kept")]),
        point("5(2)", "Accountability", format!("This review, the policy under version control{}, and a signed manifest with the results of its checks in each snapshot.", if known.has_lock { ", a lock with who decided what" } else { "" }), Vec::new(), vec![
            (known.approvals == 0).then(|| "No approval of this version is known here.".to_owned()),
            (!known.has_lock).then(|| "There is no lock: who decided each column, and when, is not recorded here.".to_owned())]),
        point("6", "Lawfulness", stated("legal_basis", "Stated legal basis").unwrap_or_else(|| "The legal basis is a statement of people.".to_owned()), Vec::new(), vec![missing("legal_basis", "The legal basis")]),
        point("9, 10", "Special categories, convictions", if special.is_empty() { "No column seems to hold such data, by name and type.".to_owned() } else { told(&special) }, special.clone(), gaps(&special).into_iter().map(Some).collect()),
        point("25", "Protection by design and by default", "A column without a decision stops a capture; there is no default that keeps. A cell that its mask cannot take stops it too.".to_owned(), Vec::new(), vec![
            undecided(known)]),
        point("30", "Records of processing", format!("The inventory below lists {} of {} with kind, tier, mask and environment.", count(columns(known) as u64, "column"), count(known.tables.len() as u64, "table")), Vec::new(), vec![
            missing("recipients", "Recipients"), missing("contact", "A contact"), missing("subjects", "Whose data it is")]),
        point("32", "Security of processing", format!("Snapshots are encrypted and signed, and there is no mode without. {}", if scanned == 0 { "No leak scan is known here.".to_owned() } else { format!("Leak scans of the snapshots listed here looked at {}.", count(scanned, "written cell")) }), Vec::new(), vec![]),
        point("35", "Impact assessment", stated("dpia", "Stated").unwrap_or_else(|| "Whether one is needed is for the data protection officer to judge.".to_owned()), Vec::new(), vec![missing("dpia", "The impact assessment")]),
    ];
    Framework {
        id: "gdpr",
        title: "GDPR: what this says for single articles",
        about: "Pointers for the controller's own records. Pseudonymised data stays personal data for the controller.",
        points,
    }
}

fn ccpa(known: &Known<'_>) -> Framework {
    let direct = all(known, &|column| matches!(column.tier, Tier::Direct | Tier::Credential));
    let duty = |reference, title, key: &str| {
        let answer = known.policy.review.get(key);
        let gap = "No software can do this; say under [review] where it is done.".to_owned();
        Point {
            reference,
            title,
            evidence: answer.map_or_else(|| "Nothing is stated.".to_owned(), |answer| format!("Stated: {answer}")),
            columns: Vec::new(),
            gaps: if answer.is_none() { vec![gap] } else { Vec::new() },
        }
    };
    Framework {
        id: "ccpa",
        title: "CCPA: the three duties of who calls data deidentified (1798.140(m))",
        about: "Deidentified means that the data cannot reasonably be linked to a consumer, and that the holder has done all three.",
        points: vec![
            Point {
                reference: "1",
                title: "Reasonable measures against re-association",
                evidence: told(&direct),
                gaps: gaps(&direct),
                columns: direct,
            },
            duty("2", "Public commitment not to re-identify", "commitment"),
            duty("3", "Contract that binds recipients", "contract"),
        ],
    }
}

fn iso(known: &Known<'_>) -> Framework {
    let personal = all(known, &is_personal);
    let mut test_gaps = Vec::new();
    test_gaps.extend((known.approvals == 0).then(|| {
        "A.8.33 wants the use of operational data for tests authorised each time; no approval is known here.".to_owned()
    }));
    Framework {
        id: "iso27001",
        title: "ISO/IEC 27001:2022, annex A: two controls",
        about: "What can be shown for them; the statement of applicability is the organisation's.",
        points: vec![
            Point {
                reference: "A.8.11",
                title: "Data masking",
                evidence: told(&personal),
                gaps: gaps(&personal),
                columns: Vec::new(),
            },
            Point {
                reference: "A.8.33",
                title: "Test information",
                evidence: format!(
                    "Test data is captured by policy, marked row by row when it is restored, and taken out again by a rollback. {} {} in the store.",
                    count(snapshots(known).count() as u64, "snapshot"),
                    is_are(snapshots(known).count()),
                ),
                columns: Vec::new(),
                gaps: test_gaps,
            },
        ],
    }
}

/// It looks personal, or the policy treats it so.
fn is_personal(column: &ColumnView) -> bool {
    column.tier.wants_mask() || column.decisions.iter().any(|decision| decision.strength != "kept")
}

fn snapshots<'a>(known: &'a Known<'_>) -> impl Iterator<Item = &'a super::document::SnapshotView> {
    known.history.versions.iter().flat_map(|version| &version.snapshots)
}

fn columns(known: &Known<'_>) -> usize {
    known.tables.iter().map(|table| table.columns.len()).sum()
}

fn all(known: &Known<'_>, wanted: &dyn Fn(&ColumnView) -> bool) -> Vec<PointColumn> {
    let mut found = Vec::new();
    for (at, table) in known.tables.iter().enumerate() {
        let wanted = table.columns.iter().enumerate().filter(|(_, column)| wanted(column));
        found.extend(wanted.map(|(number, column)| named(table, column, (at, number))));
    }
    found
}

fn named(table: &TableView, column: &ColumnView, at: (usize, usize)) -> PointColumn {
    PointColumn {
        column: format!("{}.{}", table.name, column.name.escape_debug()),
        outcomes: column.outcomes.clone(),
        at,
    }
}

/// `12 columns: dev 10 protected, 2 at risk; staging ...`.
fn told(columns: &[PointColumn]) -> String {
    if columns.is_empty() {
        return "No column is concerned, by name and type.".to_owned();
    }
    let of = |environment: &str| {
        let outcomes: Vec<&ByEnvironment<Outcome>> = columns.iter().map(|column| &column.outcomes).collect();
        let number = |outcome| outcomes.iter().filter(|found| found[environment] == outcome).count();
        let told =
            Outcome::ALL.iter().rev().map(|&outcome| (number(outcome), outcome)).filter(|(number, _)| *number > 0);
        let told: Vec<String> = told.map(|(number, outcome)| format!("{number} {}", outcome.words())).collect();
        told.join(", ")
    };
    let mut parts: Vec<(String, String)> = Vec::new();
    for environment in ENVIRONMENTS {
        let what = of(environment);
        match parts.iter_mut().find(|(_, said)| *said == what) {
            Some((environments, _)) => environments.push_str(&format!(" and {environment}")),
            None => parts.push((environment.to_owned(), what)),
        }
    }
    let parts: Vec<String> = parts.into_iter().map(|(environment, what)| format!("{environment}: {what}")).collect();
    format!("{}. {}.", count(columns.len() as u64, "column"), parts.join("; "))
}

/// What is missing about some columns.
fn gaps(columns: &[PointColumn]) -> Vec<String> {
    let mut gaps = Vec::new();
    for (outcome, what) in [
        (Outcome::Undecided, "not decided on"),
        (Outcome::AtRisk, "copied as they are"),
        (Outcome::Partly, "masked so that a part is left"),
    ] {
        let hit = |column: &&PointColumn| column.outcomes.values().any(|found| *found == outcome);
        let names: Vec<&str> = columns.iter().filter(hit).map(|column| column.column.as_str()).collect();
        let listed = match names.as_slice() {
            [] => continue,
            few if few.len() <= 4 => few.join(", "),
            many => format!("{} and {} more", many[..3].join(", "), many.len() - 3),
        };
        gaps.push(format!("In some environment {what}: {listed}."));
    }
    gaps
}

fn undecided(known: &Known<'_>) -> Option<String> {
    let open = |column: &ColumnView| column.outcomes.values().any(|outcome| *outcome == Outcome::Undecided);
    let open = known.tables.iter().flat_map(|table| &table.columns).filter(|column| open(column)).count();
    (open > 0).then(|| format!("{} {} not decided on yet.", count(open as u64, "column"), is_are(open)))
}

fn retained(known: &Known<'_>) -> String {
    let stated = known.policy.review.get("retention");
    let stated = stated.map(|answer| format!("Stated: {}. ", answer.trim_end_matches('.'))).unwrap_or_default();
    let all = snapshots(known).count();
    if all == 0 {
        return format!("{stated}No snapshot is known here.");
    }
    format!(
        "{stated}{} of {} {} an expiry, after which a restore refuses.",
        all - known.history.without_expiry,
        count(all as u64, "snapshot"),
        if all == 1 { "has" } else { "have" },
    )
}
