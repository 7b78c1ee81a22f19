//! What a check finds in small policies, each fault alone and all of them at once.

use super::*;
use crate::model::schema::{Family, Table};
use crate::policy::resolve::tests::{catalogue, column, table};

fn today() -> Today {
    Today { date: "2026-05-01".into(), soon: "2026-05-31".into() }
}

fn clients() -> Table {
    let columns = ["id", "email", "ssn", "dob", "status", "notes"].map(|name| column(name, Family::Text));
    let mut clients = table("clients", columns.into());
    clients.columns[0].family = Family::Integer;
    clients.columns[3].family = Family::Date;
    clients.columns[4].family = Family::Enum;
    clients.columns[4].declared = "enum('a','b')".into();
    clients.primary_key = vec![0];
    clients
}

fn found_in(tables: Vec<Table>, text: &str) -> Vec<Finding> {
    let policy = Policy::parse("pii.toml", &format!("version = 1\n{text}")).unwrap();
    let catalogue = catalogue(tables);
    let environments = environments(&policy);
    let question = Question {
        policy: &policy,
        catalogue: Some(&catalogue),
        environments: &environments,
        today: &today(),
        lock: None,
        more: Vec::new(),
    };
    check(question)
}

fn told(text: &str) -> Vec<(&'static str, Severity, String)> {
    let told = |finding: Finding| (finding.rule, finding.severity, finding.column.unwrap_or_default());
    found_in(vec![clients()], text).into_iter().map(told).collect()
}

const GOOD: &str = "[tables.clients]\nkeep = [\"id\", \"status\"]\n[tables.clients.columns]\nemail = \"email\"\n\
    ssn = \"ssn_tail\"\ndob = \"dob\"\nnotes = \"text_scrub\"\n";

#[test]
fn a_good_policy_has_no_findings() {
    assert_eq!(told(GOOD), []);
    assert!(verdict(&[], true).is_none());
}

#[test]
fn each_fault_is_found_where_it_is() {
    use Severity::{Error, Warning};
    for (from, to, wanted) in [
        ("ssn = \"ssn_tail\"\n", "", ("new-column", Error, "ssn")),
        ("ssn =", "sssn = \"null\"\nssn =", ("missing-column", Error, "sssn")),
        ("\"email\"\nssn", "\"keep\"\nssn", ("kept-personal", Error, "email")),
        ("\"text_scrub\"", "\"keep\"", ("kept-personal", Warning, "notes")),
        ("\"dob\"\n", "\"int_permute\"\n", ("mask-misfit", Error, "dob")),
        ("\"email\"\nssn", "{ mask = \"hash\", length = 8 }\nssn", ("short-hash", Warning, "email")),
        (
            ", \"status\"]\n[tables.clients.columns]",
            "]\n[tables.clients.columns]\nstatus = \"enum_pick\"",
            ("few-values", Warning, "status"),
        ),
        ("\"email\"\nssn", "{ mask = \"email\", expires = \"2026-04-30\" }\nssn", ("expired-decision", Error, "email")),
        ("\"email\"\nssn", "{ mask = \"email\", expires = 2026-05-31 }\nssn", ("expires-soon", Warning, "email")),
        ("\"email\"\nssn", "{ mask = \"email\", when = \"id > 1\" }\nssn", ("condition-keeps", Warning, "email")),
        ("\"text_scrub\"", "{ mask = \"pattern\", keep_prefix = 2 }", ("revealing-mask", Error, "notes")),
    ] {
        let text = GOOD.replace(from, to);
        assert_ne!(text, GOOD, "{from} is not there");
        let (rule, severity, column) = wanted;
        assert_eq!(told(&text), [(rule, severity, column.to_owned())], "{text}");
    }
}

#[test]
fn all_faults_come_at_once_and_in_the_order_of_the_file() {
    let text = "[tables.clients]\nkeep = [\"id\", \"email\", \"fax\"]\n[tables.clients.columns]\ndob = \"int_permute\"\n\
        [tables.orders]\nmode = \"structure\"\n";
    let rules: Vec<&str> = told(text).iter().map(|(rule, ..)| *rule).collect();
    assert_eq!(
        rules,
        ["new-column", "new-column", "new-column", "kept-personal", "missing-column", "mask-misfit", "missing-table"]
    );
    let findings = found_in(vec![clients()], text);
    assert_eq!(verdict(&findings, false).unwrap().kind(), Kind::Drift);
    let faults: Vec<Finding> = findings.into_iter().filter(|finding| finding.kind != Kind::Drift).collect();
    let verdict = verdict(&faults, false).unwrap();
    assert_eq!(
        (verdict.kind(), verdict.what()),
        (Kind::Policy, "policy check found 2 errors: kept-personal clients.email, mask-misfit clients.dob")
    );
}

