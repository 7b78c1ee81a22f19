//! The review as Markdown, for pull requests and files: the same document in the same order. Names out of a database or a policy
//! are escaped, so that none can break out of its cell or be taken for markup.

use super::document::{ByEnvironment, ColumnView, Document, Outcome, Question, Status, TableView};
use super::words::{count, grouped};
use crate::model::approval::Approval;
use crate::model::names::visible;
use crate::policy::file::ENVIRONMENTS;

/// The Markdown.
#[must_use]
pub fn markdown(document: &Document) -> String {
    let mut text = format!("<!-- {} {} -->\n", document.document, document.head.tool);
    head(&mut text, document);
    summary(&mut text, document);
    questions(&mut text, document);
    flags(&mut text, document);
    changes(&mut text, document);
    text.push_str("\n## Inventory\n\nSamples are made up, and masked under a public key.\n");
    document.tables.iter().for_each(|table| inventory(&mut text, document, table));
    environments(&mut text, document);
    evidence(&mut text, document);
    snapshots(&mut text, document);
    audit(&mut text, document);
    text.push_str("\n## What this review cannot say\n\n");
    document.limits.iter().for_each(|limit| text.push_str(&format!("- {}\n", esc(limit))));
    text
}

/// A text of somebody else's, in a cell or a line.
fn esc(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in visible(text).chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '~' | '#' | '!' | '$' | '@' => {
                escaped.push_str(&format!("&#{};", u32::from(c)));
            }
            c => escaped.push(c),
        }
    }
    // An address in bare text would become a link.
    escaped.replace("://", "&#58;//").replace("www.", "www&#46;")
}

/// Something that reads best as code. Code spans do not know escapes, so a text with signs of its own is marked otherwise.
fn code(text: &str) -> String {
    if text.chars().all(|c| c.is_ascii_alphanumeric() || "_.-(), =".contains(c)) && !text.trim().is_empty() {
        format!("`{text}`")
    } else {
        format!("<code>{}</code>", esc(text))
    }
}

fn row(text: &mut String, cells: &[String]) {
    text.push_str(&format!("| {} |\n", cells.join(" | ")));
}

fn table(text: &mut String, head: &[&str]) {
    row(text, &head.iter().map(|cell| (*cell).to_owned()).collect::<Vec<_>>());
    text.push_str(&format!("|{}\n", "---|".repeat(head.len())));
}

fn head(text: &mut String, document: &Document) {
    let head = &document.head;
    let status = &head.status;
    text.push_str(&format!(
        "# Policy review: {}\n\n**{}.** {}\n\n",
        esc(&head.project),
        status.approval,
        esc(&status.text)
    ));
    text.push_str(&format!(
        "{}, {}, {}, {}.\n\n",
        count(status.open_questions as u64, "open question"),
        count(status.undecided_columns as u64, "undecided column"),
        count(status.errors as u64, "error"),
        count(status.warnings as u64, "warning"),
    ));
    approvals(text, status);
    table(text, &["", ""]);
    let optional = |digest: &Option<String>| digest.as_deref().map_or_else(|| "none".to_owned(), code);
    for (name, value) in [
        ("Policy", format!("{} {}", code(&head.policy), code(&head.policy_digest))),
        ("Lock digest", optional(&head.lock_digest)),
        ("Reviewed digest", optional(&head.reviewed_digest)),
        (
            "Database",
            format!(
                "{}, {}, {}",
                esc(&head.engine),
                count(head.tables as u64, "table"),
                count(head.columns as u64, "column")
            ),
        ),
        ("Catalogue from", esc(&head.source)),
        ("Schema digest", format!("{}{}", optional(&head.schema_digest), head.of_locked_schema())),
        ("Generated", format!("{} by terp-fixtures {}", esc(&head.generated), esc(&head.tool))),
    ] {
        row(text, &[name.to_owned(), value]);
    }
}

fn approvals(text: &mut String, status: &Status) {
    let mut list = |approvals: &[Approval], of: &str| {
        for approval in approvals {
            text.push_str(&format!(
                "- {of}{} ({}), {}, until {}, key {}\n",
                esc(&approval.approver),
                esc(&approval.role),
                esc(&approval.approved),
                esc(&approval.expires),
                code(&approval.key)
            ));
        }
    };
    list(&status.approvals, "");
    if let Some(last) = &status.last_approved {
        list(&last.approvals, &format!("of version {}: ", code(&last.digest)));
    }
    for environment in &status.environments {
        let required = if environment.required { "required" } else { "not required" };
        let lacking = environment.lacking.as_deref().unwrap_or("enough");
        text.push_str(&format!("- {}: {required}; {}\n", environment.environment, esc(lacking)));
    }
    text.push('\n');
}

