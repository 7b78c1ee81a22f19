//! What no program can know about the use of personal data, and a policy may say under `[review]`: a closed list of keys, each
//! with the question that a review asks where the policy does not answer.

/// A question to people.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Asked {
    /// Its key under `[review]`.
    pub key: &'static str,
    /// What it is about, in a word or three.
    pub topic: &'static str,
    /// The question.
    pub question: &'static str,
}

const fn asked(key: &'static str, topic: &'static str, question: &'static str) -> Asked {
    Asked { key, topic, question }
}

/// Every question, in the order of a review.
pub const ASKED: [Asked; 9] = [
    asked("purpose", "Purpose", "What are the snapshots used for, and could the same be done with made-up data alone?"),
    asked("legal_basis", "Legal basis", "On which legal basis is the source data read and masked for that purpose?"),
    asked(
        "recipients",
        "Recipients",
        "Who receives snapshots, inside and outside of the organisation, and where do they keep them?",
    ),
    asked("retention", "Retention", "How long may a snapshot be kept, and who sees to it that it is removed?"),
    asked("contact", "Contact", "Who answers for this policy, and how can they be reached?"),
    asked("subjects", "People", "Whose data is in the source: clients, staff, patients, children?"),
    asked("dpia", "Impact assessment", "Is a data protection impact assessment needed, and where is it?"),
    asked(
        "commitment",
        "Public commitment",
        "Where has the organisation said in public that it will not try to re-identify anybody?",
    ),
    asked(
        "contract",
        "Contract with recipients",
        "Which contract forbids recipients to re-identify, and passes that duty on?",
    ),
];