#[test]
fn a_default_of_a_masked_column_is_told_without_its_text() {
    let found = |default: &str, rule: &str| {
        let mut table = clients();
        table.columns[1].default = Some(default.to_owned());
        let text = GOOD.replace("email = \"email\"", &format!("email = {rule}"));
        let all = found_in(vec![table], &text);
        all.into_iter().filter(|finding| finding.rule == "default-literal").collect::<Vec<_>>()
    };
    let one = found("'nobody@firm.test'", "\"email\"");
    assert_eq!((one.len(), one[0].severity, one[0].column.as_deref()), (1, Severity::Warning, Some("email")));
    assert!(!format!("{:?}", one[0]).contains("firm"));
    assert_eq!(found("''", "\"email\""), []);
    assert_eq!(found("'nobody@firm.test'", "{ mask = \"email\", when = \"email <> 'x'\" }"), []);
    assert_eq!(found("'nobody@firm.test'", "{ mask = \"keep\", reason = \"x\" }"), []);
}

#[test]
fn real_tails_beside_exact_birth_dates() {
    let tail = "{ mask = \"ssn_tail\", tail = \"real\", reason = \"support\" }";
    let text =
        GOOD.replace("\"ssn_tail\"", tail).replace("dob = \"dob\"", "dob = { mask = \"date_trunc\", unit = \"day\" }");
    assert!(told(&text).iter().any(|(rule, ..)| *rule == "tail-beside-birth-date"), "{:?}", told(&text));
    let trunc = text.replace("\"day\"", "\"year\"");
    assert!(!told(&trunc).iter().any(|(rule, ..)| *rule == "tail-beside-birth-date"));
    let staging = format!("{GOOD}[environments.staging.tables.clients.columns]\nssn = {tail}\ndob = \"keep\"\n");
    let found = found_in(vec![clients()], &staging);
    let tail = found.iter().find(|finding| finding.rule == "tail-beside-birth-date").unwrap();
    assert!(tail.what.ends_with("(in staging)"), "{}", tail.what);
}

#[test]
fn a_finding_can_be_allowed_with_a_reason() {
    let text = GOOD.replace("\"email\"\nssn", "{ mask = \"hash\", length = 8 }\nssn");
    let allow =
        "[[check.allow]]\nrule = \"short-hash\"\ntable = \"clients\"\ncolumn = \"Email\"\nreason = \"few rows\"\n";
    assert_eq!(told(&format!("{text}{allow}")), []);
    let other = allow.replace("Email", "ssn");
    let rules: Vec<&str> = told(&format!("{text}{other}")).iter().map(|(rule, ..)| *rule).collect();
    assert_eq!(rules, ["short-hash", "unused-allowance"]);
    let past = format!("{text}{allow}expires = \"2026-01-01\"\n");
    let rules: Vec<&str> = told(&past).iter().map(|(rule, ..)| *rule).collect();
    assert_eq!(rules, ["short-hash", "expired-decision"]);
    let refused = Policy::parse("pii.toml", &format!("version = 1\n{}", allow.replace("short-hash", "new-column")));
    assert!(refused.unwrap_err().what().starts_with("pii.toml:3:8: no rule 'new-column'"));
}

#[test]
fn tables_without_rows_are_quiet() {
    let mut other = clients();
    other.name = crate::model::schema::TableName::plain("others");
    let text = format!("{GOOD}[tables.others]\nmode = \"structure\"\n[tables.others.columns]\nemail = \"keep\"\n");
    assert_eq!(found_in(vec![clients(), other], &text), []);
}

#[test]
fn an_expired_decision_stops_a_capture_in_its_own_environment() {
    let text = format!("version = 1\n{GOOD}[environments.staging.tables.clients]\nexpires = \"2026-01-01\"\n");
    let policy = Policy::parse("pii.toml", &text).unwrap();
    let catalogue = catalogue(vec![clients()]);
    let refused = |environment| expiry::refuse_expired(&policy, &catalogue, environment, &today());
    refused("dev").unwrap();
    let error = refused("staging").unwrap_err();
    assert_eq!(error.kind(), Kind::Policy);
    assert!(
        error.what().ends_with("the decision for table clients had to be made again by 2026-01-01"),
        "{}",
        error.what()
    );
}

#[test]
fn days_are_of_the_calendar() {
    for (day, good) in [
        ("2026-02-28", true),
        ("2024-02-29", true),
        ("2026-02-29", false),
        ("2026-13-01", false),
        ("26-01-01", false),
        ("soon", false),
    ] {
        let text = format!("version = 1\n[tables.t]\nmode = \"exclude\"\nexpires = \"{day}\"\n");
        assert_eq!(Policy::parse("pii.toml", &text).is_ok(), good, "{day}");
    }
}
