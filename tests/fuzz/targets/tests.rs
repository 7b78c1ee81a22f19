//! The targets over their corpus and over changes of it, always the same ones, so that every run of the ordinary tests is a short
//! run of the fuzzer too.

use super::{TARGETS, Target, find};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Changes that are tried per target, fewer where one takes long.
const CHANGES: usize = 3000;
const LONGEST: Duration = Duration::from_secs(3);

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz").join(name)
}

fn corpus(target: &Target) -> Vec<Vec<u8>> {
    let mut paths: Vec<PathBuf> =
        fs::read_dir(folder("corpus").join(target.name)).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths.iter().map(|path| fs::read(path).unwrap()).collect()
}

/// The words of a dictionary in libFuzzer's form: `"text"` lines with `\"`, `\\` and `\x00` escapes.
fn words(target: &Target) -> Vec<Vec<u8>> {
    let text = fs::read_to_string(folder("dictionaries").join(format!("{}.dict", target.name))).unwrap();
    let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.map(|line| unquoted(line.strip_prefix('"').and_then(|line| line.strip_suffix('"')).unwrap())).collect()
}

fn unquoted(text: &str) -> Vec<u8> {
    let (mut out, mut rest) = (Vec::new(), text.as_bytes());
    while let Some((&byte, after)) = rest.split_first() {
        rest = match (byte, after) {
            (b'\\', [b'x', high, low, after @ ..]) => {
                out.push(u8::from_str_radix(std::str::from_utf8(&[*high, *low]).unwrap(), 16).unwrap());
                after
            }
            (b'\\', [escaped, after @ ..]) => {
                out.push(*escaped);
                after
            }
            _ => {
                out.push(byte);
                after
            }
        };
    }
    out
}

/// Numbers that look random and are always the same (splitmix64).
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        usize::try_from((mixed ^ (mixed >> 31)) % (limit.max(1) as u64)).unwrap()
    }

    fn pick<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        &all[self.below(all.len())]
    }

    /// A stretch of `data`.
    fn stretch(&mut self, data: &[u8]) -> std::ops::Range<usize> {
        let start = self.below(data.len() + 1);
        start..start + self.below((data.len() - start).min(40) + 1)
    }

    /// One change of `data`.
    fn change(&mut self, data: &mut Vec<u8>, seeds: &[Vec<u8>], words: &[Vec<u8>]) {
        let place = self.stretch(data);
        match self.below(7) {
            0 if !data.is_empty() => {
                let at = self.below(data.len());
                data[at] ^= 1 << self.below(8);
            }
            1 if !data.is_empty() => {
                let at = self.below(data.len());
                data[at] = *self.pick(&[0, 0xFF, 0x7F, b'\n', b'"', b'\\', b'-', b'9']);
            }
            2 => data.truncate(place.start),
            3 => drop(data.drain(place)),
            4 => {
                let other = self.pick(seeds).clone();
                let from = self.stretch(&other);
                drop(data.splice(place, other[from].iter().copied()));
            }
            5 => {
                let copy = data[place.clone()].to_vec();
                drop(data.splice(place.start..place.start, copy));
            }
            _ => {
                let word = self.pick(words).clone();
                let end = if self.below(2) == 0 { place.start } else { place.end };
                drop(data.splice(place.start..end, word));
            }
        }
    }
}

/// The corpus, then changes of it; says how many were accepted and refused.
fn tried(name: &str) -> (usize, usize) {
    let target = find(name).unwrap();
    let (seeds, words) = (corpus(target), words(target));
    let mut counts = (0, 0);
    let mut count = |accepted: bool| if accepted { counts.0 += 1 } else { counts.1 += 1 };
    for seed in &seeds {
        count((target.run)(seed));
    }
    let (mut dice, started) = (Dice(20_251_203), Instant::now());
    for _ in 0..CHANGES {
        let mut data = dice.pick(&seeds).clone();
        for _ in 0..=dice.below(4) {
            dice.change(&mut data, &seeds, &words);
        }
        count((target.run)(&data));
        if started.elapsed() > LONGEST {
            break;
        }
    }
    counts
}

macro_rules! targets {
    ($($name:ident),* $(,)?) => {
        /// The names below, to be compared with the table.
        const TRIED: &[&str] = &[$(stringify!($name)),*];
        $(
            #[test]
            fn $name() {
                let (accepted, refused) = tried(stringify!($name));
                assert!(accepted > 0 && refused > 0, "{accepted} accepted, {refused} refused");
            }
        )*
    };
}
targets!(approval, audit, condition, keys, lock, manifest, member, names, object, origins, pack, policy, rows, signed);

#[test]
fn every_target_has_a_test_a_corpus_and_a_dictionary() {
    let targets: BTreeSet<&str> = TARGETS.iter().map(|target| target.name).collect();
    assert_eq!(TRIED.iter().copied().collect::<BTreeSet<_>>(), targets);
    let files = |name: &str| -> BTreeSet<String> {
        let files = fs::read_dir(folder(name)).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
        files.map(|file| file.trim_end_matches(".dict").to_owned()).collect()
    };
    for name in ["corpus", "dictionaries"] {
        assert_eq!(files(name).iter().map(String::as_str).collect::<BTreeSet<_>>(), targets, "{name}");
    }
    for target in TARGETS {
        assert!(
            !words(target).is_empty() && corpus(target).iter().all(|seed| seed.len() <= 16 << 10),
            "{}",
            target.name
        );
    }
}

/// The lean build of the fuzzer must be of the same crates as the program.
#[test]
fn the_fuzzer_has_the_dependencies_of_the_program() {
    let read = |path: &Path| fs::read_to_string(path).unwrap().parse::<toml::Table>().unwrap();
    let program = read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml"));
    let fuzzer = read(&folder("Cargo.toml"));
    for (name, wanted) in fuzzer["dependencies"].as_table().unwrap() {
        assert!(name == "libfuzzer-sys" || program["dependencies"].get(name) == Some(wanted), "{name}");
    }
    let locked = |path: &Path| -> BTreeSet<String> {
        let packages = read(path)["package"].as_array().unwrap().clone();
        packages.iter().map(|package| format!("{} {}", package["name"], package["version"])).collect()
    };
    let program = locked(&Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.lock"));
    let own = ["libfuzzer-sys", "arbitrary", "terp-fixtures-fuzz"];
    for package in locked(&folder("Cargo.lock")) {
        assert!(
            program.contains(&package) || own.iter().any(|name| package.starts_with(&format!("\"{name}\""))),
            "{package}"
        );
    }
}
