//! Reads CSV that people and spreadsheets write: with or without a byte order mark, any end of line, quotes around what needs
//! them. Every cell knows its place, for messages that name it and not its value.

use std::fmt;

/// A cell as it stands in the file.
#[derive(Clone, PartialEq, Eq)]
pub struct Field {
    /// Its text, without the quotes.
    pub text: String,
    /// Whether it stood in quotes.
    pub quoted: bool,
    /// Where it begins.
    pub place: Place,
}

/// Tells the place only.
impl fmt::Debug for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Field[{}]", self.place)
    }
}

/// Line and column in a file, counted from 1; a column is a character.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// The line.
    pub line: u64,
    /// The character in it.
    pub column: u64,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}

/// What is wrong with a file, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Where.
    pub place: Place,
    /// What.
    pub what: &'static str,
}

/// The records of a file.
#[derive(Debug)]
pub struct Records<'a> {
    rest: std::iter::Peekable<std::str::Chars<'a>>,
    place: Place,
}

/// Reads the records of `bytes`.
///
/// # Errors
/// The place of the first byte that is no UTF-8.
pub fn records(bytes: &[u8]) -> Result<Records<'_>, Fault> {
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let before = String::from_utf8_lossy(&bytes[..error.valid_up_to()]);
        let line = before.matches('\n').count() as u64 + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() as u64 + 1;
        Fault { place: Place { line, column }, what: "this is not UTF-8" }
    })?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    Ok(Records { rest: text.chars().peekable(), place: Place { line: 1, column: 1 } })
}

impl Records<'_> {
    fn next_char(&mut self) -> Option<char> {
        let c = self.rest.next()?;
        // The two characters of CRLF are one end of line.
        if c == '\n' || c == '\r' && self.rest.peek() != Some(&'\n') {
            self.place = Place { line: self.place.line + 1, column: 1 };
        } else {
            self.place.column += 1;
        }
        Some(c)
    }

    fn ends_line(&mut self) -> bool {
        match self.rest.peek() {
            Some('\r') => {
                self.next_char();
                if self.rest.peek() == Some(&'\n') {
                    self.next_char();
                }
                true
            }
            Some('\n') => {
                self.next_char();
                true
            }
            _ => false,
        }
    }

    fn quoted(&mut self, place: Place) -> Result<Field, Fault> {
        let mut text = String::new();
        self.next_char();
        loop {
            match self.next_char() {
                None => return Err(Fault { place, what: "the quote that begins here does not end" }),
                Some('"') if self.rest.peek() == Some(&'"') => {
                    self.next_char();
                    text.push('"');
                }
                Some('"') => break,
                Some(c) => text.push(c),
            }
        }
        match self.rest.peek() {
            None | Some(',' | '\r' | '\n') => Ok(Field { text, quoted: true, place }),
            Some(_) => Err(Fault {
                place: self.place,
                what: "behind a closing quote only a comma or the end of the line may follow",
            }),
        }
    }

    fn plain(&mut self, place: Place) -> Result<Field, Fault> {
        let mut text = String::new();
        while let Some(c) = self.rest.peek().copied().filter(|c| !matches!(c, ',' | '\r' | '\n')) {
            if c == '"' {
                return Err(Fault {
                    place: self.place,
                    what: "a cell with a quote in it must stand in quotes, and its quotes twice",
                });
            }
            text.push(c);
            self.next_char();
        }
        Ok(Field { text, quoted: false, place })
    }
}

/// Lines without any character are no records.
impl Iterator for Records<'_> {
    type Item = Result<Vec<Field>, Fault>;

    fn next(&mut self) -> Option<Self::Item> {
        while self.ends_line() {}
        self.rest.peek()?;
        let mut record = Vec::new();
        loop {
            let place = self.place;
            let is_quoted = self.rest.peek() == Some(&'"');
            let field = if is_quoted { self.quoted(place) } else { self.plain(place) };
            match field {
                Ok(field) => record.push(field),
                Err(fault) => {
                    // Nothing behind it can be told apart.
                    self.rest = "".chars().peekable();
                    return Some(Err(fault));
                }
            }
            if self.rest.peek() == Some(&',') {
                self.next_char();
                continue;
            }
            self.ends_line();
            return Some(Ok(record));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Told = (String, bool, String);

    fn read(bytes: &[u8]) -> Result<Vec<Vec<Told>>, Fault> {
        let told = |field: Field| (field.text, field.quoted, field.place.to_string());
        records(bytes)?.map(|record| Ok(record?.into_iter().map(told).collect())).collect()
    }

    fn texts(bytes: &str) -> Vec<Vec<String>> {
        let rows = read(bytes.as_bytes()).unwrap();
        rows.into_iter().map(|row| row.into_iter().map(|(text, ..)| text).collect()).collect()
    }

    #[test]
    fn what_spreadsheets_write_is_read() {
        let rows = vec![vec!["a".to_owned(), "b".to_owned()], vec!["1".to_owned(), String::new()]];
        for text in ["a,b\n1,\n", "a,b\r\n1,", "\u{feff}a,b\r1,\r", "\n\na,b\n\n1,\n\n", "\"a\",b\n1,\"\"\n"] {
            assert_eq!(texts(text), rows, "{text:?}");
        }
        assert_eq!(texts("\"say \"\"hi\"\"\r\nto, me\",é🌿\n"), [["say \"hi\"\r\nto, me", "é🌿"]]);
        assert!(texts("").is_empty() && texts("\n\r\n").is_empty());
    }

    #[test]
    fn cells_know_their_place_and_quotes() {
        let rows = read("é,\"x\ny\",z\nq,,\n".as_bytes()).unwrap();
        let places: Vec<(bool, &str)> =
            rows.iter().flatten().map(|(_, quoted, place)| (*quoted, place.as_str())).collect();
        assert_eq!(
            places,
            [(false, "1:1"), (true, "1:3"), (false, "2:4"), (false, "3:1"), (false, "3:3"), (false, "3:4")]
        );
    }

    #[test]
    fn faults_have_a_place() {
        let fault = |bytes: &[u8]| read(bytes).unwrap_err().place.to_string();
        assert_eq!(fault(b"a,b\n1,\"x"), "2:3");
        assert_eq!(fault(b"a\n\"x\"y"), "2:4");
        assert_eq!(fault(b"a\nx\"y"), "2:2");
        assert_eq!(fault(b"a\nb\xff"), "2:2");
    }

    /// Whatever is written is read again.
    #[test]
    fn what_export_writes_comes_back() {
        let cells = ["a", "", "a,b", "say \"hi\"", "two\nlines", " x", "\\.", "\u{feff}x", "é", "\r"];
        let mut batch = crate::model::batch::Batch::new(cells.len());
        for cell in cells {
            batch.push(crate::model::batch::Cell::text(cell));
        }
        let mut out = Vec::new();
        super::super::write_rows(&mut out, &crate::model::proof::Masked::vouch(batch));
        let read = records(&out).unwrap().next().unwrap().unwrap();
        assert_eq!(read.iter().map(|field| field.text.as_str()).collect::<Vec<_>>(), cells);
    }
}
