//! `blob`: a placeholder file of the same kind.

use super::prelude::*;
use data_encoding::HEXLOWER;

/// One grey pixel.
const PNG: &[u8] = &[
    0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A, 0x00, 0x00, 0x00, 0x0D, 0x49, 0x48, 0x44, 0x52, 0x00, 0x00, 0x00,
    0x01, 0x00, 0x00, 0x00, 0x01, 0x08, 0x00, 0x00, 0x00, 0x00, 0x3A, 0x7E, 0x9B, 0x55, 0x00, 0x00, 0x00, 0x0A, 0x49,
    0x44, 0x41, 0x54, 0x78, 0xDA, 0x63, 0x68, 0x00, 0x00, 0x00, 0x82, 0x00, 0x81, 0xDA, 0x45, 0x08, 0x3B, 0x00, 0x00,
    0x00, 0x00, 0x49, 0x45, 0x4E, 0x44, 0xAE, 0x42, 0x60, 0x82,
];
/// One grey pixel.
const GIF: &[u8] = &[
    0x47, 0x49, 0x46, 0x38, 0x39, 0x61, 0x01, 0x00, 0x01, 0x00, 0x80, 0x00, 0x00, 0x80, 0x80, 0x80, 0xFF, 0xFF, 0xFF,
    0x2C, 0x00, 0x00, 0x00, 0x00, 0x01, 0x00, 0x01, 0x00, 0x00, 0x02, 0x02, 0x44, 0x01, 0x00, 0x3B,
];
/// One grey pixel: the parts of a baseline JPEG, of which the quantisation table is all sixteens.
const JPEG_HEAD: &[u8] = b"\xFF\xD8\xFF\xE0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00\xFF\xDB\x00\x43\x00";
const JPEG_TAIL: &[u8] = b"\xFF\xC0\x00\x0B\x08\x00\x01\x00\x01\x01\x01\x11\x00\
    \xFF\xC4\x00\x14\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\
    \xFF\xC4\x00\x14\x10\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\
    \xFF\xDA\x00\x08\x01\x01\x00\x00\x3F\x00\x3F\xFF\xD9";
/// One empty page.
const PDF: &[u8] = b"%PDF-1.4\n\
    1 0 obj\n<< /Type /Catalog /Pages 2 0 R >>\nendobj\n\
    2 0 obj\n<< /Type /Pages /Kids [3 0 R] /Count 1 >>\nendobj\n\
    3 0 obj\n<< /Type /Page /Parent 2 0 R /MediaBox [0 0 72 72] >>\nendobj\n\
    xref\n0 4\n0000000000 65535 f \n0000000009 00000 n \n0000000058 00000 n \n0000000115 00000 n \n\
    trailer\n<< /Size 4 /Root 1 0 R >>\nstartxref\n184\n%%EOF\n";

pub(super) static DEFINITION: Definition = Definition {
    name: "blob",
    about: "Replaces binary data with a tiny valid PNG, JPEG, GIF or PDF where the original is one, and with zero bytes otherwise; nothing of the original is taken over.",
    params: &[Param {
        name: "length",
        about: "How many zero bytes.",
        kind: ParamKind::Integer(1, 1_048_576),
        default: "16",
    }],
    accepts: &[Family::Blob],
    strength: Strength::Partial,
    scan: |_| Scan::Never,
    build,
    examples: &[
        Example::plain("\\x0102030405060708"),
        Example { params: || vec![("length", Value::Integer(4))], cell: "0x0102030405060708" },
    ],
    could_write: Some(|_, text| {
        let bytes = Spelling::of(text.as_bytes())
            .and_then(|(_, hex)| HEXLOWER.decode(hex.to_ascii_lowercase().as_slice()).ok());
        let bytes = bytes.unwrap_or_else(|| text.as_bytes().to_vec());
        let file = placeholder(&bytes).unwrap_or_default();
        bytes.strip_prefix(file.as_slice()).is_some_and(|rest| rest.iter().all(|byte| *byte == 0))
    }),
    sample: |number| format!("\\x{number:016x}{:016x}", number.wrapping_mul(0x9E37_79B9_7F4A_7C15)),
    ..Definition::BASE
};

