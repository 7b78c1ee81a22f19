//! Secrets that print `***` and are wiped when dropped, and addresses that never show a password.

use std::fmt;
use zeroize::{Zeroize, ZeroizeOnDrop};

/// 32 secret bytes: a master key, a derived key, a signing seed.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct Secret32([u8; 32]);

impl Secret32 {
    /// Wraps key bytes.
    #[must_use]
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The bytes, for the one call that needs them.
    #[must_use]
    pub fn expose(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for Secret32 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// A secret text: an age identity, a passphrase, the content of a key file.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct SecretText(String);

impl SecretText {
    /// Wraps a secret text.
    #[must_use]
    pub fn new(text: String) -> Self {
        Self(text)
    }

    /// The text, for the one call that needs it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for SecretText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// A database or store address as the user wrote it. `Display` and `Debug` leave out user names' passwords and every
/// query parameter that may carry a secret.
#[derive(Clone, PartialEq, Eq)]
pub struct Address(String);

impl Address {
    /// Wraps an address.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The whole address, password and all, for the driver that connects with it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// The part before the first `:`, lower-case: `sqlite`, `postgres`, `s3`. None for a plain path.
    #[must_use]
    pub fn scheme(&self) -> Option<String> {
        let (scheme, _) = self.0.split_once(':')?;
        let plausible = scheme.len() > 1 && scheme.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c));
        plausible.then(|| scheme.to_ascii_lowercase())
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some((scheme, rest)) = self.0.split_once("://") else {
            return f.write_str(&self.0);
        };
        let (rest, query) = rest.split_once('?').map_or((rest, None), |(rest, query)| (rest, Some(query)));
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        write!(f, "{scheme}://")?;
        match authority.rsplit_once('@') {
            Some((user, host)) => match user.split_once(':') {
                Some((name, _)) => write!(f, "{name}:***@{host}")?,
                None => write!(f, "{user}@{host}")?,
            },
            None => f.write_str(authority)?,
        }
        f.write_str(path)?;
        if let Some(query) = query {
            let shown: Vec<String> = query.split('&').map(redact_parameter).collect();
            write!(f, "?{}", shown.join("&"))?;
        }
        Ok(())
    }
}

fn redact_parameter(pair: &str) -> String {
    const PLAIN: [&str; 10] = [
        "endpoint",
        "region",
        "path_style",
        "checksums",
        "attempts",
        "attempt_timeout",
        "operation_timeout",
        "sslmode",
        "mode",
        "application_name",
    ];
    // An address within the address may hold a password.
    let may_hide = |value: &str| value.contains('@') || value.contains('%');
    match pair.split_once('=') {
        Some((name, value)) if PLAIN.contains(&name) && !may_hide(value) => {
            format!("{name}={value}")
        }
        Some((name, _)) => format!("{name}=***"),
        None => pair.to_owned(),
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_secret_is_printed() {
        assert_eq!(format!("{:?}", Secret32::new([7; 32])), "***");
        assert_eq!(format!("{:?}", SecretText::new("hunter2".into())), "***");
        let address = Address::new("postgres://app:hunter2@db.example:5432/erp?sslmode=require&password=hunter2");
        assert_eq!(address.to_string(), "postgres://app:***@db.example:5432/erp?sslmode=require&password=***");
        assert_eq!(Address::new("postgres://a:p@ss@h/db").to_string(), "postgres://a:***@h/db");
        let address = Address::new("s3://bucket/x?endpoint=https://me:hunter2@host&region=garage&attempts=3");
        assert_eq!(address.to_string(), "s3://bucket/x?endpoint=***&region=garage&attempts=3");
        assert_eq!(Address::new("sqlite:dev.sqlite").to_string(), "sqlite:dev.sqlite");
    }

    #[test]
    fn schemes_are_told_from_paths() {
        assert_eq!(Address::new("SQLite:x").scheme().as_deref(), Some("sqlite"));
        assert_eq!(Address::new("./folder").scheme(), None);
        assert_eq!(Address::new("C:\\folder").scheme(), None);
    }
}
