//! `secret`: a credential that opens nothing.
//!
//! A masked password hash has the form of the original's scheme, so that the application can read it, and salt and digest
//! drawn at random: no password is known that leads to it, and none can be found but by breaking the scheme.

use super::prelude::*;
use super::token::base32;
use blake3::OutputReader;

const PASSWORD: &str = "password";
const API_KEY: &str = "api_key";
const DEV_LOGIN: &str = "dev_login";
/// In front of every masked API key, so that a log tells where it comes from.
const MARK: &[u8] = b"masked_";

pub(super) static DEFINITION: Definition = Definition {
    name: "secret",
    about: "Replaces a credential with one that nobody can use; a password hash keeps its scheme (`$2b$`, `$argon2id$`, `pbkdf2_sha256$`, hex digests and others).",
    params: &[
        Param {
            name: "kind",
            about: "`password`: an unusable hash of the same scheme, or a token; `token`: 24 random characters; `api_key`: `masked_` and 32 characters; `dev_login`: the given hash everywhere, so that developers can log in.",
            kind: ParamKind::Choice(&[PASSWORD, "token", API_KEY, DEV_LOGIN]),
            default: PASSWORD,
        },
        Param {
            name: "password_hash",
            about: "With `dev_login`: the hash of the password that developers use, as the application stores it.",
            kind: ParamKind::Text,
            default: "none; required with kind = \"dev_login\"",
        },
        Param {
            name: "reason",
            about: "Why everybody shall have the same password; shown in review.",
            kind: ParamKind::Text,
            default: "none; required with kind = \"dev_login\"",
        },
    ],
    unique: Uniqueness::Tagged,
    domain: "secret",
    build,
    examples: &[
        Example::plain("$2b$12$EXAMPLEonlyEXAMPLEonly.EXAMPLEonlyEXAMPLEonlyEXAMPLEonlyE"),
        Example { params: || vec![("kind", Value::text("token"))], cell: "s3cr3t" },
        Example { params: || vec![("kind", Value::text(API_KEY))], cell: "sk_live_51H8example" },
    ],
    could_write: Some(|params, text| match params.text("kind") {
        Some(API_KEY) => text.as_bytes().starts_with(MARK),
        Some(DEV_LOGIN) => params.text("password_hash") == Some(text),
        _ => {
            let token =
                (8..=24).contains(&text.len()) && text.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'2'..=b'7'));
            token || (params.text("kind") != Some("token") && scheme(text.as_bytes()).is_some())
        }
    }),
    sample: |number| format!("$2b$12${number:022}{:031}", u128::from(number) * 7919),
    ..Definition::BASE
};

