//! A policy with what belongs to it: its lock, the approvals of both, and whether they are enough.

use crate::cli::settings::Settings;
use crate::error::{Error, Kind, Result};
use crate::event::Event;
use crate::model::manifest::PolicyProof;
use crate::model::schema::Catalogue;
use crate::policy::Policy;
use crate::policy::approvals::{self, Rules, Texts, Verdict};
use crate::policy::findings::{Finding, Severity};
use crate::policy::inventory::inventory;
use crate::policy::lock::{Decider, Difference, Lock, LockFile, Sort};
use crate::policy::signers::Signers;
use crate::policy::statement;
use crate::run::Context;
use crate::run::repository::Snapshot;
use std::path::{Path, PathBuf};

/// A policy, its lock and their texts.
pub(super) struct Reviewed {
    pub(super) path: PathBuf,
    pub(super) policy: Policy,
    pub(super) policy_text: String,
    pub(super) lock_path: PathBuf,
    /// The lock, where there is one, and its text.
    pub(super) lock: Option<(LockFile, String)>,
}

impl Reviewed {
    /// The policy with the lock beside it, if it is there.
    pub(super) fn read(path: &Path) -> Result<Self> {
        Self::read_with(path, None)
    }

    /// The policy with the named lock, which must be there, or else the one beside it.
    pub(super) fn read_with(path: &Path, named: Option<&Path>) -> Result<Self> {
        let cannot = |what: &str, path: &Path, error: std::io::Error| {
            Error::usage(format!("cannot read the {what} {}", path.display())).caused_by(error)
        };
        let policy_text = std::fs::read_to_string(path).map_err(|error| cannot("policy", path, error))?;
        let policy = Policy::parse(&path.display().to_string(), &policy_text)?;
        let lock_path = named.map_or_else(|| LockFile::path(path), Path::to_owned);
        let lock = match std::fs::read_to_string(&lock_path) {
            Ok(text) => Some((LockFile::parse(&lock_path.display().to_string(), &text)?, text)),
            Err(error) if named.is_none() && error.kind() == std::io::ErrorKind::NotFound => None,
            Err(error) => return Err(cannot("lock", &lock_path, error)),
        };
        Ok(Self { path: path.to_owned(), policy, policy_text, lock_path, lock })
    }

    /// The lock and its text.
    ///
    /// # Errors
    /// Kind `Guard` where there is none.
    pub(super) fn locked(&self) -> Result<&(LockFile, String)> {
        self.lock.as_ref().ok_or_else(|| {
            Error::guard(format!("the policy {} has no lock {}", self.path.display(), self.lock_path.display()))
                .hint("Approvals are about both. Write it with: terp-fixtures policy lock --source URL --by NAME.")
        })
    }

    /// Whether policy and lock are approved.
    pub(super) fn verdict(&self, signers: &Signers, rules: &Rules) -> Result<Verdict> {
        let (_, lock) = self.locked()?;
        let versions = approvals::load(&approvals::folder(&self.path))?;
        let (policy_file, lock_file) = (&self.path.display().to_string(), &self.lock_path.display().to_string());
        let texts = Texts { policy_file, policy: &self.policy_text, lock_file, lock };
        Ok(approvals::verify(texts, &versions, signers, rules, &now()))
    }

    /// What `policy check` says of approvals; nothing where none are required and there are none.
    pub(super) fn findings(&self, settings: &Settings, environments: &[&str]) -> Result<Vec<Finding>> {
        let required = environments.iter().find(|environment| settings.approval(environment).1);
        let any = !approvals::load(&approvals::folder(&self.path))?.is_empty();
        if required.is_none() && !any {
            return Ok(Vec::new());
        }
        let file = self.path.display().to_string();
        let missing = |error: Error| Finding {
            rule: "approval-missing",
            severity: Severity::Error,
            kind: Kind::Policy,
            file: file.clone(),
            place: None,
            table: None,
            column: None,
            what: error.what().to_owned(),
            hint: error.hint_text().map(str::to_owned),
        };
        let Some(signers) = settings.approvers(None, Some(&self.path))? else {
            return Ok(vec![missing(no_approvers())]);
        };
        let (rules, _) = settings.approval(required.or(environments.first()).copied().unwrap_or_default());
        match self.locked() {
            Ok(_) => Ok(self.verdict(&signers, &rules)?.findings),
            Err(error) => Ok(vec![missing(error)]),
        }
    }

    /// Refuses a lock that says otherwise than the policy.
    pub(super) fn refuse_disagreement(&self) -> Result<()> {
        let (lock, _) = self.locked()?;
        let Some((engine, found)) = lock.disagreements(&self.policy) else { return Ok(()) };
        let of = if lock.engines.len() > 1 { format!(" for {engine}") } else { String::new() };
        Err(Error::drift(format!("{} is out of date{of}: {}", self.lock_path.display(), listed(&found)))
            .hint("Write it anew with 'terp-fixtures policy lock', and look at what it says."))
    }

    /// What the live catalogue has otherwise than the lock.
    fn drift(&self, lock: &Lock, catalogue: &Catalogue) -> Result<Vec<Difference>> {
        let inventory = inventory(&self.policy, catalogue)?;
        let nobody = Decider { by: String::new(), on: String::new(), expires: None, renew: false };
        let (live, _) = Lock::draft(&lock.file, &self.policy, (catalogue, &inventory), Some(lock), &nobody)?;
        Ok(lock.differences(&live))
    }

