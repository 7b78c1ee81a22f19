//! What most masks share: one keyed draw per value, written out in some manner until it is not the original.

use super::prelude::*;

struct Drawn<W> {
    key: DomainKey,
    role: Role,
    form: Form,
    subject: bool,
    write: W,
}

/// A mask of `definition` that writes its draws by `write`, which also sees the original.
#[expect(clippy::unnecessary_wraps, reason = "what every mask's build gives back")]
pub(super) fn drawn<W>(
    definition: &'static Definition,
    site: &Site,
    role: Role,
    form: Form,
    write: W,
) -> Result<Box<dyn Mask>>
where
    W: Fn(&Draw, &[u8], &mut Vec<u8>) + Send + Sync + 'static,
{
    Ok(Box::new(Drawn { key: site.key.clone(), role, form, subject: definition.takes_subject, write }))
}

impl<W: Fn(&Draw, &[u8], &mut Vec<u8>) + Send + Sync> Mask for Drawn<W> {
    fn mask(&self, cell: Cell<'_>, row: &Row<'_>, out: &mut Vec<u8>) -> Written {
        let value = super::text_or_integer(cell)?;
        let subject = row.subject.filter(|_| self.subject);
        let ask = Ask { role: self.role, form: self.form, value, subject };
        until_different(value, out, |attempt, out| {
            let draw = self.key.draw(&ask, attempt, out);
            (self.write)(&draw, value, out);
        })
    }
}
