//! Accesses of 1, 2, 4 and 8 bytes, over several registers too, touch the bytes that they carry and no others.

use registers::RegisterHandle;

use crate::bus::Bus;
use crate::sequences::PATTERN;
use crate::session::{Halt, Session};

/// Accesses that begin in `subject` and touch none but `subjects`.
pub(crate) fn one<B: Bus>(
    session: &mut Session<'_, B>,
    subject: RegisterHandle,
    subjects: &[RegisterHandle],
) -> Result<(), Halt<B::Error>> {
    let start = session.map[subject].offset;
    let end = start + session.map[subject].bytes();
    for bytes in [1, 2, 4, 8] {
        let aligned = (start.next_multiple_of(bytes)..end).step_by(bytes as usize);
        for offset in aligned.filter(|offset| session.mirror.answering(*offset) == Some(subject)).collect::<Vec<_>>() {
            let answering: Vec<_> = (offset..offset + bytes).map(|byte| session.mirror.answering(byte)).collect();
            if answering.iter().all(|register| register.is_some_and(|register| subjects.contains(&register))) {
                window(session, subject, subjects, offset, bytes as usize)?;
            }
        }
    }
    for field in 0..session.map[subject].fields.len() {
        untouched(session, subject, session.map[subject].fields[field].mask())?;
    }
    for index in 0..session.mirror.expected(subject).constraints.len() {
        let constraint = &session.mirror.expected(subject).constraints[index];
        if constraint.is_write_as_read() {
            as_read(session, subject, constraint.mask())?;
        }
    }
    Ok(())
}

/// What was last read, byte by byte, may be written, whatever the hardware has made of it since.
fn as_read<B: Bus>(session: &mut Session<'_, B>, subject: RegisterHandle, mask: u64) -> Result<(), Halt<B::Error>> {
    let last_read = |session: &Session<'_, B>| session.mirror.expected(subject).mask(|bit| bit.last_read == Some(true));
    for byte in 0..session.map[subject].bytes() {
        let offset = session.map[subject].offset + byte;
        session.begin(subject)?;
        session.bring(subject, mask, !last_read(session))?;
        session.read(offset, 1)?;
        let last_read = last_read(session);
        session.bring(subject, mask, last_read ^ 0xff << (8 * byte))?;
        session.write(offset, 1, session.mirror.compose(subject, mask, last_read) >> (8 * byte) & 0xff)?;
        session.observe(subject)?;
    }
    Ok(())
}

/// A field stays what it is when other bytes of its register are written with what they are.
fn untouched<B: Bus>(session: &mut Session<'_, B>, subject: RegisterHandle, field: u64) -> Result<(), Halt<B::Error>> {
    for byte in (0..session.map[subject].bytes()).filter(|byte| field & 0xff << (8 * byte) == 0) {
        for value in [u64::MAX, 0] {
            session.begin(subject)?;
            session.bring(subject, field, value)?;
            let neutral = session.mirror.compose(subject, 0, 0) >> (8 * byte);
            session.write(session.map[subject].offset + byte, 1, neutral & 0xff)?;
            session.observe(subject)?;
        }
    }
    Ok(())
}

fn window<B: Bus>(
    session: &mut Session<'_, B>,
    subject: RegisterHandle,
    subjects: &[RegisterHandle],
    offset: u64,
    bytes: usize,
) -> Result<(), Halt<B::Error>> {
    let touched: Vec<_> = session.mirror.parts(offset, bytes, 0).iter().map(|part| part.register).collect();
    // An access that is made too wide touches registers near by.
    let near = session.mirror.parts(offset & !7, 8, 0).into_iter().map(|part| part.register);
    let mut near: Vec<_> = near.filter(|register| subjects.contains(register)).collect();
    near.dedup();
    for pattern in [PATTERN, !PATTERN] {
        session.begin(subject)?;
        for register in &near {
            let is_in_the_way = |other: &RegisterHandle| session.mirror.may_disturb(*register, *other);
            if touched.contains(register) || !touched.iter().any(is_in_the_way) {
                let value = session.mirror.varied(*register, at(session, *register, !pattern));
                session.bring(*register, u64::MAX, value)?;
            }
        }
        session.read(offset, bytes)?;
        let parts = session.mirror.parts(offset, bytes, 0);
        let value = parts.iter().fold(0, |value, part| {
            let wanted = at(session, part.register, pattern);
            value | part.to_access(session.mirror.legal(part.register, part.carried, wanted))
        });
        session.write(offset, bytes, value)?;
        for register in &near {
            session.observe(*register)?;
        }
        for register in &touched {
            // Bits that can be written once: those of the other bytes still can.
            if session.mirror.expected(*register).bits.iter().any(|bit| bit.semantics.is_once()) {
                let value = session.mirror.legal(*register, u64::MAX, at(session, *register, !pattern));
                session.write_register(*register, value)?;
                session.observe(*register)?;
            }
        }
    }
    Ok(())
}

/// `pattern`, whose bytes belong to addresses, as `register` has it.
fn at<B: Bus>(session: &Session<'_, B>, register: RegisterHandle, pattern: u64) -> u64 {
    pattern.rotate_right(8 * (session.map[register].offset % 8) as u32)
}
