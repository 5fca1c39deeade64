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
    }
    Ok(())
}

/// `pattern`, whose bytes belong to addresses, as `register` has it.
fn at<B: Bus>(session: &Session<'_, B>, register: RegisterHandle, pattern: u64) -> u64 {
    pattern.rotate_right(8 * (session.map[register].offset % 8) as u32)
}
