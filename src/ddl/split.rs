//! A file of SQL as statements, each with the line it begins on, without comments. Nothing is understood here but where a
//! statement ends: strings, quoted names, dollar quotes, comments, bodies of routines, rows of COPY, lines for psql, and
//! `DELIMITER`.

use crate::model::schema::EngineKind;

/// A statement of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Statement {
    /// Its text; comments are blanks, so that lines and columns are those of the file.
    pub(super) text: String,
    /// The line that it begins on, from 1.
    pub(super) line: usize,
    /// The column that it begins in, in characters, from 1.
    pub(super) column: usize,
    /// Why the file ends inside of it: then nothing behind it was read.
    pub(super) unended: Option<&'static str>,
}

/// Every statement of a file.
pub(super) fn statements(text: &str, engine: EngineKind) -> Vec<Statement> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut splitter = Splitter {
        chars: text.chars().collect(),
        at: 0,
        is_mysql: matches!(engine, EngineKind::Mysql | EngineKind::Mariadb),
        engine,
        delimiter: vec![';'],
        line: 1,
        column: 1,
        text: String::new(),
        begins: (1, 1),
        found: Vec::new(),
        unended: None,
    };
    splitter.run();
    splitter.found
}

struct Splitter {
    chars: Vec<char>,
    at: usize,
    is_mysql: bool,
    engine: EngineKind,
    delimiter: Vec<char>,
    line: usize,
    column: usize,
    text: String,
    begins: (usize, usize),
    found: Vec<Statement>,
    unended: Option<&'static str>,
}

impl Splitter {
    fn peek(&self, ahead: usize) -> Option<char> {
        self.chars.get(self.at + ahead).copied()
    }

    fn starts(&self, with: &str) -> bool {
        with.chars().enumerate().all(|(ahead, c)| self.peek(ahead) == Some(c))
    }

    /// Takes one character, as it is or as a blank.
    fn take(&mut self, shown: bool) {
        let Some(c) = self.peek(0) else { return };
        if self.text.is_empty() && !c.is_whitespace() && shown {
            self.begins = (self.line, self.column);
        }
        if !self.text.is_empty() || (shown && !c.is_whitespace()) {
            self.text.push(if shown || c == '\n' { c } else { ' ' });
        }
        self.at += 1;
        (self.line, self.column) = if c == '\n' { (self.line + 1, 1) } else { (self.line, self.column + 1) };
    }

    fn take_line(&mut self) -> String {
        let start = self.at;
        while self.peek(0).is_some_and(|c| c != '\n') {
            self.take(false);
        }
        self.chars[start..self.at].iter().collect()
    }

    fn run(&mut self) {
        while let Some(c) = self.peek(0) {
            let before = self.chars[..self.at].iter().rev().find(|c| **c == '\n' || !c.is_whitespace());
            let begins_line = before.is_none_or(|c| *c == '\n');
            match c {
                // A line for the psql program.
                '\\' if begins_line && self.text.is_empty() => drop(self.take_line()),
                '-' if self.starts("--") => drop(self.take_line()),
                '#' if self.is_mysql => drop(self.take_line()),
                '/' if self.starts("/*") => self.comment(),
                '*' if self.is_mysql && self.starts("*/") => (0..2).for_each(|_| self.take(false)),
                '\'' => self.quoted('\'', self.is_mysql || self.is_escaped()),
                '"' => self.quoted('"', self.is_mysql),
                '`' => self.quoted('`', false),
                '[' if self.engine == EngineKind::Sqlite => self.quoted(']', false),
                '$' if self.engine == EngineKind::Postgres => self.dollar(),
                _ if begins_line && self.is_mysql && self.is_delimiter_line() => self.set_delimiter(),
                _ if self.chars[self.at..].starts_with(&self.delimiter) => self.end(),
                _ => self.take(true),
            }
        }
        if self.delimiter == [';'] && is_open(&self.text) {
            self.unended = Some("a routine or trigger whose body does not end");
        }
        self.finish();
    }

    /// Comments become blanks. `/*!40101 ... */` is no comment for MySQL: only its marks become blanks.
    fn comment(&mut self) {
        if self.is_mysql && (self.starts("/*!") || self.starts("/*M!")) {
            while self.peek(0).is_some_and(|c| "/*M!".contains(c) || c.is_ascii_digit()) {
                self.take(false);
            }
            return;
        }
        let mut depth = 0;
        while self.peek(0).is_some() {
            if self.starts("/*") && (depth == 0 || self.engine == EngineKind::Postgres) {
                depth += 1;
            } else if self.starts("*/") {
                depth -= 1;
            } else {
                self.take(false);
                continue;
            }
            self.take(false);
            self.take(false);
            if depth == 0 {
                return;
            }
        }
        self.unended = Some("a comment that does not end");
    }

