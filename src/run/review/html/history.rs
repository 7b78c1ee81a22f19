//! The snapshots that were made under each version of the policy, with the results of their checks, and their retention.

use super::Page;
use crate::run::review::document::{Document, History, PolicyVersion, SnapshotView};
use crate::run::review::words::count;

pub(super) fn snapshots(page: &mut Page, document: &Document) {
    let history = &document.history;
    page.section("snapshots", "Snapshots");
    if let Some(why) = &history.missing {
        page.raw("<p class=\"lead\">Nothing is known about snapshots: ").text(why).raw("</p>\n</section>\n");
        return;
    }
    page.raw("<p class=\"lead\">What was made under which version of the policy, and what the checks found on the real rows before it was published. Store: ").name(history.store.as_deref().unwrap_or_default()).raw("</p>\n");
    for damage in &history.damaged {
        page.raw("<p class=\"refusal\"><b>A manifest cannot be read:</b> ").text(damage).raw("</p>\n");
    }
    if history.versions.is_empty() {
        page.raw("<p>There are none.</p>\n");
    }
    history.versions.iter().for_each(|version| one_version(page, version));
    page.raw("</section>\n");
}

fn one_version(page: &mut Page, version: &PolicyVersion) {
    page.raw("<h3><code>").name(&version.policy).raw("</code> ").digest(&version.digest);
    if version.current {
        page.raw(" <span class=\"pill good\">this version</span>");
    } else {
        page.raw(" <span class=\"pill open\">another version</span>");
    }
    page.raw("</h3>\n<div class=\"scroll\" role=\"region\" aria-label=\"Snapshots of policy ")
        .text(version.digest.get(..8).unwrap_or_default())
        .raw("\" tabindex=\"0\">\n<table class=\"plain snapshots\">\n<caption>")
        .text(&count(version.snapshots.len() as u64, "snapshot"));
    if let Some(reviewed) = &version.reviewed_digest {
        page.raw(", reviewed digest ").digest(reviewed);
    }
    page.raw("</caption>\n<thead><tr><th scope=\"col\">Snapshot</th><th scope=\"col\">Made</th><th scope=\"col\" class=\"num\">Rows</th><th scope=\"col\">Leak scan</th><th scope=\"col\">Closure</th><th scope=\"col\">Unique keys</th><th scope=\"col\">Approved by</th><th scope=\"col\">Expires</th></tr></thead>\n<tbody>\n");
    version.snapshots.iter().for_each(|snapshot| one_snapshot(page, snapshot));
    page.raw("</tbody>\n</table>\n</div>\n");
}

fn one_snapshot(page: &mut Page, snapshot: &SnapshotView) {
    let (leaks, closure, unique) = (&snapshot.leaks, &snapshot.closure, &snapshot.unique);
    page.raw("<tr><th scope=\"row\"><code>")
        .name(&snapshot.name)
        .raw("</code><small>")
        .text(snapshot.id.get(..12).unwrap_or_default())
        .raw("</small></th><td>")
        .text(&snapshot.environment)
        .raw("<small>")
        .time(&snapshot.created)
        .raw(", ")
        .text(&snapshot.tool)
        .raw("</small></td><td class=\"num\">")
        .number(snapshot.rows)
        .raw("<small>")
        .text(&count(snapshot.tables as u64, "table"))
        .raw("</small></td><td>");
    page.raw(if leaks.hits == 0 { "<span class=\"ok\">" } else { "<span class=\"not\">" })
        .text(&count(leaks.hits, "original"))
        .raw(" found</span><small>")
        .text(&count(leaks.originals, "original"))
        .raw(" looked for in ")
        .text(&count(leaks.cells, "cell"))
        .raw("; ")
        .number(leaks.canaries)
        .raw(" canaries went in, none came out");
    let skipped: u64 = leaks.skipped.values().sum();
    if skipped > 0 {
        let reasons: Vec<String> = leaks.skipped.iter().map(|(reason, number)| format!("{number} {reason}")).collect();
        page.raw("; passed over: ").text(&reasons.join(", "));
    }
    page.raw("</small></td><td>")
        .text(&count(closure.references, "reference"))
        .raw(" proved<small>")
        .text(&count(closure.rows, "row"));
    page.raw(", ").number(closure.dangling).raw(" dangling as in the source");
    if closure.sampled > 0 {
        page.raw(", ").number(closure.sampled).raw(" left out");
    }
    page.raw("</small></td><td>")
        .text(&count(unique.constraints, "constraint"))
        .raw("<small>")
        .text(&count(unique.rows, "row"));
    if unique.sampled > 0 {
        page.raw(", ").number(unique.sampled).raw(" left out");
    }
    page.raw("</small></td><td>");
    if snapshot.approvals.is_empty() {
        page.raw("<span class=\"dim\">nobody</span>");
    }
    for approval in &snapshot.approvals {
        page.raw("<div>")
            .name(&approval.approver)
            .raw(" <small>")
            .name(&approval.role)
            .raw(", ")
            .time(&approval.approved)
            .raw("</small></div>");
    }
    page.raw("</td><td>");
    expiry(page, snapshot);
    page.raw("</td></tr>\n");
}

fn expiry(page: &mut Page, snapshot: &SnapshotView) {
    match &snapshot.expires {
        None => page.raw("<span class=\"warned\">never</span>"),
        Some(expires) if snapshot.expired => {
            page.raw("<span class=\"not\">expired</span><small>").time(expires).raw("</small>")
        }
        Some(expires) => page.time(expires),
    };
}

pub(super) fn retention(page: &mut Page, document: &Document) {
    let history: &History = &document.history;
    page.section("retention", "Retention");
    page.raw("<p class=\"lead\">").raw(if history.retention.is_some() {
        "The policy says: "
    } else {
        "The policy says nothing about retention; that is an open question."
    });
    page.name(history.retention.as_deref().unwrap_or_default()).raw("</p>\n");
    let all: usize = history.versions.iter().map(|version| version.snapshots.len()).sum();
    if history.missing.is_none() {
        page.raw("<ul class=\"limits\">\n<li>")
            .text(&count(all as u64, "snapshot"))
            .raw(" in the store.</li>\n<li>")
            .number(history.without_expiry)
            .raw(" without an expiry: nothing will stop a restore of those.</li>\n<li>")
            .number(history.expired)
            .raw(" expired and still there: a restore refuses them, and a prune removes them.</li>\n</ul>\n");
    }
    page.raw("</section>\n");
}

pub(super) fn audit(page: &mut Page, document: &Document) {
    let audit = &document.audit;
    page.section("audit", "Audit");
    match &audit.missing {
        Some(why) => {
            page.raw("<p class=\"lead\">Nothing is known about the audit trail: ").text(why).raw("</p>\n");
        }
        None => {
            page.raw("<ul class=\"limits\">\n");
            audit.sentences().iter().for_each(|said| {
                page.raw("<li>").name(said).raw("</li>\n");
            });
            page.raw("</ul>\n");
        }
    }
    page.raw("<p class=\"after\">This was a quick look; <code>")
        .raw(audit.verify)
        .raw("</code> proves that nothing was removed or changed.</p>\n</section>\n");
}
