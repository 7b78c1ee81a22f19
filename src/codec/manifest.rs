//! A manifest as JSON bytes. Reading checks version and features before anything else, then that the parts agree; the
//! same checks run before writing, so nothing is written that could not be read.

use super::tag;
use crate::error::{Error, Result};
use crate::model::manifest::{
    ChunkRef, ClosedReference, FEATURES, FORMAT, Generated, Manifest, PolicyProof, TableEntry,
};
use crate::model::schema::{Catalogue, Table, TableName};
use serde::Deserialize;
use std::collections::BTreeSet;

/// Writes a manifest as compact JSON.
///
/// # Errors
/// Kind `Store` when its parts do not agree.
pub fn encode(manifest: &Manifest) -> Result<Vec<u8>> {
    check(manifest)?;
    serde_json::to_vec(manifest).map_err(|error| Error::store("cannot write the manifest").caused_by(error))
}

/// Reads a manifest from the bytes that [`encode`] wrote.
///
/// # Errors
/// Kind `Store` when the format or a feature is not known, or the bytes are not a manifest whose parts agree.
pub fn decode(bytes: &[u8]) -> Result<Manifest> {
    /// What every version of the format has.
    #[derive(Deserialize)]
    struct Head {
        format: u32,
        features: Vec<String>,
    }
    // serde_json quotes what it found in its messages; place and sort of the mistake are enough.
    let malformed = |error: serde_json::Error| {
        Error::store(format!("the manifest is not valid: line {}, column {}", error.line(), error.column()))
    };
    let head: Head = serde_json::from_slice(bytes).map_err(malformed)?;
    check_head(head.format, &head.features)?;
    let manifest: Manifest = serde_json::from_slice(bytes).map_err(malformed)?;
    check(&manifest)?;
    Ok(manifest)
}

fn check_head(format: u32, features: &[String]) -> Result<()> {
    let upgrade = "Upgrade terp-fixtures to read this snapshot.";
    if format != FORMAT {
        return Err(
            Error::store(format!("the snapshot has format {format}, this program reads {FORMAT}")).hint(upgrade)
        );
    }
    match features.iter().find(|feature| !FEATURES.contains(&feature.as_str())) {
        Some(feature) => {
            let feature = feature.escape_debug();
            Err(Error::store(format!("the snapshot needs the feature \"{feature}\", which is not known")).hint(upgrade))
        }
        None => Ok(()),
    }
}

fn check(manifest: &Manifest) -> Result<()> {
    check_head(manifest.format, &manifest.features)?;
    distinct("feature", manifest.features.iter())?;
    hex("repo", &manifest.repo, 32)?;
    if let Some(prev) = &manifest.prev {
        hex("prev", prev, 32)?;
    }
    hex("policy digest", &manifest.policy.digest, 64)?;
    hex("key id", &manifest.policy.key_id, 16)?;
    check_review(&manifest.policy)?;
    for (name, digest) in &manifest.policy.dictionaries {
        printable("dictionary", name)?;
        hex("dictionary digest", digest, 64)?;
    }
    for (what, time) in [("created", Some(&manifest.created)), ("expires", manifest.expires.as_ref())] {
        if time.is_some_and(|time| !is_utc_seconds(time)) {
            return Err(invalid(format!("`{what}` is not a time like 2025-12-03T10:15:00Z")));
        }
    }
    for (what, text) in [
        ("snapshot", &manifest.name),
        ("tool", &manifest.tool),
        ("environment", &manifest.environment),
        ("policy file", &manifest.policy.file),
        ("engine version", &manifest.schema.version),
    ] {
        printable(what, text)?;
    }
    let settings = manifest.schema.settings.iter().flat_map(|(name, value)| [name, value]);
    settings.chain(&manifest.source.marks).try_for_each(|text| printable("setting", text))?;
    check_catalogue(&manifest.schema)?;
    tag::check_tags(manifest.tags.iter())?;
    for copied in &manifest.copied {
        hex("repo of a copy", &copied.repo, 32)?;
        hex("id of a copy", &copied.id, 32)?;
        printable("signer of a copy", &copied.signer)?;
        if !is_utc_seconds(&copied.time) {
            return Err(invalid("a copy's time is not one like 2025-12-03T10:15:00Z"));
        }
    }
    manifest.backup.as_ref().map_or(Ok(()), |backup| printable("run of a backup", &backup.run))?;
    manifest.generated.as_ref().map_or(Ok(()), check_generated)?;
    for file in manifest.imported.iter().flat_map(|imported| &imported.files) {
        printable("file", &file.file)?;
        check_name(&file.table)?;
        hex("digest of a file", &file.digest, 64)?;
    }
    for pack in &manifest.packs {
        hex("pack name", &pack.name, 64)?;
    }
    distinct("pack", manifest.packs.iter().map(|pack| &pack.name))?;
    distinct("table", manifest.tables.iter().map(|entry| &entry.table))?;
    check_references(manifest)?;
    for entry in &manifest.tables {
        let table = manifest.schema.table(&entry.table);
        let table = table.ok_or_else(|| invalid(format!("table {} is not in the schema", entry.table)))?;
        check_entry(entry, table, manifest.packs.len())
            .map_err(|error| error.within(format!("table {}", entry.table)))?;
    }
    Ok(())
}

