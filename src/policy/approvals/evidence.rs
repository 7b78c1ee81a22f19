//! The approvals that a manifest carries, checked where neither policy nor lock are at hand: the signed statements are in it,
//! and the digest that they name follows from those of the policy and the lock.

use super::Rules;
use crate::error::{Error, Result};
use crate::model::approval::Approval;
use crate::model::manifest::PolicyProof;
use crate::policy::signers::Signers;
use crate::policy::statement::{Statement, reviewed};
use crate::seal::ssh;

/// Checks that every approval in a proof says what its signed statement says, about the policy and lock of the proof. Who signed
/// is only known with the approvers.
///
/// # Errors
/// Kind `Store` where an approval is not what was signed.
pub fn consistent(proof: &PolicyProof) -> Result<()> {
    let forged = |approval: &Approval, what: &str| {
        Error::store(format!("the approval of {} in the manifest {what}", approval.approver.escape_debug()))
            .hint("The snapshot's record of its approvals is not genuine; capture it again.")
    };
    let digest = proof.lock.as_deref().map(|lock| reviewed(&proof.digest, lock));
    if digest != proof.reviewed {
        return Err(Error::store("the manifest's digest of policy and lock does not follow from theirs"));
    }
    for approval in &proof.approvals {
        let Some(statement) = Statement::parse(&approval.statement) else {
            return Err(forged(approval, "has no statement"));
        };
        if ssh::verify(approval.statement.as_bytes(), &approval.signature).as_ref() != Some(&approval.key) {
            return Err(forged(approval, "has another signature than its key's"));
        }
        let says = (&statement.approver, &statement.role, &statement.digest, &statement.approved, &statement.expires);
        let told = (&approval.approver, &approval.role, &approval.digest, &approval.approved, &approval.expires);
        if says != told {
            return Err(forged(approval, "is not what was signed"));
        }
        if statement.policy != proof.file {
            return Err(forged(approval, "is about another policy"));
        }
    }
    Ok(())
}

/// Proves that a snapshot was captured under enough approvals that still hold.
///
/// # Errors
/// Kind `Store` where an approval was forged; kind `Guard` where there are not enough.
pub fn prove(proof: &PolicyProof, captured: &str, signers: &Signers, rules: &Rules, now: &str) -> Result<()> {
    consistent(proof)?;
    let mut why = Vec::new();
    let mut valid: Vec<Approval> = Vec::new();
    for approval in &proof.approvals {
        match objection(proof, approval, captured, signers, rules, now) {
            Some(objection) => why.push(objection),
            None => valid.push(approval.clone()),
        }
    }
    let Some(lacking) = rules.lacking(&valid) else { return Ok(()) };
    let why = if why.is_empty() { String::new() } else { format!(": {}", why.join("; ")) };
    Err(Error::guard(format!("the snapshot was captured with {lacking}{why}"))
        .hint("Have the policy approved, and capture again with --require-approval."))
}

fn objection(
    proof: &PolicyProof,
    approval: &Approval,
    captured: &str,
    signers: &Signers,
    rules: &Rules,
    now: &str,
) -> Option<String> {
    let statement = Statement::parse(&approval.statement)?;
    let who = approval.approver.escape_debug();
    let exact = proof.reviewed.as_ref() == Some(&approval.digest);
    if !exact && !rules.accept_stronger {
        return Some(format!("{who} approved an earlier version, which let more through"));
    }
    if !statement.has_begun(captured) || statement.has_expired(captured) {
        return Some(format!("the approval of {who} did not hold at the capture"));
    }
    if statement.has_expired(now) {
        return Some(format!("the approval of {who} expired on {}", approval.expires));
    }
    if statement.days() > rules.max_days {
        return Some(format!(
            "the approval of {who} holds for {} days, and {} are allowed",
            statement.days(),
            rules.max_days
        ));
    }
    signers.objection(&approval.approver, &approval.key, &approval.approved)
}
