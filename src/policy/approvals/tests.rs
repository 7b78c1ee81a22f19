//! Tests of approvals: who counts, what voids them, which line did, and what a manifest proves of them.

use super::*;
use crate::mask::key::MasterKey;
use crate::model::manifest::PolicyProof;
use crate::model::schema::Family;
use crate::policy::Policy;
use crate::policy::inventory::inventory;
use crate::policy::lock::{Decider, Lock, LockFile};
use crate::policy::resolve::tests::{catalogue, column, table};
use crate::seal::ssh::testing::{key, signed_for, signer};
use crate::secret::Secret32;

const NOW: &str = "2026-11-26T12:00:00Z";
const BEGIN: &str = "2026-11-26T10:00:00Z";
const END: &str = "2027-05-25T10:00:00Z";
const POLICY: &str = "version = 1\n# Who is in here?\n[tables.clients]\nkeep = [\"id\"]\n[tables.clients.columns]\n\
    email = \"email\"\nname = { mask = \"full_name\", reason = \"they are called\" }\n\
    ssn = \"ssn_tail\"\n[tables.logs]\nmode = \"exclude\"\n";

/// The end of the policy, and what may stand there.
const LAST: &str = "mode = \"exclude\"\n";
const ENGINE: &str =
    "mode = \"exclude\"\n[engines.sqlite.tables.clients.columns]\nemail = { mask = \"keep\", reason = \"x\" }\n";

fn lock_of(policy: &str) -> String {
    let columns = ["id", "email", "name", "ssn", "fax"].map(|name| column(name, Family::Text));
    let take = if policy.contains("fax") { 5 } else { 4 };
    let live =
        catalogue(vec![table("clients", columns[..take].to_vec()), table("logs", vec![column("t", Family::Text)])]);
    let policy = Policy::parse("pii.toml", policy).unwrap();
    let inventory = inventory(&policy, &live).unwrap();
    let decider = Decider { by: "maria".into(), on: "2026-11-26".into(), expires: None, renew: false };
    let lock = Lock::of("pii.lock", &policy, (&live, &inventory), None, &decider).unwrap();
    LockFile::default().with(lock).text()
}

/// Someone's signed statement about two texts.
fn by(name: &str, role: &str, seed: u8, policy: &str, lock: &str) -> Signed {
    signed_at(name, role, seed, (policy, lock), (BEGIN, END))
}

fn signed_at(name: &str, role: &str, seed: u8, (policy, lock): (&str, &str), when: (&str, &str)) -> Signed {
    let statement = Statement::about(("pii.toml", policy), lock, (name, role), when).text();
    let signature = Some(signer(seed).sign(statement.as_bytes()).unwrap());
    Signed { file: format!("{name}.approval"), statement, signature }
}

fn version(policy: &str, lock: &str, signed: Vec<Signed>) -> Version {
    let digest = reviewed(&digest(policy), &digest(lock));
    Version { folder: digest[..16].to_owned(), policy: policy.to_owned(), lock: lock.to_owned(), signed }
}

fn approvers() -> Signers {
    let line = |name: &str, seed: u8| format!("{name} namespaces=\"{}\" {}\n", ssh::NAMESPACE, key(seed).1);
    Signers::parse("approvers", &[line("maria", 1), line("jo", 2), line("alias", 1)].concat())
}

fn judged(policy: &str, lock: &str, versions: &[Version], rules: &Rules) -> Verdict {
    let texts = Texts { policy_file: "pii.toml", policy, lock_file: "pii.lock", lock };
    verify(texts, versions, &approvers(), rules, NOW)
}

/// What one signed statement about the usual texts is found to be.
fn found(signed: Signed) -> (Option<String>, Vec<&'static str>) {
    let lock = lock_of(POLICY);
    let verdict = judged(POLICY, &lock, &[version(POLICY, &lock, vec![signed])], &Rules::default());
    (verdict.lacking, verdict.findings.iter().map(|finding| finding.rule).collect())
}

