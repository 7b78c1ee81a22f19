//! The top of the page: what was reviewed and how it stands, the summary, open questions, flags and changes.

use super::{Page, status};
use crate::policy::file::ENVIRONMENTS;
use crate::run::review::document::{ChangeView, Document, Flag, Outcome, Question, Summary};
use crate::run::review::words::count;

pub(super) fn banner(page: &mut Page, document: &Document) {
    let head = &document.head;
    page.raw("<header class=\"banner\">\n<div class=\"top\">\n<p class=\"kind\">Policy review</p>\n<button type=\"button\" id=\"theme\" class=\"quiet\" hidden>Theme: automatic</button>\n</div>\n<h1>")
        .name(&head.project)
        .raw("</h1>\n");
    status::status(page, &head.status);
    page.raw("<dl class=\"facts\">\n");
    fact(page, "Policy", |page| {
        page.raw("<code>").name(&head.policy).raw("</code> ").digest(&head.policy_digest);
    });
    fact(page, "Database", |page| {
        page.text(&head.engine)
            .raw(", ")
            .text(&count(head.tables as u64, "table"))
            .raw(", ")
            .text(&count(head.columns as u64, "column"));
    });
    fact(page, "Catalogue from", |page| {
        page.name(&head.source);
    });
    fact(page, "Schema digest", |page| {
        optional(page, head.schema_digest.as_deref(), "two tables would have one name in a lock");
        page.raw("<small>").raw(head.of_locked_schema().trim_start_matches(", ")).raw("</small>");
    });
    fact(page, "Lock digest", |page| optional(page, head.lock_digest.as_deref(), "no lock was read"));
    fact(page, "Reviewed digest", |page| {
        optional(page, head.reviewed_digest.as_deref(), "none without a lock");
    });
    fact(page, "Generated", |page| {
        page.time(&head.generated).raw(" by terp-fixtures ").text(&head.tool);
    });
    page.raw("</dl>\n</header>\n");
}

fn optional(page: &mut Page, digest: Option<&str>, without: &'static str) {
    match digest {
        Some(digest) => page.digest(digest),
        None => page.raw("<span class=\"dim\">").raw(without).raw("</span>"),
    };
}

fn fact(page: &mut Page, name: &'static str, value: impl FnOnce(&mut Page)) {
    page.raw("<div><dt>").raw(name).raw("</dt><dd>");
    value(page);
    page.raw("</dd></div>\n");
}

pub(super) fn contents(page: &mut Page, document: &Document) {
    let open = document.head.status.open_questions;
    let entries: [(&'static str, &'static str, Option<usize>); 11] = [
        ("#summary", "Summary", None),
        ("#questions", "Open questions", Some(open)),
        ("#flags", "Flags", Some(document.flags.len())),
        ("#changes", "Changes", document.changes.as_ref().map(|changes| changes.changes.len())),
        ("#inventory", "Inventory", Some(document.head.columns)),
        ("#environments", "Environments", None),
        ("#evidence", "Evidence", None),
        (
            "#snapshots",
            "Snapshots",
            Some(document.history.versions.iter().map(|version| version.snapshots.len()).sum()),
        ),
        ("#retention", "Retention", None),
        ("#audit", "Audit", document.audit.missing.is_none().then_some(document.audit.entries)),
        ("#limits", "Limits", None),
    ];
    page.raw("<nav class=\"contents\" aria-label=\"Contents\">\n<ul>\n");
    for (link, title, number) in entries {
        page.raw("<li><a href=\"").raw(link).raw("\">").raw(title);
        if let Some(number) = number {
            page.raw(" <span class=\"n\">").number(number).raw("</span>");
        }
        page.raw("</a></li>\n");
    }
    page.raw("</ul>\n</nav>\n");
}

pub(super) fn tone(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Undecided => "o-u",
        Outcome::AtRisk => "o-r",
        Outcome::Partly => "o-y",
        Outcome::Protected => "o-p",
        Outcome::NotPersonal => "o-n",
        Outcome::NotIncluded => "o-x",
    }
}

