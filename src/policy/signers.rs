//! Who may approve: a file of allowed signers as OpenSSH reads it (`man ssh-keygen`, ALLOWED SIGNERS), so that stock tools and
//! this program believe the same keys. A line that cannot be used gives nobody anything, and says so.

use super::file::Place;
use super::statement::instant;
use crate::seal::ssh;

/// The approvers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Signers {
    /// The file's name, for messages.
    pub file: String,
    lines: Vec<Line>,
    /// Lines that are not used, and why.
    pub unused: Vec<(Place, String)>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Line {
    principals: Vec<String>,
    namespaces: Vec<String>,
    after: Option<String>,
    before: Option<String>,
    key: String,
}

impl Signers {
    /// Reads a file of allowed signers.
    #[must_use]
    pub fn parse(file: &str, text: &str) -> Self {
        let mut signers = Self { file: file.to_owned(), ..Self::default() };
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        for (number, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            match Line::parse(line) {
                Ok(line) => signers.lines.push(line),
                Err(why) => signers.unused.push((Place { line: number + 1, column: 1 }, why)),
            }
        }
        signers
    }

    /// Whether nobody may approve.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// Why the key may not approve in a name at a time; none where it may.
    #[must_use]
    pub fn objection(&self, approver: &str, key: &str, at: &str) -> Option<String> {
        let of_key: Vec<&Line> = self.lines.iter().filter(|line| line.key == key).collect();
        if of_key.is_empty() {
            return Some(format!("the key {key} is not in {}", self.file));
        }
        let named: Vec<&&Line> = of_key.iter().filter(|line| matches_any(&line.principals, approver)).collect();
        if named.is_empty() {
            return Some(format!("in {} the key {key} is not that of {}", self.file, approver.escape_debug()));
        }
        let here = |line: &&&Line| line.namespaces.is_empty() || matches_any(&line.namespaces, ssh::NAMESPACE);
        let then = |line: &&Line| {
            line.after.as_deref().is_none_or(|after| after <= at)
                && line.before.as_deref().is_none_or(|before| at < before)
        };
        match named.into_iter().find(here) {
            None => Some(format!("{} does not allow the key {key} for approvals (namespaces)", self.file)),
            Some(line) if !then(line) => Some(format!("{} does not allow the key {key} at {at}", self.file)),
            Some(_) => None,
        }
    }

    /// The only name that a key may approve in; none where there are several or patterns.
    #[must_use]
    pub fn name_of(&self, key: &str) -> Option<&str> {
        let mut names = self.lines.iter().filter(|line| line.key == key).flat_map(|line| &line.principals);
        let name = names.next()?;
        (names.all(|other| other == name) && !name.contains(['*', '?', '!'])).then_some(name)
    }
}

impl Line {
    fn parse(line: &str) -> Result<Self, String> {
        let (principals, rest) = field(line).ok_or("the line has no key")?;
        let principals: Vec<String> = principals.trim_matches('"').split(',').map(str::to_owned).collect();
        let mut found = Self { principals, namespaces: Vec::new(), after: None, before: None, key: String::new() };
        let (word, behind) = field(rest).ok_or("the line has no key")?;
        let key = if is_key_type(word) {
            rest
        } else {
            for option in options(word) {
                found.option(option)?;
            }
            behind
        };
        let key: Vec<&str> = key.split_whitespace().take(2).collect();
        found.key = ssh::public_fingerprint(&key.join(" ")).ok_or(
            "this program does not read such a key: use Ed25519, ECDSA on P-256 or P-384, or a token with one of them",
        )?;
        Ok(found)
    }

    fn option(&mut self, option: &str) -> Result<(), String> {
        let (name, value) = option.split_once('=').unwrap_or((option, ""));
        let value = value.trim_matches('"');
        match name.to_ascii_lowercase().as_str() {
            "namespaces" => self.namespaces = value.split(',').map(str::to_owned).collect(),
            "valid-after" => self.after = Some(time(value)?),
            "valid-before" => self.before = Some(time(value)?),
            "cert-authority" => return Err("certificates are not believed; name the keys of persons".into()),
            _ => return Err(format!("the option '{}' is not known", name.escape_debug())),
        }
        Ok(())
    }
}

fn is_key_type(word: &str) -> bool {
    word.starts_with("ssh-") || word.starts_with("ecdsa-") || word.starts_with("sk-")
}

/// The first field of a line, which may have quotes with blanks inside, and what follows.
fn field(line: &str) -> Option<(&str, &str)> {
    let mut quoted = false;
    let end = line.char_indices().find(|(_, c)| {
        quoted ^= *c == '"';
        c.is_whitespace() && !quoted
    });
    let (at, _) = end?;
    Some((&line[..at], line[at..].trim_start()))
}

/// Options between commas that are not in quotes.
fn options(text: &str) -> Vec<&str> {
    let mut quoted = false;
    text.split(|c| {
        quoted ^= c == '"';
        c == ',' && !quoted
    })
    .collect()
}

