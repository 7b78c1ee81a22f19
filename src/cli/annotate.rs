//! Findings for machines that show them beside the lines of a file: annotations of GitHub Actions, and SARIF 2.1.0.

use crate::policy::findings::{Finding, Severity};
use crate::policy::rules::RULES;
use serde_json::{Value, json};
use std::path::Path;

/// One workflow command per finding.
pub(super) fn github(findings: &[Finding]) -> String {
    findings.iter().map(annotation).collect::<Vec<_>>().join("\n")
}

fn annotation(finding: &Finding) -> String {
    let word = match finding.severity {
        Severity::Note => "notice",
        severity => severity.word(),
    };
    let mut properties = Vec::new();
    if !finding.file.is_empty() {
        properties.push(format!("file={}", property(&relative(&finding.file))));
        let place = finding.place.unwrap_or(crate::policy::file::Place { line: 1, column: 1 });
        properties.push(format!("line={},col={}", place.line, place.column));
    }
    properties.push(format!("title={}", property(finding.rule)));
    format!("::{word} {}::{}", properties.join(","), data(&message(finding)))
}

/// What is wrong, and what to do.
fn message(finding: &Finding) -> String {
    match &finding.hint {
        Some(hint) => format!("{}\n{hint}", finding.what),
        None => finding.what.clone(),
    }
}

fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

/// A path as seen from the folder that the program runs in, with forward slashes.
fn relative(file: &str) -> String {
    let here = std::env::current_dir().ok();
    let path = Path::new(file);
    let path = here.as_ref().and_then(|here| path.strip_prefix(here).ok()).unwrap_or(path);
    let text = path.to_string_lossy().replace('\\', "/");
    text.strip_prefix("./").unwrap_or(&text).to_owned()
}

/// A whole SARIF log.
pub(super) fn sarif(findings: &[Finding]) -> Value {
    let rules = RULES.iter().map(|rule| {
        let id = rule.id;
        json!({
            "id": id,
            "shortDescription": { "text": rule.about },
            "fullDescription": { "text": rule.about },
            "help": { "text": format!("{} {}", rule.about, rule.advice), "markdown": format!("{}\n\n{}", rule.about, rule.advice) },
            "defaultConfiguration": { "level": rule.severity.word() },
            "properties": { "tags": ["privacy", rule.kind.word()] },
        })
    });
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "terp-fixtures", "version": env!("CARGO_PKG_VERSION"),
                "informationUri": env!("CARGO_PKG_REPOSITORY"), "rules": rules.collect::<Vec<_>>(),
            } },
            "columnKind": "unicodeCodePoints",
            "results": findings.iter().map(result).collect::<Vec<_>>(),
        }],
    })
}

fn result(finding: &Finding) -> Value {
    let index = RULES.iter().position(|rule| rule.id == finding.rule);
    let mut location = json!({});
    if !finding.file.is_empty() {
        let place = finding.place.unwrap_or(crate::policy::file::Place { line: 1, column: 1 });
        let file = relative(&finding.file);
        let artifact = if file.starts_with('/') || file.contains(':') {
            json!({ "uri": format!("file://{}{}", if file.starts_with('/') { "" } else { "/" }, uri(&file)) })
        } else {
            json!({ "uri": uri(&file), "uriBaseId": "%SRCROOT%" })
        };
        location["physicalLocation"] = json!({
            "artifactLocation": artifact,
            "region": { "startLine": place.line, "startColumn": place.column.max(1) },
        });
    }
    let name = subject(finding);
    if !name.is_empty() {
        location["logicalLocations"] = json!([{ "fullyQualifiedName": name, "kind": "member" }]);
    }
    let mut result = json!({
        "ruleId": finding.rule,
        "level": finding.severity.word(),
        "message": { "text": message(finding) },
        "locations": [location],
        // The line may move; what it is about does not.
        "partialFingerprints": { "finding/v1": format!("{}:{}:{name}", finding.rule, relative(&finding.file)) },
    });
    if let Some(index) = index {
        result["ruleIndex"] = json!(index);
    }
    result
}

/// `clients.email`, `clients`, or nothing.
pub(super) fn subject(finding: &Finding) -> String {
    match (&finding.table, &finding.column) {
        (Some(table), Some(column)) => format!("{table}.{}", column.escape_debug()),
        (Some(table), None) => table.to_string(),
        (None, _) => String::new(),
    }
}

/// A path in a URI.
fn uri(path: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte);
    path.bytes().map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}

/// A finding for programs.
pub(super) fn described(finding: &Finding) -> Value {
    json!({
        "rule": finding.rule, "severity": finding.severity.word(), "kind": finding.kind.word(), "file": finding.file,
        "line": finding.place.map(|place| place.line), "column_in_line": finding.place.map(|place| place.column),
        "table": finding.table.as_ref().map(ToString::to_string), "column": finding.column,
        "what": finding.what, "hint": finding.hint,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Kind;
    use crate::model::schema::TableName;
    use crate::policy::file::Place;

    fn odd() -> Finding {
        Finding {
            rule: "new-column",
            severity: Severity::Error,
            kind: Kind::Drift,
            file: "./a b,c:d.toml".into(),
            place: Some(Place { line: 3, column: 7 }),
            table: Some(TableName::plain("cli\nents")),
            column: Some("50%, ::x".into()),
            what: "column cli\\nents.50%, ::x is new".into(),
            hint: Some("Decide it:\r\n\n[x]".into()),
        }
    }

    #[test]
    fn annotations_cannot_be_broken_out_of() {
        assert_eq!(
            github(&[odd()]),
            "::error file=a b%2Cc%3Ad.toml,line=3,col=7,title=new-column::column cli\\nents.50%25, ::x is new%0ADecide it:%0D%0A%0A[x]"
        );
        let bare = Finding { file: String::new(), place: None, severity: Severity::Note, hint: None, ..odd() };
        assert!(github(&[bare]).starts_with("::notice title=new-column::"));
    }

    #[test]
    fn sarif_has_what_its_schema_asks_for() {
        let finding = Finding { file: "sub/päth.toml".into(), ..odd() };
        let log = sarif(&[finding, Finding { place: None, table: None, ..odd() }]);
        assert_eq!(log["version"], "2.1.0");
        let run = &log["runs"][0];
        let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
        assert_eq!(rules.len(), RULES.len());
        for rule in rules {
            assert!(rule["id"].is_string() && rule["help"]["text"].as_str().is_some_and(|text| !text.is_empty()));
            assert!(
                ["none", "note", "warning", "error"].contains(&rule["defaultConfiguration"]["level"].as_str().unwrap())
            );
        }
        for result in run["results"].as_array().unwrap() {
            let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
            assert_eq!(rules[index]["id"], result["ruleId"]);
            assert!(["none", "note", "warning", "error"].contains(&result["level"].as_str().unwrap()));
            assert!(result["message"]["text"].as_str().is_some_and(|text| !text.is_empty()));
            assert!(result["partialFingerprints"].as_object().unwrap().values().all(Value::is_string));
            let place = &result["locations"][0]["physicalLocation"];
            let uri = place["artifactLocation"]["uri"].as_str().unwrap();
            assert!(uri.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\'), "{uri}");
            assert!(place["region"]["startLine"].as_u64().is_some_and(|line| line >= 1));
            assert!(place["region"]["startColumn"].as_u64().is_some_and(|column| column >= 1));
        }
        let uri = &run["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"];
        assert_eq!(uri, "sub/p%C3%A4th.toml");
    }
}