    /// Whether the quote that follows opens an `E'...'` of PostgreSQL.
    fn is_escaped(&self) -> bool {
        let mut before = self.text.chars().rev();
        let is_mark = before.next().is_some_and(|c| c == 'e' || c == 'E');
        self.engine == EngineKind::Postgres
            && is_mark
            && !before.next().is_some_and(|c| c.is_alphanumeric() || c == '_')
    }

    fn quoted(&mut self, end: char, backslash: bool) {
        self.take(true);
        while let Some(c) = self.peek(0) {
            self.take(true);
            if c == '\\' && backslash {
                self.take(true);
            } else if c == end {
                if self.peek(0) != Some(end) {
                    return;
                }
                self.take(true);
            }
        }
        self.unended = Some("a statement with a quote that does not end");
    }

    /// `$$...$$` and `$tag$...$tag$`; a `$1` is none.
    fn dollar(&mut self) {
        let rest = &self.chars[self.at + 1..];
        let is_inside = self.text.chars().next_back().is_some_and(|c| c.is_alphanumeric() || c == '_');
        let length = rest.iter().position(|c| !(c.is_alphanumeric() || *c == '_'));
        let Some(length) = length.filter(|length| rest[*length] == '$' && !is_inside && !rest[0].is_ascii_digit())
        else {
            self.take(true);
            return;
        };
        let tag: Vec<char> = self.chars[self.at..self.at + length + 2].to_vec();
        (0..tag.len()).for_each(|_| self.take(true));
        while self.peek(0).is_some() && !self.chars[self.at..].starts_with(&tag) {
            self.take(true);
        }
        if self.peek(0).is_none() {
            self.unended = Some("a statement with a dollar quote that does not end");
        }
        (0..tag.len()).for_each(|_| self.take(true));
    }

    fn is_delimiter_line(&self) -> bool {
        let word: String = self.chars[self.at..].iter().take(10).collect();
        self.text.is_empty() && word.to_ascii_uppercase().starts_with("DELIMITER") && word.ends_with([' ', '\t'])
    }

    fn set_delimiter(&mut self) {
        let line = self.take_line();
        let new: Vec<char> = line.get(9..).unwrap_or_default().trim().chars().collect();
        if !new.is_empty() {
            self.delimiter = new;
        }
    }

    /// A delimiter, which may stand inside of a routine's body.
    fn end(&mut self) {
        if self.delimiter == [';'] && is_open(&self.text) {
            self.take(true);
            return;
        }
        (0..self.delimiter.len()).for_each(|_| self.take(false));
        let begins = self.text.get(..5).is_some_and(|word| word.eq_ignore_ascii_case("COPY "));
        let last = self.text.split_whitespace().next_back();
        let copies = begins && last.is_some_and(|word| word.eq_ignore_ascii_case("STDIN"));
        self.finish();
        if copies {
            self.take_line();
            while self.peek(0).is_some() {
                self.take(false);
                if self.take_line().trim_end() == "\\." {
                    return;
                }
            }
        }
    }

    fn finish(&mut self) {
        let text = std::mem::take(&mut self.text);
        let text = text.trim_end().to_owned();
        let unended = self.unended.take();
        if !text.is_empty() || unended.is_some() {
            self.found.push(Statement { text, line: self.begins.0, column: self.begins.1, unended });
        }
    }
}

/// Whether a statement creates a routine or a trigger, which has a body.
pub(super) fn is_routine(text: &str) -> bool {
    const ROUTINES: [&str; 4] = ["TRIGGER", "PROCEDURE", "FUNCTION", "EVENT"];
    const OTHERS: [&str; 5] = ["TABLE", "INDEX", "VIEW", "TYPE", "SCHEMA"];
    let mut head = text.split_whitespace().take(12).map(str::to_ascii_uppercase);
    let creates = head.next().as_deref() == Some("CREATE");
    let kind = head.find(|word| ROUTINES.contains(&word.as_str()) || OTHERS.contains(&word.as_str()));
    creates && kind.is_some_and(|kind| ROUTINES.contains(&kind.as_str()))
}

