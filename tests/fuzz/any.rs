//! libFuzzer on the target that `FUZZ_TARGET` names.

#![no_main]

use floors::targets::{self, Target};
use std::sync::OnceLock;

static TARGET: OnceLock<&Target> = OnceLock::new();

libfuzzer_sys::fuzz_target!(
    init: {
        let name = std::env::var("FUZZ_TARGET").unwrap_or_default();
        let target = targets::find(&name).unwrap_or_else(|| panic!("FUZZ_TARGET names none of the targets: {name:?}"));
        TARGET.get_or_init(|| target);
    },
    |data: &[u8]| {
        if let Some(target) = TARGET.get() {
            (target.run)(data);
        }
    }
);