fn check_generated(generated: &Generated) -> Result<()> {
    let texts =
        generated.profile.iter().chain([&generated.size]).chain(&generated.scenario).chain(generated.rows.keys());
    texts.chain(&generated.inferred).try_for_each(|text| printable("word of what was made up", text))?;
    for it in &generated.invariants {
        check_name(&it.table)?;
        if it.failed > it.rows {
            return Err(invalid("an invariant fails in more rows than there are"));
        }
    }
    generated.empty.iter().try_for_each(|empty| check_name(&empty.table))
}

/// Digests and approvals have their shapes; whether an approval is genuine is not for the format to say.
fn check_review(policy: &PolicyProof) -> Result<()> {
    for (what, digest) in [("lock digest", &policy.lock), ("reviewed digest", &policy.reviewed)] {
        digest.as_ref().map_or(Ok(()), |digest| hex(what, digest, 64))?;
    }
    for approval in &policy.approvals {
        hex("approved digest", &approval.digest, 64)?;
        for (what, text) in [("approver", &approval.approver), ("role", &approval.role), ("key", &approval.key)] {
            printable(what, text)?;
        }
        if !is_utc_seconds(&approval.approved) || !is_utc_seconds(&approval.expires) {
            return Err(invalid("an approval's time is not one like 2025-12-03T10:15:00Z".to_owned()));
        }
    }
    Ok(())
}

/// References and what they pulled in name things that are there.
fn check_references(manifest: &Manifest) -> Result<()> {
    let references = &manifest.results.closure.references;
    for ClosedReference { reference, rows, dangling } in references {
        printable("reference", &reference.name)?;
        let of_type = reference.of_type.iter().map(|of| (&reference.child, &of.column));
        let children = reference.columns.iter().map(|column| (&reference.child, column));
        // Nothing may reference a table that was left out, and that can be said of it.
        let left_out = *rows == 0 && manifest.schema.table(&reference.parent).is_none();
        check_name(&reference.parent)?;
        let parents = reference.parent_columns.iter().map(|column| (&reference.parent, column));
        let parents = parents.filter(|_| !left_out);
        reference.parent_columns.iter().try_for_each(|column| printable("column", column))?;
        for (table, column) in of_type.chain(children).chain(parents) {
            let found = manifest.schema.table(table).is_some_and(|table| table.column_index(column).is_some());
            if !found {
                return Err(invalid("a reference names a column that is not there"));
            }
        }
        if reference.columns.is_empty() || reference.columns.len() != reference.parent_columns.len() {
            return Err(invalid("a reference's two sides differ in length"));
        }
        if dangling > rows {
            return Err(invalid("more references dangle than there are"));
        }
    }
    let Some(subset) = &manifest.subset else { return Ok(()) };
    subset.size.as_deref().map_or(Ok(()), |size| printable("size", size))?;
    subset.whole.iter().try_for_each(check_name)?;
    for root in &subset.roots {
        check_name(&root.table)?;
        root.condition.as_deref().map_or(Ok(()), statement)?;
    }
    if subset.edges.iter().any(|edge| edge.reference as usize >= references.len()) {
        return Err(invalid("an edge follows a reference that is not there"));
    }
    Ok(())
}

fn check_catalogue(schema: &Catalogue) -> Result<()> {
    distinct("table of the schema", schema.tables.iter().map(|table| &table.name))?;
    for table in &schema.tables {
        check_name(&table.name)?;
        check_table(table).map_err(|error| error.within(format!("table {}", table.name)))?;
    }
    for object in &schema.post {
        printable("kind of object", &object.kind)?;
        printable("object", &object.name)?;
        object.table.as_ref().map_or(Ok(()), check_name)?;
        statement(&object.create)?;
    }
    Ok(())
}

