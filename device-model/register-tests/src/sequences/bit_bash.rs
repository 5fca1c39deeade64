//! Every bit alone: what becomes of an old 0 and an old 1 when 0 and 1 are written and when it is read, the other bits
//! being written with what leaves them alone. Where there is a constraint, values that it allows and others.

use registers::RegisterHandle;

use crate::bit::Semantics;
use crate::bus::Bus;
use crate::session::{Halt, Session};

pub(crate) fn one<B: Bus>(session: &mut Session<'_, B>, subject: RegisterHandle) -> Result<(), Halt<B::Error>> {
    for index in 0..session.mirror.expected(subject).constraints.len() {
        session.begin(subject)?;
        values(session, subject, index)?;
    }
    let mut field = None;
    for place in 0..session.map[subject].bits {
        let semantics = session.mirror.expected(subject).bits[usize::from(place)].semantics;
        // A field's effects do not pile up with those of the one before.
        if field != Some(semantics.field) {
            field = Some(semantics.field);
            session.begin(subject)?;
        }
        if semantics.is_writable() || semantics.left_by_reads().is_some() {
            bit(session, subject, place, semantics)?;
        }
    }
    Ok(())
}

fn bit<B: Bus>(
    session: &mut Session<'_, B>,
    subject: RegisterHandle,
    place: u8,
    semantics: Semantics,
) -> Result<(), Halt<B::Error>> {
    let mask = 1 << place;
    let bits = |bit| if bit { mask } else { 0 };
    for old in [true, false] {
        for written in [true, false] {
            if semantics.is_once() {
                session.begin(subject)?;
            }
            let is_reached = session.bring(subject, mask, bits(old))? != 0;
            if !is_reached && semantics.shows_on() == Some(old) {
                let reason = format!("nothing brings it to {}, the value that its {semantics} shows on", u8::from(old));
                session.opt_out(session.name(subject, place), &reason);
            }
            session.write_register(subject, session.mirror.compose(subject, mask, bits(written)))?;
            session.observe(subject)?;
            if semantics.is_once() {
                session.write_register(subject, session.mirror.compose(subject, mask, bits(!written)))?;
                session.observe(subject)?;
            }
        }
    }
    if !semantics.is_readable() && !session.is_seen_elsewhere(subject, mask) && !session.get(subject)? {
        session.opt_out(session.name(subject, place), "what was written to it cannot be read back");
    }
    Ok(())
}

/// Values that constraint `index` allows, and others.
fn values<B: Bus>(session: &mut Session<'_, B>, subject: RegisterHandle, index: usize) -> Result<(), Halt<B::Error>> {
    let constraint = session.mirror.expected(subject).constraints[index].clone();
    let mask = constraint.mask();
    let is_once = session.mirror.expected(subject).mask(|bit| bit.semantics.is_once()) & mask != 0;
    for value in constraint.candidates() {
        if is_once || constraint.is_write_as_read() {
            session.begin(subject)?;
        }
        if constraint.is_write_as_read() {
            as_read(session, subject, mask, value)?;
        }
        session.write_register(subject, session.mirror.compose(subject, mask, value))?;
        session.observe(subject)?;
        if is_once {
            // What was refused can still be written.
            session.write_register(subject, session.mirror.legal(subject, mask, !value))?;
            session.observe(subject)?;
        }
    }
    Ok(())
}

/// What was last read may be written, whatever the hardware has made of it since: what it is after reset, then `value`.
fn as_read<B: Bus>(
    session: &mut Session<'_, B>,
    subject: RegisterHandle,
    mask: u64,
    value: u64,
) -> Result<(), Halt<B::Error>> {
    let last_read = session.mirror.expected(subject).mask(|bit| bit.last_read == Some(true));
    for (read, other) in [(last_read, value), (value, !value)] {
        session.bring(subject, mask, read)?;
        if read != last_read {
            session.read_register(subject)?;
        }
        session.bring(subject, mask, other)?;
        session.write_register(subject, session.mirror.compose(subject, mask, read))?;
        session.observe(subject)?;
    }
    session.bring(subject, mask, value)?;
    Ok(())
}
