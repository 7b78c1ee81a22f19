//! `policy review`: from what was typed to one document about a policy, as a page, as Markdown or as JSON.

use super::reviewed::{Reviewed as Files, now};
use super::schema::{Schema, policy_path};
use super::{open, read_policy};
use crate::cli::args::policy::{ReviewArgs, ReviewFormat};
use crate::cli::remembered;
use crate::cli::render::{Answer, bytes, count};
use crate::cli::settings::{Settings, today};
use crate::error::{Error, Result};
use crate::model::schema::EngineKind;
use crate::policy::check::{Question, check, environments};
use crate::run::Context;
use crate::run::audit;
use crate::run::repository::Repository;
use crate::run::review::document::{Document, TITLE};
use crate::run::review::{Judged, Reviewed, Sources, Store, Trail, html, markdown, review};
use serde_json::json;
use std::io::Read as _;
use std::path::Path;

pub(super) fn run(context: &Context<'_>, settings: &Settings, args: &ReviewArgs) -> Result<Answer> {
    let path = policy_path(settings, args.policy.as_deref())?;
    let files = Files::read_with(&path, args.lock.as_deref())?;
    let policy = &files.policy;
    let since = args.since.as_deref().map(read_policy).transpose()?;
    if let Some(output) = &args.output {
        refuse_to_replace(output, args.force)?;
    }
    let Some(Schema { catalogue, origin, findings: mut more, .. }) = args.schema.schema(context, settings)? else {
        return Err(Error::usage("no schema is named")
            .hint("Add --source sqlite:PATH, --snapshot NAME or --ddl FILE, or set SOURCE_DATABASE_URL."));
    };
    let (today, chosen) = (today(), environments(policy));
    more.extend(files.findings(settings, &chosen)?);
    let question = Question {
        policy,
        catalogue: Some(&catalogue),
        environments: &chosen,
        today: &today,
        lock: files.lock.as_ref().map(|(lock, _)| lock),
        more,
    };
    let document = review(&Sources {
        findings: check(question),
        policy,
        catalogue: &catalogue,
        source: origin,
        since: since.as_ref(),
        reviewed: reviewed(&files, catalogue.engine, settings, &chosen)?,
        store: store(context, settings),
        now: now(),
    });
    let format = args.format.or_else(|| args.output.as_deref().and_then(by_extension)).unwrap_or(ReviewFormat::Html);
    let json = serde_json::to_value(&document)
        .map_err(|error| Error::internal("the review cannot be shown").caused_by(error))?;
    let text = match format {
        ReviewFormat::Html => html::html(&document),
        ReviewFormat::Markdown => markdown::markdown(&document),
        ReviewFormat::Json => format!("{json:#}\n"),
    };
    let Some(output) = &args.output else { return Ok(Answer::new(json, text)) };
    write(output, &text)?;
    Ok(written(&document, output, text.len() as u64))
}

/// What lock and approvals say, under the rules of each environment.
fn reviewed(files: &Files, engine: EngineKind, settings: &Settings, environments: &[&'static str]) -> Result<Reviewed> {
    let of_lock = |lock| Reviewed::of_lock(&files.policy, engine, lock);
    let mut reviewed = files.lock.as_ref().map(of_lock).unwrap_or_default();
    reviewed.required = environments.iter().copied().filter(|name| settings.approval(name).1).collect();
    let signers = settings.approvers(None, Some(&files.path))?;
    reviewed.has_approvers = signers.is_some();
    let Some(signers) = signers.filter(|_| files.lock.is_some()) else { return Ok(reviewed) };
    for environment in environments {
        let (rules, _) = settings.approval(environment);
        let verdict = files.verdict(&signers, &rules)?;
        reviewed.judged.push(Judged { environment, rules, verdict });
    }
    Ok(reviewed)
}

/// What the store holds. A review without one is a review all the same.
fn store(context: &Context<'_>, settings: &Settings) -> Store {
    let read = open(context, settings).and_then(|repository| Ok((repository.snapshots()?, repository)));
    match read {
        Ok(((snapshots, damaged), repository)) => Store::Read {
            address: settings.store().to_string(),
            snapshots,
            damaged: damaged.iter().map(ToString::to_string).collect(),
            trail: trail(settings, &repository),
        },
        Err(error) => Store::Missing(format!("the store could not be opened ({error}).")),
    }
}

/// Where its audit trail stands.
fn trail(settings: &Settings, repository: &Repository) -> Trail {
    if repository.is_public() {
        return Trail::Missing("a public store has none.".to_owned());
    }
    let remembered = || match remembered::load(settings, repository.id())? {
        Some(head) => audit::still_there(repository, &head).map(Some),
        None => Ok(None),
    };
    match audit::glance(repository).and_then(|glance| Ok((glance, remembered()?))) {
        Ok((glance, remembered)) => Trail::Read { glance: Box::new(glance), remembered },
        Err(error) => Trail::Missing(format!("it could not be read ({error}).")),
    }
}

fn by_extension(path: &Path) -> Option<ReviewFormat> {
    match path.extension()?.to_str()?.to_ascii_lowercase().as_str() {
        "html" | "htm" => Some(ReviewFormat::Html),
        "md" | "markdown" => Some(ReviewFormat::Markdown),
        "json" => Some(ReviewFormat::Json),
        _ => None,
    }
}

/// A review replaces an older review, and nothing else unless told to.
fn refuse_to_replace(path: &Path, force: bool) -> Result<()> {
    if path.is_dir() {
        return Err(Error::usage(format!("{} is a folder", path.display())).hint("Name a file: --output review.html."));
    }
    let mut start = Vec::new();
    let read = std::fs::File::open(path).map(|file| file.take(1024).read_to_end(&mut start));
    if force || read.is_err() || String::from_utf8_lossy(&start).contains(TITLE) {
        return Ok(());
    }
    Err(Error::usage(format!("{} is there already and is no review", path.display()))
        .hint("Name another file, or add --force to replace it."))
}

/// Writes beside and renames, so that a half-written review is never taken for one.
fn write(path: &Path, text: &str) -> Result<()> {
    let failed = |error| Error::usage(format!("cannot write {}", path.display())).caused_by(error);
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let beside = folder.join(format!(".{name}.{}.tmp", std::process::id()));
    std::fs::write(&beside, text).map_err(failed)?;
    std::fs::rename(&beside, path).map_err(failed)
}

fn written(document: &Document, output: &Path, length: u64) -> Answer {
    let status = &document.head.status;
    let json = json!({
        "file": output.display().to_string(), "bytes": length, "tables": document.head.tables, "columns": document.head.columns,
        "open_questions": status.open_questions, "undecided_columns": status.undecided_columns, "errors": status.errors,
        "warnings": status.warnings, "approval": status.approval, "policy_digest": document.head.policy_digest,
    });
    let text = format!(
        "Wrote {} ({}): {} in {}\n  {}; {}\n  {}, {}, {}",
        output.display(),
        bytes(length),
        count(document.head.columns as u64, "column"),
        count(document.head.tables as u64, "table"),
        status.approval,
        count(status.open_questions as u64, "open question"),
        count(status.undecided_columns as u64, "undecided column"),
        count(status.errors as u64, "error"),
        count(status.warnings as u64, "warning"),
    );
    Answer::new(json, text)
}
