//! Tests of the review: what is in it, what never is, and that no name breaks out of a rendering.

use super::document::{Document, Outcome};
use super::html::html;
use super::markdown::markdown;
use super::{Reviewed, Sources, Store, review};
use crate::model::schema::{Catalogue, Column, EngineKind, Family, Table, TableName, Traces};
use crate::policy::Policy;

/// Names that mean something to HTML, Markdown, a terminal or a reader's eye.
const HOSTILE: [&str; 12] = [
    "<script>alert(1)</script>",
    "</details></table></main><h1>owned",
    "\"><img src=x onerror=alert(1)>",
    "' onfocus='alert(1)",
    "a|b|c",
    "`code` **bold** [link](http://x.test) <!-- -->",
    "line\nbreak\r\n| next |",
    "right\u{202e}to\u{2066}left",
    "emoji 🌿👩\u{200d}🔬",
    "null\u{0}byte",
    "&lt;already&amp;escaped&#39;",
    "]]></style></script><script>",
];

fn column(name: &str, declared: &str, family: Family) -> Column {
    Column {
        name: name.to_owned(),
        declared: declared.to_owned(),
        family,
        length: None,
        nullable: true,
        default: None,
        generated: false,
        collation: None,
        comment: None,
    }
}

fn table(name: &str, columns: Vec<Column>) -> Table {
    Table {
        name: TableName::plain(name),
        kind: crate::model::schema::TableKind::Ordinary,
        columns,
        primary_key: Vec::new(),
        uniques: Vec::new(),
        foreign_keys: Vec::new(),
        checks: Vec::new(),
        create: String::new(),
        counter: false,
        strict: false,
    }
}

fn catalogue(tables: Vec<Table>) -> Catalogue {
    Catalogue {
        engine: EngineKind::Mysql,
        version: "8.4".to_owned(),
        settings: std::collections::BTreeMap::new(),
        tables,
        pre: Vec::new(),
        post: Vec::new(),
        own: Traces::default(),
    }
}

fn reviewed(policy: &str, since: Option<&str>, tables: Vec<Table>) -> Document {
    let policy = Policy::parse("some/where/pii.toml", policy).unwrap();
    let since = since.map(|text| Policy::parse("old.toml", text).unwrap());
    let catalogue = catalogue(tables);
    review(&Sources { since: since.as_ref(), ..sources(&policy, &catalogue) })
}

fn sources<'a>(policy: &'a Policy, catalogue: &'a Catalogue) -> Sources<'a> {
    Sources {
        policy,
        catalogue,
        findings: Vec::new(),
        source: "mysql://db.test/erp".to_owned(),
        since: None,
        reviewed: Reviewed::default(),
        store: Store::Missing("there is no store.".to_owned()),
        now: "2026-01-02T03:04:05Z".to_owned(),
    }
}

fn renderings(document: &Document) -> [String; 3] {
    [html(document), markdown(document), serde_json::to_string_pretty(document).unwrap()]
}

/// The tags of a page, as a browser would cut them, without the text between.
fn tags(page: &str) -> Vec<&str> {
    page.match_indices('<')
        .map(|(at, _)| &page[at..at + page[at..].find('>').map_or(page.len() - at, |end| end + 1)])
        .collect()
}

