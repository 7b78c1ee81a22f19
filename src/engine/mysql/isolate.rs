//! Templates and clones on a MySQL or MariaDB server.

use crate::engine::isolate::Host;
use crate::error::{Error, Result};
use crate::event::Cancel;
use crate::secret::Address;

/// Opens the host.
pub(super) fn host(address: &Address, _cancel: &Cancel) -> Result<Box<dyn Host>> {
    Err(Error::internal(format!("no clones on '{address}' yet")))
}