/// `YYYYMMDD[HHMM[SS]][Z]` as RFC 3339. Without a Z OpenSSH means the local time, which differs by machine: here it is UTC.
fn time(text: &str) -> Result<String, String> {
    let digits = text.trim_end_matches(['Z', 'z']);
    let padded = match digits.len() {
        8 => format!("{digits}000000"),
        12 => format!("{digits}00"),
        14 => digits.to_owned(),
        _ => String::new(),
    };
    let part = |from: usize, to: usize| padded.get(from..to).unwrap_or_default();
    let time =
        format!("{}-{}-{}T{}:{}:{}Z", part(0, 4), part(4, 6), part(6, 8), part(8, 10), part(10, 12), part(12, 14));
    instant(&time)
        .map(|_| time)
        .ok_or_else(|| "a time is written YYYYMMDD or YYYYMMDDHHMMSS, in UTC with a Z".to_owned())
}

/// Whether a name fits one of the patterns and none that begins with `!`.
fn matches_any(patterns: &[String], name: &str) -> bool {
    let fits = |pattern: &str| matches(pattern.as_bytes(), name.as_bytes());
    let denied = patterns.iter().filter_map(|pattern| pattern.strip_prefix('!')).any(fits);
    !denied && patterns.iter().filter(|pattern| !pattern.starts_with('!')).any(|pattern| fits(pattern))
}

fn matches(pattern: &[u8], name: &[u8]) -> bool {
    match (pattern.split_first(), name.split_first()) {
        (None, None) => true,
        (Some((b'*', rest)), _) => {
            matches(rest, name) || name.split_first().is_some_and(|(_, name)| matches(pattern, name))
        }
        (Some((b'?', rest)), Some((_, name))) => matches(rest, name),
        (Some((byte, rest)), Some((other, name))) if byte == other => matches(rest, name),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: &str = "2026-11-26T10:00:00Z";

    fn public() -> String {
        ssh::testing::key(1).1
    }

    fn objection(line: &str) -> Option<String> {
        let key = ssh::public_fingerprint(&public()).unwrap();
        Signers::parse("approvers", &line.replace("KEY", &public())).objection("maria@example.org", &key, AT)
    }

    #[test]
    fn lines_allow_what_openssh_allows() {
        for line in [
            "maria@example.org KEY",
            "jo@example.org,maria@example.org KEY",
            "\"maria@example.org\" KEY",
            "*@example.org KEY",
            "maria@example.org namespaces=\"git,terp-fixtures-approval@v1\" KEY",
            "maria@example.org namespaces=\"terp-*\",valid-after=\"20260101\",valid-before=\"20270101Z\" KEY",
            "# a note\r\n\r\n\tmaria@example.org   KEY",
            "maria@example.org namespaces=\"git\" KEY\nmaria@example.org KEY",
        ] {
            assert_eq!(objection(line), None, "{line}");
        }
    }

    #[test]
    fn lines_refuse_what_they_do_not_allow() {
        for (line, why) in [
            ("", "is not in approvers"),
            ("jo@example.org KEY", "is not that of maria@example.org"),
            ("*@example.org,!maria@* KEY", "is not that of"),
            ("maria@example.org namespaces=\"git\" KEY", "for approvals"),
            ("maria@example.org valid-after=\"20261126100001Z\" KEY", "at 2026-11-26T10:00:00Z"),
            ("maria@example.org valid-before=\"20261126100000Z\" KEY", "at 2026-11-26T10:00:00Z"),
            ("maria@example.org cert-authority KEY", "is not in approvers"),
            ("maria@example.org until=\"x\" KEY", "is not in approvers"),
        ] {
            assert!(objection(line).unwrap_or_default().contains(why), "{line}: {:?}", objection(line));
        }
    }

    #[test]
    fn unused_lines_are_told() {
        let key = public();
        let text = format!("a cert-authority {key}\nold ssh-rsa AAAA\nb valid-after=\"soon\" {key}\nlonely\n");
        let signers = Signers::parse("approvers", &text);
        assert!(signers.is_empty());
        let lines: Vec<usize> = signers.unused.iter().map(|(place, _)| place.line).collect();
        assert_eq!(lines, [1, 2, 3, 4]);
        assert!(signers.unused[0].1.contains("certificates") && signers.unused[1].1.contains("Ed25519"));
    }

    #[test]
    fn a_key_with_one_name_tells_it() {
        let key = ssh::public_fingerprint(&public()).unwrap();
        let name = |line: &str| Signers::parse("a", &line.replace("KEY", &public())).name_of(&key).map(str::to_owned);
        assert_eq!(name("maria@example.org KEY").as_deref(), Some("maria@example.org"));
        assert_eq!(name("*@example.org KEY"), None);
        assert_eq!(name("a KEY\nb KEY"), None);
    }
}
