//! A small application on one database. It asks SQLite by its own program, which spares this crate a driver.

use std::process::Command;

/// The clients of one database.
pub struct Clients {
    path: String,
}

impl Clients {
    /// Those in the database at `sqlite:PATH`.
    pub fn open(url: &str) -> Self {
        Self { path: url.trim_start_matches("sqlite:").to_owned() }
    }

    /// How many there are.
    pub fn count(&self) -> u32 {
        self.sql("SELECT count(*) FROM clients").parse().unwrap()
    }

    /// How many are closed.
    pub fn closed(&self) -> u32 {
        self.sql("SELECT count(*) FROM clients WHERE status = 'closed'").parse().unwrap()
    }

    /// One more.
    pub fn add(&self, code: &str) {
        self.sql(&format!(
            "INSERT INTO clients (code, name, email, street, city, postal_code, created_at) VALUES \
             ('{code}', 'New Client', '{code}@example.org', 'Main Street 1', 'Springfield', '12345', '2025-12-01 08:00:00')"
        ));
    }

    /// Closes all of them.
    pub fn close_all(&self) {
        self.sql("UPDATE clients SET status = 'closed'");
    }

    fn sql(&self, text: &str) -> String {
        let output = Command::new("sqlite3").args(["-cmd", ".timeout 10000", &self.path, text]).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }
}
