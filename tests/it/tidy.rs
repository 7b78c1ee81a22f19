//! The repository checks itself: floors, homes of outside crates, doors of the proof types, file heads, changelog.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Every Rust file under `src`, as (path below src with `/`, text without in-file tests).
fn sources() -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    walk(&root().join("src"), &mut |path| {
        let name = path.strip_prefix(root().join("src")).unwrap().to_string_lossy().replace('\\', "/");
        let text = std::fs::read_to_string(path).unwrap();
        let product = without_tests(&text).to_owned();
        found.insert(name, product);
    });
    assert!(found.len() > 30, "the walk found only {} files", found.len());
    found
}

/// A file's text before its in-file tests, which stand at its end.
fn without_tests(text: &str) -> &str {
    let inline =
        |at: &usize| text[*at..].lines().nth(1).is_some_and(|line| line.starts_with("mod ") && line.ends_with('{'));
    let found = text.match_indices("#[cfg(test)]\nmod ").map(|(at, _)| at).find(inline);
    &text[..found.unwrap_or(text.len())]
}

fn walk(folder: &Path, each: &mut dyn FnMut(&Path)) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            walk(&path, each);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            each(&path);
        }
    }
}

/// Files that hold only tests: not part of the product.
fn is_test_file(name: &str) -> bool {
    ["tests.rs", "testing.rs", "suite.rs", "vectors.rs", "mask/golden.rs", "mask/properties.rs"]
        .iter()
        .any(|end| name.ends_with(end))
}

/// The part of the crate a file belongs to, and that part's floor.
fn floor(part: &str) -> Option<u32> {
    Some(match part {
        "model" | "error" | "secret" | "event" => 0,
        "engine" | "mask" | "codec" | "seal" | "check" | "store" | "classify" | "ddl" => 1,
        "policy" | "detect" | "subset" | "generate" | "translate" => 2,
        "run" => 3,
        "cli" | "main" | "lib" | "testing" => 4,
        _ => return None,
    })
}

fn part_of(file: &str) -> &str {
    file.split(['/', '.']).next().unwrap()
}

/// What is wrong with an import of `imported` by `part`, if anything.
fn import_fault(part: &str, imported: &str) -> Option<&'static str> {
    let (Some(own), Some(other)) = (floor(part), floor(imported)) else { return Some("unknown part") };
    if part == imported || part == "lib" || part == "main" {
        return None;
    }
    match own.cmp(&other) {
        std::cmp::Ordering::Less => Some("upward import"),
        std::cmp::Ordering::Equal if (1..=2).contains(&own) => Some("sideways import"),
        _ => None,
    }
}

/// Parts of this crate that a text names by `crate::part`.
fn imports(text: &str) -> Vec<String> {
    let code = text.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n");
    let mut parts: Vec<String> = Vec::new();
    for (at, _) in code.match_indices("crate::") {
        if at > 0 && code.as_bytes()[at - 1].is_ascii_alphanumeric() {
            continue;
        }
        let rest = &code[at + "crate::".len()..];
        match rest.strip_prefix('{') {
            Some(group) => {
                let group = &group[..group.find("};").unwrap_or(group.len())];
                parts.extend(group.split(',').map(|part| name_at(part.trim_start())));
            }
            None => parts.push(name_at(rest)),
        }
    }
    parts.retain(|part| !part.is_empty());
    parts.sort();
    parts.dedup();
    parts
}

fn name_at(text: &str) -> String {
    text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
}

