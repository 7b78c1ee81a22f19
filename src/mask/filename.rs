//! `filename`: a file's name or path with other words and the same ending.

use super::prelude::*;
use super::token::base32;

/// Endings that say what a file is. Any other might be a part of a name, and is not kept.
const ENDINGS: &[&str] = &[
    "7z", "avi", "bak", "bin", "bmp", "bz2", "cer", "cfg", "conf", "crt", "css", "csv", "dat", "db", "dcm", "dicom",
    "doc", "docm", "docx", "dot", "dwg", "dxf", "eml", "eps", "exe", "gif", "gz", "heic", "heif", "htm", "html", "ico",
    "ics", "ini", "jpeg", "jpg", "js", "json", "key", "log", "m4a", "md", "mkv", "mov", "mp3", "mp4", "mpeg", "mpg",
    "msg", "odp", "ods", "odt", "ogg", "p12", "parquet", "pdf", "pem", "php", "png", "ppt", "pptx", "ps", "psd", "py",
    "rar", "rtf", "sh", "sql", "sqlite", "svg", "tar", "tgz", "tif", "tiff", "tmp", "tsv", "txt", "vcf", "wav", "webm",
    "webp", "wmv", "xls", "xlsm", "xlsx", "xml", "xz", "yaml", "yml", "zip", "zst",
];
/// Characters of a replaced folder, of a replaced name, and of one that must differ from all others.
const FOLDER: usize = 8;
const NAME: usize = 12;
const UNIQUE: usize = 16;

pub(super) static DEFINITION: Definition = Definition {
    name: "filename",
    about: "Replaces the words of a file name or path; the depth of folders and a well-known ending (`.pdf`, `.tar.gz`) stay. The same folder gets the same name everywhere.",
    unique: Uniqueness::Tagged,
    domain: "file.name",
    build: |site, _| build(site),
    examples: &[
        Example::plain("scans/2024/garcia-maria-passport.PDF"),
        Example::plain("C:\\Users\\maria\\notes.garcia"),
    ],
    could_write: Some(|_, text| {
        let mut parts = text.split(['/', '\\']).filter(|part| !stays(part)).peekable();
        parts.peek().is_some() && parts.all(is_word)
    }),
    sample: |number| format!("scans/person{}/report-{number}.pdf", number % 1000),
    ..Definition::BASE
};

struct Filename {
    key: DomainKey,
    form: Form,
    unique: bool,
    room: usize,
}

fn build(site: &Site) -> Result<Box<dyn Mask>> {
    let least = if site.unique { UNIQUE } else { FOLDER };
    if site.room() < least {
        return Err(Error::policy(format!(
            "mask filename needs a column of {least} characters, and there are {}",
            site.room()
        ))
        .hint("Use `fixed` or `null`."));
    }
    Ok(Box::new(Filename { key: site.key.clone(), form: site.loose_form(), unique: site.unique, room: site.room() }))
}

/// Parts of a path that are not names.
fn stays(part: &str) -> bool {
    matches!(part, "" | "." | "..") || matches!(part.as_bytes(), [drive, b':'] if drive.is_ascii_alphabetic())
}

/// The well-known ending of a name with the full stop in front, in lower case; empty without one.
pub(super) fn ending(name: &str) -> String {
    let Some((stem, last)) = name.rsplit_once('.').filter(|(stem, _)| !stem.is_empty()) else {
        return String::new();
    };
    let last = last.to_ascii_lowercase();
    if !ENDINGS.contains(&last.as_str()) {
        return String::new();
    }
    let packed = stem.len() > 4 && stem.to_ascii_lowercase().ends_with(".tar");
    format!("{}.{last}", if packed { ".tar" } else { "" })
}

/// Appends `length` characters that stand for `value`, keyed.
pub(super) fn word(key: &DomainKey, form: Form, value: &[u8], attempt: u8, length: usize, out: &mut Vec<u8>) {
    let ask = Ask { role: Role::Token, form, value, subject: None };
    let draw = key.draw(&ask, attempt, out);
    let start = out.len();
    base32(&draw.bytes()[..20], out);
    out.truncate(start + length);
}

/// Whether `part` is what [`word`] writes, with a well-known ending or without.
pub(super) fn is_word(part: &str) -> bool {
    let word = part.strip_suffix(&ending(part)).unwrap_or(part);
    (FOLDER..=UNIQUE).contains(&word.len()) && word.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'2'..=b'7'))
}

