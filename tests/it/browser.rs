//! Headless Chromium over its DevTools pipe: JSON messages that end with a zero byte, no socket and no driver program. The
//! browser is needed; where it is missing, tests fail and say how to get it.

use serde_json::{Value, json};
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

/// What a browser is called, in the order of choice. `TEST_CHROMIUM` names another.
const NAMES: [&str; 5] = [
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
];

/// How long an answer may take, on a machine that does much else.
const PATIENCE: Duration = Duration::from_mins(1);

/// A browser with one page, gone when dropped.
pub struct Browser {
    child: Child,
    input: Option<ChildStdin>,
    messages: Receiver<Vec<u8>>,
    session: Option<String>,
    sent: u64,
    events: Vec<Value>,
    _profile: tempfile::TempDir,
}

fn program() -> String {
    let named = std::env::var("TEST_CHROMIUM").ok().into_iter().chain(NAMES.map(str::to_owned));
    let runs = |name: &String| {
        Command::new(name)
            .arg("--version")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .is_ok_and(|s| s.success())
    };
    let mut named = named.filter(runs);
    named.next().expect("Chromium is missing: install the package 'chromium', or name a browser in TEST_CHROMIUM")
}

impl Browser {
    /// Starts a browser with a profile of its own.
    pub fn start() -> Self {
        let profile = tempfile::tempdir().unwrap();
        // The pipe is the file descriptors 3 and 4, which only a shell can give it.
        let mut child = Command::new("sh")
            .args(["-c", "exec \"$0\" \"$@\" 3<&0 4>&1 </dev/null >/dev/null 2>&1"])
            .arg(program())
            .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"])
            .args(["--disable-background-networking", "--disable-component-update", "--disable-dev-shm-usage"])
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .args(["--remote-debugging-pipe", "about:blank"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let input = child.stdin.take();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let (sender, messages) = channel();
        std::thread::spawn(move || {
            let mut bytes = Vec::new();
            while output.read_until(0, &mut bytes).is_ok() && bytes.pop() == Some(0) {
                if sender.send(std::mem::take(&mut bytes)).is_err() {
                    return;
                }
            }
        });
        let mut browser =
            Self { child, input, messages, session: None, sent: 0, events: Vec::new(), _profile: profile };
        let target = browser.call("Target.createTarget", &json!({ "url": "about:blank" }));
        let attached =
            browser.call("Target.attachToTarget", &json!({ "targetId": target["targetId"], "flatten": true }));
        browser.session = attached["sessionId"].as_str().map(str::to_owned);
        for domain in ["Page", "Runtime", "Log", "Network"] {
            browser.call(&format!("{domain}.enable"), &json!({}));
        }
        browser.call("Page.setLifecycleEventsEnabled", &json!({ "enabled": true }));
        browser
    }

    /// Sends a command and waits for its result; events in between are kept.
    pub fn call(&mut self, method: &str, params: &Value) -> Value {
        self.sent += 1;
        let mut message = json!({ "id": self.sent, "method": method, "params": params });
        if let Some(session) = &self.session {
            message["sessionId"] = json!(session);
        }
        let input = self.input.as_mut().unwrap();
        input.write_all(format!("{message}\0").as_bytes()).unwrap();
        input.flush().unwrap();
        loop {
            let answer = self.read();
            if answer["id"] == json!(self.sent) {
                assert!(answer.get("error").is_none(), "{method}: {}", answer["error"]);
                return answer["result"].clone();
            }
            self.events.push(answer);
        }
    }

    fn read(&mut self) -> Value {
        let bytes = self.messages.recv_timeout(PATIENCE).expect("the browser does not answer");
        serde_json::from_slice(&bytes).unwrap()
    }

    /// Opens a file and waits until it is loaded.
    pub fn open(&mut self, path: &Path, hash: &str) {
        // From another page, because a change of the part behind # alone loads nothing.
        self.go("about:blank");
        self.events.clear();
        self.go(&format!("file://{}{hash}", path.display()));
    }

    fn go(&mut self, url: &str) {
        let answer = self.call("Page.navigate", &json!({ "url": url }));
        let is_loaded = |event: &Value| {
            let of = &event["params"];
            event["method"] == "Page.lifecycleEvent" && of["name"] == "load" && of["loaderId"] == answer["loaderId"]
        };
        while !self.events.iter().any(is_loaded) {
            let event = self.read();
            self.events.push(event);
        }
    }

    /// The value of an expression in the page; a promise is waited for.
    pub fn eval(&mut self, expression: &str) -> Value {
        let params = json!({ "expression": expression, "returnByValue": true, "awaitPromise": true });
        let result = self.call("Runtime.evaluate", &params);
        assert!(result.get("exceptionDetails").is_none(), "{expression}: {}", result["exceptionDetails"]);
        result["result"]["value"].clone()
    }

    /// The same after the page had two frames to react.
    pub fn eval_after(&mut self, action: &str, expression: &str) -> Value {
        self.eval(&format!(
            "(async () => {{ {action}; await new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done))); return {expression}; }})()"
        ))
    }

    /// Presses and releases a key.
    pub fn press(&mut self, key: &str) {
        let text = if key.chars().count() == 1 { key } else { "" };
        self.call("Input.dispatchKeyEvent", &json!({ "type": "keyDown", "key": key, "text": text }));
        self.call("Input.dispatchKeyEvent", &json!({ "type": "keyUp", "key": key }));
    }

    /// Complaints of the page: console messages, exceptions, refused resources.
    pub fn complaints(&self) -> Vec<&Value> {
        let loud = ["Runtime.exceptionThrown", "Runtime.consoleAPICalled", "Log.entryAdded"];
        self.events.iter().filter(|event| loud.iter().any(|name| event["method"] == *name)).collect()
    }

    /// Every address that was asked for.
    pub fn requests(&self) -> Vec<&str> {
        let asked = self.events.iter().filter(|event| event["method"] == "Network.requestWillBeSent");
        asked.filter_map(|event| event["params"]["request"]["url"].as_str()).collect()
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // It ends when it is asked to, and when its pipe ends; being killed would leave its children behind.
        if let Some(mut input) = self.input.take() {
            input.write_all(b"{\"id\":0,\"method\":\"Browser.close\"}\0").ok();
        }
        loop {
            match self.messages.recv_timeout(PATIENCE) {
                Ok(_) => {}
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => {
                    self.child.kill().ok();
                    break;
                }
            }
        }
        self.child.wait().ok();
    }
}