    /// Refuses, or where nothing is required warns of, a lock that is not that of the live catalogue.
    pub(super) fn hold_against(&self, context: &Context<'_>, catalogue: &Catalogue, required: bool) -> Result<()> {
        let Some((file, _)) = &self.lock else { return Ok(()) };
        let Some(lock) = file.of(&self.policy, catalogue.engine) else {
            let lacking = file.lacks(catalogue.engine);
            if required {
                return Err(lacking);
            }
            context.warn(lacking.what(), lacking.hint_text().map(str::to_owned));
            return Ok(());
        };
        let found = match self.drift(lock, catalogue) {
            Ok(found) => found,
            Err(error) if required => return Err(error),
            // The capture itself says it better.
            Err(_) => return Ok(()),
        };
        if found.is_empty() {
            return Ok(());
        }
        let what = format!("{} is not that of this database: {}", self.lock_path.display(), listed(&found));
        let hint =
            "Decide about what is new, then write the lock with 'terp-fixtures policy lock' and have it approved.";
        if required {
            return Err(Error::drift(what).hint(hint));
        }
        context.report.event(&Event::Warning { what, hint: Some(hint.to_owned()) });
        Ok(())
    }

    /// Puts digests and approvals into a proof. With `required` a run may only go on where they are enough.
    pub(super) fn prove(
        &self,
        context: &Context<'_>,
        settings: &Settings,
        (environment, approvers, required): (&str, Option<&Path>, bool),
        proof: &mut PolicyProof,
    ) -> Result<()> {
        let (rules, configured) = settings.approval(environment);
        let required = required || configured;
        if !required && self.lock.is_none() {
            return Ok(());
        }
        let (_, lock) = self.locked()?;
        proof.lock = Some(statement::digest(lock));
        proof.reviewed = Some(statement::reviewed(&proof.digest, &statement::digest(lock)));
        let signers = settings.approvers(approvers, Some(&self.path))?;
        let verdict = match (signers, required) {
            (Some(signers), _) => {
                warn_of_unused(context, &signers);
                self.verdict(&signers, &rules)?
            }
            (None, false) => return Ok(()),
            (None, true) => return Err(no_approvers()),
        };
        proof.approvals = match verdict.enforce(&rules) {
            Ok(approvals) => approvals.to_vec(),
            Err(error) if required => return Err(error),
            Err(_) => verdict.approvals,
        };
        // An edit of the policy alone voids its approvals; that is what whoever made it has to hear first.
        if required { self.refuse_disagreement() } else { Ok(()) }
    }
}

/// Refuses a snapshot whose record of approvals is not genuine; where they are required, by the command line or for either the
/// snapshot's environment or this one, also one that has not enough.
pub(super) fn refuse_unapproved(
    context: &Context<'_>,
    settings: &Settings,
    (required, approvers): (bool, Option<&Path>),
    (snapshot, environment): (&Snapshot, &str),
) -> Result<()> {
    let manifest = &snapshot.manifest;
    if manifest.backup.is_some() {
        // No policy decided anything about a backup, and it goes nowhere but into the database that it was made of.
        return Ok(());
    }
    let (rules, configured) = settings.approval(&manifest.environment);
    let of_target = settings.approval(environment).1;
    // Rows that were made up, or written by hand and are nobody's, were let through by no policy. Production wants one all the same.
    let by_nobody = manifest.imported.as_ref().is_some_and(|imported| imported.accepted.is_none());
    let is_free = manifest.generated.is_some() || (by_nobody && environment != "production");
    if is_free || !(required || configured || of_target) {
        return approvals::consistent(&manifest.policy);
    }
    if let Some(imported) = &manifest.imported {
        let (what, hint) = match &imported.accepted {
            Some(why) => (
                "was imported with values that look like people's",
                format!("They were accepted because of this: {}. Take them out of the files.", why.escape_debug()),
            ),
            None => (
                "was written by hand, not captured under a policy",
                "Put the rows into a database that is captured under an approved policy.".to_owned(),
            ),
        };
        let label = snapshot.label();
        return Err(Error::guard(format!("{label} {what}, and approvals are required here")).hint(hint));
    }
    let signers = settings.approvers(approvers, settings.configured_policy().as_deref())?;
    let signers = signers.ok_or_else(no_approvers)?;
    warn_of_unused(context, &signers);
    approvals::prove(&manifest.policy, &manifest.created, &signers, &rules, &now())
        .map_err(|error| error.within(snapshot.label()))
}

pub(super) fn no_approvers() -> Error {
    Error::guard("nothing says who may approve: there is no file of approvers").hint(
        "Name it with --approvers FILE or [approval] signers in terp-fixtures.toml; docs/approval.md shows what is in it.",
    )
}

/// Lines of the approvers' file that nobody gets anything from.
pub(super) fn warn_of_unused(context: &Context<'_>, signers: &Signers) {
    for (place, why) in &signers.unused {
        let what = format!("{}:{place}: this line is not used: {why}", signers.file);
        context.report.event(&Event::Warning { what, hint: None });
    }
}

/// Differences in one line, a new column in words of its own.
pub(super) fn listed(found: &[Difference]) -> String {
    let shown = found.iter().take(10).map(|difference| match (difference.sort, &difference.column) {
        (Sort::New, Some(column)) => {
            format!("column {}.{} is new", difference.table.escape_debug(), column.escape_debug())
        }
        _ => difference.to_string(),
    });
    let mut text = shown.collect::<Vec<_>>().join("; ");
    if found.len() > 10 {
        text.push_str(&format!("; and {} more", found.len() - 10));
    }
    text
}

pub(super) fn now() -> String {
    jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}
