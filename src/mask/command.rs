//! `command`: a program of your own masks the cells, for the cases that no mask covers. It gets one JSON line per batch on
//! its standard input and answers with one JSON line on its standard output; `docs/policy.md` has the protocol.
//!
//! The program sees the originals. It gets none of this program's secrets: its environment holds `PATH`, `HOME`, `LANG` and
//! `TMPDIR` only.

use super::prelude::*;
use super::{Many, canonical};
use data_encoding::HEXLOWER;
use serde::{Deserialize, Serialize};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// A longer answer is refused; a batch has a MiB of cells and a bit.
const LONGEST: u64 = 64 << 20;

pub(super) static DEFINITION: Definition = Definition {
    name: "command",
    about: "Lets a program of your own mask the cells: one JSON line per batch on its standard input, one back; a crash, a wrong count or silence stops the capture.",
    version: 1,
    params: &[
        Param {
            name: "run",
            about: "The program and its arguments; started without a shell, once per column.",
            kind: ParamKind::Texts,
            default: "required",
        },
        Param {
            name: "seconds",
            about: "The longest time for one batch.",
            kind: ParamKind::Integer(1, 3600),
            default: "30",
        },
    ],
    accepts: &[Family::Any],
    unique: Uniqueness::Tagged,
    takes_subject: true,
    domain: "command",
    outside: true,
    build,
    examples: &[Example { params: || vec![("run", Value::texts(&["./mask-it", "--fast"]))], cell: "Maria Garcia" }],
    ..Definition::BASE
};

/// What the program is asked.
#[derive(Serialize)]
struct Request<'a> {
    cells: Vec<&'a str>,
    /// Of each cell 32 hex digits that only the masking key, the domain and the canonical value (or the subject) decide:
    /// whatever the program needs of chance.
    draws: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    subjects: Vec<Option<String>>,
}

/// What it answers: as many cells.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Answer {
    cells: Vec<Option<String>>,
}

struct Program {
    run: Vec<String>,
    limit: Duration,
    key: DomainKey,
    form: Form,
    unique: bool,
    talk: Mutex<Option<Talk>>,
}

/// A running program.
struct Talk {
    child: Child,
    input: ChildStdin,
    answers: Receiver<std::io::Result<String>>,
}

impl Drop for Talk {
    fn drop(&mut self) {
        // It may have ended already; either way it is gone afterwards.
        self.child.kill().unwrap_or_default();
        self.child.wait().map(drop).unwrap_or_default();
    }
}

fn build(site: &Site, params: &Params) -> Result<Box<dyn Mask>> {
    let run: Vec<String> = params.texts("run").map(str::to_owned).collect();
    if run.first().is_none_or(String::is_empty) {
        return Err(Error::policy("mask command does not say which program to run")
            .hint("Write { mask = \"command\", run = [\"./mask-it\", \"--fast\"] }."));
    }
    let limit = Duration::from_secs(params.size("seconds").map_or(30, |seconds| seconds as u64));
    let (key, form) = (site.key.clone(), site.loose_form());
    Ok(Box::new(Program { run, limit, key, form, unique: site.unique, talk: Mutex::default() }))
}

impl Mask for Program {
    fn mask(&self, cell: Cell<'_>, row: &Row<'_>, out: &mut Vec<u8>) -> Written {
        let refused = Misfit("the program that masks the column failed");
        let mut answers = self.mask_many(&[(cell, *row)]).map_err(|_| refused)?;
        let (kind, bytes) = answers.pop().ok_or(refused)?;
        out.extend_from_slice(&bytes);
        Ok(kind)
    }

    fn many(&self) -> Option<&dyn Many> {
        Some(self)
    }
}