#[test]
fn no_name_breaks_out() {
    let quoted = |name: &str| crate::policy::names::quoted(name);
    let mut policy = "version = 1\n".to_owned();
    let mut plain = policy.clone();
    let (mut hostile, mut harmless) = (Vec::new(), Vec::new());
    for (at, name) in HOSTILE.iter().enumerate() {
        let text =
            || vec![column(name, &format!("varchar(9) {name}"), Family::Text), column("email", "text", Family::Text)];
        hostile.push(table(name, text()));
        harmless.push(table(
            &format!("t{at}"),
            vec![column("c", "varchar(9) c", Family::Text), column("email", "text", Family::Text)],
        ));
        let section = |table: &str, name: &str| {
            format!(
                "[tables.{0}]\nreason = {1}\n[tables.{0}.columns]\n{2} = {{ mask = \"fixed\", value = {1}, reason = {1} }}\nemail = {{ mask = \"keep\", reason = {1} }}\n",
                quoted(table),
                quoted(name),
                quoted(if table == name { name } else { "c" })
            )
        };
        policy.push_str(&section(name, name));
        plain.push_str(&section(&format!("t{at}"), "x"));
    }
    let document = reviewed(&policy, Some("version = 1\n"), hostile);
    let (page, same) = (html(&document), html(&reviewed(&plain, Some("version = 1\n"), harmless)));
    // Whatever the names are, the page has the same tags in the same order, but for what attributes say.
    let names = |page: &str| -> Vec<String> {
        tags(page).iter().map(|tag| tag.chars().take_while(|c| !c.is_whitespace() && *c != '>').collect()).collect()
    };
    let (own, plain) = (names(&page), names(&same));
    let apart = own.iter().zip(&plain).position(|(own, plain)| own != plain);
    assert_eq!((apart.map(|at| &own[at.saturating_sub(20)..=at]), own.len()), (None, plain.len()));
    let text = markdown(&document);
    for rendering in [&page, &text] {
        for sign in ['\u{202e}', '\u{2066}', '\u{0}'] {
            assert!(!rendering.contains(sign), "{sign:?}");
        }
        assert!(!rendering.contains("<img"));
    }
    assert!(!page.contains("onfocus='") && page.contains("onfocus=&#39;"));
    assert!(page.contains("right\\u{202e}to\\u{2066}left") && page.contains("👩\u{200d}🔬"));
    assert!(!text.contains("**bold**") && !text.contains("](http") && !text.contains("a|b"));
    // Every row of a table has as many cells as its head.
    let cells = |line: &str| line.matches('|').count();
    for block in text.split("\n\n").filter(|block| block.starts_with('|')) {
        let lines: Vec<&str> = block.lines().collect();
        assert!(lines.iter().all(|line| cells(line) == cells(lines[0])), "{block}");
    }
}

#[test]
fn lines_to_paste_stay_lines_and_nothing_else() {
    let hostile = "a\u{202e}```\n# owned\n<img src=x>";
    let tables =
        vec![table(hostile, vec![column("email", "text", Family::Text), column("note", "text", Family::Text)])];
    let policy = Policy::parse(
        "some/where/pii.toml",
        &format!("version = 1\n[tables.{}]\nmode = \"capture\"\n", crate::policy::names::quoted(hostile)),
    )
    .unwrap();
    let catalogue = catalogue(tables);
    let findings = crate::policy::check::check(crate::policy::check::Question {
        policy: &policy,
        catalogue: Some(&catalogue),
        environments: &["dev"],
        today: &crate::policy::expiry::Today { date: "2026-01-02".into(), soon: "2026-02-02".into() },
        lock: None,
        more: Vec::new(),
    });
    let document = review(&Sources { findings, ..sources(&policy, &catalogue) });
    let flag = document.flags.iter().find(|flag| flag.rule == "new-column").unwrap();
    assert!(flag.hint.as_ref().unwrap().ends_with("to check and paste:"));
    assert_eq!(flag.paste.as_ref().unwrap().lines().count(), 2);
    let question = &document.questions[0];
    let paste = question.paste.as_ref().unwrap();
    assert_eq!((question.kind, paste.lines().count()), ("decision", 3), "one head, a line for each column");
    assert!(paste.lines().last().unwrap().starts_with("note = "));
    let (page, text) = (html(&document), markdown(&document));
    let block = page.split("<pre class=\"paste\"").nth(1).unwrap().split("</pre>").next().unwrap();
    assert_eq!(block.lines().count(), 4);
    for rendering in [&page, &text] {
        assert!(
            !rendering.contains('\u{202e}') && !rendering.contains("&#92;n&#92;n") && !rendering.contains("\\n\\n")
        );
    }
    assert!(!page.contains("<img"));
    // A fence has more backticks than anything in it, and opens and closes on lines of its own.
    let fences: Vec<&str> = text.lines().map(str::trim).filter(|line| line.starts_with("````")).collect();
    assert_eq!(fences, ["````toml", "````"].repeat(fences.len() / 2));
    assert!(fences.len() >= 6 && !text.contains("\n# owned"));
}

