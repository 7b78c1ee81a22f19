//! The escapes of COPY text: cells between tabs, rows before newlines.

/// By byte: the letter behind the backslash, or 0 where the byte stands for itself.
pub const COPY_ESCAPES: [u8; 256] = {
    let mut table = MYSQL_ESCAPES;
    table[0x0C] = b'f';
    table[0x0B] = b'v';
    table
};

/// `LOAD DATA` does not know `\f` and `\v`; both may stand raw in either reader.
pub const MYSQL_ESCAPES: [u8; 256] = {
    let mut table = [0; 256];
    table[0x08] = b'b';
    table[b'\n' as usize] = b'n';
    table[b'\r' as usize] = b'r';
    table[b'\t' as usize] = b't';
    table[b'\\' as usize] = b'\\';
    table
};

/// Appends one cell's bytes, escaped.
pub fn write_escaped(out: &mut Vec<u8>, mut bytes: &[u8], escapes: &[u8; 256]) {
    if is_plain(bytes) {
        return out.extend_from_slice(bytes);
    }
    loop {
        let clean = clean_prefix(bytes, |byte| byte <= b'\r' || byte == b'\\', |byte| escapes[usize::from(byte)] != 0);
        out.extend_from_slice(&bytes[..clean]);
        let Some(&byte) = bytes.get(clean) else {
            return;
        };
        out.extend_from_slice(&[b'\\', escapes[usize::from(byte)]]);
        bytes = &bytes[clean + 1..];
    }
}

/// The length of the longest prefix without a byte that `stops`. `maybe` is a cheaper test that holds for every such
/// byte; blocks are tested with it all at once, in a form that compiles to vector instructions.
pub fn clean_prefix(bytes: &[u8], maybe: impl Fn(u8) -> bool, stops: impl Fn(u8) -> bool) -> usize {
    let mut at = 0;
    for block in bytes.chunks(16) {
        let suspicious = match <&[u8; 16]>::try_from(block) {
            Ok(block) => block.iter().fold(false, |found, &byte| found | maybe(byte)),
            Err(_) => true,
        };
        if suspicious && let Some(found) = block.iter().position(|&byte| stops(byte)) {
            return at + found;
        }
        at += block.len();
    }
    at
}

const LOW: u64 = 0x0101_0101_0101_0101;
const HIGH: u64 = 0x8080_8080_8080_8080;

/// The upper bit of each byte of `word` that is `byte`. A byte above such a one may have its bit too; none below has.
const fn equal(word: u64, byte: u8) -> u64 {
    let zeros = word ^ (LOW * byte as u64);
    zeros.wrapping_sub(LOW) & !zeros & HIGH
}

/// Whether no byte needs an escape: none is below 14 or a backslash. Short cells are tested eight bytes at a time.
fn is_plain(bytes: &[u8]) -> bool {
    let plain = |block: &[u8; 8]| {
        let word = u64::from_le_bytes(*block);
        (word.wrapping_sub(LOW * 14) & !word & HIGH) | equal(word, b'\\') == 0
    };
    match bytes.last_chunk() {
        Some(last) => bytes.as_chunks().0.iter().all(plain) && plain(last),
        None => bytes.iter().all(|&byte| byte >= 14 && byte != b'\\'),
    }
}

/// The length of what stands before the first tab, newline or backslash.
fn until_end(text: &[u8]) -> usize {
    let (blocks, rest) = text.as_chunks();
    for (at, block) in blocks.iter().enumerate() {
        let word = u64::from_le_bytes(*block);
        let found = equal(word, b'\t') | equal(word, b'\n') | equal(word, b'\\');
        if found != 0 {
            return at * 8 + found.trailing_zeros() as usize / 8;
        }
    }
    let ends = |byte: &u8| matches!(byte, b'\t' | b'\n' | b'\\');
    blocks.len() * 8 + rest.iter().position(ends).unwrap_or(rest.len())
}

/// Appends one cell's bytes, unescaped, up to the tab or newline that ends it; gives what follows.
///
/// # Errors
/// What is wrong, when an escape is not one that [`write_escaped`] writes.
pub fn read_escaped<'a>(arena: &mut Vec<u8>, mut text: &'a [u8]) -> std::result::Result<&'a [u8], &'static str> {
    loop {
        let clean = until_end(text);
        arena.extend_from_slice(&text[..clean]);
        text = &text[clean..];
        let [b'\\', rest @ ..] = text else {
            return Ok(text);
        };
        let (letter, rest) = rest.split_first().ok_or("the text ends inside an escape")?;
        arena.push(match letter {
            b'b' => 0x08,
            b'f' => 0x0C,
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            b'v' => 0x0B,
            b'\\' => b'\\',
            _ => return Err("an unknown escape"),
        });
        text = rest;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_at_every_place_is_seen() {
        for length in 0..40 {
            for at in 0..length {
                for byte in 0..=255 {
                    // A neighbour that differs in one bit, below and above, must not be taken for it.
                    for neighbour in [byte ^ 1, b'x', 0xFF] {
                        let mut text = vec![neighbour; length];
                        text[at] = byte;
                        let slow = |text: &[u8]| text.iter().position(|byte| b"\t\n\\".contains(byte));
                        assert_eq!(until_end(&text), slow(&text).unwrap_or(length));
                        let plain = text.iter().all(|&byte| byte >= 14 && byte != b'\\');
                        assert_eq!(is_plain(&text), plain, "{text:?}");
                    }
                }
            }
        }
    }

    #[test]
    fn cells_come_back() {
        for text in
            ["", "\\", "a\tb\nc\r\x08\x0b\x0c\\", "seven ..", "exactly sixteen.", "a long text with a \\ at the end \\"]
        {
            let mut written = Vec::new();
            write_escaped(&mut written, text.as_bytes(), &COPY_ESCAPES);
            assert!(!written.iter().any(|byte| b"\t\n\r".contains(byte)));
            written.extend_from_slice(b"\tnext\n");
            let mut read = Vec::new();
            assert_eq!(read_escaped(&mut read, &written).unwrap(), b"\tnext\n");
            assert_eq!(read, text.as_bytes());
        }
    }
}
