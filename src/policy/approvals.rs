//! Approvals: signed statements in a folder beside the policy, with the texts that they are about. Whether a policy and its lock
//! are approved now, by whom, and if not, which lines changed since they last were.

mod change;
mod evidence;

pub use evidence::{consistent, prove};

use super::file::Place;
use super::findings::{Finding, Severity};
use super::lock;
use super::signers::Signers;
use super::statement::{Statement, digest, reviewed, sha256};
use crate::error::{Error, Kind, Result};
use crate::model::approval::Approval;
use crate::seal::ssh;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// What it takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rules {
    /// How many approvers.
    pub required: usize,
    /// Roles of which each must be among them.
    pub roles: Vec<String>,
    /// The longest that an approval may hold, in days.
    pub max_days: i64,
    /// Whether a version that only lets less through may use the approvals of the one before.
    pub accept_stronger: bool,
}

impl Default for Rules {
    fn default() -> Self {
        Self { required: 1, roles: Vec::new(), max_days: 366, accept_stronger: false }
    }
}

impl Rules {
    /// What is missing to be enough, in words; none where nothing is.
    #[must_use]
    pub fn lacking(&self, approvals: &[Approval]) -> Option<String> {
        let roles: BTreeSet<&str> = approvals.iter().map(|approval| approval.role.as_str()).collect();
        let missing: Vec<&str> = self.roles.iter().map(String::as_str).filter(|role| !roles.contains(role)).collect();
        let count = persons(approvals);
        let wanted = self.required.max(1);
        match (count < wanted, missing.as_slice()) {
            (false, []) => None,
            (true, []) => Some(format!("{count} of {wanted} approvals")),
            (_, missing) => Some(format!("{count} of {wanted} approvals, and none as {}", missing.join(", "))),
        }
    }
}

/// How many persons approved. One name is one person, one key under several names is one, and so are all that are joined in
/// this way.
fn persons(approvals: &[Approval]) -> usize {
    let mut groups: Vec<BTreeSet<(bool, &str)>> = Vec::new();
    for approval in approvals {
        let mut own = BTreeSet::from([(true, approval.approver.as_str()), (false, approval.key.as_str())]);
        let (joined, apart): (Vec<_>, Vec<_>) = groups.into_iter().partition(|group| !group.is_disjoint(&own));
        own.extend(joined.into_iter().flatten());
        groups = apart;
        groups.push(own);
    }
    groups.len()
}

/// A version of policy and lock that somebody signed, with what was signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version {
    /// Its folder's name: the first 16 hex digits of its digest.
    pub folder: String,
    /// The policy's text.
    pub policy: String,
    /// The lock's text.
    pub lock: String,
    /// Statements and signatures.
    pub signed: Vec<Signed>,
}

/// A statement as it lies in a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signed {
    /// Its file, for messages.
    pub file: String,
    /// The statement's text.
    pub statement: String,
    /// The signature; none where nobody has signed it yet.
    pub signature: Option<String>,
}

/// The file that holds the copy of the policy in a version's folder.
pub const POLICY_COPY: &str = "policy.toml";
/// The file that holds the copy of the lock.
pub const LOCK_COPY: &str = "pii.lock";

/// The folder of approvals beside a policy: `pii.approvals`, or `NAME.pii.approvals`.
#[must_use]
pub fn folder(policy: &Path) -> PathBuf {
    lock::beside(policy, "approvals")
}

/// Reads every version of a folder; none where there is no folder.
///
/// # Errors
/// Kind `Usage` where a file cannot be read.
pub fn load(folder: &Path) -> Result<Vec<Version>> {
    let mut versions = Vec::new();
    for path in entries(folder)?.into_iter().filter(|path| path.is_dir()) {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if name.len() != 16 || !name.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            continue;
        }
        let mut signed = Vec::new();
        for file in entries(&path)?.into_iter().filter(|file| file.extension().is_some_and(|end| end == "approval")) {
            let signature = file.with_extension("approval.sig");
            let signature = signature.is_file().then(|| text(&signature)).transpose()?;
            signed.push(Signed { file: file.display().to_string(), statement: text(&file)?, signature });
        }
        let (policy, lock) = (text(&path.join(POLICY_COPY))?, text(&path.join(LOCK_COPY))?);
        versions.push(Version { folder: name, policy, lock, signed });
    }
    Ok(versions)
}

fn entries(folder: &Path) -> Result<Vec<PathBuf>> {
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    let read = std::fs::read_dir(folder).and_then(|entries| entries.map(|entry| entry.map(|it| it.path())).collect());
    let mut found: Vec<PathBuf> = read.map_err(|error| unreadable(folder, error))?;
    found.sort();
    Ok(found)
}

