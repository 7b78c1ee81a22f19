//! `policy approve`: a signed statement about a policy and its lock, in files made for version control.

use super::reviewed::{Reviewed, no_approvers, now, warn_of_unused};
use super::schema::policy_path;
use super::{audit, finished, write_whole};
use crate::cli::args::policy::ApproveArgs;
use crate::cli::render::{Answer, table};
use crate::cli::settings::{APPROVERS, Settings, asked};
use crate::error::{Error, Result};
use crate::model::approval::Approval;
use crate::model::audit::{Deed, Operation};
use crate::policy::approvals::{self, LOCK_COPY, POLICY_COPY, Rules, Verdict};
use crate::policy::findings::Finding;
use crate::policy::signers::Signers;
use crate::policy::statement::{Statement, canonical};
use crate::run::Context;
use crate::seal::ssh::{NAMESPACE, SshSigner};
use crate::secret::SecretText;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};

pub(super) fn run(context: &Context<'_>, settings: &Settings, args: &ApproveArgs) -> Result<Answer> {
    let reviewed = Reviewed::read(&policy_path(settings, args.policy.as_deref())?)?;
    let (rules, _) = settings.approval(&settings.environment(args.env.as_deref()));
    let signers = settings.approvers(args.approvers.as_deref(), Some(&reviewed.path))?;
    if let Some(signers) = &signers {
        warn_of_unused(context, signers);
    }
    let role = args.role.as_deref().unwrap_or_default();
    match (&args.key, args.prepare) {
        (Some(path), _) => {
            reviewed.refuse_disagreement()?;
            let key = signing_key(path)?;
            let (signers, name) = name_of(settings, args, &reviewed, signers, &key)?;
            let statement = statement(&reviewed, (&name, role), args.expires_in, &rules)?;
            if let Some(why) = signers.objection(&name, &key.fingerprint(), &statement.approved) {
                return Err(would_not_count(&why, &name, &key, &signers.file));
            }
            let file = write(&reviewed, &statement, Some(&key.sign(statement.text().as_bytes())?))?;
            let verdict = reviewed.verdict(&signers, &rules)?;
            record(context, settings, &statement, &verdict);
            Ok(approved(&statement, &file, &verdict))
        }
        (None, true) => {
            reviewed.refuse_disagreement()?;
            let name = settings.reviewer(args.by.as_deref()).ok_or_else(|| {
                Error::usage("nothing says who approves").hint("Add --by NAME, as it stands in the file of approvers.")
            })?;
            let statement = statement(&reviewed, (&name, role), args.expires_in, &rules)?;
            Ok(prepared(&statement, &write(&reviewed, &statement, None)?))
        }
        (None, false) => {
            reviewed.locked()?;
            let signers = signers.ok_or_else(no_approvers)?;
            let verdict = reviewed.verdict(&signers, &rules)?;
            let failure = verdict.enforce(&rules).err().or_else(|| reviewed.refuse_disagreement().err());
            Ok(checked(&verdict, failure))
        }
    }
}

/// Tells the log that somebody approved, and writes it into the store's audit trail where a store can be opened: the one
/// place where an approval is recorded. Approvals that stock tools signed are in the entry of the next capture.
fn record(context: &Context<'_>, settings: &Settings, statement: &Statement, verdict: &Verdict) {
    let approvals: Vec<Approval> =
        verdict.approvals.iter().filter(|approval| approval.statement == statement.text()).cloned().collect();
    let facts = vec![
        ("approver", statement.approver.clone()),
        ("role", statement.role.clone()),
        ("key", approvals.first().map(|approval| approval.key.clone()).unwrap_or_default()),
        ("digest", statement.digest.clone()),
        ("expires", statement.expires.clone()),
    ];
    finished(context, "policy approve", facts, Vec::new(), 0);
    let Some(repository) = audit::open_quietly(settings) else { return };
    let digests = BTreeMap::from([("reviewed".to_owned(), statement.digest.clone())]);
    let deed = Deed { digests, approvals, ..Deed::new(Operation::Approve) };
    if let Err(error) = audit::record(context, settings, &repository, deed) {
        let hint = "The approval holds; the next capture's entry names it.";
        context.warn(format!("the approval could not be written into the audit trail: {error}"), Some(hint.to_owned()));
    }
}

