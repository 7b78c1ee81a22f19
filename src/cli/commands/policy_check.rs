//! `policy check`: a policy against a schema, to findings in the form that somebody or something reads.

use super::Context;
use super::reviewed::Reviewed;
use super::schema::{Schema, lock, policy_path};
use crate::cli::annotate::{described, github, sarif};
use crate::cli::args::policy::{CheckArgs, CheckFormat};
use crate::cli::render::{Answer, count, table};
use crate::cli::settings::{Settings, today};
use crate::error::{Error, Result};
use crate::policy::Policy;
use crate::policy::check::{Question, check, environments, verdict};
use crate::policy::file::ENVIRONMENTS;
use crate::policy::findings::{Finding, Severity};
use crate::policy::rules::RULES;
use crate::run::check::few_values;
use serde_json::{Value, json};
use std::path::Path;

pub(super) fn run(
    context: &Context<'_>,
    settings: impl FnOnce() -> Result<Settings>,
    args: &CheckArgs,
) -> Result<Answer> {
    if args.rules {
        return Ok(rules());
    }
    let settings = settings()?;
    let path = policy_path(&settings, args.policy.as_deref())?;
    let reviewed = match Reviewed::read(&path) {
        Ok(reviewed) => reviewed,
        Err(error) => return unreadable(&path, error, args.format),
    };
    let policy = reviewed.policy.clone();
    let chosen = chosen(&policy, &args.env);
    let mut schema = args.schema.schema(context, &settings)?;
    let mut more = reviewed.findings(&settings, &chosen)?;
    if let Some(Schema { catalogue, source, findings, .. }) = &mut schema {
        more.append(findings);
        if let Some(source) = source.as_mut().filter(|_| !args.no_values) {
            more.extend(few_values(context, &mut **source, &policy, catalogue, &chosen)?);
        }
    }
    let lock = lock(&path, args.lock.as_deref())?;
    let today = today();
    let question = Question {
        policy: &policy,
        catalogue: schema.as_ref().map(|schema| &schema.catalogue),
        environments: &chosen,
        today: &today,
        lock: lock.as_ref(),
        more,
    };
    let findings = check(question);
    let json = object(&policy, schema.as_ref(), &chosen, &findings);
    let (json, text) = match args.format {
        CheckFormat::Text => (json, told(&policy, schema.as_ref(), &chosen, &findings)),
        CheckFormat::Json => (json.clone(), format!("{json:#}")),
        CheckFormat::Github => (json, github(&findings)),
        CheckFormat::Sarif => (sarif(&findings), format!("{:#}", sarif(&findings))),
    };
    let hint = "Each finding says what to do; 'terp-fixtures policy check --rules' explains the rules.";
    let failure = verdict(&findings, args.strict).map(|error| error.hint(hint));
    Ok(Answer { failure, ..Answer::new(json, text) })
}

/// A policy that is none is a finding too, for those that show findings beside lines.
fn unreadable(path: &Path, error: Error, format: CheckFormat) -> Result<Answer> {
    let findings = [Finding::of_file("unreadable-policy", &path.display().to_string(), &error)];
    let (json, text) = match format {
        CheckFormat::Text | CheckFormat::Json => return Err(error),
        CheckFormat::Github => (described(&findings[0]), github(&findings)),
        CheckFormat::Sarif => (sarif(&findings), format!("{:#}", sarif(&findings))),
    };
    Ok(Answer { failure: Some(error), ..Answer::new(json, text) })
}

fn chosen(policy: &Policy, wanted: &[String]) -> Vec<&'static str> {
    if wanted.is_empty() {
        return environments(policy);
    }
    ENVIRONMENTS.into_iter().filter(|name| wanted.iter().any(|wanted| wanted == name)).collect()
}

fn number(findings: &[Finding], severity: Severity) -> u64 {
    findings.iter().filter(|finding| finding.severity == severity).count() as u64
}

fn object(policy: &Policy, schema: Option<&Schema>, environments: &[&str], findings: &[Finding]) -> Value {
    json!({
        "policy": policy.file, "digest": policy.digest, "environments": environments,
        "schema": schema.map(|schema| json!({
            "origin": schema.origin, "engine": schema.catalogue.engine.to_string(), "tables": schema.catalogue.tables.len(),
        })),
        "errors": number(findings, Severity::Error), "warnings": number(findings, Severity::Warning),
        "notes": number(findings, Severity::Note),
        "findings": findings.iter().map(described).collect::<Vec<_>>(),
    })
}

/// By file, in the order of its lines; a summary comes last.
fn told(policy: &Policy, schema: Option<&Schema>, environments: &[&str], findings: &[Finding]) -> String {
    let mut text = String::new();
    let mut file = None;
    for finding in findings {
        if file != Some(&finding.file) {
            file = Some(&finding.file);
            text.push_str(&format!("{}\n", finding.file));
        }
        let place = finding.place.map_or_else(|| "-".to_owned(), |place| place.to_string());
        text.push_str(&format!("  {place:>7}  {:7}  {}: {}\n", finding.severity.word(), finding.rule, finding.what));
        for line in finding.hint.iter().flat_map(|hint| hint.lines()) {
            text.push_str(&format!("{:20}{line}\n", ""));
        }
    }
    if !text.is_empty() {
        text.push('\n');
    }
    let against = match schema {
        Some(schema) => format!(
            "{} against {} ({}), for {}",
            policy.file,
            schema.origin,
            count(schema.catalogue.tables.len() as u64, "table"),
            environments.join(", ")
        ),
        None => format!("{} alone: --source, --snapshot or --ddl compares it with a schema", policy.file),
    };
    let found =
        [Severity::Error, Severity::Warning, Severity::Note].map(|severity| (number(findings, severity), severity));
    let found: Vec<String> = found
        .into_iter()
        .filter(|(number, _)| *number > 0)
        .map(|(number, severity)| count(number, severity.word()))
        .collect();
    let found = if found.is_empty() { "Nothing wrong".to_owned() } else { found.join(", ") };
    text.push_str(&format!("{found} in {against}."));
    text
}

fn rules() -> Answer {
    let json = RULES.iter().map(|rule| {
        json!({ "id": rule.id, "severity": rule.severity.word(), "kind": rule.kind.word(), "about": rule.about,
            "advice": rule.advice, "allowable": rule.allowable })
    });
    let line = |rule: &crate::policy::rules::Rule| {
        vec![
            rule.id.to_owned(),
            rule.severity.word().to_owned(),
            rule.kind.exit_code().to_string(),
            rule.about.to_owned(),
        ]
    };
    let lines: Vec<Vec<String>> = RULES.iter().map(line).collect();
    let text = format!(
        "{}\n\nAn error makes the check end with the exit code beside it. What to do: docs/policy-check.md.",
        table(&["rule", "severity", "exit", "what it finds"], &lines, &[2])
    );
    Answer::new(json.collect(), text)
}
