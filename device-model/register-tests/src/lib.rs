//! Register tests for any block, generated from its SVD file.
//!
//! The SVD file says what accesses do to every bit; these tests do the accesses and compare. They find a field that is
//! writable and should not be, a status bit that a write of 0 clears, a byte lane that ends up in the wrong place, two
//! registers behind one address, a wrong value after reset: in a model, over a wire, or in the real thing.
//!
//! [`run`] takes the [map](RegisterMap), a [`Bus`], and [`Declarations`] of what an SVD file cannot say. It puts every
//! register through every [`Test`], from a reset each time, and gives a [`Report`]:
//!
//! ```
//! use register_tests::Declarations;
//! use registers::{Description, RegisterFile};
//!
//! let svd = "<device><name>D</name><size>32</size><resetValue>0</resetValue><peripherals><peripheral><name>TIMER</name>
//!     <baseAddress>0</baseAddress><registers><register><name>STATUS</name><addressOffset>0</addressOffset>
//!     <access>read-write</access><modifiedWriteValues>oneToClear</modifiedWriteValues></register>
//!     </registers></peripheral></peripherals></device>";
//! let map = Description::parse(svd).and_then(|description| description.map(&[])).expect("a good description");
//! let mut bus = RegisterFile::new(map.clone().into());
//! let report = register_tests::run(&map, &Declarations::default(), &mut bus).expect("a bus that answers");
//! println!("{report}");
//! assert!(report.passed());
//! ```
//!
//! A bit that is not what it should be is named, with what was last done to it and to the block:
//!
//! ```text
//! bit-bash: TIMER.STATUS, bit 0 (write 1 to clear): expected 0 after 1 was written to 1, found 1
//!     the hardware sets TIMER.STATUS to 0x1
//!     write TIMER.STATUS <- 0x1 (offset 0x000, 4 bytes)
//!     read TIMER.STATUS -> 0x1 (offset 0x000, 4 bytes)
//! ```
//!
//! The tests make the same accesses every time. What they expect comes from the description's words alone, bit by bit, and
//! not from the code of [`RegisterFile`](registers::RegisterFile), which is tested with it.

mod bit;
mod bus;
mod constraint;
mod declarations;
mod mirror;
mod report;
mod sequences;
mod session;
mod step;

use registers::{RegisterHandle, RegisterMap};

pub use bus::Bus;
pub use declarations::{DeclarationError, Declarations};
pub use report::{Counts, Failure, OptOut, Report, Test};

use crate::session::{Halt, Session};

/// Why the tests came to no end.
#[derive(Debug, thiserror::Error)]
pub enum Stopped<E: std::error::Error> {
    /// The bus failed.
    #[error("{access}: {error}")]
    Bus {
        /// What was tried.
        access: String,
        /// Why it did not take place.
        error: E,
    },
    /// Nothing can bring the block into a known state.
    #[error("this bus cannot reset the block; declare how a write does: reset = {{ register = \"...\", value = ... }}")]
    NoReset,
}

/// Tests every register of `map` over `bus`, and leaves the block as after reset.
///
/// # Errors
/// Where the bus fails or the block cannot be reset. A register that is not what it should be is no error: it is in the
/// report.
pub fn run<B: Bus>(map: &RegisterMap, declarations: &Declarations, bus: &mut B) -> Result<Report, Stopped<B::Error>> {
    let mut report = Report { hardware_owned: declarations.hardware_owned_reasons.clone(), ..Report::default() };
    for test in Test::ALL {
        run_test(test, &mut Session::new(map, declarations, bus, test), &mut report)?;
    }
    Ok(report)
}

fn run_test<B: Bus>(test: Test, session: &mut Session<'_, B>, report: &mut Report) -> Result<(), Stopped<B::Error>> {
    let subjects = subjects(test, session);
    for subject in &subjects {
        let done = session.begin(*subject).and_then(|answers| {
            if answers {
                session.counts.registers += 1;
                return sequences::one(test, session, *subject, &subjects);
            }
            session.opt_out(session.map[*subject].name.clone(), "an alternate, which this bus cannot make answer");
            Ok(())
        });
        note(done, report)?;
    }
    let done = session.reset().and_then(|()| sequences::all(test, session, &subjects));
    note(done, report)?;
    note(session.reset(), report)?;
    if session.counts.checks == 0 {
        session.opt_out("all registers".to_owned(), "no register has anything that it could check");
    }
    report.counts.insert(test, session.counts);
    report.opt_outs.append(&mut session.opt_outs);
    Ok(())
}

/// The registers that nobody wants left out.
fn subjects<B: Bus>(test: Test, session: &mut Session<'_, B>) -> Vec<RegisterHandle> {
    let declarations = session.declarations;
    let skips = || declarations.skips.iter().filter(|skip| skip.test == test);
    for skip in skips() {
        session.opt_out(session.map[skip.register].name.clone(), &skip.reason);
    }
    let handles = session.map.registers().map(|(handle, _)| handle);
    handles.filter(|handle| skips().all(|skip| skip.register != *handle)).collect()
}

/// A failure goes into the report, and the other registers go on.
fn note<E: std::error::Error>(done: Result<(), Halt<E>>, report: &mut Report) -> Result<(), Stopped<E>> {
    match done {
        Ok(()) => Ok(()),
        Err(Halt::Failed(failure)) => {
            report.failures.push(*failure);
            Ok(())
        }
        Err(Halt::Bus(access, error)) => Err(Stopped::Bus { access, error }),
        Err(Halt::NoReset) => Err(Stopped::NoReset),
    }
}