fn signing_key(path: &Path) -> Result<SshSigner> {
    let text = std::fs::read_to_string(path).map(SecretText::new).map_err(|error| {
        Error::usage(format!("cannot read the key {}", path.display()))
            .caused_by(error)
            .hint("Check the path after --key.")
    })?;
    if text.expose().starts_with("ssh-") || text.expose().starts_with("ecdsa-") || text.expose().starts_with("sk-") {
        return Err(Error::usage(format!("{} is a public key", path.display()))
            .hint("Name the private one; or, if an agent holds it, add --prepare instead of --key."));
    }
    let passphrase = || match Settings::passphrase()? {
        None if std::io::stdin().is_terminal() && std::io::stderr().is_terminal() => {
            asked(&format!("Passphrase of {}: ", path.display().to_string().escape_debug())).map(Some)
        }
        given => Ok(given),
    };
    SshSigner::parse(&text, passphrase).map_err(|error| error.within(path.display()))
}

/// Who signs: as named, or as the only name that the key has among the approvers.
fn name_of(
    settings: &Settings,
    args: &ApproveArgs,
    reviewed: &Reviewed,
    signers: Option<Signers>,
    key: &SshSigner,
) -> Result<(Signers, String)> {
    let Some(signers) = signers else {
        let name = settings.reviewer(args.by.as_deref()).unwrap_or_else(|| "you@example.org".to_owned());
        let file = reviewed.path.with_file_name(APPROVERS);
        return Err(would_not_count("there is no file of approvers", &name, key, &file.display().to_string()));
    };
    let known = signers.name_of(&key.fingerprint()).map(str::to_owned);
    let name = args.by.clone().or(known).or_else(|| settings.reviewer(None)).ok_or_else(|| {
        Error::usage("nothing says in whose name the key signs")
            .hint("Add --by NAME, as it stands in the file of approvers.")
    })?;
    Ok((signers, name))
}

fn would_not_count(why: &str, name: &str, key: &SshSigner, file: &str) -> Error {
    Error::guard(format!("the approval would not count: {why}"))
        .hint(format!("Whoever keeps {file} adds the line: {name} namespaces=\"{NAMESPACE}\" {}", key.public_line()))
}

fn statement(reviewed: &Reviewed, who: (&str, &str), days: u32, rules: &Rules) -> Result<Statement> {
    if i64::from(days) > rules.max_days {
        return Err(Error::usage(format!("an approval holds for at most {} days here", rules.max_days))
            .hint("Give fewer with --expires-in."));
    }
    let (_, lock) = reviewed.locked()?;
    let approved = now();
    let start: jiff::Timestamp = approved.parse().map_err(|_| Error::internal("the clock cannot be read"))?;
    let end = start
        .checked_add(jiff::SignedDuration::from_hours(24 * i64::from(days)))
        .map_err(|error| Error::usage("--expires-in lies too far in the future").caused_by(error))?;
    let end = end.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    let file = reviewed.path.file_name().unwrap_or_default().to_string_lossy();
    let statement = Statement::about((&file, &reviewed.policy_text), lock, who, (&approved, &end));
    statement.check()?;
    Ok(statement)
}