#[test]
fn enough_is_a_number_of_persons_and_every_role() {
    let lock = lock_of(POLICY);
    let lacking = |signed: Vec<Signed>, required: usize, roles: &[&str]| {
        let roles = roles.iter().map(ToString::to_string).collect();
        let rules = Rules { required, roles, ..Rules::default() };
        judged(POLICY, &lock, &[version(POLICY, &lock, signed)], &rules).lacking
    };
    let one = |name: &str, role: &str, seed: u8| by(name, role, seed, POLICY, &lock);
    let none = Some("0 of 1 approvals".to_owned());
    assert_eq!(lacking(vec![], 1, &[]), none);
    assert_eq!(lacking(vec![], 0, &[]), none, "nobody is never enough");
    assert_eq!(lacking(vec![one("maria", "security", 1)], 1, &[]), None);
    assert_eq!(lacking(vec![one("maria", "security", 1), one("jo", "dpo", 2)], 2, &["security", "dpo"]), None);
    let half = Some("1 of 2 approvals".to_owned());
    assert_eq!(lacking(vec![one("maria", "security", 1), one("maria", "dpo", 1)], 2, &[]), half);
    assert_eq!(
        lacking(vec![one("maria", "security", 1), one("alias", "dpo", 1)], 2, &[]),
        half,
        "one key is one person"
    );
    let roles = Some("2 of 2 approvals, and none as dpo".to_owned());
    assert_eq!(lacking(vec![one("maria", "security", 1), one("jo", "security", 2)], 2, &["security", "dpo"]), roles);
}

#[test]
fn persons_are_joined_by_names_and_keys_in_any_order() {
    let approval =
        |name: &str, key: &str| Approval { approver: name.into(), key: key.into(), ..proof().approvals[0].clone() };
    let (a, b, c) = (approval("a", "1"), approval("b", "2"), approval("a", "2"));
    for order in [[&a, &b, &c], [&a, &c, &b], [&b, &a, &c], [&b, &c, &a], [&c, &a, &b], [&c, &b, &a]] {
        assert_eq!(persons(&order.map(Clone::clone)), 1);
    }
    assert_eq!(persons(&[a, b]), 2);
}

#[test]
fn what_does_not_count_is_told() {
    let lock = lock_of(POLICY);
    let texts = (POLICY, lock.as_str());
    let missing = |rule: &'static str| (Some("0 of 1 approvals".to_owned()), vec![rule, "approval-missing"]);
    let at = |from: &str, to: &str| found(signed_at("maria", "security", 1, texts, (from, to)));
    assert_eq!(at(BEGIN, END), (None, vec![]));
    assert_eq!(at("2026-01-01T00:00:00Z", "2026-11-26T12:00:00Z"), missing("approval-expired"));
    assert_eq!(at(BEGIN, "2028-11-26T10:00:00Z"), missing("approval-expired"));
    assert_eq!(at("2026-11-27T10:00:00Z", END), missing("approval-bad-signature"));
    assert_eq!(found(by("maria", "security", 2, POLICY, &lock)), missing("approval-unknown-signer"));
    assert_eq!(found(by("kim", "security", 1, POLICY, &lock)), missing("approval-unknown-signer"));
    assert_eq!(found(by("maria", "security", 3, POLICY, &lock)), missing("approval-unknown-signer"));
    assert_eq!(found(by("maria", "security", 1, "other", &lock)), missing("approval-bad-signature"));
    let good = by("maria", "security", 1, POLICY, &lock);
    assert_eq!(found(Signed { signature: None, ..good.clone() }), missing("approval-missing"));
    let elsewhere = Statement::about(("b.toml", POLICY), &lock, ("maria", "security"), (BEGIN, END)).text();
    let signature = Some(signer(1).sign(elsewhere.as_bytes()).unwrap());
    let elsewhere = Signed { statement: elsewhere, signature, file: "x".into() };
    assert_eq!(found(elsewhere), missing("approval-bad-signature"));
    let other = Some(signed_for("git", 1, good.statement.as_bytes()));
    assert_eq!(found(Signed { signature: other, ..good }), missing("approval-bad-signature"));
}

/// An edit of a line: a letter more at its end.
fn edits(text: &str) -> Vec<String> {
    let lines: Vec<&str> = text.lines().collect();
    let edited = |at: usize| {
        let line =
            |(number, line): (usize, &&str)| if number == at { format!("{line}x\n") } else { format!("{line}\n") };
        lines.iter().enumerate().map(line).collect::<String>()
    };
    (0..lines.len()).map(edited).collect()
}

