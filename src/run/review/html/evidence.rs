//! The evidence matrix, and what a review cannot say.

use super::Page;
use super::head::tone;
use crate::policy::file::ENVIRONMENTS;
use crate::run::review::document::{Document, Framework, Point, PointColumn};
use crate::run::review::words::count;

pub(super) fn evidence(page: &mut Page, document: &Document) {
    page.section("evidence", "Evidence");
    page.raw("<p class=\"lead\">What can be shown for rules and laws: what was found, what is done about it, and what is missing. Not a verdict.</p>\n");
    document.evidence.iter().for_each(|framework| one_framework(page, framework));
    page.raw("</section>\n");
}

fn one_framework(page: &mut Page, framework: &Framework) {
    page.raw("<h3>").raw(framework.title).raw("</h3>\n<p>").raw(framework.about).raw("</p>\n<div class=\"scroll\" role=\"region\" aria-label=\"").raw(framework.title).raw("\" tabindex=\"0\">\n<table class=\"plain evidence\">\n<caption class=\"quietly\">").raw(framework.title).raw("</caption>\n<thead><tr><th scope=\"col\">Point</th><th scope=\"col\">Evidence</th><th scope=\"col\">Missing, or for a person to judge</th></tr></thead>\n<tbody>\n");
    framework.points.iter().for_each(|point| one_point(page, point));
    page.raw("</tbody>\n</table>\n</div>\n");
}

fn one_point(page: &mut Page, point: &Point) {
    page.raw("<tr><th scope=\"row\" class=\"point\"><span class=\"ref\">")
        .raw(point.reference)
        .raw("</span> ")
        .raw(point.title)
        .raw("</th><td>")
        .name(&point.evidence);
    if !point.columns.is_empty() {
        page.raw("\n<details><summary>")
            .text(&count(point.columns.len() as u64, "column"))
            .raw("</summary><ul class=\"pointed\">");
        point.columns.iter().for_each(|column| one_column(page, column));
        page.raw("</ul></details>");
    }
    page.raw("</td><td>");
    if point.gaps.is_empty() {
        page.raw("<span class=\"dim\">nothing is known to be</span>");
    } else {
        page.raw("<ul class=\"gaps\">");
        for gap in &point.gaps {
            page.raw("<li>").name(gap).raw("</li>");
        }
        page.raw("</ul>");
    }
    page.raw("</td></tr>\n");
}

fn one_column(page: &mut Page, column: &PointColumn) {
    page.raw("<li><a href=\"#").row_id(column.at).raw("\">").name(&column.column).raw("</a>");
    for environment in ENVIRONMENTS {
        let outcome = column.outcomes[environment];
        page.raw("<i class=\"dot ")
            .raw(tone(outcome))
            .raw("\" title=\"")
            .raw(environment)
            .raw(": ")
            .raw(outcome.words())
            .raw("\"></i>");
    }
    page.raw("</li>");
}

pub(super) fn limits(page: &mut Page, document: &Document) {
    page.section("limits", "What this page cannot say");
    page.raw("<ul class=\"limits\">\n");
    for limit in &document.limits {
        page.raw("<li>").text(limit).raw("</li>\n");
    }
    page.raw("</ul>\n</section>\n");
}