pub(super) fn summary(page: &mut Page, document: &Document) {
    page.section("summary", "Summary");
    page.raw("<p class=\"lead\">What becomes of ").text(&count(document.head.columns as u64, "column")).raw(" in each environment. Protected data is pseudonymised: it stays personal data for whoever holds the key.</p>\n<div class=\"cards\">\n");
    for summary in &document.summary {
        card(page, summary, document.head.columns);
    }
    page.raw("</div>\n<dl class=\"key\">\n");
    for outcome in Outcome::ALL {
        page.raw("<div><dt><i class=\"dot ")
            .raw(tone(outcome))
            .raw("\"></i>")
            .raw(outcome.words())
            .raw("</dt><dd>")
            .raw(outcome.meaning())
            .raw("</dd></div>\n");
    }
    page.raw("</dl>\n");
    tiers(page, document);
    page.raw("</section>\n");
}

fn card(page: &mut Page, summary: &Summary, columns: usize) {
    page.raw("<div class=\"card\">\n<h3>").raw(summary.environment).raw("</h3>\n");
    bar(page, summary, columns);
    page.raw("<ul class=\"outcomes\">\n");
    for (outcome, number) in &summary.outcomes {
        let calm = if *number == 0 { " zero" } else { "" };
        page.raw("<li class=\"")
            .raw(tone(*outcome))
            .raw(calm)
            .raw("\"><i class=\"dot\"></i><b>")
            .number(*number)
            .raw("</b> ")
            .raw(outcome.words())
            .raw("</li>\n");
    }
    page.raw("</ul>\n");
    if let Some(refusal) = &summary.refusal {
        page.raw("<p class=\"refusal\"><b>A capture would be refused:</b> ").text(refusal).raw("</p>\n");
    }
    page.raw("</div>\n");
}

/// A bar of all columns; the list below it says the same in words.
fn bar(page: &mut Page, summary: &Summary, columns: usize) {
    page.raw("<svg class=\"bar\" viewBox=\"0 0 1000 12\" preserveAspectRatio=\"none\" aria-hidden=\"true\">");
    let mut done = 0;
    for (outcome, number) in &summary.outcomes {
        let (from, to) = (done * 1000 / columns.max(1), (done + number) * 1000 / columns.max(1));
        done += number;
        if *number > 0 {
            page.raw("<rect class=\"")
                .raw(tone(*outcome))
                .raw("\" height=\"12\" x=\"")
                .plain(from)
                .raw("\" width=\"")
                .plain((to - from).max(3))
                .raw("\"/>");
        }
    }
    page.raw("</svg>\n");
}

fn tiers(page: &mut Page, document: &Document) {
    page.raw("<h3>By tier</h3>\n<div class=\"scroll\" role=\"region\" aria-label=\"Columns by tier and environment\" tabindex=\"0\">\n<table class=\"plain\">\n<caption>How closely columns seem bound to a person, and what becomes of them</caption>\n<thead><tr><th scope=\"col\">Tier</th><th scope=\"col\" class=\"num\">Columns</th>");
    for environment in ENVIRONMENTS {
        page.raw("<th scope=\"col\">").raw(environment).raw("</th>");
    }
    page.raw("</tr></thead>\n<tbody>\n");
    let Some(first) = document.summary.first() else { return };
    for (at, tier) in first.tiers.iter().enumerate() {
        page.raw("<tr><th scope=\"row\"><span class=\"tier t-")
            .text(&tier.tier.to_string())
            .raw("\">")
            .text(&tier.tier.to_string())
            .raw("</span> ")
            .raw(tier.words)
            .raw("</th><td class=\"num\">")
            .number(tier.columns)
            .raw("</td>");
        for summary in &document.summary {
            page.raw("<td>");
            let mut none = true;
            for (outcome, number) in &summary.tiers[at].outcomes {
                page.raw("<span class=\"tally ")
                    .raw(tone(*outcome))
                    .raw("\"><i class=\"dot\"></i>")
                    .number(*number)
                    .raw(" ")
                    .raw(outcome.words())
                    .raw("</span> ");
                none = false;
            }
            page.raw(if none { "<span class=\"dim\">none</span></td>" } else { "</td>" });
        }
        page.raw("</tr>\n");
    }
    page.raw("</tbody>\n</table>\n</div>\n");
}