fn summary(text: &mut String, document: &Document) {
    text.push_str(
        "\n## Summary\n\nProtected data is pseudonymised: it stays personal data for whoever holds the key.\n\n",
    );
    table(text, &["Columns", "dev", "staging", "production", "meaning"]);
    for outcome in Outcome::ALL {
        let mut cells = vec![outcome.words().to_owned()];
        cells.extend(document.summary.iter().map(|summary| grouped(summary.outcomes[&outcome] as u64)));
        cells.push(outcome.meaning().to_owned());
        row(text, &cells);
    }
    text.push('\n');
    for summary in &document.summary {
        if let Some(refusal) = &summary.refusal {
            text.push_str(&format!("- A capture for {} would be refused: {}\n", summary.environment, esc(refusal)));
        }
    }
    text.push('\n');
    table(text, &["Tier", "Columns", "dev", "staging", "production"]);
    let Some(first) = document.summary.first() else { return };
    for (at, tier) in first.tiers.iter().enumerate() {
        let mut cells = vec![format!("{} {}", tier.tier, tier.words), grouped(tier.columns as u64)];
        for summary in &document.summary {
            let told =
                summary.tiers[at].outcomes.iter().map(|(outcome, number)| format!("{number} {}", outcome.words()));
            cells.push(told.collect::<Vec<_>>().join(", "));
        }
        row(text, &cells);
    }
}

fn questions(text: &mut String, document: &Document) {
    text.push_str("\n## Open questions\n\n");
    let (open, answered): (Vec<&Question>, Vec<&Question>) =
        document.questions.iter().partition(|question| question.answer.is_none());
    for question in &open {
        text.push_str(&format!(
            "- [ ] **{}**: {} Answer in {}\n",
            esc(&question.topic),
            esc(&question.question),
            code(&question.answer_in)
        ));
        question.items.iter().for_each(|item| text.push_str(&format!("  - {}\n", esc(item))));
        question.paste.iter().for_each(|paste| fence(text, paste, "  "));
    }
    if open.is_empty() {
        text.push_str("Every question has an answer.\n");
    }
    if !answered.is_empty() {
        text.push_str("\nAnswered in the policy:\n\n");
    }
    for question in answered {
        text.push_str(&format!(
            "- **{}**: {}\n",
            esc(&question.topic),
            esc(question.answer.as_deref().unwrap_or_default())
        ));
    }
}

fn flags(text: &mut String, document: &Document) {
    text.push_str("\n## Flags\n\n");
    if document.flags.is_empty() {
        text.push_str("Nothing was found that deserves a look of its own.\n");
        return;
    }
    table(text, &["", "rule", "line", "what", "what can be done"]);
    for flag in &document.flags {
        let line = flag.line.map(|line| line.to_string());
        let line: Vec<String> = flag.file.as_deref().map(esc).into_iter().chain(line).collect();
        row(
            text,
            &[
                flag.severity.to_owned(),
                code(flag.rule),
                line.join(" "),
                esc(&flag.what),
                esc(flag.hint.as_deref().unwrap_or_default()),
            ],
        );
    }
    let proposed = || document.flags.iter().filter_map(|flag| Some((flag, flag.paste.as_deref()?)));
    if proposed().next().is_some() {
        text.push_str("\n### Proposals to check and paste\n");
    }
    for (flag, paste) in proposed() {
        text.push_str(&format!("\n{} {}:\n", code(flag.rule), esc(&flag.what)));
        fence(text, paste, "");
    }
}

/// Lines as they are, to copy. Nothing inside means anything, as no line has as many backticks as the fence.
fn fence(text: &mut String, lines: &str, indent: &str) {
    let runs = lines.split(|c| c != '`').map(str::len);
    let ticks = "`".repeat(runs.max().unwrap_or(0).max(2) + 1);
    text.push_str(&format!("\n{indent}{ticks}toml\n"));
    lines.lines().for_each(|line| text.push_str(&format!("{indent}{}\n", visible(line))));
    text.push_str(&format!("{indent}{ticks}\n\n"));
}

