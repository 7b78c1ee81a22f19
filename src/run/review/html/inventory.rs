//! The inventory with its filters, and what each environment does with masks and tables.

use super::Page;
use super::head::tone;
use crate::model::tier::Tier;
use crate::policy::file::ENVIRONMENTS;
use crate::run::review::document::{ColumnView, DecisionView, Document, Outcome, TableView};
use crate::run::review::words::count;

/// With more columns than this, tables are closed until somebody opens them.
const OPEN: usize = 80;

pub(super) fn inventory(page: &mut Page, document: &Document) {
    page.section("inventory", "Inventory");
    page.raw("<p class=\"lead\">Every column with what it seems to hold and what each environment does to it. Samples are made up, and masked under a public key.</p>\n");
    filters(page, document);
    page.raw("<div id=\"tables\">\n");
    let open = document.head.columns <= OPEN;
    for (at, table) in document.tables.iter().enumerate() {
        one_table(page, at, table, open);
    }
    page.raw("</div>\n<p id=\"nothing\" class=\"lead\" hidden>No column is like that. <button type=\"button\" class=\"quiet\" data-clear>Clear the filters</button></p>\n</section>\n");
}

fn filters(page: &mut Page, document: &Document) {
    page.raw("<form id=\"filters\" role=\"search\" aria-label=\"Filter the inventory\" hidden>\n<div class=\"line\">\n<label class=\"find\">Find <input id=\"q\" type=\"search\" autocomplete=\"off\" spellcheck=\"false\" placeholder=\"table, column, kind, mask, reason\" aria-keyshortcuts=\"/\"></label>\n<button type=\"button\" class=\"quiet\" id=\"expand\">Expand all</button><button type=\"button\" class=\"quiet\" id=\"collapse\">Collapse all</button><button type=\"button\" class=\"quiet\" data-clear>Clear</button>\n</div>\n<div class=\"line\">\n");
    page.raw("<label>Environment <select id=\"env\"><option value=\"\">any</option>");
    for environment in ENVIRONMENTS {
        page.raw("<option>").raw(environment).raw("</option>");
    }
    page.raw("</select></label>\n<label>Outcome <select id=\"outcome\"><option value=\"\">any</option>");
    for outcome in Outcome::ALL {
        let letter = outcome.letter().to_string();
        page.raw("<option value=\"").text(&letter).raw("\">").raw(outcome.words()).raw("</option>");
    }
    page.raw("</select></label>\n<label>Mask leaves <select id=\"strength\"><option value=\"\">any</option><option value=\"k\">everything</option><option value=\"a\">a part</option><option value=\"s\">equality</option><option value=\"d\">nothing</option></select></label>\n<label>Table is <select id=\"mode\"><option value=\"\">any</option>");
    for mode in &document.modes {
        page.raw("<option>").raw(mode.mode).raw("</option>");
    }
    page.raw("</select></label>\n</div>\n<div class=\"line\">\n<fieldset><legend>Tier</legend>");
    for tier in Tier::ALL {
        let letter = tier.letter().to_string();
        page.raw("<label class=\"chip\" title=\"")
            .raw(tier.words())
            .raw("\"><input type=\"checkbox\" name=\"tier\" value=\"");
        page.text(&letter).raw("\" aria-label=\"").text(&letter).raw(", ").raw(tier.words());
        page.raw("\"><span class=\"tier t-")
            .text(&letter)
            .raw("\" aria-hidden=\"true\">")
            .text(&letter)
            .raw("</span></label>");
    }
    page.raw("</fieldset>\n<fieldset><legend>Only</legend>");
    for (id, word) in [("flagged", "flagged"), ("undecided", "undecided"), ("changed", "changed")] {
        page.raw("<label class=\"chip\"><input type=\"checkbox\" id=\"")
            .raw(id)
            .raw("\"><span>")
            .raw(word)
            .raw("</span></label>");
    }
    page.raw("</fieldset>\n<p id=\"count\" role=\"status\" aria-live=\"polite\">");
    page.text(&count(document.head.columns as u64, "column")).raw(" in ");
    page.text(&count(document.tables.len() as u64, "table"));
    page.raw("</p>\n<p class=\"hint\"><kbd>/</kbd> find <kbd>Esc</kbd> clear</p>\n</div>\n</form>\n");
}

