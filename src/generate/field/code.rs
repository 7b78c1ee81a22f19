//! What has no meaning but to be different: UUIDs, bytes, bits, digests, tokens and codes.

use super::guard::Guard;
use super::types::Type;
use super::{Field, Made, Row, Spec};
use crate::generate::draw::Draw;
use crate::generate::value::Value;
use std::fmt::Write as _;

/// 64 bits that look like chance and are different for every number.
pub(super) fn scrambled(number: u64) -> u64 {
    Draw::of(number).bits()
}

/// A UUID of version 4.
pub(super) fn uuid(high: u64, low: u64) -> [u8; 16] {
    let bits = (u128::from(high) << 64 | u128::from(low)) & !(0xF << 76) & !(0x3 << 62) | 0x4 << 76 | 0x2 << 62;
    bits.to_be_bytes()
}

/// Bytes as hex digits, with hyphens where a UUID has them.
pub(super) fn uuid_text(bytes: [u8; 16]) -> String {
    let mut out = String::with_capacity(36);
    for (at, byte) in bytes.iter().enumerate() {
        if matches!(at, 4 | 6 | 8 | 10) {
            out.push('-');
        }
        push_hex(*byte, &mut out);
    }
    out
}

pub(super) fn push_hex(byte: u8, out: &mut String) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    out.push(char::from(DIGITS[usize::from(byte >> 4)]));
    out.push(char::from(DIGITS[usize::from(byte & 15)]));
}

/// A UUID whose free bits hold all of `n`.
pub(super) fn nth_uuid(n: u64) -> [u8; 16] {
    // Four bits of a UUID's upper and two of its lower half are fixed, so the number is spread over both.
    let scrambled = scrambled(n);
    let (upper, lower) = (scrambled >> 32, scrambled & 0xFFFF_FFFF);
    let fill = Draw::of(scrambled).bits();
    uuid(upper << 32 | fill >> 32, lower << 16 | fill & 0xFFFF)
}

struct Uuids(Guard);

/// The field of a column of UUIDs.
pub(super) fn of_uuid(spec: &Spec<'_>) -> Box<dyn Field> {
    Box::new(Uuids(Guard::of(spec)))
}

impl Field for Uuids {
    fn make(&self, _: &Row<'_>, draw: &mut Draw) -> Value {
        let mut made = Value::Text(uuid_text(uuid(draw.bits(), draw.bits())));
        for _ in 0..64 {
            if self.0.holds(&made) {
                break;
            }
            made = Value::Text(uuid_text(uuid(draw.bits(), draw.bits())));
        }
        made
    }

    fn capacity(&self) -> u64 {
        if self.0.is_open() { u64::MAX } else { 0 }
    }

    fn nth(&self, n: u64, _: &Row<'_>) -> Value {
        Value::Text(uuid_text(nth_uuid(n)))
    }
}

struct Bytes {
    least: usize,
    most: usize,
    /// Bits that are used, where that is no whole number of bytes.
    bits: Option<u32>,
    /// Whether the bits are spelled as `0` and `1`.
    digits: bool,
    uuid: bool,
}

/// The field of a column of bytes, or bits.
pub(super) fn of_bytes(spec: &Spec<'_>, kind: &Type) -> Made {
    let bytes = match *kind {
        Type::Bits { count, varying, raw } => {
            let count = count.max(1);
            let used = if varying { count.min(32) } else { count };
            let bytes = used.div_ceil(8) as usize;
            Bytes { least: bytes, most: bytes, bits: Some(used), digits: !raw, uuid: false }
        }
        Type::Bytes { room, exact } => {
            let (least, most) = spec.restriction.length;
            let room = (room.min(most.unwrap_or(room))) as usize;
            let floor = least.unwrap_or(0) as usize;
            if floor > room {
                return Err("no bytes of its length keep to its conditions".to_owned());
            }
            let least = if exact { room } else { room.min(16).max(floor) };
            let most = if exact { room } else { room.min(32).max(floor) };
            Bytes { least, most, bits: None, digits: false, uuid: exact && room == 16 }
        }
        _ => return Err("its type holds no bytes".to_owned()),
    };
    Ok(Box::new(bytes))
}

impl Bytes {
    fn free_bits(&self) -> u32 {
        self.bits.unwrap_or(u32::try_from(self.least * 8).unwrap_or(u32::MAX))
    }

    fn spelled(&self, mut bytes: Vec<u8>) -> Value {
        if let (Some(bits), Some(first)) = (self.bits, bytes.first_mut()) {
            // The bits that are used are the last ones.
            *first &= 0xFF_u8 >> ((8 - bits % 8) % 8);
        }
        if !self.digits {
            return Value::Bytes(bytes);
        }
        let all = bytes.iter().fold(String::new(), |mut text, byte| {
            let written = write!(text, "{byte:08b}");
            debug_assert!(written.is_ok());
            text
        });
        let used = all.len() - self.bits.unwrap_or(0) as usize;
        Value::Text(all[used..].to_owned())
    }
}

impl Field for Bytes {
    fn make(&self, _: &Row<'_>, draw: &mut Draw) -> Value {
        if self.uuid {
            return Value::Bytes(uuid(draw.bits(), draw.bits()).to_vec());
        }
        let length = self.least + draw.index(self.most - self.least + 1);
        let mut bytes = Vec::with_capacity(length + 8);
        while bytes.len() < length {
            bytes.extend_from_slice(&draw.bits().to_le_bytes());
        }
        bytes.truncate(length);
        self.spelled(bytes)
    }

    fn capacity(&self) -> u64 {
        if self.uuid { u64::MAX } else { 1_u64.checked_shl(self.free_bits()).unwrap_or(u64::MAX) }
    }

    fn nth(&self, n: u64, _: &Row<'_>) -> Value {
        if self.uuid {
            return Value::Bytes(nth_uuid(n).to_vec());
        }
        // Where there is room the number is scrambled, and stands at the end all the same.
        let number = if self.free_bits() >= 64 { scrambled(n) } else { n };
        let mut bytes = vec![0; self.least.saturating_sub(8)];
        let mut fill = Draw::of(n);
        for byte in &mut bytes {
            *byte = fill.bits().to_le_bytes()[0];
        }
        let end = number.to_be_bytes();
        bytes.extend_from_slice(&end[8 - self.least.min(8)..]);
        self.spelled(bytes)
    }
}