#[test]
fn no_edited_line_passes() {
    let lock = lock_of(POLICY);
    let good = by("maria", "security", 1, POLICY, &lock);
    let versions = [version(POLICY, &lock, vec![good.clone()])];
    let mut tried = 0;
    for policy in edits(POLICY) {
        assert!(judged(&policy, &lock, &versions, &Rules::default()).lacking.is_some());
        assert!(
            judged(POLICY, &lock, &[Version { policy, ..versions[0].clone() }], &Rules::default()).lacking.is_some()
        );
        tried += 1;
    }
    for edited in edits(&lock) {
        assert!(judged(POLICY, &edited, &versions, &Rules::default()).lacking.is_some());
        assert!(
            judged(POLICY, &lock, &[Version { lock: edited, ..versions[0].clone() }], &Rules::default())
                .lacking
                .is_some()
        );
        tried += 1;
    }
    for statement in edits(&good.statement) {
        assert!(found(Signed { statement, ..good.clone() }).0.is_some());
        tried += 1;
    }
    for signature in edits(good.signature.as_ref().unwrap()) {
        assert!(found(Signed { signature: Some(signature), ..good.clone() }).0.is_some());
        tried += 1;
    }
    assert!(tried > 50, "{tried}");
}

#[test]
fn changes_since_the_approval_name_their_line() {
    let lock = lock_of(POLICY);
    let versions = [version(POLICY, &lock, vec![by("maria", "security", 1, POLICY, &lock)])];
    let cases = [
        ("email = \"email\"", "email = { mask = \"keep\", reason = \"x\" }", true, 6, "clients.email"),
        ("email = \"email\"", "email = \"null\"", false, 6, "lets less through"),
        ("email = \"email\"", "email = \"token\"", true, 6, "is not what was approved"),
        ("\"they are called\"", "\"they are named\"", false, 7, "only the reason changed"),
        ("# Who is in here?", "# What is in here?", false, 2, "the text changed"),
        (
            "ssn = \"ssn_tail\"",
            "ssn = { mask = \"ssn_tail\", tail = \"real\", reason = \"x\" }",
            true,
            8,
            "clients.ssn",
        ),
        ("\"exclude\"", "\"structure\"", true, 9, "table logs"),
        ("keep = [\"id\"]", "keep = [\"id\", \"fax\"]", true, 4, "clients.fax"),
        (LAST, ENGINE, true, 12, "sqlite: clients.email"),
        (LAST, "mode = \"exclude\"\n[environments.dev]\nmode = \"structure\"\n", false, 3, "lets less through"),
        (LAST, "mode = \"exclude\"\n[subset]\nroots = [{ table = \"clients\", limit = 9 }]\n", true, 12, "subset"),
        ("version = 1\n", "version = 1\nproject = { name = \"y\" }\n", true, 1, "project.name"),
    ];
    for (from, to, error, line, words) in cases {
        let policy = POLICY.replacen(from, to, 1);
        assert_ne!(policy, POLICY);
        let verdict = judged(&policy, &lock_of(&policy), &versions, &Rules::default());
        let told: Vec<&Finding> = verdict.findings.iter().filter(|finding| finding.file == "pii.toml").collect();
        assert!(!told.is_empty() && told[0].what.contains(words), "{to}: {:#?}", verdict.findings);
        assert_eq!(told[0].place.unwrap().line, line, "{to}: {:#?}", verdict.findings);
        assert!(told[0].error().what().starts_with(&format!("pii.toml:{line}:")), "{}", told[0].what);
        assert!(verdict.findings.iter().all(|finding| finding.rule == "approval-void"));
        let base = verdict.base.as_ref().unwrap();
        assert_eq!(base.only_stronger, !error, "{to}: {:#?}", verdict.findings);
        assert_eq!(verdict.enforce(&Rules::default()).unwrap_err().kind(), Kind::Guard);
        let accepting = Rules { accept_stronger: true, ..Rules::default() };
        assert_eq!(verdict.enforce(&accepting).is_ok(), !error, "{to}");
    }
}

