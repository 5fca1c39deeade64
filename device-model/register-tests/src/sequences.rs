//! The tests: what is done to every register, and then to all of them.

mod access_policy;
mod aliasing;
mod bit_bash;
mod lanes;
mod reset_values;

use registers::RegisterHandle;

use crate::bus::Bus;
use crate::report::Test;
use crate::session::{Halt, Session};

/// The bytes of it, and those of its complement, differ from each other.
const PATTERN: u64 = 0x8796_a5b4_c3d2_e1f0;

/// Tests `subject`, which answers and is as after reset. What reads should give is checked as they are made.
pub(crate) fn one<B: Bus>(
    test: Test,
    session: &mut Session<'_, B>,
    subject: RegisterHandle,
    subjects: &[RegisterHandle],
) -> Result<(), Halt<B::Error>> {
    match test {
        Test::ResetValues => session.observe(subject),
        Test::BitBash => bit_bash::one(session, subject),
        Test::AccessPolicy => access_policy::one(session, subject),
        Test::Lanes => lanes::one(session, subject, subjects),
        Test::Aliasing => aliasing::one(session, subject, subjects),
    }
}

/// Tests all of `subjects` together.
pub(crate) fn all<B: Bus>(
    test: Test,
    session: &mut Session<'_, B>,
    subjects: &[RegisterHandle],
) -> Result<(), Halt<B::Error>> {
    match test {
        Test::ResetValues => reset_values::all(session, subjects),
        Test::Aliasing => aliasing::all(session, subjects),
        Test::BitBash | Test::AccessPolicy | Test::Lanes => Ok(()),
    }
}
