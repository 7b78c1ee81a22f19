//! How the policy stands, at the top of the page: one word, its sentences, the numbers, and every approval.

use super::Page;
use crate::model::approval::Approval;
use crate::run::review::document::Status;

pub(super) fn status(page: &mut Page, status: &Status) {
    page.raw("<p class=\"status\"><span class=\"pill ")
        .raw(match status.approval {
            "approved" => "good",
            "void" | "expired" => "bad",
            "not enough" => "warn",
            _ => "open",
        })
        .raw("\">")
        .text(status.approval)
        .raw("</span> ")
        .text(&status.text)
        .raw("</p>\n<ul class=\"counts\">\n");
    let mut one = |number: usize, noun: &str, link: &'static str, tone: &'static str| {
        page.raw("<li><a href=\"")
            .raw(link)
            .raw("\" class=\"")
            .raw(if number > 0 { tone } else { "calm" })
            .raw("\"><b>")
            .number(number)
            .raw("</b> ")
            .text(noun)
            .raw("</a></li>\n");
    };
    let s = |number: usize| if number == 1 { "" } else { "s" };
    one(status.open_questions, &format!("open question{}", s(status.open_questions)), "#questions", "open");
    one(status.undecided_columns, &format!("undecided column{}", s(status.undecided_columns)), "#undecided=1", "bad");
    one(status.errors, &format!("error{}", s(status.errors)), "#flags", "bad");
    one(status.warnings, &format!("warning{}", s(status.warnings)), "#flags", "warn");
    page.raw("</ul>\n");
    approvals(page, status);
}

fn approvals(page: &mut Page, status: &Status) {
    let before = status.last_approved.as_ref();
    if status.approvals.is_empty() && before.is_none() && status.environments.is_empty() {
        return;
    }
    page.raw("<ul class=\"approvals\">\n");
    for approval in &status.approvals {
        page.raw("<li>");
        one_approval(page, approval);
    }
    if let Some(last) = before {
        for approval in &last.approvals {
            page.raw("<li>version ").digest(&last.digest).raw(": ");
            one_approval(page, approval);
        }
    }
    page.raw("<li>");
    for (at, own) in status.environments.iter().enumerate() {
        page.raw(if at > 0 { " · <b>" } else { "<b>" })
            .raw(own.environment)
            .raw("</b> ")
            .raw(if own.required { "requires approval: " } else { "may do without: " })
            .text(own.lacking.as_deref().unwrap_or("enough"));
    }
    page.raw("</li>\n</ul>\n");
}

fn one_approval(page: &mut Page, approval: &Approval) {
    page.raw("approved by ")
        .name(&approval.approver)
        .raw(", ")
        .name(&approval.role)
        .raw(", ")
        .time(&approval.approved)
        .raw(", until ")
        .time(&approval.expires)
        .raw(", key <code>")
        .text(&approval.key)
        .raw("</code></li>\n");
}
