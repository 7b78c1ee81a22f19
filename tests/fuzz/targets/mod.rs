//! What is fuzzed: one function per form of bytes that somebody else may have written. Each says whether it accepted them, and
//! panics where a promise is broken: what is accepted comes back after writing it again, what is refused is refused with the
//! right kind of error, and the error does not repeat what was read.
//!
//! `tests/fuzz/run` gives these functions to libFuzzer; the ordinary tests run them over the corpus and changes of it.

mod plain;
mod sealed;
#[cfg(test)]
mod tests;

use crate::error::{Error, Kind};
use data_encoding::HEXLOWER;

/// A form of bytes.
#[derive(Debug)]
pub struct Target {
    /// The name of the target, of its corpus and of its dictionary.
    pub name: &'static str,
    /// Reads the bytes; true where they are accepted.
    pub run: fn(&[u8]) -> bool,
}

/// Every target.
pub const TARGETS: &[Target] = &[
    Target { name: "approval", run: plain::approval },
    Target { name: "audit", run: sealed::audit },
    Target { name: "condition", run: plain::condition },
    Target { name: "keys", run: sealed::keys },
    Target { name: "lock", run: plain::lock },
    Target { name: "manifest", run: sealed::manifest },
    Target { name: "member", run: plain::member },
    Target { name: "names", run: plain::names },
    Target { name: "object", run: sealed::object },
    Target { name: "origins", run: plain::origins },
    Target { name: "pack", run: plain::pack },
    Target { name: "policy", run: plain::policy },
    Target { name: "rows", run: plain::rows },
    Target { name: "signed", run: sealed::signed },
];

/// The target of that name.
#[must_use]
pub fn find(name: &str) -> Option<&'static Target> {
    TARGETS.iter().find(|target| target.name == name)
}

/// A refusal. It must be of one of the kinds, have no control characters that a terminal would obey, and say nothing of what was
/// read but what is in `known` anyway.
fn refused(error: &Error, kinds: &[Kind], read: &[u8], known: &str) -> bool {
    assert!(kinds.contains(&error.kind()), "kind {:?}: {error:?}", error.kind());
    assert!(printable(error.what()), "control characters: {error:?}");
    // Sixteen letters or digits in a row are in no message of ours.
    for window in
        format!("{error:?}").as_bytes().windows(16).filter(|window| window.iter().all(u8::is_ascii_alphanumeric))
    {
        let said = known.as_bytes().windows(16).any(|part| part == window);
        assert!(said || !read.windows(16).any(|part| part == window), "repeats what was read: {error:?}");
    }
    false
}

fn printable(text: &str) -> bool {
    !text.chars().any(|c| c.is_control() && c != '\n')
}

/// Where the rows of a text end.
fn row_ends(text: &[u8]) -> Vec<u32> {
    (1_u32..).zip(text).filter(|(_, byte)| **byte == b'\n').map(|(end, _)| end).collect()
}

/// The start of BLAKE3 of the bytes, as ids are.
fn id_of(bytes: &[u8]) -> String {
    HEXLOWER.encode(&blake3::hash(bytes).as_bytes()[..16])
}
