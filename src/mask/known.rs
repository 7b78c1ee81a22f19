//! What a capture has learned of its own sensitive values, so that free text, JSON and copies without a foreign key say
//! the masked form of a value that some column holds.

use crate::model::batch::Cell;

/// The sensitive values of a capture and their masked forms. Empty unless a mask of the policy asks for it.
#[derive(Debug, Default)]
pub struct Known {}

impl Known {
    /// Nothing is known.
    pub const NOTHING: &'static Self = &Self {};

    /// Whether nothing is known.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        true
    }

    /// Learns the masked form of an original.
    pub fn learn(&mut self, _teaches: super::Teaches, _original: Cell<'_>, _masked: &[u8], _subject: Option<Cell<'_>>) {
    }

    /// The masked form of exactly this value, in any spelling; where several subjects share the value, that of `subject`.
    #[must_use]
    pub fn masked(&self, _value: &[u8], _subject: Option<Cell<'_>>) -> Option<&[u8]> {
        None
    }
}