fn changes(text: &mut String, document: &Document) {
    text.push_str("\n## Changes since the approved version\n\n");
    let Some(changes) = &document.changes else {
        text.push_str(&format!("{}\n", document.without_changes()));
        return;
    };
    let about = changes.about.as_deref().map(|about| format!(", {}", esc(about))).unwrap_or_default();
    text.push_str(&format!("Compared with {} {}{about}.\n\n", code(&changes.since), code(&changes.digest)));
    if changes.changes.is_empty() {
        text.push_str("Both versions decide the same.\n");
        return;
    }
    table(text, &["", "what", "where", "before", "after", "line"]);
    for change in &changes.changes {
        let everywhere = change.environments.len() == ENVIRONMENTS.len();
        let environments = if everywhere { "everywhere".to_owned() } else { change.environments.join(", ") };
        let said = |text: &Option<String>| text.as_deref().map_or_else(|| "nothing".to_owned(), code);
        row(
            text,
            &[
                change.direction.to_owned(),
                esc(&change.subject),
                environments,
                said(&change.before),
                said(&change.after),
                change.line.to_string(),
            ],
        );
    }
}

fn inventory(text: &mut String, document: &Document, of: &TableView) {
    let modes: Vec<String> = ENVIRONMENTS
        .iter()
        .map(|environment| format!("{environment} {}", of.modes[environment].unwrap_or("undecided")))
        .collect();
    text.push_str(&format!("\n### {}\n\n{}.", esc(&of.name), modes.join(", ")));
    if let Some(reason) = &of.reason {
        text.push_str(&format!(" {}", esc(reason)));
    }
    text.push_str("\n\n");
    table(text, &["column", "seems to hold", "what happens", "sample", "notes"]);
    for column in &of.columns {
        row(text, &cells(document, column));
    }
}

fn cells(document: &Document, column: &ColumnView) -> [String; 5] {
    let mut about = vec![esc(&column.declared)];
    about.extend(column.keys.iter().map(|key| (*key).to_owned()));
    about.extend(column.refers_to.iter().map(|parent| format!("→ {}", esc(parent))));
    let holds = format!(
        "{} {}, {} %: {}",
        column.tier,
        esc(&column.kind.replace('_', " ")),
        column.confidence,
        esc(&column.guessed_from)
    );
    let mut happens: Vec<String> = column
        .decisions
        .iter()
        .map(|decision| {
            let params = decision.params.iter().map(|(name, value)| format!(" {name} {}", esc(value)));
            let domain = decision.domain.iter().map(|domain| format!(" in {}", esc(domain)));
            let subject = decision.subject.iter().map(|subject| format!(" by {}", esc(subject)));
            let extras: String = params.chain(domain).chain(subject).collect();
            let when = decision.when.as_ref().map(|when| {
                format!(", when {}, otherwise {}", code(when), esc(decision.otherwise.as_deref().unwrap_or("kept")))
            });
            format!(
                "{}: {}{extras}{}; leaves {}",
                decision.environments.join(", "),
                code(decision.mask),
                when.unwrap_or_default(),
                decision.left
            )
        })
        .collect();
    let open = of_outcome(&column.outcomes, Outcome::Undecided);
    happens.extend((!open.is_empty()).then(|| format!("{}: **undecided**", open.join(", "))));
    if happens.is_empty() {
        happens.push("not included".to_owned());
    }
    let samples = column.decisions.iter().filter_map(|decision| decision.sample.as_ref());
    let samples: Vec<String> =
        samples.map(|sample| format!("{} → {}", esc(&sample.before), esc(&sample.after))).collect();
    let mut notes: Vec<String> =
        column.decisions.iter().filter_map(|decision| decision.reason.as_deref().map(esc)).collect();
    notes.dedup();
    notes.extend(column.decided.iter().map(|decided| format!("decided by {}, {}", esc(&decided.by), esc(&decided.on))));
    notes.extend(
        column
            .flags
            .iter()
            .filter_map(|&at| document.flags.get(at))
            .map(|flag| format!("{} {}", flag.severity, flag.rule)),
    );
    notes.extend(column.change.map(|change| format!("**{change}**")));
    [
        format!("{} {}", code(&column.name), about.join(", ")),
        holds,
        happens.join("<br>"),
        samples.join("<br>"),
        notes.join("; "),
    ]
}

fn of_outcome(outcomes: &ByEnvironment<Outcome>, wanted: Outcome) -> Vec<&'static str> {
    ENVIRONMENTS.into_iter().filter(|environment| outcomes[environment] == wanted).collect()
}