#[test]
fn no_value_of_the_catalogue_is_told() {
    let canary = "zq7canary";
    let mut fixed = column("state", &format!("enum('{canary}','other')"), Family::Enum);
    fixed.default = Some(format!("'{canary}'"));
    let mut text = column("note", "varchar(99)", Family::Text);
    text.default = Some(format!("'{canary}'"));
    let mut checked = table("things", vec![fixed, text.clone(), column("email", "varchar(99)", Family::Text)]);
    checked.checks = vec![format!("note in ('{canary}', 'x')")];
    checked.create = format!("CREATE TABLE things (note text DEFAULT '{canary}')");
    let policy = "version = 1\n[tables.things.columns]\nstate = \"enum_pick\"\nnote = \"default\"\n";
    let document = reviewed(policy, None, vec![checked]);
    for rendering in renderings(&document) {
        assert!(!rendering.contains(canary) && rendering.contains("things"));
    }
    assert_eq!(document.tables[0].columns[0].declared, "enum of 2");
    let notes = &document.tables[0].columns[1].decisions;
    assert!(notes.iter().all(|decision| decision.mask == "default" && decision.sample.is_none()));
}

#[test]
fn what_a_policy_says_of_originals_is_counted_only() {
    let policy = "version = 1\n[tables.t.columns]\nname = { mask = \"map\", table = { \"Zoe Quinn\" = \"Ann\" }, on_miss = \"null\" }\n\
        email = { mask = \"secret\", kind = \"dev_login\", password_hash = \"$2b$10$abcdefghijklmnopqrstuuABCDEFGHIJKLMNOPQRSTUVWXYZ01234\" }\n";
    let document = reviewed(
        policy,
        None,
        vec![table("t", vec![column("name", "text", Family::Text), column("email", "text", Family::Text)])],
    );
    for rendering in renderings(&document) {
        assert!(!rendering.contains("Zoe") && !rendering.contains("abcdefghijklmnopqrstuu"));
    }
    assert_eq!(document.tables[0].columns[0].decisions[0].params["table"], "1 entries");
}

#[test]
fn outcomes_flags_and_questions_agree() {
    let policy = "version = 1\n[review]\npurpose = \"tests\"\n[tables.clients]\nkeep = [\"id\", \"email\"]\n[tables.clients.columns]\nphone = \"phone\"\n\
        [tables.logs]\nmode = \"exclude\"\n[environments.production.tables.clients]\nmode = \"structure\"\n";
    let columns = ["id", "email", "phone", "password"].map(|name| column(name, "varchar(80)", Family::Text));
    let document = reviewed(
        policy,
        None,
        vec![table("clients", columns.into()), table("logs", vec![column("email", "text", Family::Text)])],
    );
    let outcome = |at: usize, environment| document.tables[0].columns[at].outcomes[environment];
    assert_eq!(
        [0, 1, 2, 3].map(|at| outcome(at, "dev")),
        [Outcome::NotPersonal, Outcome::AtRisk, Outcome::Protected, Outcome::Undecided]
    );
    assert_eq!(outcome(3, "production"), Outcome::NotIncluded);
    let dev = &document.summary[0];
    assert_eq!((dev.outcomes[&Outcome::AtRisk], dev.outcomes[&Outcome::NotIncluded]), (1, 1));
    for summary in &document.summary {
        assert_eq!(summary.outcomes.values().sum::<usize>(), document.head.columns);
        for tier in &summary.tiers {
            assert_eq!(tier.outcomes.values().sum::<usize>(), tier.columns);
        }
    }
    assert!(dev.refusal.as_ref().unwrap().contains("1 undecided column"));
    let rules: Vec<&str> = document.flags.iter().map(|flag| flag.rule).collect();
    assert_eq!(rules, ["undecided-column", "kept-personal"]);
    assert_eq!((document.flags[0].at, &document.tables[0].columns[3].flags), (Some((0, 3)), &vec![0]));
    let asked: Vec<&str> = document
        .questions
        .iter()
        .filter(|question| question.answer.is_none())
        .map(|question| question.topic.as_str())
        .collect();
    assert_eq!(asked[..2], ["clients", "Kept personal data"]);
    assert!(!asked.contains(&"Purpose"));
    assert_eq!(document.head.status.open_questions, asked.len());
    let sample = document.tables[0].columns[2].decisions[0].sample.as_ref().unwrap();
    assert_ne!(sample.before, sample.after);
    let hipaa = &document.evidence[0];
    assert_eq!((hipaa.points.len(), hipaa.points[5].title, hipaa.points[5].columns.len()), (19, "Email addresses", 2));
    assert!(hipaa.points[5].gaps.iter().any(|gap| gap.contains("copied as they are: clients.email")));
}

