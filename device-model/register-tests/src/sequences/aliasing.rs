//! A write to one register changes no other: first with all others as after reset, then with all of them different.

use registers::RegisterHandle;

use crate::bus::Bus;
use crate::sequences::PATTERN;
use crate::session::{Halt, Session};

pub(crate) fn one<B: Bus>(
    session: &mut Session<'_, B>,
    subject: RegisterHandle,
    subjects: &[RegisterHandle],
) -> Result<(), Halt<B::Error>> {
    for pattern in [PATTERN, !PATTERN] {
        session.begin(subject)?;
        session.write_register(subject, session.mirror.legal(subject, u64::MAX, pattern))?;
        for other in subjects.iter().filter(|other| **other != subject) {
            if session.mirror.answers(*other) {
                session.read_register(*other)?;
            }
            // Also what it is an alternate of, and its own alternates, which do not answer now.
            session.get(*other)?;
        }
    }
    Ok(())
}

pub(crate) fn all<B: Bus>(session: &mut Session<'_, B>, subjects: &[RegisterHandle]) -> Result<(), Halt<B::Error>> {
    session.reset()?;
    let all: Vec<_> = subjects.iter().copied().filter(|subject| session.mirror.answers(*subject)).collect();
    // Writes to the others make some registers hard to predict: without them first.
    let is_quiet = |register: &RegisterHandle| !all.iter().any(|other| session.mirror.may_disturb(*register, *other));
    let quiet: Vec<_> = all.iter().copied().filter(is_quiet).collect();
    for written in [quiet, all.clone()] {
        let backwards = written.iter().rev().copied().collect();
        for order in [written, backwards] {
            session.reset()?;
            for (register, number) in order.iter().zip(1..) {
                let value = session.mirror.varied(*register, PATTERN.wrapping_mul(number));
                session.bring(*register, u64::MAX, value)?;
            }
            for (register, number) in order.iter().zip(1..) {
                let value = session.mirror.legal(*register, u64::MAX, !PATTERN.wrapping_mul(number));
                session.write_register(*register, value)?;
            }
            // Nor does a read of one register change another.
            for register in all.iter().chain(&all) {
                session.observe(*register)?;
            }
        }
    }
    Ok(())
}