fn text(path: &Path) -> Result<String> {
    std::fs::read_to_string(path).map_err(|error| unreadable(path, error))
}

fn unreadable(path: &Path, error: std::io::Error) -> Error {
    Error::usage(format!("cannot read {} of the approvals", path.display()))
        .caused_by(error)
        .hint("Take it back from version control, or remove the folder that it is in; that removes its approvals.")
}

/// What somebody wants approved.
#[derive(Debug, Clone, Copy)]
pub struct Texts<'a> {
    /// The policy's file, for messages.
    pub policy_file: &'a str,
    /// The policy's text.
    pub policy: &'a str,
    /// The lock's file, for messages.
    pub lock_file: &'a str,
    /// The lock's text.
    pub lock: &'a str,
}

impl Texts<'_> {
    /// The digest that approvals sign.
    #[must_use]
    pub fn digest(&self) -> String {
        reviewed(&digest(self.policy), &digest(self.lock))
    }
}

/// Whether a policy and its lock are approved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// The digest of what was judged.
    pub digest: String,
    /// Valid approvals of exactly that, one for each statement.
    pub approvals: Vec<Approval>,
    /// What is missing; none where they are enough.
    pub lacking: Option<String>,
    /// The last version with enough approvals, where this one has not.
    pub base: Option<Base>,
    /// Everything that is wrong or worth knowing.
    pub findings: Vec<Finding>,
}

/// The last approved version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Base {
    /// Its digest.
    pub digest: String,
    /// Its approvals.
    pub approvals: Vec<Approval>,
    /// The version itself.
    pub version: Version,
    /// Whether they still hold.
    pub holds: bool,
    /// Whether everything that changed since lets less through, or is only words.
    pub only_stronger: bool,
}

impl Verdict {
    /// The approvals that a run may use: those of exactly this version, or, where the rules say so, those of a version that let
    /// more through.
    ///
    /// # Errors
    /// Kind `Guard`, with what is missing.
    pub fn enforce(&self, rules: &Rules) -> Result<&[Approval]> {
        let Some(lacking) = &self.lacking else { return Ok(&self.approvals) };
        match &self.base {
            Some(base) if rules.accept_stronger && base.holds && base.only_stronger => Ok(&base.approvals),
            _ => {
                let why: Vec<String> = self.findings.iter().map(|finding| finding.error().what().to_owned()).collect();
                let why = if why.is_empty() { String::new() } else { format!(": {}", why.join("; ")) };
                let what = format!("policy and lock {} have {lacking}{why}", &self.digest[..16]);
                Err(Error::guard(what)
                    .hint("Have them reviewed, then: terp-fixtures policy approve --key FILE --role ROLE."))
            }
        }
    }
}

/// Judges a policy and its lock by the approvals that there are.
#[must_use]
pub fn verify(texts: Texts<'_>, versions: &[Version], signers: &Signers, rules: &Rules, now: &str) -> Verdict {
    let current = texts.digest();
    let mut findings = Vec::new();
    let mut approvals = Vec::new();
    for version in versions.iter().filter(|version| version.digest() == current) {
        for signed in &version.signed {
            match judge(signed, texts.policy_file, version, signers, rules, now) {
                Ok(approval) => approvals.push(approval),
                Err(Fault { rule, what, .. }) => findings.push(finding(rule, Severity::Warning, &signed.file, what)),
            }
        }
    }
    for version in versions.iter().filter(|version| !version.digest().starts_with(&version.folder)) {
        let what = format!("the copies in the folder {} are not those that were approved", version.folder);
        findings.push(finding("approval-void", Severity::Warning, &version.folder, what));
    }
    let lacking = rules.lacking(&approvals);
    let mut verdict = Verdict { digest: current, approvals, lacking, base: None, findings };
    let Some(lacking) = &verdict.lacking else { return verdict };
    verdict.base = last_approved((&verdict.digest, texts.policy_file), versions, signers, rules, now);
    // Somebody has begun to approve this version: nothing about the one before is needed to say what is missing.
    match &mut verdict.base {
        Some(base) if verdict.approvals.is_empty() => {
            let changes = change::changes(texts, &base.version);
            base.only_stronger = changes.iter().all(|finding| finding.severity < Severity::Error);
            if !base.holds {
                let what = format!("the approvals of version {} have expired", &base.digest[..16]);
                verdict.findings.push(finding("approval-expired", Severity::Error, texts.policy_file, what));
            }
            verdict.findings.extend(changes);
        }
        _ => {
            for finding in verdict.findings.iter_mut().filter(|finding| finding.rule == "approval-expired") {
                finding.severity = Severity::Error;
            }
            let what = format!("{} and {} have {lacking}", texts.policy_file, texts.lock_file);
            verdict.findings.push(Finding {
                hint: Some("Review them, then: terp-fixtures policy approve --key FILE --role ROLE.".into()),
                ..finding("approval-missing", Severity::Error, texts.policy_file, what)
            });
        }
    }
    verdict
}

