//! `policy schema`: the JSON Schema of policy files, or of profiles. The same with and without `--json`.

use crate::cli::render::Answer;
use crate::generate::profile;
use crate::policy::json_schema;

pub(super) fn run(of_profiles: bool) -> Answer {
    let schema = if of_profiles { profile::json_schema::schema() } else { json_schema::schema() };
    let text = format!("{schema:#}");
    Answer::new(schema, text)
}