pub(super) fn questions(page: &mut Page, document: &Document) {
    page.section("questions", "Open questions");
    let (open, answered): (Vec<&Question>, Vec<&Question>) =
        document.questions.iter().partition(|question| question.answer.is_none());
    if open.is_empty() {
        page.raw("<p class=\"lead\">Every question has an answer.</p>\n");
    } else {
        page.raw("<p class=\"lead\">What has to be decided or said by people. Answers go into the policy, where they are reviewed and signed with it.</p>\n<ol class=\"questions\">\n");
        for question in open {
            page.raw("<li class=\"q-")
                .raw(question.kind)
                .raw("\"><p><b>")
                .name(&question.topic)
                .raw("</b> ")
                .text(&question.question)
                .raw("</p>\n");
            items(page, &question.items);
            question.paste.iter().for_each(|paste| to_paste(page, paste));
            page.raw("<p class=\"answer\">Answer, in <code>").text(&question.answer_in).raw("</code></p></li>\n");
        }
        page.raw("</ol>\n");
    }
    if !answered.is_empty() {
        page.raw("<h3>Answered in the policy</h3>\n<dl class=\"answers\">\n");
        for question in answered {
            page.raw("<div><dt>")
                .name(&question.topic)
                .raw("</dt><dd>")
                .text(question.answer.as_deref().unwrap_or_default())
                .raw("</dd></div>\n");
        }
        page.raw("</dl>\n");
    }
    page.raw("</section>\n");
}

/// Lines to copy into the policy.
fn to_paste(page: &mut Page, lines: &str) {
    page.raw("<pre class=\"paste\" tabindex=\"0\" aria-label=\"Lines to check and paste\"><code>");
    for line in lines.lines() {
        page.text(line).raw("\n");
    }
    page.raw("</code></pre>\n");
}

fn items(page: &mut Page, items: &[String]) {
    if items.is_empty() {
        return;
    }
    let many = items.len() > 6;
    if many {
        page.raw("<details><summary>").text(&count(items.len() as u64, "place")).raw("</summary>\n");
    }
    page.raw("<ul class=\"items\">\n");
    for item in items {
        page.raw("<li>").name(item).raw("</li>\n");
    }
    page.raw(if many { "</ul></details>\n" } else { "</ul>\n" });
}

pub(super) fn flags(page: &mut Page, document: &Document) {
    page.section("flags", "Flags");
    if document.flags.is_empty() {
        page.raw("<p class=\"lead\">Nothing was found that deserves a look of its own.</p>\n</section>\n");
        return;
    }
    page.raw("<p class=\"lead\">Errors stop a capture. Warnings and notes stop nothing; they want a reader.</p>\n");
    for (severity, title) in [("error", "Errors"), ("warning", "Warnings"), ("note", "Notes")] {
        let own: Vec<&Flag> = document.flags.iter().filter(|flag| flag.severity == severity).collect();
        if own.is_empty() {
            continue;
        }
        page.raw("<details class=\"flaglist\"")
            .raw(if own.len() <= 25 && severity != "note" { " open" } else { "" })
            .raw("><summary><h3>")
            .raw(title)
            .raw("</h3> <span class=\"n\">")
            .number(own.len())
            .raw("</span></summary>\n<ul class=\"flags\">\n");
        for flag in own {
            one_flag(page, flag);
        }
        page.raw("</ul></details>\n");
    }
    page.raw("</section>\n");
}

