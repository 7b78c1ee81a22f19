//! Arguments, environment and `terp-fixtures.toml`, resolved once into what was meant.

use super::mapping::{RestoreSection, Written};
use crate::error::{Error, Kind, Result};
use crate::generate::profile::Profile;
use crate::mask::key::MasterKey;
use crate::model::schema::EngineKind;
use crate::policy::approvals::Rules;
use crate::policy::expiry::Today;
use crate::policy::file::ENVIRONMENTS;
use crate::policy::signers::Signers;
use crate::run::drift::Map;
use crate::run::generate::BUILT_IN;
use crate::run::isolate::Limits;
use crate::run::marking::Marker;
use crate::seal::{Member, SignerId};
use crate::secret::{Address, SecretText};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use zeroize::Zeroizing;

/// The folder that `keys init` writes secrets to, beside the configuration or in the current folder.
pub const SECRETS: &str = ".terp-fixtures";

/// The configuration's file.
pub const CONFIGURATION: &str = "terp-fixtures.toml";

/// The file that says which snapshot a name means, beside the configuration.
pub const PINS: &str = "terp.lock";

/// The file of those who may approve, beside the policy.
pub const APPROVERS: &str = "approvers";

/// `terp-fixtures.toml`. Unknown keys are errors.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct File {
    store: StoreSection,
    masking: MaskingSection,
    capture: CaptureSection,
    generate: GenerateSection,
    retention: RetentionSection,
    audit: AuditSection,
    review: ReviewSection,
    approval: ApprovalSection,
    restore: RestoreSection,
    target: TargetSection,
    isolation: IsolationSection,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct TargetSection {
    environment: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct IsolationSection {
    server: Option<String>,
    clones: Option<usize>,
    templates: Option<usize>,
    exact_ids: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct RetentionSection {
    days: Option<u32>,
    environments: BTreeMap<String, u32>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct AuditSection {
    actor: Option<String>,
    keep_in_target: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct StoreSection {
    url: Option<String>,
    endpoint: Option<String>,
    region: Option<String>,
    path_style: Option<bool>,
    checksums: Option<String>,
    identity_file: Option<PathBuf>,
    signers: Vec<String>,
    publishers: Vec<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct MaskingSection {
    key_file: Option<PathBuf>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct CaptureSection {
    policy: Option<PathBuf>,
    environment: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct GenerateSection {
    profile: Option<PathBuf>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct ReviewSection {
    by: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct ApprovalSection {
    signers: Option<PathBuf>,
    require: bool,
    required: Option<usize>,
    roles: Vec<String>,
    max_days: Option<u16>,
    stronger: Stronger,
    environments: ApprovalEnvironments,
}

/// What becomes of a version that lets less through than the one that was approved.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Stronger {
    /// It needs approvals of its own.
    #[default]
    Refuse,
    /// The approvals of the earlier version do.
    Accept,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct ApprovalEnvironments {
    dev: ApprovalEnvironment,
    staging: ApprovalEnvironment,
    production: ApprovalEnvironment,
}

/// What an environment says in place of what is said for all.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct ApprovalEnvironment {
    require: Option<bool>,
    required: Option<usize>,
    roles: Option<Vec<String>>,
}

/// The configuration, and the folder its relative paths start from.
#[derive(Debug)]
pub struct Settings {
    file: File,
    /// The file's name and text, for the places of what is wrong with it later.
    written: (String, String),
    base: PathBuf,
    store: Option<String>,
    /// The identity, once it was opened: a passphrase is asked for once.
    opened: OnceLock<(Member, bool)>,
}

fn read_beside(path: &Path, what: &str) -> Result<String> {
    std::fs::read_to_string(path)
        .map_err(|error| Error::usage(format!("cannot read {what} {}", path.display())).caused_by(error))
}

fn built_in_hint() -> String {
    let names: Vec<&str> = BUILT_IN.iter().map(|(name, _)| *name).collect();
    match names[..] {
        [] => "Check the name after --profile.".to_owned(),
        _ => format!("Check the name after --profile. Built in: {}.", names.join(", ")),
    }
}

impl Settings {
    fn of(file: File, base: PathBuf, store: Option<&str>) -> Self {
        Self { file, written: Default::default(), base, store: store.map(str::to_owned), opened: OnceLock::new() }
    }

    /// No configuration, whatever lies above: for a project that begins in the current folder. Paths are relative to it.
    #[must_use]
    pub fn here(store: Option<&str>) -> Self {
        Self::of(File::default(), PathBuf::new(), store)
    }

    /// Reads the configuration that was named, or the nearest `terp-fixtures.toml`, or none.
    ///
    /// # Errors
    /// Kind `Usage` when a named file is missing or any is malformed, with line and column.
    pub fn load(config: Option<&Path>, store: Option<&str>) -> Result<Self> {
        let here = std::env::current_dir()
            .map_err(|error| Error::usage("the current folder cannot be read").caused_by(error))?;
        let found = match config {
            Some(path) => Some(path.to_owned()),
            None => here.ancestors().map(|folder| folder.join(CONFIGURATION)).find(|path| path.is_file()),
        };
        let Some(path) = found else {
            return Ok(Self::of(File::default(), here, store));
        };
        let text = std::fs::read_to_string(&path).map_err(|error| {
            Error::usage(format!("cannot read the configuration {}", path.display())).caused_by(error)
        })?;
        let file: File = toml::from_str(&text).map_err(|error| malformed(&path, &text, &error))?;
        let base = path.parent().map(Path::to_owned).unwrap_or_default();
        let is_bucket = file.store.url.as_deref().is_some_and(|url| url.starts_with("s3://"));
        let written = (shortened(path.clone()).display().to_string(), text);
        let settings = Self { written, ..Self::of(file, base, store) };
        if !is_bucket && !settings.server().is_empty() {
            let what = format!("{}: [store] tells of a server, and url is no bucket", path.display());
            return Err(Error::usage(what)
                .hint("endpoint, region, path_style and checksums go with url = \"s3://bucket/prefix\"."));
        }
        Ok(settings)
    }

    /// What the configuration says of the server of a bucket, as parameters of the address.
    fn server(&self) -> String {
        let StoreSection { endpoint, region, path_style, checksums, .. } = &self.file.store;
        let path_style = path_style.map(|path_style| path_style.to_string());
        let said = [("endpoint", endpoint), ("region", region), ("path_style", &path_style), ("checksums", checksums)];
        let said = said.into_iter().filter_map(|(name, value)| Some(format!("{name}={}", encoded(value.as_ref()?))));
        said.collect::<Vec<_>>().join("&")
    }

    /// The store's address: argument or environment, configuration, `./snapshots`.
    #[must_use]
    pub fn store(&self) -> Address {
        if let Some(store) = &self.store {
            return Address::new(store.clone());
        }
        match &self.file.store.url {
            Some(url) if Address::new(url.clone()).scheme().is_some() => match self.server() {
                server if server.is_empty() => Address::new(url.clone()),
                server => Address::new(format!("{url}{}{server}", if url.contains('?') { '&' } else { '?' })),
            },
            Some(url) => Address::new(self.base.join(url).to_string_lossy()),
            None => Address::new("snapshots"),
        }
    }

    /// Signers pinned by the configuration: who may hand out keys, and whose snapshots are believed.
    ///
    /// # Errors
    /// Kind `Usage` when one is malformed.
    pub fn signers(&self) -> Result<Vec<SignerId>> {
        self.file.store.signers.iter().map(|text| text.parse()).collect()
    }

    /// Signers whose snapshots are believed, but who may not hand out keys: capture hosts.
    ///
    /// # Errors
    /// Kind `Usage` when one is malformed.
    pub fn publishers(&self) -> Result<Vec<SignerId>> {
        self.file.store.publishers.iter().map(|text| text.parse()).collect()
    }

    /// `terp.lock`, beside the configuration.
    #[must_use]
    pub fn pins(&self) -> PathBuf {
        self.base.join(PINS)
    }

    /// Your identity: `TERP_FIXTURES_IDENTITY`, `TERP_FIXTURES_IDENTITY_FILE`, configuration, the public identity that a
    /// demo store carries, and last `.terp-fixtures/`. The flag says that it is the public one.
    ///
    /// # Errors
    /// Kind `Usage` when there is none, it is malformed, or its passphrase is missing or wrong.
    pub fn member(&self) -> Result<(Member, bool)> {
        if let Some(opened) = self.opened.get() {
            return Ok(opened.clone());
        }
        let found = self.find_member()?;
        Ok(self.opened.get_or_init(|| found).clone())
    }

    fn find_member(&self) -> Result<(Member, bool)> {
        if let Some(text) = variable("TERP_FIXTURES_IDENTITY") {
            return Ok((member_in(text.expose().as_bytes(), "TERP_FIXTURES_IDENTITY")?, false));
        }
        if let Some(path) = self.named("TERP_FIXTURES_IDENTITY_FILE", self.file.store.identity_file.as_deref()) {
            return Ok((member_of(&path)?, false));
        }
        let public = self.public_identity();
        for (path, is_public) in [(public, true), (self.usual_secret("identity.key"), false)] {
            if path.is_file() {
                return Ok((member_of(&path)?, is_public));
            }
        }
        Err(Error::usage("no identity to open the store with")
            .hint("Set TERP_FIXTURES_IDENTITY_FILE, or make a store of your own with 'terp-fixtures keys init'."))
    }

    /// Where a store that everybody may read carries its identity.
    fn public_identity(&self) -> PathBuf {
        Path::new(self.store().expose()).join("public.identity")
    }

    /// Whether everybody may read the store, whichever identity opens it here.
    #[must_use]
    pub fn is_public(&self) -> bool {
        self.public_identity().is_file()
    }

    /// The masking key: `TERP_FIXTURES_MASK_KEY`, `TERP_FIXTURES_MASK_KEY_FD` (the number of an open file descriptor),
    /// `TERP_FIXTURES_MASK_KEY_FILE`, configuration, `.terp-fixtures/`.
    ///
    /// # Errors
    /// Kind `Usage` when there is none or it is malformed.
    pub fn master_key(&self) -> Result<MasterKey> {
        if let Some(text) = variable("TERP_FIXTURES_MASK_KEY") {
            return MasterKey::parse(&text);
        }
        if let Some(number) = std::env::var("TERP_FIXTURES_MASK_KEY_FD").ok().filter(|text| !text.trim().is_empty()) {
            return MasterKey::parse(&descriptor("TERP_FIXTURES_MASK_KEY_FD", &number)?);
        }
        let usual = self.usual_secret("mask.key");
        let named = self.named("TERP_FIXTURES_MASK_KEY_FILE", self.file.masking.key_file.as_deref());
        match named.or_else(|| usual.is_file().then_some(usual)) {
            Some(path) => MasterKey::parse(&secret_file(&path)?),
            None => Err(Error::usage("no masking key")
                .hint("Set TERP_FIXTURES_MASK_KEY_FILE, or make a key with 'terp-fixtures keys init'.")),
        }
    }

    /// A secret's file as the environment or the configuration names it.
    fn named(&self, variable: &str, configured: Option<&Path>) -> Option<PathBuf> {
        let said = std::env::var_os(variable).filter(|path| !path.is_empty()).map(PathBuf::from);
        said.or_else(|| configured.map(|path| self.base.join(path)))
    }

    /// Where `keys init` puts a secret when nothing else is said.
    #[must_use]
    pub fn usual_secret(&self, name: &str) -> PathBuf {
        self.base.join(SECRETS).join(name)
    }

    /// Where the journals of interrupted captures lie: beside the secrets where there is such a folder, else with what else the
    /// user's programs keep. None where everybody can open the store, and so a journal that is closed with its identity.
    #[must_use]
    pub fn journal(&self) -> Option<PathBuf> {
        if self.is_public() {
            return None;
        }
        let secrets = self.base.join(SECRETS);
        if secrets.is_dir() {
            return Some(secrets.join("journal"));
        }
        let folder = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
        let state = folder("XDG_STATE_HOME").or_else(|| Some(folder("HOME")?.join(".local/state")));
        state.map(|state| state.join("terp-fixtures/journal"))
    }

    /// The policy file: argument or configuration, looked for as it is and in `policies/`.
    ///
    /// # Errors
    /// Kind `Usage` when none is named or it cannot be found.
    pub fn policy(&self, named: Option<&Path>) -> Result<PathBuf> {
        let configured = self.file.capture.policy.as_ref().map(|path| shortened(self.base.join(path)));
        let Some(path) = named.map(Path::to_owned).or(configured) else {
            return Err(Error::usage("no policy is named").hint("Add --policy FILE, for example --policy pii.toml."));
        };
        let beside = Path::new("policies").join(&path);
        [path.clone(), beside].into_iter().find(|path| path.is_file()).ok_or_else(|| {
            Error::usage(format!("the policy {} is not here and not in policies/", path.display()))
                .hint("Check the name after --policy.")
        })
    }

    /// The profile of made-up rows: argument or configuration, looked for as it is, in `policies/profiles/`, with `.toml` behind it, and
    /// among those that are built in. None where nobody names one.
    ///
    /// # Errors
    /// Kind `Usage` when it cannot be found or read, or is no profile.
    pub fn profile(&self, named: Option<&Path>) -> Result<Option<Profile>> {
        let configured = self.file.generate.profile.as_ref().map(|path| shortened(self.base.join(path)));
        let Some(path) = named.map(Path::to_owned).or(configured) else { return Ok(None) };
        let mut with_ending = path.clone().into_os_string();
        with_ending.push(".toml");
        let with_ending = PathBuf::from(with_ending);
        let beside = Path::new("policies/profiles");
        let places = [path.clone(), beside.join(&path), with_ending.clone(), beside.join(&with_ending)];
        if let Some(found) = places.iter().find(|path| path.is_file()) {
            let mut profile = Profile::parse(&found.display().to_string(), &read_beside(found, "the profile")?)?;
            for file in profile.files() {
                let list = found.with_file_name(&file);
                profile.supply(&file, &read_beside(&list, "the list")?);
            }
            return Ok(Some(profile));
        }
        let name = path.to_string_lossy();
        let name = name.strip_suffix(".toml").unwrap_or(&name);
        match BUILT_IN.iter().find(|(known, _)| *known == name) {
            Some((known, text)) => Profile::parse(&format!("{known}.toml"), text).map(Some),
            None => {
                Err(Error::usage(format!("the profile {} is not here and not in policies/profiles/", path.display()))
                    .hint(built_in_hint()))
            }
        }
    }

    /// Who decides what the lock records: argument or configuration.
    #[must_use]
    pub fn reviewer(&self, named: Option<&str>) -> Option<String> {
        named.or(self.file.review.by.as_deref()).map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned)
    }

    /// What it takes to be approved in an environment, and whether that is required there.
    #[must_use]
    pub fn approval(&self, environment: &str) -> (Rules, bool) {
        let said = &self.file.approval;
        let nothing = ApprovalEnvironment::default();
        let here = match environment {
            "dev" => &said.environments.dev,
            "staging" => &said.environments.staging,
            "production" => &said.environments.production,
            _ => &nothing,
        };
        let rules = Rules {
            required: here.required.or(said.required).unwrap_or(1),
            roles: here.roles.clone().unwrap_or_else(|| said.roles.clone()),
            max_days: said.max_days.map_or(Rules::default().max_days, i64::from),
            accept_stronger: said.stronger == Stronger::Accept,
        };
        (rules, here.require.unwrap_or(said.require))
    }

    /// Who may approve: the file that is named, the configured one, or `approvers` beside the policy or the configuration.
    ///
    /// # Errors
    /// Kind `Usage` where a named file cannot be read.
    pub fn approvers(&self, named: Option<&Path>, policy: Option<&Path>) -> Result<Option<Signers>> {
        let configured = self.file.approval.signers.as_ref().map(|path| self.base.join(path));
        let beside = policy.map(|policy| policy.with_file_name(APPROVERS));
        let usual = [beside, Some(self.base.join(APPROVERS))].into_iter().flatten().find(|path| path.is_file());
        let Some(path) = named.map(Path::to_owned).or(configured).or(usual) else { return Ok(None) };
        let text = std::fs::read_to_string(&path).map_err(|error| {
            Error::usage(format!("cannot read the approvers {}", path.display()))
                .caused_by(error)
                .hint("It is a file of allowed signers, as ssh-keygen reads it: a name and a public key on each line.")
        })?;
        Ok(Some(Signers::parse(&path.display().to_string(), &text)))
    }

    /// The policy that the configuration names, if it is there.
    #[must_use]
    pub fn configured_policy(&self) -> Option<PathBuf> {
        self.policy(None).ok()
    }

    /// The passphrase of the SSH key that approves: `TERP_FIXTURES_SSH_PASSPHRASE`, or the file descriptor
    /// `TERP_FIXTURES_SSH_PASSPHRASE_FD`.
    ///
    /// # Errors
    /// Kind `Usage` when the descriptor cannot be read.
    pub fn passphrase() -> Result<Option<SecretText>> {
        passphrase("TERP_FIXTURES_SSH_PASSPHRASE", "TERP_FIXTURES_SSH_PASSPHRASE_FD")
    }

    /// The passphrase for a new identity: as for one that is there, but typed twice on a terminal.
    ///
    /// # Errors
    /// Kind `Usage` when there is none, or two different ones are typed.
    pub fn new_passphrase() -> Result<SecretText> {
        if let Some(given) = identity_passphrase()? {
            return Ok(given);
        }
        if !on_terminal() {
            return Err(Error::usage("no passphrase for the new identity")
                .hint("Set TERP_FIXTURES_PASSPHRASE_FD or TERP_FIXTURES_PASSPHRASE, or run this on a terminal."));
        }
        let typed = asked("Passphrase of the new identity: ")?;
        if asked("Again: ")?.expose() == typed.expose() {
            return Ok(typed);
        }
        Err(Error::usage("the two passphrases differ").hint("Nothing was written; try again."))
    }

    /// The environment whose masks apply: argument, configuration, `dev`.
    #[must_use]
    pub fn environment(&self, named: Option<&str>) -> String {
        named.or(self.file.capture.environment.as_deref()).unwrap_or("dev").to_owned()
    }

    /// How rows in a target of `environment` are marked: argument, `[restore.environments]`, `[restore]`, columns.
    #[must_use]
    pub fn marker(&self, named: Option<Marker>, environment: &str) -> Marker {
        self.file.restore.marker(named, environment)
    }

    /// What the configuration says that targets are.
    ///
    /// # Errors
    /// Kind `Usage` where there is no such environment.
    pub fn target_environment(&self) -> Result<Option<&str>> {
        let said = self.file.target.environment.as_deref();
        match said.filter(|name| !ENVIRONMENTS.contains(name)) {
            None => Ok(said),
            Some(unknown) => {
                Err(Error::usage(format!("[target] has an unknown environment {}", unknown.escape_debug()))
                    .hint(format!("The environments are {}.", ENVIRONMENTS.join(", "))))
            }
        }
    }

    /// The host that templates and clones lie on: argument, `TERP_FIXTURES_SERVER`, configuration, and for snapshots of SQLite a folder
    /// among the user's caches.
    ///
    /// # Errors
    /// Kind `Usage` where none is named and the snapshot needs a server.
    pub fn isolation_server(&self, named: Option<&str>, snapshot: Option<EngineKind>) -> Result<Address> {
        if let Some(server) = self.named_server(named) {
            return Ok(server);
        }
        let usual =
            caches().map(|folder| Address::new(format!("sqlite:{}", folder.join("terp-fixtures/isolated").display())));
        usual.filter(|_| snapshot == Some(EngineKind::Sqlite)).ok_or_else(|| {
            Error::usage("no server is named to make databases on").hint(
                "Add --server URL, set TERP_FIXTURES_SERVER, or write server = \"…\" into [isolation] of terp-fixtures.toml. \
                 sqlite:FOLDER takes what SQLite can hold of any snapshot.",
            )
        })
    }

    /// The same where somebody says it: argument, `TERP_FIXTURES_SERVER`, configuration.
    #[must_use]
    pub fn named_server(&self, named: Option<&str>) -> Option<Address> {
        let said = variable("TERP_FIXTURES_SERVER").map(|text| text.expose().trim().to_owned());
        if let Some(said) = named.map(str::to_owned).or(said) {
            return Some(Address::new(said));
        }
        let configured = self.file.isolation.server.as_ref()?;
        Some(Address::new(match configured.strip_prefix("sqlite:") {
            Some(path) => format!("sqlite:{}", self.base.join(path.strip_prefix("//").unwrap_or(path)).display()),
            None => configured.clone(),
        }))
    }

    /// How many templates and clones there may be on a host.
    ///
    /// # Errors
    /// Kind `Usage` where it is none.
    pub fn isolation_limits(&self) -> Result<Limits> {
        let IsolationSection { clones, templates, .. } = self.file.isolation;
        if clones == Some(0) || templates == Some(0) {
            return Err(Error::usage("[isolation]: clones and templates are 1 or more"));
        }
        Ok(Limits { clones, templates })
    }

    /// Whether a reset puts counters back also where that is slow.
    #[must_use]
    pub fn exact_ids(&self) -> bool {
        self.file.isolation.exact_ids
    }

    /// After how many days a snapshot of `environment` expires: argument, `[retention.environments]`, `[retention]`, never.
    ///
    /// # Errors
    /// Kind `Usage` when the configuration names an environment that there is not, or no number of days that could be.
    pub fn retention(&self, named: Option<u32>, environment: &str) -> Result<Option<u32>> {
        let RetentionSection { days, environments } = &self.file.retention;
        if let Some(unknown) = environments.keys().find(|name| !ENVIRONMENTS.contains(&name.as_str())) {
            return Err(Error::usage(format!("[retention.environments] has no {}", unknown.escape_debug()))
                .hint(format!("The environments are {}.", ENVIRONMENTS.join(", "))));
        }
        let chosen = named.or_else(|| environments.get(environment).copied()).or(*days);
        if chosen.is_some_and(|days| !(1..=36_500).contains(&days)) {
            return Err(Error::usage("[retention]: days are 1 to 36500"));
        }
        Ok(chosen)
    }

    /// Who acts, for the audit trail, as user and machine say: `TERP_FIXTURES_ACTOR`, configuration, the system's name of the
    /// user; and the machine's name.
    #[must_use]
    pub fn actor(&self) -> (String, String) {
        let variable = |name: &&str| std::env::var(name).ok().filter(|text| !text.trim().is_empty());
        let named = variable(&"TERP_FIXTURES_ACTOR").or_else(|| self.file.audit.actor.clone());
        let user = || ["USER", "LOGNAME", "USERNAME"].iter().find_map(variable);
        let files = ["/proc/sys/kernel/hostname", "/etc/hostname"];
        let machine = files.iter().find_map(|path| std::fs::read_to_string(path).ok());
        let machine = machine.or_else(|| ["HOSTNAME", "COMPUTERNAME"].iter().find_map(variable));
        let plain = |text: Option<String>| -> String {
            let text = text.unwrap_or_else(|| "unknown".to_owned());
            text.trim().chars().filter(|c| !c.is_control()).take(100).collect()
        };
        (plain(named.or_else(user)), plain(machine))
    }

    /// How rows go into tables of another shape in an environment.
    ///
    /// # Errors
    /// Kind `Usage` when a value is none, with its line.
    pub fn restore_map(&self, environment: &str) -> Result<Map> {
        let (name, text) = &self.written;
        self.file.restore.map(environment, &Written { name, text })
    }

    /// Whether a target's audit chain stays there when the last run goes.
    #[must_use]
    pub fn keeps_audit_in_target(&self) -> bool {
        self.file.audit.keep_in_target
    }
}

/// Where the user's programs keep what they can make anew.
fn caches() -> Option<PathBuf> {
    let folder = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let home = |below: &str| Some(folder("HOME")?.join(below));
    if cfg!(windows) {
        return folder("LOCALAPPDATA");
    }
    let usual = if cfg!(target_os = "macos") { "Library/Caches" } else { ".cache" };
    folder("XDG_CACHE_HOME").or_else(|| home(usual))
}

/// A value as a part of an address: what would end it there is written as `%26`.
fn encoded(value: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_.:/[]".contains(c);
    let byte = |byte: u8| if plain(char::from(byte)) { char::from(byte).to_string() } else { format!("%{byte:02X}") };
    value.bytes().map(byte).collect()
}

/// A path below the current folder as it is written there, which is how people and annotations name files.
fn shortened(path: PathBuf) -> PathBuf {
    let here = std::env::current_dir().unwrap_or_default();
    path.strip_prefix(&here).map(Path::to_owned).unwrap_or(path)
}

/// The member whose secret lies in a file.
///
/// # Errors
/// Kind `Usage` when it cannot be read, is malformed, or its passphrase is missing or wrong.
pub fn member_of(path: &Path) -> Result<Member> {
    let bytes = std::fs::read(path).map(Zeroizing::new).map_err(|error| unreadable(path, error))?;
    member_in(&bytes, &path.display().to_string())
}

/// The member whose secret these bytes are; `place` is where they come from.
fn member_in(bytes: &[u8], place: &str) -> Result<Member> {
    let ask = || match identity_passphrase()? {
        None if on_terminal() => asked(&format!("Passphrase of {}: ", place.escape_debug())).map(Some),
        given => Ok(given),
    };
    Member::open(bytes, ask).map_err(|error| error.within(place))
}

fn identity_passphrase() -> Result<Option<SecretText>> {
    passphrase("TERP_FIXTURES_PASSPHRASE", "TERP_FIXTURES_PASSPHRASE_FD")
}

/// A passphrase from a variable, or from the file descriptor that another one numbers.
fn passphrase(plain: &str, number: &str) -> Result<Option<SecretText>> {
    if let Some(text) = variable(plain) {
        return Ok(Some(text));
    }
    let Some(opened) = std::env::var(number).ok().filter(|text| !text.trim().is_empty()) else { return Ok(None) };
    let text = descriptor(number, &opened)?;
    Ok(Some(SecretText::new(text.expose().trim_end_matches(['\r', '\n']).to_owned())))
}

fn on_terminal() -> bool {
    std::io::stdin().is_terminal() && std::io::stderr().is_terminal()
}

/// Asks on the terminal, which does not show what is typed.
///
/// # Errors
/// Kind `Usage` when nothing can be read.
pub fn asked(prompt: &str) -> Result<SecretText> {
    let typed = rpassword::prompt_password(prompt)
        .map_err(|error| Error::usage("no passphrase could be read from the terminal").caused_by(error))?;
    Ok(SecretText::new(typed))
}

/// A secret out of the environment.
fn variable(name: &str) -> Option<SecretText> {
    std::env::var(name).ok().filter(|text| !text.trim().is_empty()).map(SecretText::new)
}

/// What an open file descriptor has to say, up to its end.
fn descriptor(variable: &str, number: &str) -> Result<SecretText> {
    let number: u32 = number.trim().parse().map_err(|_| {
        Error::usage(format!("{variable} is not the number of a file descriptor"))
            .hint(format!("For example: {variable}=3 terp-fixtures ... 3< <(vault read -field=key ...)"))
    })?;
    secret_file(&Path::new("/dev/fd").join(number.to_string()))
}

fn secret_file(path: &Path) -> Result<SecretText> {
    std::fs::read_to_string(path).map(SecretText::new).map_err(|error| unreadable(path, error))
}

fn unreadable(path: &Path, error: std::io::Error) -> Error {
    Error::usage(format!("cannot read the key file {}", path.display()))
        .caused_by(error)
        .hint("Check the path and its permissions.")
}

/// Says where a TOML file is wrong, without repeating its text.
fn malformed(path: &Path, text: &str, error: &toml::de::Error) -> Error {
    let at = error.span().map_or(0, |span| span.start).min(text.len());
    let before = &text[..at];
    let line = before.matches('\n').count() + 1;
    let column = before.chars().rev().take_while(|c| *c != '\n').count() + 1;
    Error::new(Kind::Usage, format!("{}:{line}:{column}: {}", path.display(), error.message()))
        .hint("See docs/configuration.md for every key.")
}

/// The day, and the last day that counts as soon.
#[must_use]
pub fn today() -> Today {
    let now = jiff::Timestamp::now();
    let soon = now.checked_add(jiff::SignedDuration::from_hours(24 * 30)).unwrap_or(now);
    let day = |time: jiff::Timestamp| time.strftime("%Y-%m-%d").to_string();
    Today { date: day(now), soon: day(soon) }
}
