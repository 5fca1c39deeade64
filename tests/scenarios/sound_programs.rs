//! ALSA's programs run in the guest, which has no other program with shared libraries.

use cosim_tests::{Board, BoardError, GuestProgram};

#[test]
fn the_distributions_sound_programs_run() -> Result<(), BoardError> {
    let board = Board::builder().sound_programs().boot()?;
    let guest = board.guest();
    println!("{} ms to the hello", board.boot_time().as_millis());
    for (program, says) in
        [("aplay", "aplay: version "), ("arecord", "arecord: version "), ("amixer", "amixer version ")]
    {
        let version = guest.run([program, "--version"])?.success()?;
        assert!(version.text().starts_with(says), "{version}");
    }
    // It has no option for its version, and says it whatever else it says.
    let test = guest.run(["speaker-test", "--help"])?;
    assert!(test.text().starts_with("\nspeaker-test "), "{test}");
    // Reads ALSA's configuration, and finds that there is no card.
    let list = guest.run(["aplay", "-l"])?.success()?;
    assert!(list.error_text().contains("no soundcards found"), "{list}");
    board.shutdown()
}

#[test]
fn who_does_not_ask_for_sound_programs_has_none() -> Result<(), BoardError> {
    let board = Board::boot()?;
    println!("{} ms to the hello", board.boot_time().as_millis());
    let error = board.guest().run(GuestProgram::new(["aplay"])).expect_err("there is no aplay");
    assert_eq!(error.errno(), Some(2), "{error}");
    board.shutdown()
}