fn one_table(page: &mut Page, at: usize, table: &TableView, open: bool) {
    let number = |outcome: Outcome| {
        table.columns.iter().filter(|column| column.outcomes.values().any(|found| *found == outcome)).count()
    };
    page.raw("<details class=\"table\" id=\"t").plain(at).raw("\" data-m=\"");
    for (at, environment) in ENVIRONMENTS.into_iter().enumerate() {
        page.raw(if at > 0 { " " } else { "" }).raw(table.modes[environment].unwrap_or("undecided"));
    }
    page.raw("\"")
        .raw(if open { " open" } else { "" })
        .raw(">\n<summary><h3>")
        .name(&table.name)
        .raw("</h3><span class=\"n\">")
        .text(&count(table.columns.len() as u64, "column"))
        .raw("</span>");
    for outcome in [Outcome::Undecided, Outcome::AtRisk, Outcome::Partly, Outcome::Protected] {
        if number(outcome) > 0 {
            page.raw("<span class=\"tally ")
                .raw(tone(outcome))
                .raw("\"><i class=\"dot\"></i>")
                .number(number(outcome))
                .raw(" ")
                .raw(outcome.words())
                .raw("</span>");
        }
    }
    page.raw("<span class=\"modes\">").text(&modes(table));
    if let Some(line) = table.line {
        page.raw(" · line ").plain(line);
    }
    page.raw("</span></summary>\n");
    if let Some(reason) = &table.reason {
        page.raw("<p class=\"why\">").name(reason).raw("</p>\n");
    }
    page.raw("<table class=\"columns\">\n<caption class=\"quietly\">Columns of ").text(&table.name).raw("</caption>\n<thead><tr><th scope=\"col\">Column</th><th scope=\"col\">Seems to hold</th><th scope=\"col\">What happens</th><th scope=\"col\">Made-up sample</th><th scope=\"col\">Why, who, flags</th></tr></thead>\n<tbody>\n");
    for (number, column) in table.columns.iter().enumerate() {
        one_column(page, (at, number), table, column);
    }
    page.raw("</tbody>\n</table>\n</details>\n");
}

/// `capture`; `capture · production exclude`.
fn modes(table: &TableView) -> String {
    let word = |environment: &str| table.modes[environment].unwrap_or("undecided");
    let first = word(ENVIRONMENTS[0]);
    let others = ENVIRONMENTS.into_iter().skip(1).filter(|environment| word(environment) != first);
    let others: Vec<String> = others.map(|environment| format!("{environment}: {}", word(environment))).collect();
    if others.is_empty() { first.to_owned() } else { format!("dev: {first} · {}", others.join(" · ")) }
}

/// Tier, outcomes and strengths by environment, and marks: what filters look at.
fn facts(column: &ColumnView) -> String {
    let mut facts = column.tier.letter().to_string();
    facts.extend(ENVIRONMENTS.into_iter().map(|environment| column.outcomes[environment].letter()));
    facts.extend(ENVIRONMENTS.into_iter().map(|environment| {
        let own = column.decisions.iter().find(|decision| decision.environments.contains(&environment));
        let taken = column.outcomes[environment] != Outcome::NotIncluded;
        match own.filter(|_| taken).map(|decision| decision.strength) {
            Some("kept") => 'k',
            Some("partial") => 'a',
            Some("pseudonym") => 's',
            Some("removed") => 'd',
            _ => '-',
        }
    }));
    facts.push(if column.flags.is_empty() { '-' } else { 'f' });
    facts.push(if column.change.is_some() { 'c' } else { '-' });
    facts
}

