//! `lock status` and `lock release`: what was typed to the holder of a target's lock.

use super::{address, confirm, finished, started};
use crate::cli::args::{LockCommand, LockReleaseArgs, LockStatusArgs};
use crate::cli::render::Answer;
use crate::engine::{self, Holder};
use crate::error::Result;
use crate::run::{Context, lock};
use serde_json::{Value, json};

pub(super) fn run(context: &Context<'_>, command: &LockCommand) -> Result<Answer> {
    match command {
        LockCommand::Status(args) => status(context, args),
        LockCommand::Release(args) => release(context, args),
    }
}

fn status(context: &Context<'_>, args: &LockStatusArgs) -> Result<Answer> {
    let address = address(args.target.as_deref(), "target", "DATABASE_URL")?;
    let mut target = (engine::find(&address)?.target)(&address, false, &context.cancel)?;
    let holder = lock::status(&mut *target)?;
    let json = json!({ "target": address.to_string(), "held": holder.is_some(), "holder": shown(holder.as_ref()) });
    let text = match &holder {
        None => format!("The lock of {address} is free."),
        Some(Holder { purpose, host, process, since }) => format!(
            "The lock of {address} is held.\n  by       {}\n  host     {}\n  process  {process}\n  since    {since}",
            purpose.escape_debug(),
            host.escape_debug()
        ),
    };
    Ok(Answer::new(json, text))
}

fn release(context: &Context<'_>, args: &LockReleaseArgs) -> Result<Answer> {
    let address = address(args.target.as_deref(), "target", "DATABASE_URL")?;
    let mut target = (engine::find(&address)?.target)(&address, false, &context.cancel)?;
    let holder = lock::status(&mut *target)?;
    let json = json!({ "target": address.to_string(), "released": holder.is_some(), "holder": shown(holder.as_ref()) });
    let Some(holder) = holder else {
        return Ok(Answer::new(json, format!("The lock of {address} is free; there is nothing to release.")));
    };
    confirm(args.yes, &format!("This ends the run that holds the lock of {address} ({holder})."))?;
    started(context, "lock release", vec![("target", address.to_string()), ("holder", holder.to_string())]);
    lock::release(&mut *target, &holder)?;
    lock::keep_out(target)?;
    finished(context, "lock release", vec![("target", address.to_string())], Vec::new(), 0);
    Ok(Answer::new(
        json,
        format!("Ended {holder}.\nThe lock of {address} is free; what that run had not committed is undone."),
    ))
}

fn shown(holder: Option<&Holder>) -> Value {
    let Some(Holder { purpose, host, process, since }) = holder else { return Value::Null };
    json!({ "purpose": purpose, "host": host, "process": process, "since": since })
}
