//! How a policy stands: whether it is approved, by whom, in which role and until when, and if not, what is missing or since which
//! edit. In one word, in sentences, and for each environment.

use super::document::{Decided, LastApproved, Required};
use super::words::count;
use crate::model::approval::Approval;
use crate::model::schema::EngineKind;
use crate::policy::Policy;
use crate::policy::approvals::{Base, POLICY_COPY, Rules, Verdict, folder};
use crate::policy::findings::{Finding, Severity};
use crate::policy::lock::{Lock, LockFile};
use crate::policy::statement;
use std::collections::BTreeMap;
use std::path::Path;

/// What lock and approvals say about the policy.
#[derive(Debug, Default)]
pub struct Reviewed {
    /// Digest of the lock's text.
    pub lock: Option<String>,
    /// What approvals sign.
    pub digest: Option<String>,
    /// The fingerprint of the schema that the lock is about.
    pub schema: Option<String>,
    /// Who decided on a column, by table and column.
    pub columns: BTreeMap<(String, String), Decided>,
    /// Whether there is a file of approvers.
    pub has_approvers: bool,
    /// The environments that refuse without approval.
    pub required: Vec<&'static str>,
    /// The approvals, held against the rules of each environment; nothing without lock and approvers.
    pub judged: Vec<Judged>,
}

/// The approvals, held against the rules of one environment.
#[derive(Debug)]
pub struct Judged {
    /// The environment.
    pub environment: &'static str,
    /// What it takes there.
    pub rules: Rules,
    /// Whether it is approved.
    pub verdict: Verdict,
}

impl Reviewed {
    /// What a lock says of databases of an engine, and its text. Approvals are to be added.
    #[must_use]
    pub fn of_lock(policy: &Policy, engine: EngineKind, (file, text): &(LockFile, String)) -> Self {
        let mut columns = BTreeMap::new();
        let lock = file.of(policy, engine);
        for (table, locked) in lock.iter().flat_map(|lock| &lock.tables) {
            for (column, own) in &locked.columns {
                let (by, on) = (own.by.clone(), own.on.clone());
                let decided = Decided { by, on, until: own.expires.clone(), reason: own.reason.clone() };
                columns.insert((table.clone(), column.clone()), decided);
            }
        }
        let digest = statement::digest(text);
        Self {
            digest: Some(statement::reviewed(&policy.digest, &digest)),
            lock: Some(digest),
            schema: lock.map(Lock::fingerprint),
            columns,
            ..Self::default()
        }
    }

    /// What the status is about: an environment whose approvals are not enough, one that refuses without them first.
    fn worst(&self) -> Option<&Judged> {
        let is_lacking = |judged: &&Judged| judged.verdict.enforce(&judged.rules).is_err();
        let is_required = |judged: &&Judged| self.required.contains(&judged.environment);
        let lacking = || self.judged.iter().filter(is_lacking);
        lacking().find(is_required).or_else(|| lacking().next()).or_else(|| self.judged.first())
    }

    /// The last approved version, where this is not it.
    pub(super) fn base(&self) -> Option<&Base> {
        self.worst()?.verdict.base.as_ref()
    }

    /// The policy of the last approved version, called by its path beside the policy, and who approved it.
    pub(super) fn approved_policy(&self, policy: &Policy) -> Option<(Policy, String)> {
        let base = self.base()?;
        let beside = folder(Path::new(&policy.file)).file_name()?.to_string_lossy().into_owned();
        let name = format!("{beside}/{}/{POLICY_COPY}", base.version.folder);
        let approved = Policy::parse(&name, &base.version.policy).ok()?;
        Some((approved, format!("approved by {}", listed(&base.approvals))))
    }
}

/// How a policy stands.
pub(super) struct Standing {
    pub word: &'static str,
    pub text: String,
    pub approvals: Vec<Approval>,
    pub last_approved: Option<LastApproved>,
    pub environments: Vec<Required>,
}