/// How a server spells binary data.
#[derive(Clone, Copy)]
enum Spelling {
    Raw,
    /// `\x` (PostgreSQL) or `0x` (MySQL) and hex digits.
    Hex(&'static [u8]),
}

impl Spelling {
    /// The spelling of a cell that came as text, and its hex digits.
    fn of(text: &[u8]) -> Option<(Self, &[u8])> {
        let (prefix, hex): (&'static [u8], _) = match text {
            [b'\\', b'x', hex @ ..] => (b"\\x", hex),
            [b'0', b'x', hex @ ..] => (b"0x", hex),
            _ => return None,
        };
        hex.iter().all(u8::is_ascii_hexdigit).then_some((Self::Hex(prefix), hex))
    }
}

struct Blob {
    length: usize,
    room: usize,
}

#[expect(clippy::unnecessary_wraps, reason = "the signature of every mask's build")]
fn build(site: &Site, params: &Params) -> Result<Box<dyn Mask>> {
    Ok(Box::new(Blob { length: params.size("length").unwrap_or(16), room: site.room() }))
}

impl Mask for Blob {
    fn mask(&self, cell: Cell<'_>, _: &Row<'_>, out: &mut Vec<u8>) -> Written {
        let (spelling, file) = match cell.kind {
            CellKind::Blob => (Spelling::Raw, placeholder(cell.bytes)),
            CellKind::Text => {
                let (spelling, hex) = Spelling::of(cell.bytes).ok_or(Misfit("the cell is text, not binary data"))?;
                // The kind shows in the first bytes.
                let head = hex.get(..hex.len().min(16) & !1).unwrap_or_default().to_ascii_lowercase();
                (spelling, HEXLOWER.decode(&head).ok().and_then(|head| placeholder(&head)))
            }
            CellKind::Null | CellKind::Integer | CellKind::Real => {
                return Err(Misfit("the cell is not binary data"));
            }
        };
        // What a column takes is held against the spelling, so the digits count.
        let room = match spelling {
            Spelling::Raw => self.room,
            Spelling::Hex(prefix) => self.room.saturating_sub(prefix.len()) / 2,
        };
        let zeros = vec![0; self.length];
        let mut bytes = file.filter(|file| file.len() < room).unwrap_or(zeros);
        bytes.truncate(room);
        for _ in 0..2 {
            let start = out.len();
            match spelling {
                Spelling::Raw => out.extend_from_slice(&bytes),
                Spelling::Hex(prefix) => {
                    out.extend_from_slice(prefix);
                    out.extend_from_slice(HEXLOWER.encode(&bytes).as_bytes());
                }
            }
            if !out[start..].eq_ignore_ascii_case(cell.bytes) && !bytes.is_empty() {
                return Ok(cell.kind);
            }
            // The original is the placeholder itself: one zero more, which readers of files pass over, or one less.
            out.truncate(start);
            if bytes.len() < room {
                bytes.push(0);
            } else {
                bytes.pop();
            }
        }
        Err(Misfit("the column is too short for a placeholder that is not the original"))
    }
}

/// The smallest file of the kind that begins as `bytes` do.
fn placeholder(bytes: &[u8]) -> Option<Vec<u8>> {
    let is = |magic: &[u8]| bytes.starts_with(magic);
    if is(b"\x89PNG") {
        Some(PNG.to_vec())
    } else if is(b"\xFF\xD8\xFF") {
        Some([JPEG_HEAD, &[16; 64], JPEG_TAIL].concat())
    } else if is(b"GIF8") {
        Some(GIF.to_vec())
    } else if is(b"%PDF") {
        Some(PDF.to_vec())
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn masked(length: i64, room: Option<u32>, cell: Cell<'_>) -> std::result::Result<Vec<u8>, Misfit> {
        let params = Params::new(&DEFINITION, [("length".to_owned(), Value::Integer(length))]).unwrap();
        let mask = build(&Site { max_chars: room, ..Site::for_tests("") }, &params).unwrap();
        let mut out = Vec::new();
        assert_eq!(mask.mask(cell, &Row::NONE, &mut out)?, cell.kind);
        Ok(out)
    }

    fn raw(bytes: &[u8]) -> Cell<'_> {
        Cell { kind: CellKind::Blob, bytes }
    }

    #[test]
    fn files_become_the_smallest_of_their_kind() {
        for magic in [&b"\x89PNG"[..], b"\xFF\xD8\xFF", b"GIF8", b"%PDF"] {
            let original = [magic, b"9a Maria Garcia"].concat();
            let file = masked(16, None, raw(&original)).unwrap();
            assert!(file.starts_with(magic) && file.len() < 600);
            let hex = format!("0x{}", HEXLOWER.encode(&original).to_uppercase());
            let spelled = masked(16, None, Cell::text(&hex)).unwrap();
            assert_eq!(spelled, format!("0x{}", HEXLOWER.encode(&file)).into_bytes());
            assert!((DEFINITION.could_write.unwrap())(&Params::default(), std::str::from_utf8(&spelled).unwrap()));
            // Masked again it is another file of the kind.
            let again = masked(16, None, raw(&file)).unwrap();
            assert!(again.starts_with(&file) && again.len() == file.len() + 1);
        }
    }

    #[test]
    fn the_files_are_well_formed() {
        // CRC-32 of each chunk of the PNG, reckoned bit by bit.
        let crc = |bytes: &[u8]| {
            !bytes.iter().fold(!0_u32, |crc, byte| {
                (0..8).fold(
                    crc ^ u32::from(*byte),
                    |crc, _| {
                        if crc & 1 == 1 { crc >> 1 ^ 0xEDB8_8320 } else { crc >> 1 }
                    },
                )
            })
        };
        let mut rest = &PNG[8..];
        let mut chunks = Vec::new();
        while let Some((length, body)) = rest.split_first_chunk::<4>() {
            let end = 4 + u32::from_be_bytes(*length) as usize;
            assert_eq!(crc(&body[..end]).to_be_bytes(), body[end..end + 4]);
            chunks.push(&body[..4]);
            rest = &body[end + 4..];
        }
        assert_eq!(chunks, [b"IHDR", b"IDAT", b"IEND"]);
        // Every segment of the JPEG ends where the next one begins.
        let jpeg = placeholder(b"\xFF\xD8\xFF").unwrap();
        let (mut at, mut segments) = (2, Vec::new());
        while segments.last() != Some(&0xDA) {
            assert_eq!(jpeg[at], 0xFF);
            segments.push(jpeg[at + 1]);
            at += 2 + usize::from(u16::from_be_bytes([jpeg[at + 2], jpeg[at + 3]]));
        }
        assert_eq!(segments, [0xE0, 0xDB, 0xC0, 0xC4, 0xC4, 0xDA]);
        assert_eq!(jpeg[at..], [0x3F, 0xFF, 0xD9]);
        assert_eq!((&GIF[..6], GIF.last()), (&b"GIF89a"[..], Some(&b';')));
        // The table of the PDF points at its objects, and its end at the table.
        let pdf = std::str::from_utf8(PDF).unwrap();
        let table = pdf.find("xref\n").unwrap();
        assert!(pdf.contains(&format!("startxref\n{table}\n")));
        for (number, line) in pdf[table..].lines().skip(3).take(3).enumerate() {
            assert!(
                line.len() == 19
                    && pdf[line[..10].parse::<usize>().unwrap()..].starts_with(&format!("{} 0 obj", number + 1))
            );
        }
    }

    #[test]
    fn other_data_becomes_zeros_of_the_given_length() {
        assert_eq!(masked(4, None, raw(b"Maria")).unwrap(), [0; 4]);
        assert_eq!(masked(4, None, raw(&[0; 4])).unwrap(), [0; 5]);
        assert_eq!(masked(40, Some(8), raw(b"Maria")).unwrap(), [0; 8]);
        assert_eq!(masked(40, Some(8), raw(&[0; 8])).unwrap(), [0; 7]);
        assert_eq!(masked(2, None, Cell::text("\\xdeadbeef")).unwrap(), b"\\x0000");
        assert_eq!(masked(16, Some(20), raw(b"%PDF-1.7 Maria")).unwrap(), [0; 16]);
        for wrong in [Cell::text("Maria"), Cell::text("\\xzz"), Cell { kind: CellKind::Integer, bytes: b"1" }] {
            assert!(masked(4, None, wrong).is_err());
        }
    }
}