#[test]
fn imports_go_strictly_down() {
    let mut faults = Vec::new();
    for (file, text) in sources().iter().filter(|(file, _)| !is_test_file(file)) {
        let part = part_of(file);
        if floor(part).is_none() {
            faults.push(format!("{file}: belongs to no floor"));
        }
        for imported in imports(text) {
            if let Some(fault) = import_fault(part, &imported) {
                faults.push(format!("{file}: {fault} of crate::{imported}"));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn the_import_check_can_fail() {
    assert_eq!(imports("use crate::{error::Error, run};\nlet x = crate::mask::find();"), ["error", "mask", "run"]);
    assert_eq!(import_fault("codec", "seal"), Some("sideways import"));
    assert_eq!(import_fault("mask", "policy"), Some("upward import"));
    assert_eq!(import_fault("model", "engine"), Some("upward import"));
    assert_eq!(import_fault("elsewhere", "model"), Some("unknown part"));
    assert_eq!(import_fault("run", "codec"), None);
}

/// The home of each outside crate: the folders or files that may name it.
const HOMES: &[(&str, &[&str])] = &[
    ("aes", &["mask/ff1.rs", "mask/permute.rs", "mask/ip.rs"]),
    ("age", &["seal/"]),
    ("age_core", &["seal/"]),
    ("aws_config", &["store/s3"]),
    ("aws_sdk_s3", &["store/s3"]),
    ("aws_smithy_http_client", &["store/s3"]),
    ("bincode", &["codec/journal"]),
    (
        "blake3",
        &[
            "codec/",
            "seal/",
            "mask/",
            "model/digest.rs",
            "engine/sqlite/connect.rs",
            "engine/network.rs",
            "policy/",
            "generate/draw.rs",
            "generate/profile/read.rs",
            "run/",
        ],
    ),
    ("clap", &["cli/"]),
    ("clap_complete", &["cli/"]),
    ("clap_mangen", &["cli/"]),
    ("crossbeam_channel", &["run/pipeline.rs"]),
    ("ctrlc", &["cli/"]),
    (
        "data_encoding",
        &[
            "codec/",
            "seal/",
            "mask/",
            "store/",
            "engine/network.rs",
            "engine/script.rs",
            "engine/sql.rs",
            "engine/postgres/write.rs",
            "translate/",
            "subset/",
            "run/",
        ],
    ),
    ("ed25519_dalek", &["seal/"]),
    ("fake", &["mask/dictionary"]),
    ("futures_util", &["engine/postgres/", "engine/mysql/"]),
    ("getrandom", &["seal/", "store/", "mask/key.rs", "engine/network.rs", "run/"]),
    ("http_body_util", &["run/isolate/serve/"]),
    ("hyper", &["run/isolate/serve/"]),
    ("hyper_util", &["run/isolate/serve/"]),
    ("indicatif", &["cli/"]),
    ("jiff", &["mask/", "engine/sqlite/lock.rs", "policy/statement.rs", "run/", "cli/"]),
    ("memchr", &["mask/"]),
    ("mysql_async", &["engine/mysql/"]),
    ("quick_xml", &["mask/xml"]),
    ("regex", &["mask/", "policy/checks.rs", "generate/"]),
    ("regex_syntax", &["generate/field/pattern.rs"]),
    ("rpassword", &["cli/"]),
    ("rusqlite", &["engine/sqlite/"]),
    ("rustix", &["cli/", "store/folder/probe.rs"]),
    (
        "serde",
        &[
            "model/",
            "codec/",
            "seal/",
            "policy/",
            "run/isolate/",
            "run/ledger.rs",
            "run/marking.rs",
            "run/parallel/place.rs",
            "run/review/",
            // What the pool's server and its clients say to each other.
            "run/isolate/client.rs",
            "run/isolate/serve/",
            "cli/",
            "mask/command.rs",
        ],
    ),
    (
        "serde_json",
        &[
            "mask/command.rs",
            "codec/",
            "generate/sample/",
            "generate/cell.rs",
            // What conditions ask of JSON.
            "generate/check/",
            "generate/profile/json_schema.rs",
            "run/import/cells.rs",
            "engine/postgres/catalog.rs",
            "seal/",
            "run/isolate/",
            "run/ledger.rs",
            // Lines in a staging place, as those of the ledger in a target.
            "run/parallel/place.rs",
            "run/isolate/client.rs",
            "run/isolate/serve/",
            "policy/json_schema.rs",
            "cli/",
        ],
    ),
    ("sha2", &["policy/statement.rs", "seal/"]),
    ("siphasher", &["codec/", "mask/leak", "run/closure/sides.rs"]),
    ("signal_hook", &["cli/commands/exec/"]),
    ("sqlparser", &["policy/condition.rs", "policy/checks.rs", "ddl/", "generate/"]),
    ("sqlx", &["engine/postgres/"]),
    ("ssh_key", &["seal/ssh.rs", "seal/ssh_age.rs"]),
    ("tokio", &["engine/network.rs", "engine/postgres/", "engine/mysql/", "store/s3", "run/isolate/serve/"]),
    ("toml", &["policy/", "generate/profile/tree.rs", "cli/"]),
    ("tracing", &["cli/"]),
    ("tracing_appender", &["cli/"]),
    ("tracing_subscriber", &["cli/"]),
    ("unicode_normalization", &["mask/", "generate/make/keys.rs"]),
    ("x25519_dalek", &["seal/"]),
    ("zeroize", &["secret.rs", "seal/", "mask/", "cli/settings.rs"]),
    ("zstd", &["codec/", "seal/"]),
];

/// Whether code names an outside crate as a path (`age::...`) that is not part of a longer one.
fn names_crate(text: &str, name: &str) -> bool {
    let needle = format!("{name}::");
    text.lines().filter(|line| !line.trim_start().starts_with("//")).any(|line| {
        line.match_indices(&needle).any(|(at, _)| {
            let before = line[..at].chars().next_back();
            !before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == ':')
        })
    })
}

#[test]
fn outside_crates_stay_at_home() {
    let mut faults = Vec::new();
    for (file, text) in sources().iter().filter(|(file, _)| !is_test_file(file)) {
        for (name, homes) in HOMES {
            if names_crate(text, name) && !homes.iter().any(|home| file.starts_with(home)) {
                faults.push(format!("{file}: uses {name}, whose home is {}", homes.join(", ")));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn every_dependency_has_a_home() {
    let manifest: toml::Table = std::fs::read_to_string(root().join("Cargo.toml")).unwrap().parse().unwrap();
    let dependencies = manifest["dependencies"].as_table().unwrap();
    for name in dependencies.keys() {
        let module = name.replace('-', "_");
        assert!(HOMES.iter().any(|(known, _)| *known == module), "{name} has no home in HOMES");
        assert!(
            sources().values().any(|text| names_crate(text, &module) || text.contains(&format!("use {module}"))),
            "{name} is a dependency that nothing uses"
        );
    }
    assert!(names_crate("let x = age::x25519::Identity::generate();", "age"));
    assert!(!names_crate("storage::open()", "age"));
}

/// Who may vouch for each proof type.
const DOORS: &[(&str, &[&str])] = &[
    ("Invented::vouch", &["generate/", "run/import"]),
    ("Masked::vouch", &["mask/", "codec/", "translate/"]),
    ("Encoded::vouch", &["codec/"]),
    ("Packed::vouch", &["codec/", "seal/"]),
    ("Sealed::vouch", &["seal/", "store/"]),
    ("Checked::vouch", &["check.rs"]),
];

#[test]
fn proof_types_are_made_only_behind_their_doors() {
    let mut faults = Vec::new();
    for (door, homes) in DOORS {
        let users: Vec<String> = sources()
            .iter()
            .filter(|(file, text)| {
                !is_test_file(file)
                    && text.lines().any(|line| line.contains(door) && !line.trim_start().starts_with("//"))
            })
            .map(|(file, _)| file.clone())
            .collect();
        assert!(!users.is_empty(), "{door} is used nowhere: is the check still looking for the right name?");
        faults.extend(
            users
                .iter()
                .filter(|file| !homes.iter().any(|home| file.starts_with(home)))
                .map(|file| format!("{file}: {door}")),
        );
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn every_file_says_what_it_is() {
    for (file, text) in sources() {
        assert!(text.starts_with("//! "), "src/{file} does not open with a //! sentence");
    }
}

#[test]
fn the_changelog_names_this_version() {
    let changelog = std::fs::read_to_string(root().join("docs/CHANGELOG.md")).unwrap();
    let version = env!("CARGO_PKG_VERSION");
    assert!(
        changelog.contains("## Unreleased") || changelog.contains(&format!("## {version}")),
        "no section for {version}"
    );
}

#[test]
fn nothing_in_the_product_prints_or_panics() {
    let banned =
        ["println!(", "eprintln!(", ".unwrap()", ".expect(", "panic!(", "todo!(", "unimplemented!(", "unreachable!("];
    let mut faults = Vec::new();
    for (file, text) in sources().iter().filter(|(file, _)| !is_test_file(file)) {
        for (number, line) in text.lines().enumerate().filter(|(_, line)| !line.trim_start().starts_with("//")) {
            faults.extend(
                banned
                    .iter()
                    .filter(|word| line.contains(**word))
                    .map(|word| format!("src/{file}:{}: {word}", number + 1)),
            );
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}