pub(super) fn standing(reviewed: &Reviewed) -> Standing {
    let (word, mut text) = match reviewed.worst() {
        Some(judged) => told(judged),
        None => ("not approved", unjudged(reviewed)),
    };
    text.push_str(&match reviewed.required.as_slice() {
        [] => " No environment requires an approval here.".to_owned(),
        required => format!(" Captures for {} require an approval.", required.join(", ")),
    });
    let last_approved = reviewed.base().map(|base| LastApproved {
        digest: base.digest.clone(),
        approvals: base.approvals.clone(),
        holds: base.holds,
        only_stronger: base.only_stronger,
    });
    let environments = reviewed.judged.iter().map(|judged| Required {
        environment: judged.environment,
        required: reviewed.required.contains(&judged.environment),
        lacking: judged.verdict.enforce(&judged.rules).is_err().then(|| judged.verdict.lacking.clone()).flatten(),
    });
    let environments = environments.collect();
    let approvals = reviewed.worst().map(|judged| judged.verdict.approvals.clone()).unwrap_or_default();
    Standing { word, text, approvals, last_approved, environments }
}

/// Where nothing could be held against anything.
fn unjudged(reviewed: &Reviewed) -> String {
    let lock =
        "There is no lock, and an approval is about a policy and its lock; 'terp-fixtures policy lock' writes it.";
    let approvers = "Nothing says who may approve: there is no file of approvers.";
    match (reviewed.lock.is_some(), reviewed.has_approvers) {
        (false, true) => lock.to_owned(),
        (true, _) => approvers.to_owned(),
        (false, false) => format!("{lock} {approvers}"),
    }
}

fn told(judged: &Judged) -> (&'static str, String) {
    let Judged { environment, rules, verdict } = judged;
    let lacking = verdict.lacking.as_deref().unwrap_or_default();
    match (verdict.enforce(rules), &verdict.base, verdict.approvals.as_slice()) {
        (Ok(approvals), Some(base), _) => {
            let version = &base.digest[..16];
            (
                "approved",
                format!(
                    "By the approvals of version {version}: {}. What changed since lets less through, which the configuration accepts.",
                    listed(approvals)
                ),
            )
        }
        (Ok(approvals), None, _) => ("approved", format!("Approved by {}.", listed(approvals))),
        (Err(_), _, approvals @ [_, ..]) => {
            ("not enough", format!("Approved by {}; {environment} has {lacking}.", listed(approvals)))
        }
        (Err(_), Some(base), []) => {
            let version = &base.digest[..16];
            let ended = if base.holds { "" } else { " Those approvals have expired, too." };
            (
                "void",
                format!(
                    "Version {version} was approved by {}; an edit voided that. {}{ended}",
                    listed(&base.approvals),
                    first_edit(&verdict.findings)
                ),
            )
        }
        (Err(_), None, []) => {
            let of = |rule: &str| verdict.findings.iter().filter(|finding| finding.rule == rule).count();
            let uncounted = (of("approval-bad-signature") + of("approval-unknown-signer")) as u64;
            let other = match uncounted {
                0 => String::new(),
                _ => format!(
                    " {} not count; the flags say why.",
                    if uncounted == 1 {
                        "1 statement does".to_owned()
                    } else {
                        format!("{} do", count(uncounted, "statement"))
                    }
                ),
            };
            match of("approval-expired") {
                0 => ("not approved", format!("Nobody has approved this version, and none before it.{other}")),
                _ => ("expired", format!("Its approvals have expired; the flags say which.{other}")),
            }
        }
    }
}

/// `maria@example.org (security) until 2026-12-31`, with commas.
fn listed(approvals: &[Approval]) -> String {
    let one = |approval: &Approval| {
        let until = approval.expires.get(..10).unwrap_or(&approval.expires);
        format!("{} ({}) until {until}", approval.approver, approval.role)
    };
    approvals.iter().map(one).collect::<Vec<_>>().join(", ")
}

/// The first edit that needs approval again, else the first of all, and how many more there are.
fn first_edit(findings: &[Finding]) -> String {
    let edits: Vec<&Finding> =
        findings.iter().filter(|finding| finding.rule == "approval-void" && finding.place.is_some()).collect();
    let Some(first) = edits.iter().find(|edit| edit.severity == Severity::Error).or_else(|| edits.first()) else {
        return "The flags say which.".to_owned();
    };
    let file = first.file.rsplit(['/', '\\']).next().unwrap_or_default();
    let line = first.place.map(|place| place.line).unwrap_or_default();
    let more = match edits.len() - 1 {
        0 => String::new(),
        more => format!(" And {} more, among the flags.", count(more as u64, "edit")),
    };
    format!("{file}, line {line}: {}.{more}", first.what)
}
