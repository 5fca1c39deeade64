//! What this machine has: programs, headers, LLVM, privileges. Looks only; changes nothing.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use crate::inputs::{HostNeed, Llvm};

/// The compiler that built xtask, which cargo uses for the whole workspace.
pub(crate) const RUSTC_RELEASE: &str = env!("SOFTBOARD_RUSTC_RELEASE");

/// An LLVM with everything the kernel's build wants.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct LlvmPlace {
    pub(crate) version: u32,
    pub(crate) root: PathBuf,
}

/// The sysroot of the compiler that built xtask.
pub(crate) fn rustc_sysroot() -> &'static Path {
    Path::new(env!("SOFTBOARD_RUSTC_SYSROOT"))
}

/// Finds a program on PATH.
pub(crate) fn find_program(name: &str) -> Option<PathBuf> {
    env::split_paths(&env::var_os("PATH")?).map(|folder| folder.join(name)).find(|path| is_program(path))
}

fn is_program(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    fs::metadata(path).is_ok_and(|file| file.is_file() && file.permissions().mode() & 0o111 != 0)
}

/// Whether packages can be installed on the host itself: apt, run by root.
pub(crate) fn installs_packages() -> bool {
    rustix::process::geteuid().is_root() && find_program("apt-get").is_some()
}

/// Where the one thing is that shows that a package is there.
pub(crate) fn find_host_need(need: &HostNeed) -> Option<PathBuf> {
    let multiarch = format!("{}-linux-gnu", env::consts::ARCH);
    let below = |folders: &[&str], name: &str| {
        folders
            .iter()
            .flat_map(|folder| [Path::new(folder).join(name), Path::new(folder).join(&multiarch).join(name)])
            .find(|path| path.is_file())
    };
    match (&need.program, &need.header, &need.library) {
        (Some(program), _, _) => find_program(program),
        (_, Some(header), _) => below(&["/usr/include", "/usr/local/include"], header),
        (_, _, Some(library)) => below(&["/usr/lib", "/usr/lib64"], library),
        _ => None,
    }
}

/// Finds a complete LLVM: the preferred version, else the newest.
pub(crate) fn find_llvm(wanted: &Llvm) -> Option<LlvmPlace> {
    find_llvm_below(Path::new("/usr/lib"), wanted)
}

fn find_llvm_below(folder: &Path, wanted: &Llvm) -> Option<LlvmPlace> {
    fs::read_dir(folder)
        .ok()?
        .flatten()
        .filter_map(|entry| {
            let version = entry.file_name().to_str()?.strip_prefix("llvm-")?.parse().ok()?;
            let place = LlvmPlace { version, root: entry.path() };
            (version >= wanted.minimum && is_complete(&place, wanted)).then_some(place)
        })
        .max_by_key(|place| (place.version == wanted.preferred, place.version))
}

fn is_complete(place: &LlvmPlace, wanted: &Llvm) -> bool {
    let programs = wanted.programs.iter().all(|name| is_program(&place.root.join("bin").join(name)));
    let libclang = fs::read_dir(place.root.join("lib")).is_ok_and(|entries| {
        entries.flatten().any(|entry| {
            let name = entry.file_name();
            name.to_str().is_some_and(|name| name.starts_with("libclang.so")) && entry.path().exists()
        })
    });
    programs && libclang
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inputs::Inputs;

    fn make_llvm(root: &Path, version: u32, wanted: &Llvm) {
        use std::os::unix::fs::PermissionsExt;
        let place = root.join(format!("llvm-{version}"));
        fs::create_dir_all(place.join("bin")).unwrap();
        fs::create_dir_all(place.join("lib")).unwrap();
        fs::write(place.join("lib/libclang.so.1"), "").unwrap();
        for name in &wanted.programs {
            let path = place.join("bin").join(name);
            fs::write(&path, "").unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        }
    }

    #[test]
    fn the_preferred_llvm_wins_then_the_newest_complete_one() {
        let wanted = Inputs::load().unwrap().llvm;
        let root = tempfile::tempdir().unwrap();
        let found = || find_llvm_below(root.path(), &wanted).map(|place| place.version);
        assert_eq!(found(), None);
        make_llvm(root.path(), wanted.minimum - 1, &wanted);
        assert_eq!(found(), None, "too old");
        make_llvm(root.path(), wanted.minimum, &wanted);
        assert_eq!(found(), Some(wanted.minimum));
        make_llvm(root.path(), wanted.preferred + 3, &wanted);
        assert_eq!(found(), Some(wanted.preferred + 3));
        make_llvm(root.path(), wanted.preferred, &wanted);
        assert_eq!(found(), Some(wanted.preferred));
        fs::remove_file(root.path().join(format!("llvm-{}/bin/ld.lld", wanted.preferred))).unwrap();
        assert_eq!(found(), Some(wanted.preferred + 3), "an incomplete one does not count");
    }
}