#[test]
fn changes_of_the_lock_alone_name_their_line() {
    let lock = lock_of(POLICY);
    let versions = [version(POLICY, &lock, vec![by("maria", "security", 1, POLICY, &lock)])];
    for (from, to, words) in [
        ("null = true", "null = false", "schema was"),
        ("by = \"maria\"", "by = \"someone\"", "who decided"),
        ("tier = \"D\"", "tier = \"N\"", "who decided"),
        ("decision = \"email\"", "decision = \"keep\"", "decision was email, is keep"),
    ] {
        let edited = lock.replacen(from, to, 1);
        assert_ne!(edited, lock);
        let verdict = judged(POLICY, &edited, &versions, &Rules { accept_stronger: true, ..Rules::default() });
        let base = verdict.base.as_ref().unwrap();
        assert!(!base.only_stronger, "{to}: {:#?}", verdict.findings);
        let line = edited.lines().zip(lock.lines()).position(|(a, b)| a != b).unwrap() + 1;
        let finding = verdict.findings.iter().find(|finding| finding.what.contains(words)).unwrap();
        let told = finding.place.unwrap().line;
        assert!(told <= line && line <= told + 4, "{to}: {told} is not near {line}");
    }
    let other = lock.replace("[engines.sqlite", "[engines.mysql");
    let verdict = judged(POLICY, &other, &versions, &Rules { accept_stronger: true, ..Rules::default() });
    assert!(!verdict.base.unwrap().only_stronger);
    let whats: Vec<&str> = verdict.findings.iter().map(|finding| finding.what.as_str()).collect();
    assert!(whats.iter().any(|what| what.contains("databases of mysql were locked since")), "{whats:?}");
    assert!(whats.iter().any(|what| what.contains("nothing about databases of sqlite any more")), "{whats:?}");
    let noted = lock.replacen("# What was", "# What has been", 1);
    let verdict = judged(POLICY, &noted, &versions, &Rules::default());
    assert!(verdict.lacking.is_some() && verdict.base.unwrap().only_stronger);
    assert_eq!(verdict.findings[0].file, "pii.lock");
}

#[test]
fn an_expired_base_is_none() {
    let lock = lock_of(POLICY);
    let old = signed_at("maria", "security", 1, (POLICY, &lock), ("2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z"));
    let versions = [version(POLICY, &lock, vec![old])];
    let policy = POLICY.replace("email = \"email\"", "email = \"null\"");
    let accepting = Rules { accept_stronger: true, ..Rules::default() };
    let verdict = judged(&policy, &lock_of(&policy), &versions, &accepting);
    assert!(
        verdict
            .findings
            .iter()
            .any(|finding| finding.rule == "approval-expired" && finding.severity == Severity::Error)
    );
    assert!(verdict.enforce(&accepting).is_err());
}

#[test]
fn versions_are_read_from_their_folder() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(load(&folder.path().join("none")).unwrap(), []);
    let lock = lock_of(POLICY);
    let wanted = version(POLICY, &lock, vec![by("maria", "security", 1, POLICY, &lock)]);
    let place = folder.path().join(&wanted.folder);
    std::fs::create_dir(&place).unwrap();
    std::fs::create_dir(folder.path().join("notes")).unwrap();
    std::fs::write(place.join(POLICY_COPY), POLICY).unwrap();
    let error = load(folder.path()).unwrap_err();
    assert!(error.what().contains("pii.lock") && error.hint_text().is_some());
    std::fs::write(place.join(LOCK_COPY), &lock).unwrap();
    std::fs::write(place.join("security-maria.approval"), &wanted.signed[0].statement).unwrap();
    std::fs::write(place.join("security-maria.approval.sig"), wanted.signed[0].signature.as_ref().unwrap()).unwrap();
    let found = load(folder.path()).unwrap();
    assert_eq!(found[0].signed[0].signature, wanted.signed[0].signature);
    assert!(judged(POLICY, &lock, &found, &Rules::default()).lacking.is_none());
    assert_eq!(super::folder(Path::new("a/terp.toml")), Path::new("a/terp.pii.approvals"));
}