#[test]
fn every_mask_has_a_sample_or_a_reason_for_none() {
    for mask in crate::mask::MASKS.iter().filter(|mask| !mask.keeps_original && !mask.outside) {
        let Some(example) = mask.examples.first() else { continue };
        let params = example.params_of(mask).unwrap();
        let given: Vec<String> = params.iter().map(|(name, value)| format!(", {name} = {value}")).collect();
        let given = given.concat();
        let policy = format!(
            "version = 1\n[tables.t.columns]\nc = {{ mask = \"{}\"{given} }}\nfirst_name = \"first_name\"\nlast_name = \"last_name\"\n",
            mask.name
        );
        let family = mask.accepts.first().copied().unwrap();
        let columns = vec![
            column("c", "", family),
            column("first_name", "text", Family::Text),
            column("last_name", "text", Family::Text),
        ];
        let document = reviewed(&policy, None, vec![table("t", columns)]);
        let decision = &document.tables[0].columns[0].decisions[0];
        assert!(decision.sample.is_some() || ["enum_pick", "default"].contains(&mask.name), "{}", mask.name);
        if let Some(sample) = &decision.sample {
            assert_ne!(sample.before, sample.after, "{}", mask.name);
        }
    }
}

#[test]
fn changes_are_marked_on_their_columns() {
    let old = "version = 1\n[tables.t.columns]\nemail = \"email\"\nphone = \"null\"\n";
    let new = "version = 1\n[tables.t]\nkeep = [\"email\"]\n[tables.t.columns]\nphone = \"phone\"\n";
    let columns = || {
        vec![
            column("email", "text", Family::Text),
            column("phone", "text", Family::Text),
            column("x", "text", Family::Text),
        ]
    };
    let document = reviewed(new, Some(old), vec![table("t", columns())]);
    let marks: Vec<Option<&str>> = document.tables[0].columns.iter().map(|column| column.change).collect();
    assert_eq!(marks, [Some("weaker"), Some("weaker"), None]);
    assert_eq!(document.changes.unwrap().since, "old.toml");
}

#[test]
fn no_rendering_gives_a_verdict() {
    let document = reviewed(
        "version = 1\n[tables.t]\nkeep = [\"email\"]\n",
        Some("version = 1\n"),
        vec![table("t", vec![column("email", "text", Family::Text)])],
    );
    let sources = [
        include_str!("html/page.css"),
        include_str!("html/page.js"),
        include_str!("evidence.rs"),
        include_str!("mod.rs"),
    ];
    let texts = renderings(&document).into_iter().chain(sources.map(str::to_owned));
    for text in texts {
        let text = text.to_lowercase();
        for word in ["compliant", "compliance", "anonymous", "anonymi", "certified", "guarantee"] {
            assert!(!text.contains(word), "{word}");
        }
    }
    assert!(html(&document).contains("pseudonymised"));
}

#[test]
fn empty_databases_have_a_review() {
    let document = reviewed("version = 1\n", None, Vec::new());
    assert_eq!((document.head.tables, document.head.columns), (0, 0));
    assert!(renderings(&document).iter().all(|text| text.contains("pii.toml") && !text.contains("some/where")));
}
