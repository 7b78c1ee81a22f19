//! What a reviewer signed: the statement of an approval, as it stands in a manifest and in a review.

use serde::{Deserialize, Serialize};

/// One verified approval of a policy with its lock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approval {
    /// Who approved: the principal of the allowed-signers file, usually an email address.
    pub approver: String,
    /// In which role, as the approver stated it: `security`, `dpo`, ...
    pub role: String,
    /// The key that signed, as OpenSSH prints it: `SHA256:...`.
    pub key: String,
    /// The canonical digest of policy and lock that was signed, BLAKE3, 64 hex digits.
    pub digest: String,
    /// When, UTC, RFC 3339, whole seconds.
    pub approved: String,
    /// Until when, UTC, RFC 3339.
    pub expires: String,
    /// The text that was signed, which says all of the above but the key: whoever restores can check it without the policy.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub statement: String,
    /// The signature of the statement, as `ssh-keygen -Y sign` writes it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub signature: String,
}
