//! The command line as a user meets it: what it says, what it leaves, and its exit code.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;

fn asset(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/assets").join(name)
}

fn xtask(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
    command.args(arguments);
    command
}

/// Runs a command that is to fail before it sets anything up, and returns its exit code and its words.
fn refused(arguments: &[&str]) -> (Option<i32>, String) {
    let cache = TempDir::new().expect("folder");
    let Output { status, stderr, stdout } =
        xtask(arguments).env("SOFTBOARD_CACHE", cache.path()).output().expect("xtask starts");
    assert!(stdout.is_empty(), "{}", String::from_utf8_lossy(&stdout));
    assert_eq!(fs::read_dir(cache.path()).expect("the cache").count(), 0, "set-up has begun");
    (status.code(), String::from_utf8(stderr).expect("text"))
}

#[test]
fn a_file_that_cannot_be_played_gets_one_line_and_exit_code_2() {
    let folder = TempDir::new().expect("folder");
    let whole = fs::read(asset("noise-8k-u8-mono.wav")).expect("an asset");
    let write = |name: &str, content: &[u8]| {
        let path = folder.path().join(name);
        fs::write(&path, content).expect("written");
        path
    };
    let missing = folder.path().join("missing.wav");
    for (file, word) in [
        (write("truncated.wav", &whole[..1_000]), "truncated"),
        (write("header.wav", &whole[..20]), "ends within its header"),
        (write("text.wav", b"this is no sound, but long enough to have a header in it"), "expected a PCM WAV file"),
        (missing, "No such file"),
    ] {
        let out = folder.path().join("out.wav");
        let (code, words) =
            refused(&["run", "--wav", file.to_str().expect("text"), "--out", out.to_str().expect("text")]);
        assert_eq!(code, Some(2), "{words}");
        assert_eq!(words.lines().count(), 1, "{words}");
        assert!(words.starts_with("error: ") && words.contains(word), "{words}");
        assert!(!out.exists(), "something was written for {word}");
    }
}

#[test]
fn a_capture_that_cannot_be_written_is_refused_before_anything_is_played() {
    let (code, words) = refused(&["run", "--out", "/no/such/folder/out.wav"]);
    assert_eq!(code, Some(2), "{words}");
    assert!(words.contains("/no/such/folder/out.wav") && words.lines().count() == 1, "{words}");
}

#[test]
fn a_wrong_command_line_is_exit_code_2() {
    for arguments in [
        &["run", "--clock", "fast"][..],
        &["no-such-command"],
        &["run", "--wav"],
        &["test", "--coverage-min", "101"],
        &["fuzz", "no-such-target"],
        &["fuzz", "--time", "0"],
        &["test", "--arch", "riscv64"],
        &["setup", "--kernel", "fast"],
    ] {
        assert_eq!(refused(arguments).0, Some(2), "{arguments:?}");
    }
}

#[test]
fn a_generated_file_that_is_out_of_date_is_named_and_made_anew() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let workspace = TempDir::new().expect("folder");
    let svd = "device-model/blocks/pwm-audio/pwm-audio.svd";
    let path = |name: &str| workspace.path().join(name);
    fs::create_dir_all(path(svd).parent().expect("a folder")).expect("a folder");
    for file in [svd, "rustfmt.toml"] {
        fs::copy(root.join(file), path(file)).expect("a copy");
    }
    fs::write(path("Cargo.toml"), "[workspace]\n").expect("written");
    let codegen = |arguments: &[&str]| {
        let answer = xtask(&["codegen"]).args(arguments).env("CARGO_MANIFEST_DIR", workspace.path()).output();
        let Output { status, stdout, stderr } = answer.expect("xtask starts");
        (status.code(), String::from_utf8(stdout).expect("text"), String::from_utf8(stderr).expect("text"))
    };

    // From nothing it makes what is committed.
    let generated = [
        "device-model/blocks/pwm-audio/src/registers.rs",
        "docs/pwm-audio.md",
        "guest-driver/programs/src/register_map.rs",
        "guest-driver/registers.rs",
    ];
    let (code, _, words) = codegen(&["--check"]);
    assert_eq!(code, Some(1), "{words}");
    let (code, mut said, words) = codegen(&[]);
    assert_eq!(code, Some(0), "{words}");
    for file in generated {
        said = said.replace(&format!("wrote {file}\n"), "");
        let committed = fs::read_to_string(root.join(file)).expect("a committed file");
        assert!(fs::read_to_string(path(file)).expect("a file") == committed, "run `cargo xtask codegen`: {file}");
    }
    assert_eq!(said, "", "nothing else is written");
    assert_eq!(codegen(&["--check"]), (Some(0), String::new(), String::new()));
    assert_eq!(codegen(&[]).1, "every generated file is up to date\n");

    // An edited file is named with the line that differs, and kept by --check.
    let sheet = fs::read_to_string(path("docs/pwm-audio.md")).expect("a file");
    fs::write(path("docs/pwm-audio.md"), sheet.replacen("## SYSTEM\n", "## EDITED\n", 1)).expect("written");
    let line = sheet.lines().position(|line| line == "## SYSTEM").expect("a heading") + 1;
    let (code, said, words) = codegen(&["--check"]);
    assert_eq!((code, said.as_str()), (Some(1), ""), "{words}");
    assert_eq!(
        words,
        format!(
            "error: these files are not what their SVD files make them; run `cargo xtask codegen`:\n  docs/pwm-audio.md \
             line {line}: expected \"## SYSTEM\", found \"## EDITED\"\n"
        )
    );
    assert!(fs::read_to_string(path("docs/pwm-audio.md")).expect("a file").contains("## EDITED"));
    assert_eq!(codegen(&[]).1, "wrote docs/pwm-audio.md\n");
    assert_eq!(fs::read_dir(path("docs")).expect("the folder").count(), 1, "a temporary file is left");

    // A file that is refused is exit code 2, with its line.
    let text = fs::read_to_string(path(svd)).expect("the SVD file");
    fs::write(path(svd), text.replacen("<bitRange>[31:16]</bitRange>", "<bitRange>[32:16]</bitRange>", 1))
        .expect("written");
    let (code, _, words) = codegen(&[]);
    assert_eq!(code, Some(2), "{words}");
    let field = text.lines().position(|line| line.contains("<name>major</name>")).expect("a field");
    assert!(words.contains(&format!("pwm-audio.svd: line {field}: SYSTEM.VERSION.major: bits 32:16")), "{words}");
}

