//! The PostgreSQL server of the tests.

#![expect(clippy::zombie_processes, reason = "a watcher stops the server when this process is gone")]

use crate::engine::testing::{address, database_name, with_database};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;

/// A running server.
pub(crate) struct Server {
    /// The address of its maintenance database.
    base: String,
}

/// The server of the tests.
pub(crate) fn server() -> &'static Server {
    static SERVER: OnceLock<Server> = OnceLock::new();
    SERVER.get_or_init(|| Server { base: address("postgres") })
}

/// A private server that speaks TLS with a certificate which it signed itself.
pub(crate) fn server_with_tls() -> Server {
    Server { base: start_with_tls() }
}

impl Server {
    /// The address of a database of this server.
    pub(crate) fn url(&self, database: &str) -> String {
        with_database(&self.base, database)
    }

    /// The address of a fresh, empty database.
    pub(crate) fn fresh(&self) -> String {
        let name = database_name();
        script(&self.url("postgres"), &format!("DROP DATABASE IF EXISTS {name}"));
        script(&self.url("postgres"), &format!("CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8'"));
        self.url(&name)
    }
}

/// Runs a script in a database.
pub(crate) fn script(url: &str, text: &str) {
    let address = crate::secret::Address::new(url);
    let mut session = super::connect::open(&address, "tests", false, &crate::event::Cancel::default()).unwrap();
    session.attempt(text).unwrap().unwrap_or_else(|error| panic!("{error}"));
}

/// Gives a database to the role `terp_plain`, which is no superuser; returns the address for that role.
pub(crate) fn plain(url: &str) -> String {
    script(
        url,
        "DO $$ BEGIN CREATE ROLE terp_plain LOGIN PASSWORD 'terp_plain';
         EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$;
         DO $$ BEGIN EXECUTE format('ALTER DATABASE %I OWNER TO terp_plain', current_database()); END $$;
         GRANT ALL ON SCHEMA public TO terp_plain;",
    );
    let (scheme, rest) = url.split_once("://").unwrap();
    let host = rest.split_once('@').map_or(rest, |(_, host)| host);
    format!("{scheme}://terp_plain:terp_plain@{host}")
}

fn binaries() -> PathBuf {
    let mut found: Vec<(u32, PathBuf)> = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| Some((entry.file_name().to_str()?.parse().ok()?, entry.path().join("bin"))))
        .filter(|(_, path)| path.join("initdb").exists())
        .collect();
    found.sort();
    let on_path = || std::env::split_paths(&std::env::var_os("PATH")?).find(|path| path.join("initdb").exists());
    let newest = found.pop().map(|(_, path)| path);
    newest.or_else(on_path).expect("no PostgreSQL server: install 'postgresql' or set TEST_POSTGRES_URL")
}

/// A command that does not run as root, which PostgreSQL refuses.
fn unprivileged(program: &Path) -> Command {
    let is_root = Command::new("id").arg("-u").output().is_ok_and(|out| out.stdout.trim_ascii() == b"0");
    if !is_root {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command.args(["--reuid=65534", "--regid=65534", "--clear-groups"]).arg(program);
    command
}

fn start_with_tls() -> String {
    let bin = binaries();
    let name = format!("terp-pg-tls-{}", std::process::id());
    let (folder, log) = (std::env::temp_dir().join(&name), std::env::temp_dir().join(format!("{name}.log")));
    std::fs::create_dir_all(&folder).unwrap();
    let owner = Command::new("chown").arg("65534:65534").arg(&folder).stderr(Stdio::null()).status();
    owner.unwrap();
    let data = folder.join("data");
    let made = unprivileged(&bin.join("initdb"))
        .arg("-D")
        .arg(&data)
        .args(["-U", "tester", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync"])
        .current_dir("/")
        .output()
        .unwrap();
    assert!(made.status.success(), "initdb failed: {}", String::from_utf8_lossy(&made.stderr));
    certify(&data);
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let child = unprivileged(&bin.join("postgres"))
        .arg("-D")
        .arg(&data)
        .args(["-p", &port.to_string(), "-h", "127.0.0.1", "-k", ""])
        .args(["-c", "fsync=off", "-c", "synchronous_commit=off", "-c", "full_page_writes=off"])
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(std::fs::File::create(&log).unwrap())
        .stderr(std::fs::File::create(&log).unwrap())
        .spawn()
        .unwrap();
    watch(&child, &folder, &log);
    let address = format!("postgres://tester@127.0.0.1:{port}/postgres");
    for _ in 0..200 {
        if std::net::TcpStream::connect(("127.0.0.1", port)).is_ok() {
            return address;
        }
        std::thread::park_timeout(std::time::Duration::from_millis(50));
    }
    panic!("the PostgreSQL server does not start: {}", std::fs::read_to_string(&log).unwrap_or_default());
}

/// A certificate for `localhost` that nobody else signed, and TLS switched on.
fn certify(data: &Path) {
    let made = unprivileged(Path::new("openssl"))
        .args(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"])
        .args(["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", "server.key", "-out", "server.crt"])
        .current_dir(data)
        .output()
        .expect("the program 'openssl' is missing");
    assert!(made.status.success(), "openssl failed: {}", String::from_utf8_lossy(&made.stderr));
    let mut more = unprivileged(Path::new("sh"));
    more.args(["-c", "chmod 600 server.key && echo 'ssl = on' >> postgresql.conf"]).current_dir(data);
    assert!(more.status().unwrap().success());
}

/// Stops the server and removes its folder when this process ends, however it ends.
fn watch(server: &Child, folder: &Path, log: &Path) {
    let script = "while kill -0 \"$1\" 2>/dev/null; do sleep 0.2; done; kill -INT \"$2\" 2>/dev/null; \
        while kill -0 \"$2\" 2>/dev/null; do sleep 0.1; done; rm -rf \"$3\" \"$4\"";
    let started = Command::new("sh")
        .args(["-c", script, "sh", &std::process::id().to_string(), &server.id().to_string()])
        .args([folder, log])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    started.unwrap();
}
