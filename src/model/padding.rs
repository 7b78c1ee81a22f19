//! Padmé sizes and the zstd skippable frame that fills an object up to one, so that lengths in a store tell little.
//! Pure arithmetic on lengths and bytes.

/// Magic number of the skippable frame used for padding, as it lies in the file.
pub const SKIPPABLE_MAGIC: [u8; 4] = [0x50, 0x2A, 0x4D, 0x18];

/// Magic number and length field of a skippable frame.
pub const SKIPPABLE_HEADER: usize = 8;

/// The smallest Padmé size that holds `length` bytes: a number whose binary form, as a floating-point number, has no
/// more mantissa bits than its exponent has bits. At most 12 % larger, below 3 % from 8 MiB on.
#[must_use]
pub fn padme(length: u64) -> u64 {
    if length < 2 {
        return length;
    }
    let exponent = u64::from(length.ilog2());
    let mantissa_bits = if exponent == 0 { 0 } else { u64::from(exponent.ilog2()) + 1 };
    let mask = (1_u64 << exponent.saturating_sub(mantissa_bits)) - 1;
    length.saturating_add(mask) & !mask
}

/// The length of `length` bytes of frames after [`pad`].
#[must_use]
pub fn padded(length: u64) -> u64 {
    if padme(length) == length { length } else { padme(length + SKIPPABLE_HEADER as u64) }
}

/// Appends one skippable frame of zeros that brings `frames` to a Padmé size; nothing where it has one.
pub fn pad(frames: &mut Vec<u8>) {
    let length = frames.len() as u64;
    // Padding is a few per cent of an object that fits in memory, so both conversions hold.
    let fill = usize::try_from(padded(length) - length).unwrap_or(0);
    let Some(zeros) = fill.checked_sub(SKIPPABLE_HEADER) else {
        return;
    };
    let Ok(field) = u32::try_from(zeros) else {
        return;
    };
    frames.extend_from_slice(&SKIPPABLE_MAGIC);
    frames.extend_from_slice(&field.to_le_bytes());
    frames.resize(frames.len() + zeros, 0);
}

/// Whether `tail` is empty or exactly one padding frame of zeros.
#[must_use]
pub fn is_padding(tail: &[u8]) -> bool {
    let Some((header, zeros)) = tail.split_first_chunk::<SKIPPABLE_HEADER>() else {
        return tail.is_empty();
    };
    let (magic, field) = header.split_at(SKIPPABLE_MAGIC.len());
    magic == SKIPPABLE_MAGIC
        && u32::try_from(zeros.len()).is_ok_and(|length| field == length.to_le_bytes())
        && zeros.iter().all(|&byte| byte == 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_those_of_the_paper() {
        let sizes: Vec<u64> = [0, 1, 2, 9, 100, 1000, 65_537, 8_388_609].map(padme).to_vec();
        assert_eq!(sizes, [0, 1, 2, 10, 104, 1024, 67_584, 8_650_752]);
    }

    #[test]
    fn padding_reaches_a_padme_size_and_is_recognised() {
        for length in (0..3000).chain([65_535, 65_536, 65_537, 1 << 20, (1 << 20) + 1]) {
            let mut bytes = vec![1; length];
            pad(&mut bytes);
            assert_eq!(bytes.len() as u64, padded(length as u64));
            assert_eq!(padme(bytes.len() as u64), bytes.len() as u64, "{length}");
            assert!(is_padding(&bytes[length..]), "{length}");
            assert!((bytes.len() as u64) < length as u64 + length as u64 / 8 + 24, "{length}");
        }
        assert!(!is_padding(&[0]));
        assert!(!is_padding(&[0x50, 0x2A, 0x4D, 0x18, 1, 0, 0, 0]));
        assert!(!is_padding(&[0x50, 0x2A, 0x4D, 0x18, 0, 0, 0, 0, 0]));
    }
}