fn one_column(page: &mut Page, at: (usize, usize), table: &TableView, column: &ColumnView) {
    page.raw("<tr id=\"")
        .row_id(at)
        .raw("\" data-k=\"")
        .text(&facts(column))
        .raw("\"><th scope=\"row\"><code>")
        .name(&column.name)
        .raw("</code>");
    let mut about: Vec<String> = Vec::new();
    about.extend(Some(column.declared.clone()).filter(|declared| !declared.is_empty()));
    about.extend(column.keys.iter().map(|key| (*key).to_owned()));
    about.extend(column.generated.then(|| "computed".to_owned()));
    page.raw("<small>").text(&about.join(" · "));
    if let Some(parent) = &column.refers_to {
        page.raw(if about.is_empty() { "→ " } else { " → " }).name(parent);
    }
    page.raw("</small></th><td><span class=\"tier t-")
        .text(&column.tier.to_string())
        .raw("\" title=\"")
        .raw(column.tier.words())
        .raw("\">")
        .text(&column.tier.to_string())
        .raw("</span> ");
    if column.tier == Tier::None && column.kind == "none" {
        page.raw("<span class=\"dim\">not personal</span>");
    } else {
        page.text(&column.kind.replace('_', " "))
            .raw(" <small>")
            .plain(usize::from(column.confidence))
            .raw(" %: ")
            .name(&column.guessed_from)
            .raw("</small>");
    }
    page.raw("</td><td>");
    happens(page, table, column);
    page.raw("</td><td>");
    for decision in column.decisions.iter().filter(|decision| decision.sample.is_some()) {
        sample(page, decision, column.decisions.len() > 1);
    }
    page.raw("</td><td>");
    notes(page, column);
    page.raw("</td></tr>\n");
}

fn happens(page: &mut Page, table: &TableView, column: &ColumnView) {
    let has_rows = |environment: &&str| matches!(table.modes[*environment], Some("capture" | "reference"));
    for decision in &column.decisions {
        page.raw("<div class=\"decision s-").raw(decision.strength).raw("\">");
        let everywhere = ENVIRONMENTS
            .iter()
            .filter(|environment| has_rows(environment))
            .all(|environment| decision.environments.contains(environment));
        if !everywhere || column.decisions.len() > 1 {
            page.raw("<span class=\"envs\">").listed(&decision.environments).raw("</span> ");
        }
        page.raw("<code>").raw(decision.mask).raw("</code>");
        for (name, value) in &decision.params {
            page.raw(" <span class=\"param\">").raw(name).raw(" <bdi>").text(value).raw("</bdi></span>");
        }
        if let Some(domain) = &decision.domain {
            page.raw(" <span class=\"param\">in ").name(domain).raw("</span>");
        }
        if let Some(subject) = &decision.subject {
            page.raw(" <span class=\"param\">by ").name(subject).raw("</span>");
        }
        if decision.mask != "keep" {
            page.raw("<small>leaves ").raw(decision.left).raw("</small>");
        }
        if let Some(when) = &decision.when {
            page.raw("<small>when <code>")
                .name(when)
                .raw("</code>, otherwise ")
                .name(decision.otherwise.as_deref().unwrap_or("kept"))
                .raw("</small>");
        }
        page.raw("</div>");
    }
    let open: Vec<&str> =
        ENVIRONMENTS.into_iter().filter(|environment| column.outcomes[environment] == Outcome::Undecided).collect();
    if !open.is_empty() {
        page.raw("<div class=\"decision s-undecided\"><span class=\"envs\">")
            .listed(&open)
            .raw("</span> undecided</div>");
    }
    if column.decisions.is_empty() && open.is_empty() {
        page.raw("<span class=\"dim\">")
            .raw(if column.generated { "computed by the database" } else { "not included" })
            .raw("</span>");
    }
}