#[test]
fn doctor_names_what_a_bare_machine_lacks_and_changes_nothing() {
    let cache = TempDir::new().expect("folder");
    let doctor = xtask(&["doctor"])
        .env("PATH", cache.path())
        .env("SOFTBOARD_CACHE", cache.path().join("cache"))
        .output()
        .expect("xtask starts");
    let (table, words) = (String::from_utf8_lossy(&doctor.stdout), String::from_utf8_lossy(&doctor.stderr));
    assert_eq!(doctor.status.code(), Some(3), "{words}");
    for (name, state) in [("flex", "MISSING"), ("QEMU", "MISSING"), ("sound programs", "without"), ("rustc", "found")] {
        let line = table.lines().find(|line| line.starts_with(name)).unwrap_or_default();
        assert!(line.contains(state), "{name}: {line}");
    }
    assert!(words.contains("sudo apt-get install") && words.contains(" flex "), "{words}");
    assert!(!cache.path().join("cache").exists());
}

#[test]
fn doctor_tells_what_another_guest_needs() {
    let cache = TempDir::new().expect("folder");
    let doctor = xtask(&["doctor", "--arch", "arm64", "--kernel", "debug"])
        .env("SOFTBOARD_CACHE", cache.path().join("cache"))
        .output()
        .expect("xtask starts");
    let table = String::from_utf8_lossy(&doctor.stdout);
    let line = |name: &str| table.lines().find(|line| line.starts_with(name)).unwrap_or_default().to_owned();
    assert!(line("lane").ends_with("arm64-debug"), "{table}");
    assert!(line("guest toolchain").contains("musl-dev"), "{table}");
    assert!(line("sound programs").contains("alsa-utils"), "{table}");
    let default = xtask(&["doctor"]).env("SOFTBOARD_CACHE", cache.path().join("cache")).output().expect("xtask starts");
    assert!(!String::from_utf8_lossy(&default.stdout).contains("guest toolchain"), "the host's own links for x86_64");
}

#[test]
fn fuzzing_names_what_a_bare_machine_lacks() {
    let nothing = TempDir::new().expect("folder");
    let fuzz =
        xtask(&["fuzz"]).env("PATH", nothing.path()).env("CARGO_HOME", nothing.path()).env_remove("CXX").output();
    let Output { status, stderr, .. } = fuzz.expect("xtask starts");
    let words = String::from_utf8_lossy(&stderr);
    assert_eq!(status.code(), Some(3), "{words}");
    assert!(words.contains("`cargo install cargo-fuzz`") && words.contains("C++ compiler"), "{words}");
}

#[test]
fn a_file_is_played_and_its_capture_put_where_it_was_asked_for() {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/softboard/manifest.json");
    assert!(manifest.exists(), "run `cargo xtask setup` first");
    let folder = TempDir::new().expect("folder");
    let out = folder.path().join("out.wav");
    let file = asset("noise-8k-u8-mono.wav");
    let run = xtask(&["run", "--wav", file.to_str().expect("text"), "--out", out.to_str().expect("text")])
        .output()
        .expect("xtask starts");
    let words = String::from_utf8_lossy(&run.stdout);
    assert_eq!(run.status.code(), Some(0), "{words}{}", String::from_utf8_lossy(&run.stderr));
    for expected in ["4000 frames", "underruns   0", "bit by bit"] {
        assert!(words.contains(expected), "{words}");
    }
    // 4,000 bytes of samples are the end of both files.
    let tail = |path: &Path| fs::read(path).map(|content| content[content.len() - 4_000..].to_vec()).expect("a file");
    assert!(tail(&out) == tail(&file), "the capture is not the file");
    assert_eq!(fs::read_dir(folder.path()).expect("the folder").count(), 1, "a temporary file is left");
}
