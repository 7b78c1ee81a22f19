//! From an engine's canonical text to the plain form.

use super::{Form, Origin};
use crate::model::batch::{Cell, CellKind};
use crate::model::schema::EngineKind;
use crate::translate::neutral::Neutral;
use data_encoding::HEXLOWER_PERMISSIVE;

/// Appends the plain form of a cell that is not NULL to `out`.
pub(super) fn plain(origin: &Origin, cell: Cell<'_>, out: &mut Vec<u8>) -> Result<Form, &'static str> {
    if cell.kind == CellKind::Blob {
        return match origin.neutral {
            Neutral::Bytes(_) | Neutral::Any => {
                out.extend_from_slice(cell.bytes);
                Ok(Form::Bytes)
            }
            _ => Err("a blob in a column of another type"),
        };
    }
    match origin.engine {
        EngineKind::Sqlite => Ok(sqlite(&origin.neutral, cell, out)),
        EngineKind::Postgres => postgres(&origin.neutral, cell.bytes, out),
        EngineKind::Mysql | EngineKind::Mariadb => mysql(&origin.neutral, cell.bytes, out),
    }
}

fn postgres(neutral: &Neutral, bytes: &[u8], out: &mut Vec<u8>) -> Result<Form, &'static str> {
    match neutral {
        Neutral::Boolean => out.push(if bytes == b"t" { b'1' } else { b'0' }),
        Neutral::Bytes(_) => return hex(bytes, b"\\x", out),
        Neutral::Text { padded: true, .. } => {
            let end = bytes.iter().rposition(|byte| *byte != b' ').map_or(0, |last| last + 1);
            out.extend_from_slice(&bytes[..end]);
        }
        _ => out.extend_from_slice(bytes),
    }
    Ok(Form::Text)
}

fn mysql(neutral: &Neutral, bytes: &[u8], out: &mut Vec<u8>) -> Result<Form, &'static str> {
    match neutral {
        Neutral::Bytes(_) => return hex(bytes, b"0x", out),
        Neutral::Boolean | Neutral::Bits { .. } => {
            let mut raw = Vec::new();
            hex(bytes, b"0x", &mut raw)?;
            bits(neutral, &raw, out);
        }
        // ZEROFILL pads with zeros.
        Neutral::Integer { .. } | Neutral::Year => {
            let (sign, digits) = bytes.strip_prefix(b"-").map_or((&b""[..], bytes), |digits| (&b"-"[..], digits));
            let zeros = digits.iter().take_while(|digit| **digit == b'0').count().min(digits.len().saturating_sub(1));
            out.extend_from_slice(sign);
            out.extend_from_slice(&digits[zeros..]);
        }
        _ => out.extend_from_slice(bytes),
    }
    Ok(Form::Text)
}

fn sqlite(neutral: &Neutral, cell: Cell<'_>, out: &mut Vec<u8>) -> Form {
    match (neutral, cell.kind, cell.bytes) {
        (Neutral::Boolean, CellKind::Text, text) => match text.to_ascii_lowercase().as_slice() {
            b"t" | b"true" => out.push(b'1'),
            b"f" | b"false" => out.push(b'0'),
            _ => out.extend_from_slice(text),
        },
        (_, CellKind::Real, b"Inf") => out.extend_from_slice(b"Infinity"),
        (_, CellKind::Real, b"-Inf") => out.extend_from_slice(b"-Infinity"),
        (Neutral::Bytes(_), CellKind::Text, text) => {
            out.extend_from_slice(text);
            return Form::Bytes;
        }
        (_, _, bytes) => out.extend_from_slice(bytes),
    }
    Form::Text
}

fn hex(bytes: &[u8], prefix: &[u8], out: &mut Vec<u8>) -> Result<Form, &'static str> {
    let digits = bytes.strip_prefix(prefix).ok_or("bytes that are not in hex digits")?;
    let decoded = HEXLOWER_PERMISSIVE.decode(digits).map_err(|_| "bytes that are not in hex digits")?;
    out.extend_from_slice(&decoded);
    Ok(Form::Bytes)
}

/// The last bits of some bytes as `0` and `1`.
fn bits(neutral: &Neutral, raw: &[u8], out: &mut Vec<u8>) {
    let length = match neutral {
        Neutral::Bits { length: Some(length), .. } => *length as usize,
        _ => 1,
    };
    let all: Vec<u8> = raw.iter().flat_map(|byte| (0..8).rev().map(move |at| b'0' + ((byte >> at) & 1))).collect();
    out.extend(std::iter::repeat_n(b'0', length.saturating_sub(all.len())));
    out.extend_from_slice(&all[all.len().saturating_sub(length)..]);
}
