//! Registers are after every kind of reset what the description says, also after all of them were something else.

use registers::RegisterHandle;

use crate::bus::Bus;
use crate::session::{Halt, Session};

pub(crate) fn all<B: Bus>(session: &mut Session<'_, B>, subjects: &[RegisterHandle]) -> Result<(), Halt<B::Error>> {
    for reset in [Session::reset_by_bus, Session::reset_by_write] {
        session.reset()?;
        for subject in subjects {
            session.bring(*subject, u64::MAX, !session.map[*subject].reset_value)?;
        }
        if reset(session)? {
            for subject in subjects {
                session.observe(*subject)?;
            }
        }
    }
    Ok(())
}