/// Writes the version's folder: copies of what is approved, the statement and its signature.
fn write(reviewed: &Reviewed, statement: &Statement, signature: Option<&str>) -> Result<PathBuf> {
    let (_, lock) = reviewed.locked()?;
    let folder = approvals::folder(&reviewed.path).join(&statement.digest[..16]);
    std::fs::create_dir_all(&folder)
        .map_err(|error| Error::usage(format!("cannot make the folder {}", folder.display())).caused_by(error))?;
    write_whole(&folder.join(POLICY_COPY), &canonical(&reviewed.policy_text))?;
    write_whole(&folder.join(LOCK_COPY), &canonical(lock))?;
    let file = folder.join(statement.file_name());
    let seal = file.with_extension("approval.sig");
    match (signature, std::fs::remove_file(&seal)) {
        (Some(signature), _) => write_whole(&seal, signature)?,
        // The signature of an earlier statement by the same approver is none of this one.
        (None, Err(error)) if error.kind() != std::io::ErrorKind::NotFound => {
            return Err(Error::usage(format!("cannot remove {}", seal.display())).caused_by(error));
        }
        (None, _) => {}
    }
    write_whole(&file, &statement.text())?;
    Ok(file)
}

fn approved(statement: &Statement, file: &Path, verdict: &Verdict) -> Answer {
    let missing = match &verdict.lacking {
        None => "Enough have approved.".to_owned(),
        Some(lacking) => format!("So far there are {lacking}."),
    };
    let text = format!(
        "{} approved {} as {} until {}.\n  digest     {}\n  statement  {}\n{missing}\nCommit the folder beside the policy.",
        statement.approver,
        statement.policy,
        statement.role,
        statement.expires,
        statement.digest,
        file.display(),
    );
    let mut json = described(verdict);
    json["statement"] = json!(file);
    Answer::new(json, text)
}

fn prepared(statement: &Statement, file: &Path) -> Answer {
    let path = file.display().to_string();
    let plain = path.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/._-@+:\\".contains(&byte));
    let path = if plain { path } else { format!("'{}'", path.replace('\'', "'\\''")) };
    let command = format!("ssh-keygen -Y sign -n {NAMESPACE} -f KEY {path}");
    let text = format!(
        "Wrote the statement of {}. Sign it with your key, KEY being its public half where an agent or a token has the \
         private one:\n\n  {command}\n\nThen look: terp-fixtures policy approve --check",
        statement.approver
    );
    let json = json!({ "digest": statement.digest, "statement": file, "command": command });
    Answer::new(json, text)
}

fn checked(verdict: &Verdict, failure: Option<Error>) -> Answer {
    let line = |approval: &Approval| {
        vec![
            approval.approver.clone(),
            approval.role.clone(),
            approval.approved.clone(),
            approval.expires.clone(),
            approval.key.clone(),
        ]
    };
    let lines: Vec<Vec<String>> = verdict.approvals.iter().map(line).collect();
    let mut text = format!("Policy and lock {}\n", verdict.digest);
    if !lines.is_empty() {
        text.push_str(&format!("\n{}\n", table(&["approver", "role", "approved", "expires", "key"], &lines, &[])));
    }
    for finding in &verdict.findings {
        text.push_str(&format!("\n{}: {} [{}]", finding.severity.word(), finding.error(), finding.rule));
    }
    text.push_str(match (&verdict.lacking, &failure) {
        (None, None) => "\nEnough have approved.",
        (Some(_), None) => "\nThe approvals of the version before do: this one only lets less through.",
        (_, Some(_)) => "\nThis is not approved.",
    });
    Answer { failure, ..Answer::new(described(verdict), text) }
}

fn described(verdict: &Verdict) -> Value {
    let approval = |approval: &Approval| {
        json!({ "approver": approval.approver, "role": approval.role, "key": approval.key, "digest": approval.digest,
            "approved": approval.approved, "expires": approval.expires })
    };
    let finding = |finding: &Finding| {
        json!({ "rule": finding.rule, "severity": finding.severity.word(), "file": finding.file,
            "line": finding.place.map(|place| place.line), "what": finding.what })
    };
    json!({ "digest": verdict.digest, "enough": verdict.lacking.is_none(), "lacking": verdict.lacking,
        "approvals": verdict.approvals.iter().map(approval).collect::<Vec<_>>(),
        "base": verdict.base.as_ref().map(|base| json!({ "digest": base.digest, "holds": base.holds,
            "only_stronger": base.only_stronger })),
        "findings": verdict.findings.iter().map(finding).collect::<Vec<_>>() })
}