fn check_table(table: &Table) -> Result<()> {
    distinct("column", table.columns.iter().map(|column| &column.name))?;
    for column in &table.columns {
        printable("column", &column.name)?;
        // Types and expressions may hold line breaks, as the user wrote them.
        statement(&column.declared)?;
        column.default.as_deref().map_or(Ok(()), statement)?;
        column.collation.as_deref().map_or(Ok(()), |collation| printable("collation", collation))?;
    }
    let keys = table.uniques.iter().map(|unique| &unique.columns).chain([&table.primary_key]);
    if keys.flatten().any(|&at| at >= table.columns.len()) {
        return Err(invalid("a key names a column that is not there"));
    }
    for unique in &table.uniques {
        printable("unique constraint", &unique.name)?;
    }
    for key in &table.foreign_keys {
        printable("foreign key", &key.name)?;
        check_name(&key.parent)?;
        key.columns.iter().chain(&key.parent_columns).try_for_each(|column| printable("column", column))?;
        if key.columns.is_empty() || key.columns.len() != key.parent_columns.len() {
            return Err(invalid("a foreign key's two sides differ in length"));
        }
    }
    table.checks.iter().try_for_each(|check| statement(check))?;
    statement(&table.create)
}

fn check_entry(entry: &TableEntry, table: &Table, packs: usize) -> Result<()> {
    if !matches!(entry.mode.as_str(), "capture" | "reference" | "structure") {
        return Err(invalid("its mode is not known"));
    }
    let stored = table.stored_columns().into_iter().map(|at| &table.columns[at].name);
    if !entry.columns.iter().eq(stored) {
        return Err(invalid("its columns are not those of the schema"));
    }
    for (column, mask) in &entry.masks {
        printable("mask", mask)?;
        if !entry.columns.contains(column) {
            return Err(invalid("a mask names a column that is not there"));
        }
    }
    hex("digest", &entry.digest, 64)?;
    if check_chunks(&entry.chunks, packs)? != (entry.rows, entry.bytes) {
        return Err(invalid("the chunks do not add up to the table's rows and bytes"));
    }
    if !entry.origins.is_empty() && check_chunks(&entry.origins, packs)?.0 != entry.rows {
        return Err(invalid("the origins are not as many as the rows"));
    }
    Ok(())
}

/// Their rows and bytes.
fn check_chunks(chunks: &[ChunkRef], packs: usize) -> Result<(u64, u64)> {
    let (mut rows, mut bytes) = (0_u64, 0_u64);
    for chunk in chunks {
        hex("chunk id", &chunk.id, 64)?;
        if chunk.pack as usize >= packs {
            return Err(invalid("a chunk lies in a pack that is not listed"));
        }
        if chunk.length == 0 || chunk.raw == 0 || chunk.rows == 0 || chunk.rows > chunk.raw {
            return Err(invalid("a chunk has an impossible length"));
        }
        rows = rows.checked_add(chunk.rows).ok_or_else(|| invalid("the chunks have too many rows"))?;
        bytes = bytes.checked_add(chunk.raw).ok_or_else(|| invalid("the chunks have too many bytes"))?;
    }
    Ok((rows, bytes))
}

fn invalid(what: impl std::fmt::Display) -> Error {
    Error::store(format!("the manifest is not valid: {what}"))
}

fn hex(what: &str, text: &str, digits: usize) -> Result<()> {
    let right = text.len() == digits && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    if right { Ok(()) } else { Err(invalid(format!("`{what}` is not {digits} lower-case hex digits"))) }
}

fn check_name(name: &TableName) -> Result<()> {
    name.schema.as_deref().map_or(Ok(()), |schema| printable("schema", schema))?;
    printable("table", &name.name)
}

/// Refuses names with control characters: they forge log lines and break quoting elsewhere.
fn printable(what: &str, text: &str) -> Result<()> {
    if text.chars().any(char::is_control) {
        return Err(invalid(format!("a name of sort `{what}` has a control character")));
    }
    Ok(())
}

/// Statements may have line breaks, but nothing that ends them early in a client written in C.
fn statement(text: &str) -> Result<()> {
    if text.contains('\0') { Err(invalid("a statement has a NUL character")) } else { Ok(()) }
}

fn distinct<T: Ord>(what: &str, mut items: impl Iterator<Item = T>) -> Result<()> {
    let mut seen = BTreeSet::new();
    if items.all(|item| seen.insert(item)) { Ok(()) } else { Err(invalid(format!("a {what} is listed twice"))) }
}

pub(super) fn is_utc_seconds(text: &str) -> bool {
    let shape: Vec<u8> = text.bytes().map(|byte| if byte.is_ascii_digit() { b'0' } else { byte }).collect();
    shape == b"0000-00-00T00:00:00Z"
}

#[cfg(test)]
mod tests;
