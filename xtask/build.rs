//! Records the compiler that builds xtask: cargo uses the same one for everything else in the workspace, and
//! rebuilds xtask when it changes, so that a warm set-up need not ask `rustc` for its version.

use std::env;
use std::process::Command;

fn ask(arguments: &[&str]) -> String {
    let rustc = env::var_os("RUSTC").expect("cargo sets RUSTC for build scripts");
    let output = Command::new(rustc).args(arguments).output().expect("the rustc that cargo named starts");
    String::from_utf8(output.stdout).expect("rustc answers in UTF-8")
}

fn main() {
    let version = ask(&["--version", "--verbose"]);
    let release = version.lines().find_map(|line| line.strip_prefix("release: ")).expect("rustc names its release");
    println!("cargo::rustc-env=SOFTBOARD_RUSTC_RELEASE={release}");
    println!("cargo::rustc-env=SOFTBOARD_RUSTC_SYSROOT={}", ask(&["--print", "sysroot"]).trim());
    println!("cargo::rerun-if-changed=build.rs");
}