impl Mask for Filename {
    fn mask(&self, cell: Cell<'_>, _: &Row<'_>, out: &mut Vec<u8>) -> Written {
        let value = super::text_or_integer(cell)?;
        let text = String::from_utf8_lossy(value);
        until_different(value, out, |attempt, out| {
            let start = out.len();
            self.path(value, &text, attempt, out);
            if out.len() - start > self.room {
                // Only the file itself, or its word alone.
                out.truncate(start);
                let last = text.rsplit(['/', '\\']).find(|part| !stays(part)).unwrap_or_default();
                let ending = ending(last);
                let room = self.room.saturating_sub(ending.len());
                let length = if self.unique { UNIQUE } else { NAME };
                let fits = room >= if self.unique { UNIQUE } else { FOLDER };
                self.name(value, last, attempt, length.min(if fits { room } else { self.room }), out);
                out.extend_from_slice(if fits { ending.as_bytes() } else { b"" });
            }
        })
    }
}

impl Filename {
    fn path(&self, value: &[u8], text: &str, attempt: u8, out: &mut Vec<u8>) {
        let parts: Vec<&str> = text.split_inclusive(['/', '\\']).collect();
        let bare = |part: &str| part.trim_end_matches(['/', '\\']).len();
        let last = parts.iter().rposition(|part| !stays(&part[..bare(part)]));
        for (at, part) in parts.iter().enumerate() {
            let (name, separator) = part.split_at(bare(part));
            if Some(at) == last {
                self.name(value, name, attempt, if self.unique { UNIQUE } else { NAME }, out);
                out.extend_from_slice(ending(name).as_bytes());
            } else if stays(name) {
                out.extend_from_slice(name.as_bytes());
            } else {
                word(&self.key, self.form, name.as_bytes(), attempt, FOLDER, out);
            }
            out.extend_from_slice(separator.as_bytes());
        }
        if last.is_none() {
            out.extend_from_slice(if text.ends_with(['/', '\\']) { b"" } else { b"/" });
            self.name(value, text, attempt, if self.unique { UNIQUE } else { NAME }, out);
        }
    }

    /// The word for a file: it stands for the name without its ending, or for the whole path where all must differ.
    fn name(&self, value: &[u8], name: &str, attempt: u8, length: usize, out: &mut Vec<u8>) {
        let stem = &name.as_bytes()[..name.len() - ending(name).len()];
        word(&self.key, self.form, if self.unique { value } else { stem }, attempt, length, out);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn masked(room: Option<u32>, unique: bool, cell: &str) -> String {
        let mut out = Vec::new();
        let mask = build(&Site { max_chars: room, unique, ..Site::for_tests("file") }).unwrap();
        mask.mask(Cell::text(cell), &Row::NONE, &mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert!((DEFINITION.could_write.unwrap())(&Params::default(), &text), "{text}");
        text
    }

    #[test]
    fn depth_and_ending_stay_and_no_word_does() {
        let shape = |text: &str| text.split(['/', '\\']).map(str::len).collect::<Vec<_>>();
        assert_eq!(shape(&masked(None, false, "/srv/maria/../cv.pdf")), [0, 8, 8, 2, 16]);
        assert_eq!(shape(&masked(None, false, "C:\\Users\\maria\\x.maria")), [2, 8, 8, 12]);
        assert!(masked(None, false, "a/b/backup.tar.GZ").ends_with(".tar.gz"));
        for (cell, length) in
            [(".env", 12), ("maria", 12), ("maria.garcia", 12), ("cv.pdf.garcia", 12), ("/", 13), ("..", 15)]
        {
            assert_eq!(masked(None, false, cell).len(), length, "{cell}");
        }
        let (one, two) = (masked(None, false, "maria/a.pdf"), masked(None, false, "maria/b.pdf"));
        assert!(one[..9] == two[..9] && one != two);
        assert_eq!(&one[9..], masked(None, false, "a.pdf"));
    }

    #[test]
    fn unique_columns_tell_every_path_apart() {
        let cells = ["a/x.foo", "a/x.bar", "b/x.foo", "A/x.foo", "a/x.pdf", "a/x", "x.foo", "a/x/", "a//x"];
        let all = cells.map(|cell| masked(None, true, cell));
        let short = cells.map(|cell| masked(Some(16), true, cell));
        for list in [all, short] {
            for (at, one) in list.iter().enumerate() {
                assert!(list[at + 1..].iter().all(|other| other != one), "{one}");
            }
        }
        assert!(build(&Site { unique: true, max_chars: Some(15), ..Site::for_tests("file") }).is_err());
    }

    #[test]
    fn short_columns_lose_folders_then_the_ending() {
        for room in 8..60 {
            assert!(masked(Some(room), false, "scans/maria/passport.pdf").len() <= room as usize);
        }
        assert_eq!(masked(Some(20), false, "scans/maria/passport.pdf").split_once('.').unwrap().1, "pdf");
    }
}