/// A part of a hash.
#[derive(Clone, Copy)]
enum Piece {
    Plain(&'static str),
    /// So many random bytes in an alphabet of 64 characters, with `=` behind or without.
    Bytes(&'static [u8; 64], usize, bool),
    /// So many random characters.
    Chars(&'static [u8; 64], usize),
    Hex(usize),
}

const BASE64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const ADAPTED: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789./";
const BCRYPT: &[u8; 64] = b"./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
/// Letters and digits, two of them twice.
const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789Az";

use Piece::{Bytes, Chars, Hex, Plain};

/// Schemes by what their hashes begin with, and what is written for one.
static SCHEMES: &[(&str, &[Piece])] = &[
    ("$2a$", &[Plain("$2a$10$"), Bytes(BCRYPT, 16, false), Bytes(BCRYPT, 23, false)]),
    ("$2b$", &[Plain("$2b$10$"), Bytes(BCRYPT, 16, false), Bytes(BCRYPT, 23, false)]),
    ("$2y$", &[Plain("$2y$10$"), Bytes(BCRYPT, 16, false), Bytes(BCRYPT, 23, false)]),
    (
        "$argon2id$",
        &[Plain("$argon2id$v=19$m=65536,t=3,p=4$"), Bytes(BASE64, 16, false), Plain("$"), Bytes(BASE64, 32, false)],
    ),
    (
        "$argon2i$",
        &[Plain("$argon2i$v=19$m=65536,t=3,p=4$"), Bytes(BASE64, 16, false), Plain("$"), Bytes(BASE64, 32, false)],
    ),
    (
        "$argon2d$",
        &[Plain("$argon2d$v=19$m=65536,t=3,p=4$"), Bytes(BASE64, 16, false), Plain("$"), Bytes(BASE64, 32, false)],
    ),
    (
        "argon2$argon2id$",
        &[
            Plain("argon2$argon2id$v=19$m=102400,t=2,p=8$"),
            Bytes(BASE64, 16, false),
            Plain("$"),
            Bytes(BASE64, 32, false),
        ],
    ),
    ("bcrypt_sha256$$2b$", &[Plain("bcrypt_sha256$$2b$12$"), Bytes(BCRYPT, 16, false), Bytes(BCRYPT, 23, false)]),
    ("pbkdf2_sha256$", &[Plain("pbkdf2_sha256$600000$"), Chars(LETTERS, 22), Plain("$"), Bytes(BASE64, 32, true)]),
    ("pbkdf2_sha1$", &[Plain("pbkdf2_sha1$600000$"), Chars(LETTERS, 22), Plain("$"), Bytes(BASE64, 20, true)]),
    ("pbkdf2:sha256", &[Plain("pbkdf2:sha256:600000$"), Chars(LETTERS, 16), Plain("$"), Hex(64)]),
    ("scrypt:", &[Plain("scrypt:32768:8:1$"), Chars(LETTERS, 16), Plain("$"), Hex(128)]),
    ("$scrypt$", &[Plain("$scrypt$ln=16,r=8,p=1$"), Bytes(BASE64, 16, false), Plain("$"), Bytes(BASE64, 32, false)]),
    (
        "$pbkdf2-sha256$",
        &[Plain("$pbkdf2-sha256$29000$"), Bytes(ADAPTED, 16, false), Plain("$"), Bytes(ADAPTED, 32, false)],
    ),
    (
        "$pbkdf2-sha512$",
        &[Plain("$pbkdf2-sha512$25000$"), Bytes(ADAPTED, 16, false), Plain("$"), Bytes(ADAPTED, 64, false)],
    ),
    ("$y$", &[Plain("$y$j9T$"), Chars(BCRYPT, 22), Plain("$"), Chars(BCRYPT, 43)]),
    ("$6$", &[Plain("$6$"), Chars(BCRYPT, 16), Plain("$"), Chars(BCRYPT, 86)]),
    ("$5$", &[Plain("$5$"), Chars(BCRYPT, 16), Plain("$"), Chars(BCRYPT, 43)]),
    ("$1$", &[Plain("$1$"), Chars(BCRYPT, 8), Plain("$"), Chars(BCRYPT, 22)]),
    ("{SSHA512}", &[Plain("{SSHA512}"), Bytes(BASE64, 72, true)]),
    ("{SSHA}", &[Plain("{SSHA}"), Bytes(BASE64, 28, true)]),
];

/// Lengths of common digests in hex.
const DIGESTS: [&[Piece]; 6] = [&[Hex(32)], &[Hex(40)], &[Hex(56)], &[Hex(64)], &[Hex(96)], &[Hex(128)]];

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Password,
    Token,
    ApiKey,
}

struct Secret {
    key: DomainKey,
    kind: Kind,
    form: Form,
    room: usize,
}

fn build(site: &Site, params: &Params) -> Result<Box<dyn Mask>> {
    let kind = match params.text("kind") {
        Some(DEV_LOGIN) => return dev_login(site, params),
        Some("token") => Kind::Token,
        Some(API_KEY) => Kind::ApiKey,
        _ => Kind::Password,
    };
    if params.get("password_hash").is_some() {
        return Err(Error::policy("mask secret takes a password_hash only with kind = \"dev_login\""));
    }
    let least = if site.unique { 16 } else { 8 } + if kind == Kind::ApiKey { MARK.len() } else { 0 };
    if site.room() < least {
        return Err(Error::policy(format!("mask secret needs {least} characters here, and there are {}", site.room()))
            .hint("Use `null` or `fixed` for so short a column."));
    }
    Ok(Box::new(Secret { key: site.key.clone(), kind, form: site.loose_form(), room: site.room() }))
}

/// Writes one hash into every row.
fn dev_login(site: &Site, params: &Params) -> Result<Box<dyn Mask>> {
    let given = |name| params.text(name).filter(|text| !text.trim().is_empty());
    let (Some(hash), Some(_)) = (given("password_hash"), given("reason")) else {
        return Err(Error::policy("mask secret with kind = \"dev_login\" needs a password_hash and a reason").hint(
            "Hash a password of your own as the application does, and say why: { mask = \"secret\", kind = \"dev_login\", \
             password_hash = \"$2b$...\", reason = \"developers log in as any user\" }.",
        ));
    };
    if site.unique {
        return Err(Error::policy(
            "mask secret with kind = \"dev_login\" writes the same into every row, and the column is unique",
        )
        .hint("Leave `kind` out."));
    }
    Ok(Box::new(super::fixed::Fixed::new(&DEFINITION, site, hash.to_owned())?))
}

impl Mask for Secret {
    fn mask(&self, cell: Cell<'_>, _: &Row<'_>, out: &mut Vec<u8>) -> Written {
        let value = super::text_or_integer(cell)?;
        let ask = Ask { role: Role::Token, form: self.form, value, subject: None };
        let scheme = if self.kind == Kind::Password { scheme(value) } else { None };
        until_different(value, out, |attempt, out| {
            let start = out.len();
            let mut random = self.key.stream(&ask, attempt, out);
            scheme.into_iter().flatten().for_each(|piece| piece.write(&mut random, out));
            if out.len() == start || out.len() - start > self.room {
                out.truncate(start);
                let mut bytes = [0; 20];
                random.fill(&mut bytes);
                let length = if self.kind == Kind::ApiKey { 20 } else { 15 };
                out.extend_from_slice(if self.kind == Kind::ApiKey { MARK } else { b"" });
                base32(&bytes[..length], out);
                out.truncate(start.saturating_add(self.room));
            }
        })
    }
}

/// What is written for a hash of the scheme of `value`; none if that is no hash we know.
fn scheme(value: &[u8]) -> Option<&'static [Piece]> {
    let known = SCHEMES.iter().find(|(prefix, _)| value.starts_with(prefix.as_bytes()));
    let digest = || {
        let hex = value.iter().all(u8::is_ascii_hexdigit);
        DIGESTS.into_iter().find(|digest| matches!(digest, [Hex(length)] if hex && value.len() == *length))
    };
    known.map(|(_, pieces)| *pieces).or_else(digest)
}

impl Piece {
    fn write(self, random: &mut OutputReader, out: &mut Vec<u8>) {
        let mut draw = || {
            let mut byte = [0];
            random.fill(&mut byte);
            usize::from(byte[0] & 63)
        };
        match self {
            Plain(text) => out.extend_from_slice(text.as_bytes()),
            Hex(length) => out.extend((0..length).map(|_| b"0123456789abcdef"[draw() & 15])),
            Chars(alphabet, length) => out.extend((0..length).map(|_| alphabet[draw()])),
            Bytes(alphabet, bytes, padded) => {
                let length = (bytes * 8).div_ceil(6);
                out.extend((1..length).map(|_| alphabet[draw()]));
                // Bits of the last character that belong to no byte are zero, which strict readers check.
                let spare = length * 6 - bytes * 8;
                out.push(alphabet[draw() >> spare << spare]);
                out.extend((length..length.next_multiple_of(4)).filter(|_| padded).map(|_| b'='));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mask(given: &[(&str, &'static str)], site: &Site) -> Result<Box<dyn Mask>> {
        let given = given.iter().map(|(name, text)| ((*name).to_owned(), Value::text(text)));
        build(site, &Params::new(&DEFINITION, given).unwrap())
    }

    fn masked(given: &[(&str, &'static str)], site: &Site, cell: &str) -> String {
        let mut out = Vec::new();
        mask(given, site).unwrap().mask(Cell::text(cell), &Row::NONE, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn hashes_keep_their_scheme_and_nothing_else() {
        let site = Site::for_tests("secret");
        for (prefix, _) in SCHEMES {
            let original = format!("{prefix}10$abcdefghijklmnopqrstuvABCDEFGHIJKLMNOPQRSTUVWXYZ01234");
            let one = masked(&[], &site, &original);
            assert!(one.starts_with(prefix) && one != masked(&[], &site, &format!("{original}x")), "{one}");
            assert!(!one.contains("abcdefgh") && (DEFINITION.could_write.unwrap())(&Params::default(), &one));
        }
        let bcrypt = masked(&[], &site, "$2b$12$x");
        let (salt, digest) = bcrypt["$2b$10$".len()..].split_at(22);
        assert!(digest.len() == 31 && ".Oeu".contains(&salt[21..]), "{bcrypt}");
        let argon = masked(&[], &site, "$argon2id$v=19$m=1,t=1,p=1$x$y");
        let mut parts = argon.rsplit('$');
        for length in [32, 16] {
            let bytes = data_encoding::BASE64_NOPAD.decode(parts.next().unwrap().as_bytes()).unwrap();
            assert_eq!(bytes.len(), length);
        }
        let django = masked(&[], &site, "pbkdf2_sha256$1$salt$hash");
        assert_eq!(data_encoding::BASE64.decode(django.rsplit('$').next().unwrap().as_bytes()).unwrap().len(), 32);
        for length in [32, 40, 56, 64, 96, 128] {
            let hex = masked(&[], &site, &"ab".repeat(length / 2));
            assert!(hex.len() == length && hex.bytes().all(|byte| byte.is_ascii_hexdigit()), "{hex}");
        }
    }

    #[test]
    fn what_is_no_hash_or_does_not_fit_becomes_a_token() {
        let site = Site::for_tests("secret");
        assert_eq!(masked(&[], &site, "hunter2").len(), 24);
        assert_eq!(masked(&[("kind", "token")], &site, "$2b$12$x").len(), 24);
        let key = masked(&[("kind", "api_key")], &site, "sk_live_1");
        assert!(key.starts_with("masked_") && key.len() == 39, "{key}");
        let short = Site { max_chars: Some(20), unique: true, ..site };
        assert_eq!(masked(&[], &short, "$2b$12$x").len(), 20);
        assert!(mask(&[("kind", "api_key")], &short).is_err());
        assert!(mask(&[], &Site { max_chars: Some(15), ..short }).is_err());
    }

    #[test]
    fn a_login_for_developers_needs_a_hash_and_a_reason() {
        let site = Site::for_tests("secret");
        let full = [("kind", "dev_login"), ("password_hash", "$2b$10$dev"), ("reason", "manual tests")];
        for at in [1, 2] {
            let without: Vec<_> = (0..3).filter(|other| *other != at).map(|other| full[other]).collect();
            assert!(mask(&without, &site).err().unwrap().hint_text().is_some());
        }
        assert_eq!(masked(&full, &site, "$2b$12$x"), "$2b$10$dev");
        assert!(mask(&full, &Site { unique: true, ..site.clone() }).is_err());
        assert!(mask(&full[1..], &site).is_err());
    }
}