fn environments(text: &mut String, document: &Document) {
    text.push_str("\n## Environments\n\n");
    let numbers = |numbers: &ByEnvironment<usize>| ENVIRONMENTS.map(|environment| grouped(numbers[environment] as u64));
    table(text, &["Tables", "dev", "staging", "production"]);
    for mode in &document.modes {
        row(text, &[vec![mode.mode.to_owned()], numbers(&mode.tables).into()].concat());
    }
    text.push('\n');
    table(text, &["Mask", "what is left at most", "dev", "staging", "production"]);
    for mask in &document.masks {
        row(text, &[vec![code(mask.mask), mask.left.to_owned()], numbers(&mask.columns).into()].concat());
    }
}

fn evidence(text: &mut String, document: &Document) {
    text.push_str("\n## Evidence\n\nWhat can be shown, and what is missing. Not a verdict.\n");
    for framework in &document.evidence {
        text.push_str(&format!("\n### {}\n\n{}\n\n", esc(framework.title), esc(framework.about)));
        table(text, &["point", "evidence", "columns", "missing, or for a person to judge"]);
        for point in &framework.points {
            let columns: Vec<String> = point.columns.iter().map(|column| esc(&column.column)).collect();
            let gaps: Vec<String> = point.gaps.iter().map(|gap| esc(gap)).collect();
            row(
                text,
                &[
                    format!("{} {}", point.reference, point.title),
                    esc(&point.evidence),
                    columns.join(", "),
                    gaps.join("<br>"),
                ],
            );
        }
    }
}

fn snapshots(text: &mut String, document: &Document) {
    let history = &document.history;
    text.push_str("\n## Snapshots\n\n");
    if let Some(why) = &history.missing {
        text.push_str(&format!("Nothing is known about snapshots: {}\n", esc(why)));
    }
    history.damaged.iter().for_each(|damage| text.push_str(&format!("- a manifest cannot be read: {}\n", esc(damage))));
    for version in &history.versions {
        let which = if version.current { "this version" } else { "another version" };
        text.push_str(&format!("\n### {} {} ({which})\n\n", code(&version.policy), code(&version.digest)));
        table(
            text,
            &[
                "snapshot",
                "made",
                "environment",
                "rows",
                "leak scan",
                "closure",
                "unique keys",
                "approved by",
                "expires",
            ],
        );
        for snapshot in &version.snapshots {
            let (leaks, closure, unique) = (&snapshot.leaks, &snapshot.closure, &snapshot.unique);
            let approvers: Vec<String> = snapshot
                .approvals
                .iter()
                .map(|approval| format!("{} ({})", esc(&approval.approver), esc(&approval.role)))
                .collect();
            let expires = snapshot.expires.as_deref().map_or_else(|| "never".to_owned(), esc);
            row(
                text,
                &[
                    format!("{} {}", code(&snapshot.name), code(snapshot.id.get(..12).unwrap_or_default())),
                    esc(&snapshot.created),
                    esc(&snapshot.environment),
                    grouped(snapshot.rows),
                    format!(
                        "{} found of {} in {}; {} canaries went in, none came out",
                        grouped(leaks.hits),
                        grouped(leaks.originals),
                        count(leaks.cells, "cell"),
                        grouped(leaks.canaries)
                    ),
                    format!(
                        "{}, {}, {} dangling",
                        count(closure.references, "reference"),
                        count(closure.rows, "row"),
                        grouped(closure.dangling)
                    ),
                    format!("{}, {}", count(unique.constraints, "constraint"), count(unique.rows, "row")),
                    if approvers.is_empty() { "nobody".to_owned() } else { approvers.join(", ") },
                    if snapshot.expired { format!("**expired** {expires}") } else { expires },
                ],
            );
        }
    }
    let stated = history
        .retention
        .as_deref()
        .map_or_else(|| "The policy says nothing; that is an open question.".to_owned(), esc);
    text.push_str(&format!(
        "\n## Retention\n\n{stated}\n\n{} without an expiry, {} expired and still there.\n",
        count(history.without_expiry as u64, "snapshot"),
        grouped(history.expired as u64)
    ));
}

fn audit(text: &mut String, document: &Document) {
    let audit = &document.audit;
    text.push_str("\n## Audit\n\n");
    match &audit.missing {
        Some(why) => text.push_str(&format!("Nothing is known about the audit trail: {}\n", esc(why))),
        None => audit.sentences().iter().for_each(|said| text.push_str(&format!("- {}\n", esc(said)))),
    }
    text.push_str(&format!(
        "\nThis was a quick look; {} proves that nothing was removed or changed.\n",
        code(audit.verify)
    ));
}
