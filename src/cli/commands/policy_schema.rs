//! `policy schema`: the JSON Schema of policy files. The same with and without `--json`.

use crate::cli::render::Answer;
use crate::policy::json_schema;

pub(super) fn run() -> Answer {
    let schema = json_schema::schema();
    let text = format!("{schema:#}");
    Answer::new(schema, text)
}