/// Whether a routine or trigger is still inside of its body: more BEGIN and CASE than END.
fn is_open(text: &str) -> bool {
    if !is_routine(text) {
        return false;
    }
    let bare = without_quoted(text);
    let words: Vec<String> = bare
        .split(|c: char| !(c.is_alphanumeric() || c == '_'))
        .filter(|word| !word.is_empty())
        .map(str::to_ascii_uppercase)
        .collect();
    let (mut depth, mut at) = (0_i32, 0);
    while at < words.len() {
        match (words[at].as_str(), words.get(at + 1).map(String::as_str)) {
            ("BEGIN" | "CASE", _) => depth += 1,
            ("END", Some("IF" | "LOOP" | "WHILE" | "REPEAT" | "FOR")) => at += 1,
            ("END", Some("CASE")) => {
                depth -= 1;
                at += 1;
            }
            ("END", _) => depth -= 1,
            _ => {}
        }
        at += 1;
    }
    depth > 0
}

/// The text without what stands in quotes. A body in dollar quotes ends where they do.
fn without_quoted(text: &str) -> String {
    let text = text.split_once('$').map_or(text, |(before, _)| before);
    let mut out = String::new();
    let mut quote = None;
    for c in text.chars() {
        match quote {
            Some(end) if c == end => quote = None,
            Some(_) => {}
            None if matches!(c, '\'' | '"' | '`') => quote = Some(c),
            None => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(engine: EngineKind, text: &str) -> Vec<(usize, String)> {
        statements(text, engine).into_iter().map(|found| (found.line, found.text)).collect()
    }

    #[test]
    fn strings_comments_and_dollar_quotes_hide_semicolons() {
        let text = "-- a; b\nSELECT 'a;''b' /* ; /* ; */ */;\n\nSELECT $x$ ; $$ ; $x$, E'\\'; ', $1;";
        let found = split(EngineKind::Postgres, text);
        assert_eq!(found.iter().map(|(line, _)| *line).collect::<Vec<_>>(), [2, 4]);
        assert!(found[0].1.starts_with("SELECT 'a;''b'") && found[1].1.ends_with("$1"));
    }

    #[test]
    fn clients_have_lines_of_their_own() {
        let text = "\\restrict x;\nCOPY t (a) FROM stdin;\n1;\n\\.\nSELECT 1;";
        assert_eq!(split(EngineKind::Postgres, text), [(2, "COPY t (a) FROM stdin".into()), (5, "SELECT 1".into())]);
        let text = "DELIMITER //\r\nCREATE TRIGGER x BEGIN a; END//\r\nDELIMITER ;\r\nSELECT 'a\\';';# ;\r\n/*!50001 SELECT 2 */;";
        let found: Vec<String> = split(EngineKind::Mysql, text).into_iter().map(|(_, text)| text).collect();
        assert_eq!(found, ["CREATE TRIGGER x BEGIN a; END", "SELECT 'a\\';'", "SELECT 2"]);
    }

    #[test]
    fn bodies_of_triggers_are_whole() {
        let text = "CREATE TRIGGER t AFTER INSERT ON a BEGIN SELECT CASE WHEN 1 THEN 'END' END; UPDATE b SET c = 1; END;\nSELECT 1;";
        assert_eq!(split(EngineKind::Sqlite, text).len(), 2);
    }

    #[test]
    fn what_never_ends_is_still_there() {
        for text in ["SELECT 'a", "SELECT $$ a", "/* a", "CREATE TRIGGER t BEGIN; x;"] {
            let found = statements(text, EngineKind::Postgres);
            assert!(found.len() == 1 && found[0].unended.is_some(), "{text}: {found:?}");
        }
        for text in ["", "\u{feff}SELECT 1", "-- a", "CREATE TABLE event (begin date)", "SELECT '$$'"] {
            let found = statements(text, EngineKind::Postgres);
            assert!(found.len() <= 1 && found.iter().all(|found| found.unended.is_none()), "{text}: {found:?}");
        }
    }

    #[test]
    fn a_body_in_dollar_quotes_ends_with_them_whatever_its_words() {
        let text = "CREATE FUNCTION f() RETURNS int LANGUAGE plpgsql AS $$\n-- begin with a case\nBEGIN RETURN 1; END;\n$$;\nSELECT 1;";
        assert_eq!(split(EngineKind::Postgres, text).len(), 2);
    }
}