fn one_flag(page: &mut Page, flag: &Flag) {
    page.raw("<li class=\"f-")
        .raw(flag.severity)
        .raw("\"><code class=\"rule\">")
        .raw(flag.rule)
        .raw("</code> <div>")
        .name(&flag.what);
    page.raw(".");
    if let Some(hint) = &flag.hint {
        page.raw(" <span class=\"dim\">").text(hint).raw("</span>");
    }
    if let Some(at) = flag.at {
        page.raw(" <a href=\"#")
            .row_id(at)
            .raw("\" aria-label=\"Show ")
            .text(flag.column.as_deref().unwrap_or_default())
            .raw(" in the inventory\">Show</a>");
    }
    if let Some(line) = flag.line {
        page.raw(" <span class=\"dim\">");
        flag.file.iter().for_each(|file| {
            page.name(file).raw(", ");
        });
        page.raw("line ").plain(line).raw("</span>");
    }
    flag.paste.iter().for_each(|paste| to_paste(page, paste));
    page.raw("</div></li>\n");
}

pub(super) fn changes(page: &mut Page, document: &Document) {
    page.section("changes", "Changes since the approved version");
    match &document.changes {
        None => {
            page.raw("<p class=\"lead\">").raw(document.without_changes()).raw("</p>\n");
        }
        Some(changes) => {
            page.raw("<p class=\"lead\">Compared with <code>")
                .name(&changes.since)
                .raw("</code> ")
                .digest(&changes.digest);
            changes.about.iter().for_each(|about| {
                page.raw(", ").name(about);
            });
            page.raw(". ");
            if changes.changes.is_empty() {
                page.raw("Both versions decide the same.</p>\n");
            } else {
                page.raw("What lets more through comes first.</p>\n<div class=\"scroll\" role=\"region\" aria-label=\"Changes\" tabindex=\"0\">\n<table class=\"plain changes\">\n<caption>Changed decisions</caption>\n<thead><tr><th scope=\"col\">Direction</th><th scope=\"col\">What</th><th scope=\"col\">Where</th><th scope=\"col\">Before</th><th scope=\"col\">After</th><th scope=\"col\" class=\"num\">Line</th></tr></thead>\n<tbody>\n");
                changes.changes.iter().for_each(|change| one_change(page, change));
                page.raw("</tbody>\n</table>\n</div>\n");
            }
        }
    }
    page.raw("</section>\n");
}

fn one_change(page: &mut Page, change: &ChangeView) {
    page.raw("<tr class=\"d-")
        .raw(change.direction)
        .raw("\"><td><span class=\"pill ")
        .raw(match change.direction {
            "weaker" => "bad",
            "stronger" => "good",
            _ => "open",
        })
        .raw("\">")
        .raw(change.direction)
        .raw("</span></td><th scope=\"row\">")
        .name(&change.subject)
        .raw("</th><td>");
    if change.environments.len() == ENVIRONMENTS.len() {
        page.raw("everywhere");
    } else {
        page.listed(&change.environments);
    }
    for said in [&change.before, &change.after] {
        page.raw("</td><td>");
        match said {
            Some(text) => page.raw("<code>").name(text).raw("</code>"),
            None => page.raw("<span class=\"dim\">nothing</span>"),
        };
    }
    page.raw("</td><td class=\"num\">").plain(change.line).raw("</td></tr>\n");
}

pub(super) fn foot(page: &mut Page, document: &Document) {
    page.raw("<footer>\n<p>")
        .raw(document.document)
        .raw(" ")
        .text(&document.head.tool)
        .raw(", ")
        .text(&document.head.generated)
        .raw(". Policy <code>")
        .text(&document.head.policy_digest)
        .raw("</code>, schema <code>")
        .text(document.head.schema_digest.as_deref().unwrap_or_default())
        .raw("</code>. No value of a database is on this page.</p>\n</footer>\n");
}