/// A proof as a capture writes it.
fn proof() -> PolicyProof {
    let lock = lock_of(POLICY);
    let versions = [version(POLICY, &lock, vec![by("maria", "security", 1, POLICY, &lock)])];
    let master = MasterKey::new(Secret32::new([1; 32]));
    let mut proof = Policy::parse("pii.toml", POLICY).unwrap().proof(&master, "dev");
    proof.lock = Some(digest(&lock));
    proof.reviewed = Some(reviewed(&proof.digest, &digest(&lock)));
    proof.approvals = judged(POLICY, &lock, &versions, &Rules::default()).approvals;
    proof
}

#[test]
fn a_manifest_proves_its_approvals() {
    let prove = |proof: &PolicyProof, captured: &str, rules: &Rules, now: &str| {
        super::prove(proof, captured, &approvers(), rules, now).map_err(|error| (error.kind(), error.what().to_owned()))
    };
    let rules = Rules::default();
    assert_eq!(prove(&proof(), NOW, &rules, NOW), Ok(()));
    let refused = |captured: &str, rules: &Rules, now: &str| {
        let (kind, what) = prove(&proof(), captured, rules, now).unwrap_err();
        assert_eq!(kind, Kind::Guard);
        what
    };
    assert!(refused(NOW, &Rules { required: 2, ..Rules::default() }, NOW).contains("1 of 2"));
    assert!(refused(NOW, &Rules { max_days: 30, ..Rules::default() }, NOW).contains("180 days"));
    assert!(refused(NOW, &rules, END).contains("expired on"));
    assert!(refused("2026-11-25T00:00:00Z", &rules, NOW).contains("did not hold at the capture"));
    let nobody = super::prove(&proof(), NOW, &Signers::default(), &rules, NOW).unwrap_err();
    assert_eq!(nobody.kind(), Kind::Guard);
    let bare = PolicyProof { lock: None, reviewed: None, approvals: Vec::new(), ..proof() };
    assert!(consistent(&bare).is_ok());
    assert_eq!(prove(&bare, NOW, &rules, NOW).unwrap_err().0, Kind::Guard);
}

type Edit = fn(&mut PolicyProof);

#[test]
fn every_edited_field_of_a_manifest_is_found() {
    let other = "ab".repeat(32);
    let edits: [Edit; 13] = [
        |proof| proof.file = "other.toml".into(),
        |proof| proof.digest = "ab".repeat(32),
        |proof| proof.lock = Some("ab".repeat(32)),
        |proof| proof.lock = None,
        |proof| proof.reviewed = Some("ab".repeat(32)),
        |proof| proof.reviewed = None,
        |proof| proof.approvals[0].approver = "jo".into(),
        |proof| proof.approvals[0].role = "dpo".into(),
        |proof| proof.approvals[0].key = "SHA256:other".into(),
        |proof| proof.approvals[0].digest = "ab".repeat(32),
        |proof| proof.approvals[0].approved = NOW.into(),
        |proof| proof.approvals[0].expires = NOW.into(),
        |proof| proof.approvals[0].statement.push('x'),
    ];
    assert!(consistent(&proof()).is_ok() && other.len() == 64);
    for (number, edit) in edits.iter().enumerate() {
        let mut edited = proof();
        edit(&mut edited);
        assert_eq!(consistent(&edited).unwrap_err().kind(), Kind::Store, "edit {number}");
    }
    for signature in self::edits(&proof().approvals[0].signature) {
        let mut edited = proof();
        edited.approvals[0].signature = signature;
        assert_eq!(consistent(&edited).unwrap_err().kind(), Kind::Store);
    }
}

#[test]
fn approvals_of_an_earlier_version_count_only_where_asked() {
    let mut proof = proof();
    let policy = POLICY.replace("email = \"email\"", "email = \"null\"");
    proof.digest = digest(&policy);
    proof.reviewed = Some(reviewed(&proof.digest, proof.lock.as_ref().unwrap()));
    let accepting = Rules { accept_stronger: true, ..Rules::default() };
    assert!(super::prove(&proof, NOW, &approvers(), &accepting, NOW).is_ok());
    let error = super::prove(&proof, NOW, &approvers(), &Rules::default(), NOW).unwrap_err();
    assert!(error.what().contains("earlier version"), "{}", error.what());
}