impl Many for Program {
    fn mask_many(&self, cells: &[(Cell<'_>, Row<'_>)]) -> Result<Vec<super::Answer>> {
        let mut request = Request { cells: Vec::new(), draws: Vec::new(), subjects: Vec::new() };
        let mut scratch = Vec::new();
        for (cell, row) in cells {
            let text = match cell.kind {
                CellKind::Blob | CellKind::Null => None,
                _ => std::str::from_utf8(cell.bytes).ok(),
            };
            let text = text.ok_or_else(|| {
                self.error("a cell of the column is binary data or no UTF-8, which JSON cannot carry")
            })?;
            let ask = Ask { role: Role::Token, form: self.form, value: cell.bytes, subject: row.subject };
            request.cells.push(text);
            request.draws.push(HEXLOWER.encode(&self.key.draw(&ask, 0, &mut scratch).bytes()[..16]));
            if let Some(subject) = row.subject {
                request
                    .subjects
                    .push((!subject.is_null()).then(|| String::from_utf8_lossy(subject.bytes).into_owned()));
            }
        }
        let answer = self.ask(&request)?;
        if answer.cells.len() != cells.len() {
            let (given, got) = (cells.len(), answer.cells.len());
            return Err(self.error(&format!("it was given {given} cells and answered with {got}")));
        }
        let mut masked = Vec::with_capacity(cells.len());
        for ((cell, _), answer) in cells.iter().zip(answer.cells) {
            let Some(text) = answer else {
                masked.push((CellKind::Null, Vec::new()));
                continue;
            };
            if canonical::alike(cell.bytes, text.as_bytes()) {
                return Err(self.error("it gave an original back"));
            }
            let whole = cell.kind == CellKind::Integer && text.parse::<i64>().is_ok();
            let real = cell.kind == CellKind::Real && text.parse::<f64>().is_ok_and(f64::is_finite);
            masked.push((if whole || real { cell.kind } else { CellKind::Text }, text.into_bytes()));
        }
        Ok(masked)
    }
}

impl Program {
    /// One line there, one line back. After anything else the program is ended.
    fn ask(&self, request: &Request<'_>) -> Result<Answer> {
        let mut line = serde_json::to_vec(request).map_err(|_| self.error("the cells could not be written as JSON"))?;
        line.push(b'\n');
        let mut held = self.talk.lock().unwrap_or_else(PoisonError::into_inner);
        let mut talk = match held.take() {
            Some(talk) => talk,
            None => self.start()?,
        };
        let answers = &talk.answers;
        let input = &mut talk.input;
        let answer = std::thread::scope(|scope| {
            // Written beside the waiting, so that a program that reads nothing cannot hold the capture up.
            let writer = scope.spawn(move || input.write_all(&line).and_then(|()| input.flush()));
            let answer = answers.recv_timeout(self.limit);
            if answer.is_err() {
                talk.child.kill().unwrap_or_default(); // Closes its end of the pipe, which ends the writer.
            }
            let written = writer.join().unwrap_or_else(|_| Err(std::io::Error::other("the writer stopped")));
            (answer, written)
        });
        let text = match answer {
            (Ok(Ok(text)), Ok(())) => text,
            (Err(RecvTimeoutError::Timeout), _) => {
                return Err(self.error(&format!("it did not answer within {} seconds", self.limit.as_secs())));
            }
            _ => return Err(self.error("it ended before it answered")),
        };
        // Its text may hold cells: the message of the JSON reader is not passed on.
        let answer =
            serde_json::from_str(&text).map_err(|_| self.error("its answer is not {\"cells\": [...]} in one line"))?;
        *held = Some(talk);
        Ok(answer)
    }

    fn start(&self) -> Result<Talk> {
        let mut command = Command::new(&self.run[0]);
        command.args(&self.run[1..]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).env_clear();
        for name in ["PATH", "HOME", "LANG", "TMPDIR", "SystemRoot"] {
            command.envs(std::env::var_os(name).map(|value| (name, value)));
        }
        let mut child = command.spawn().map_err(|error| self.error("it could not be started").caused_by(error))?;
        let pipes = (child.stdin.take(), child.stdout.take());
        let (Some(input), Some(output)) = pipes else {
            return Err(self.error("it could not be talked to"));
        };
        let (feed, answers) = sync_channel(1);
        std::thread::spawn(move || {
            let mut output = BufReader::new(output);
            loop {
                let mut line = String::new();
                let read = output.by_ref().take(LONGEST).read_line(&mut line);
                let answer = match read {
                    Ok(0) => break,
                    Ok(_) if !line.ends_with('\n') => break,
                    Ok(_) => Ok(line),
                    Err(error) => Err(error),
                };
                if feed.send(answer).is_err() {
                    break;
                }
            }
        });
        Ok(Talk { child, input, answers })
    }