fn sample(page: &mut Page, decision: &DecisionView, several: bool) {
    let Some(sample) = &decision.sample else { return };
    page.raw("<div class=\"sample\">");
    if several {
        page.raw("<span class=\"envs\">").listed(&decision.environments).raw("</span> ");
    }
    page.raw("<del><bdi>")
        .text(&sample.before)
        .raw("</bdi></del> <ins><bdi>")
        .text(&sample.after)
        .raw("</bdi></ins></div>");
}

fn notes(page: &mut Page, column: &ColumnView) {
    let mut reasons: Vec<&str> = column.decisions.iter().filter_map(|decision| decision.reason.as_deref()).collect();
    reasons.dedup();
    for reason in reasons {
        page.raw("<div>").name(reason).raw("</div>");
    }
    if let Some(decided) = &column.decided {
        page.raw("<small>decided by ").name(&decided.by).raw(", ").text(&decided.on);
        if let Some(until) = &decided.until {
            page.raw(", until ").text(until);
        }
        page.raw("</small>");
    }
    if let Some(change) = column.change {
        page.raw("<a class=\"mark m-").raw(change).raw("\" href=\"#changes\">").raw(change).raw("</a> ");
    }
    if !column.flags.is_empty() {
        page.raw("<a class=\"mark m-flag\" href=\"#flags\">")
            .text(&count(column.flags.len() as u64, "flag"))
            .raw("</a>");
    }
}

pub(super) fn environments(page: &mut Page, document: &Document) {
    page.section("environments", "Environments");
    page.raw("<p class=\"lead\">Every environment has masking keys of its own, so that fakes of one cannot be linked with those of another.</p>\n<div class=\"scroll\" role=\"region\" aria-label=\"Tables by mode and environment\" tabindex=\"0\">\n<table class=\"plain\">\n<caption>What is taken of tables</caption>\n<thead><tr><th scope=\"col\">Mode</th>");
    head(page);
    page.raw("</tr></thead>\n<tbody>\n");
    for mode in &document.modes {
        page.raw("<tr><th scope=\"row\">")
            .raw(mode.mode)
            .raw(" <small>")
            .raw(match mode.mode {
                "capture" => "rows, every column by its own decision",
                "reference" => "lookup table, kept but for columns with a mask",
                "structure" => "the table without rows",
                "exclude" => "nothing",
                _ => "nobody has decided; a capture refuses",
            })
            .raw("</small></th>");
        numbers(page, &mode.tables);
        page.raw("</tr>\n");
    }
    page.raw("</tbody>\n</table>\n</div>\n<div class=\"scroll\" role=\"region\" aria-label=\"Masks by environment\" tabindex=\"0\">\n<table class=\"plain\">\n<caption>Masks, and on how many columns</caption>\n<thead><tr><th scope=\"col\">Mask</th><th scope=\"col\">What is left at most</th>");
    head(page);
    page.raw("</tr></thead>\n<tbody>\n");
    for mask in &document.masks {
        page.raw("<tr><th scope=\"row\"><code>")
            .raw(mask.mask)
            .raw("</code> <small>")
            .prose(mask.about)
            .raw("</small></th><td class=\"s-")
            .raw(mask.strength)
            .raw("\">")
            .raw(mask.left)
            .raw("</td>");
        numbers(page, &mask.columns);
        page.raw("</tr>\n");
    }
    page.raw("</tbody>\n</table>\n</div>\n</section>\n");
}

fn head(page: &mut Page) {
    for environment in ENVIRONMENTS {
        page.raw("<th scope=\"col\" class=\"num\">").raw(environment).raw("</th>");
    }
}

fn numbers(page: &mut Page, numbers: &crate::run::review::document::ByEnvironment<usize>) {
    for environment in ENVIRONMENTS {
        let number = numbers[environment];
        page.raw("<td class=\"num").raw(if number == 0 { " zero" } else { "" }).raw("\">").number(number).raw("</td>");
    }
}