/// The newest other version that has, or had, enough approvals. One whose approvals still hold comes first.
fn last_approved(
    (current, file): (&str, &str),
    versions: &[Version],
    signers: &Signers,
    rules: &Rules,
    now: &str,
) -> Option<Base> {
    let mut found: Vec<(bool, String, Base)> = Vec::new();
    for version in versions {
        let digest = version.digest();
        if digest == current || !digest.starts_with(&version.folder) {
            continue;
        }
        let (mut valid, mut ended) = (Vec::new(), Vec::new());
        for signed in &version.signed {
            match judge(signed, file, version, signers, rules, now) {
                Ok(approval) => valid.push(approval),
                Err(Fault { expired: Some(approval), .. }) => ended.push(*approval),
                Err(_) => {}
            }
        }
        let holds = rules.lacking(&valid).is_none();
        ended.extend(valid.iter().cloned());
        let approvals = if holds { valid } else { ended };
        if rules.lacking(&approvals).is_none() {
            let newest = approvals.iter().map(|approval| approval.approved.clone()).max().unwrap_or_default();
            let version = version.clone();
            found.push((holds, newest, Base { digest, approvals, version, holds, only_stronger: false }));
        }
    }
    found.into_iter().max_by(|a, b| (a.0, &a.1).cmp(&(b.0, &b.1))).map(|(_, _, base)| base)
}

impl Version {
    /// The digest of the texts as they are now.
    #[must_use]
    pub fn digest(&self) -> String {
        reviewed(&digest(&self.policy), &digest(&self.lock))
    }
}

/// Why a statement does not count.
struct Fault {
    rule: &'static str,
    what: String,
    /// The approval, where only its time is over.
    expired: Option<Box<Approval>>,
}

fn fault(rule: &'static str, what: impl Into<String>) -> Fault {
    Fault { rule, what: what.into(), expired: None }
}

/// Whether a statement with its signature approves a version.
fn judge(
    signed: &Signed,
    policy_file: &str,
    version: &Version,
    signers: &Signers,
    rules: &Rules,
    now: &str,
) -> std::result::Result<Approval, Fault> {
    let file = &signed.file;
    let bad = |what: &str| fault("approval-bad-signature", format!("{file}: {what}"));
    let statement =
        Statement::parse(&signed.statement).ok_or_else(|| bad("this is not a statement as it was signed"))?;
    let Some(signature) = &signed.signature else {
        return Err(fault("approval-missing", format!("{file}: it is not signed yet")));
    };
    let key = ssh::verify(signed.statement.as_bytes(), signature);
    let key = key.ok_or_else(|| bad("the signature is not one of this statement"))?;
    let texts = (version.digest(), sha256(&version.policy), sha256(&version.lock));
    if (&statement.digest, &statement.policy_sha256, &statement.lock_sha256) != (&texts.0, &texts.1, &texts.2) {
        return Err(bad("the statement is about another version"));
    }
    if policy_file.rsplit(['/', '\\']).next() != Some(statement.policy.as_str()) {
        return Err(bad("the statement is about a policy of another name"));
    }
    if let Some(why) = signers.objection(&statement.approver, &key, &statement.approved) {
        return Err(fault("approval-unknown-signer", format!("{file}: {why}")));
    }
    if !statement.has_begun(now) {
        return Err(fault(
            "approval-bad-signature",
            format!("{file}: it begins in the future, on {}", statement.approved),
        ));
    }
    if statement.days() > rules.max_days {
        let what = format!("{file}: it holds for {} days, and {} are allowed", statement.days(), rules.max_days);
        return Err(fault("approval-expired", what));
    }
    let approval = Approval {
        approver: statement.approver.clone(),
        role: statement.role.clone(),
        key,
        digest: statement.digest.clone(),
        approved: statement.approved.clone(),
        expires: statement.expires.clone(),
        statement: signed.statement.clone(),
        signature: signature.clone(),
    };
    if statement.has_expired(now) {
        let what = format!("{file}: the approval of {} expired on {}", approval.approver, approval.expires);
        return Err(Fault { expired: Some(Box::new(approval)), ..fault("approval-expired", what) });
    }
    Ok(approval)
}

fn finding(rule: &'static str, severity: Severity, file: &str, what: impl Into<String>) -> Finding {
    let (file, what) = (file.to_owned(), what.into());
    Finding { rule, severity, kind: Kind::Policy, file, place: None, table: None, column: None, what, hint: None }
}

fn at(place: Place, finding: Finding) -> Finding {
    Finding { place: Some(place), ..finding }
}

#[cfg(test)]
mod tests;
