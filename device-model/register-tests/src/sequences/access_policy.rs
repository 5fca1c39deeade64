//! Read-only and reserved bits keep their value whatever is written, write-only bits read as 0, and bits that writes set,
//! clear or toggle are so only where the write says that, all of a register's at once.

use registers::RegisterHandle;

use crate::bus::Bus;
use crate::session::{Halt, Session};

const ALTERNATING: u64 = 0x5555_5555_5555_5555;

pub(crate) fn one<B: Bus>(session: &mut Session<'_, B>, subject: RegisterHandle) -> Result<(), Halt<B::Error>> {
    let tried = session.mirror.expected(subject).mask(|bit| {
        // Others keep what is written: bits to be tested one by one.
        !bit.semantics.is_writable() || bit.semantics.is_modified_otherwise()
    });
    for old in [0, u64::MAX] {
        for written in [0, u64::MAX, ALTERNATING, !ALTERNATING] {
            session.begin(subject)?;
            session.bring(subject, tried, old)?;
            session.write_register(subject, session.mirror.compose(subject, tried, written))?;
            session.observe(subject)?;
        }
    }
    let hidden = session.mirror.expected(subject).mask(|bit| !bit.semantics.is_readable());
    if hidden != 0 {
        session.begin(subject)?;
        session.bring(subject, hidden, u64::MAX)?;
        session.observe(subject)?;
    }
    Ok(())
}
