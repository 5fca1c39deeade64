//! What the guest's `audio` program is told and answers.

use cosim_tests::{BoardError, Guest, GuestProgram, ProgramOutput, PwmAudio, Running};

use crate::support::function;

/// `EBUSY`, as the guest's `audio` program says it.
pub(crate) const BUSY: &str = "failed: os error 16";
/// `EAGAIN`.
pub(crate) const AGAIN: &str = "failed: os error 11";
/// `ENODEV`.
pub(crate) const NO_DEVICE: &str = "failed: os error 19";
/// `EACCES`.
pub(crate) const DENIED: &str = "failed: os error 13";
/// `EPIPE`.
pub(crate) const BROKEN: &str = "failed: os error 32";
/// `EINVAL`.
pub(crate) const INVALID: &str = "failed: os error 22";
/// `EIO`.
pub(crate) const FAILED: &str = "failed: os error 5";
/// Whatever is no failure.
pub(crate) const SOMETHING: &str = "*";

/// Runs the guest's `audio` program and checks what it answers to each line.
pub(crate) fn converse(guest: &Guest, conversation: &[(&str, &str)]) -> Result<(), BoardError> {
    let lines: Vec<&str> = conversation.iter().map(|(line, _)| *line).collect();
    let output = guest.run(GuestProgram::new(["audio"]).standard_input(lines.join("\n")))?;
    check_answers(&output, conversation.iter().map(|(_, answer)| *answer));
    Ok(())
}

pub(crate) fn check_answers<'a>(output: &ProgramOutput, expected: impl Iterator<Item = &'a str>) {
    let text = output.text();
    let (mut answers, mut expected) = (text.lines(), expected.enumerate());
    for (number, expected) in expected.by_ref() {
        let answer = answers.next().unwrap_or_else(|| panic!("no answer to line {number}: {output}"));
        let fits = if expected == SOMETHING { !answer.starts_with("failed") } else { answer == expected };
        assert!(fits, "answer to line {number}: expected {expected:?}, found {answer:?}: {output}");
    }
    assert_eq!(answers.next(), None, "{output}");
}

/// Starts the guest's `audio` program with `lines`. Returns when it has answered `count` of them and does the next.
pub(crate) fn start_conversation(guest: &Guest, lines: &[&str], count: usize) -> Result<Running, BoardError> {
    guest.run(["busybox", "rm", "-f", "/tmp/answered"])?.success()?;
    guest.run(["busybox", "mkfifo", "/tmp/answered"])?.success()?;
    let script = format!(
        "audio | (n=0; while read -r answer; do
             echo \"$answer\"; n=$((n + 1)); [ $n = {count} ] && echo >/tmp/answered
         done)"
    );
    let program = GuestProgram::new(["busybox", "sh", "-c", &script]).standard_input(lines.join("\n"));
    let running = guest.start(program)?;
    guest.run(["busybox", "cat", "/tmp/answered"])?.success()?;
    Ok(running)
}

/// Takes the device from its driver, and gives it back.
pub(crate) fn rebind(guest: &Guest) -> Result<(), BoardError> {
    let (driver, address) = ("/sys/bus/pci/drivers/pwm_audio", function(guest)?.address);
    guest.write_file(&format!("{driver}/unbind"), address.as_str())?;
    guest.write_file(&format!("{driver}/bind"), address)
}

/// The samples of stream `number`, as the device has played them.
pub(crate) fn played(device: &PwmAudio, number: u32) -> Vec<i32> {
    device.stream(number).expect("a capture").samples
}
