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
    loop {
        let clean = clean_prefix(bytes, |byte| byte <= b'\r' || byte == b'\\', |byte| escapes[usize::from(byte)] != 0);
        out.extend_from_slice(&bytes[..clean]);
        let Some(&byte) = bytes.get(clean) else { return };
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

/// Appends one cell's bytes, unescaped, up to the tab or newline that ends it; gives what follows.
///
/// # Errors
/// What is wrong, when an escape is not one that [`write_escaped`] writes.
pub fn read_escaped<'a>(arena: &mut Vec<u8>, mut text: &'a [u8]) -> std::result::Result<&'a [u8], &'static str> {
    loop {
        let ends = |byte| matches!(byte, b'\t' | b'\n' | b'\\');
        let clean = clean_prefix(text, ends, ends);
        arena.extend_from_slice(&text[..clean]);
        text = &text[clean..];
        let [b'\\', rest @ ..] = text else { return Ok(text) };
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