    fn error(&self, why: &str) -> Error {
        let program = self.run[0].escape_debug();
        let unique =
            if self.unique { " Its answers must differ where the cells do: the column is unique." } else { "" };
        Error::policy(format!("mask command, program {program}: {why}"))
            .hint(format!("It reads {{\"cells\": [...], \"draws\": [...]}} lines and answers each with {{\"cells\": [...]}}, as many, flushed.{unique}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn program(script: &str, seconds: i64) -> Box<dyn Mask> {
        let run = Value::List(["sh", "-c", script].iter().map(|text| Value::Text((*text).to_owned().into())).collect());
        let params = [("run".to_owned(), run), ("seconds".to_owned(), Value::Integer(seconds))];
        build(&Site::for_tests("command"), &Params::new(&DEFINITION, params).unwrap()).unwrap()
    }

    fn ask(mask: &dyn Mask, cells: &[&str]) -> Result<Vec<String>> {
        let cells: Vec<(Cell<'_>, Row<'_>)> = cells.iter().map(|cell| (Cell::text(cell), Row::NONE)).collect();
        let answers = mask.many().unwrap().mask_many(&cells)?;
        Ok(answers.into_iter().map(|(_, bytes)| String::from_utf8(bytes).unwrap()).collect())
    }

    #[test]
    fn a_program_masks_batch_after_batch() {
        let mask = program("while read -r line; do echo \"$line\" | sed 's/,\"draws.*/}/; s/a/b/g'; done", 30);
        // The word "cells" has no a, so that only cells change.
        assert_eq!(ask(&*mask, &["anna", "a\"a"]).unwrap(), ["bnnb", "b\"b"]);
        assert_eq!(ask(&*mask, &["papa"]).unwrap(), ["pbpb"]);
    }

    #[test]
    fn a_program_that_does_otherwise_stops_the_capture() {
        for (script, seconds, why) in [
            ("exit 3", 30, "ended before it answered"),
            ("read -r line; echo '{\"cells\":[\"x\"]}'; cat >/dev/null", 30, "given 2 cells and answered with 1"),
            ("read -r line; echo nonsense; cat >/dev/null", 30, "not {\"cells\""),
            ("read -r line; echo '{\"cells\":[\"hunter2\",\"x\"]}'; cat >/dev/null", 30, "gave an original back"),
            ("sleep 100", 1, "within 1 seconds"),
        ] {
            let error = ask(&*program(script, seconds), &["hunter2", "b"]).unwrap_err();
            assert_eq!(error.kind(), crate::error::Kind::Policy);
            assert!(error.what().contains(why), "{script}: {}", error.what());
            assert!(!error.to_string().contains("hunter2"));
        }
        let params = Params::new(&DEFINITION, [("run".to_owned(), Value::texts(&["./is-not-there"]))]).unwrap();
        let missing = build(&Site::for_tests("command"), &params).unwrap();
        assert!(ask(&*missing, &["a"]).unwrap_err().what().contains("could not be started"));
    }

    #[test]
    fn it_sees_no_secret_of_ours_and_draws_that_only_the_key_decides() {
        let mask = program(
            "read -r line; env | grep -c TERP_ | sed 's/^/{\"cells\":[\"/; s/$/ secrets\"]}/'; cat >/dev/null",
            30,
        );
        assert_eq!(ask(&*mask, &["x"]).unwrap(), ["0 secrets"]);
        let draws = program("read -r line; echo \"$line\" | sed 's/.*draws\":/{\"cells\":/'; cat >/dev/null", 30);
        let again = program("read -r line; echo \"$line\" | sed 's/.*draws\":/{\"cells\":/'; cat >/dev/null", 30);
        let (one, two) = (ask(&*draws, &["ann", "ann", "bob"]).unwrap(), ask(&*again, &["ann", "ann", "bob"]).unwrap());
        assert!(one == two && one[0] == one[1] && one[0] != one[2] && one[0].len() == 32);
    }
}
