//! A private apt root in the cache: packages of suites that the machine itself does not use, fetched from the
//! machine's own mirror and verified by apt against the machine's own keyring. Nothing is installed on the host.

use std::cell::OnceCell;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::str::SplitWhitespace;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use cosim_tests::Architecture;

use super::Run;
use crate::failure::{Context, Failure};
use crate::progress::Step;
use crate::{files, host, process};

/// The private root; its package lists are fetched when they are first needed.
pub(super) struct PrivateApt<'a> {
    run: &'a Run<'a>,
    /// Whose packages it offers when it is not those of the host.
    foreign: Option<Architecture>,
    config: OnceCell<PathBuf>,
}

/// One package file, as `apt-get --print-uris` announces it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Download {
    pub(super) package: String,
    pub(super) version: String,
    file: String,
    size_bytes: u64,
    sha256: String,
}

/// Whether packages of Debian can be had here at all.
pub(super) fn is_available() -> bool {
    ["apt-get", "apt-cache", "apt-config", "dpkg-deb"].iter().all(|program| host::find_program(program).is_some())
        && os_release("ID").as_deref() == Some("debian")
}

fn os_release(key: &str) -> Option<String> {
    let text = fs::read_to_string("/etc/os-release").ok()?;
    text.lines()
        .filter_map(|line| line.split_once('='))
        .find(|(name, _)| *name == key)
        .map(|(_, value)| value.trim_matches('"').to_owned())
}

impl<'a> PrivateApt<'a> {
    /// Packages for the host.
    pub(super) fn of_host(run: &'a Run<'a>) -> Self {
        Self { run, foreign: None, config: OnceCell::new() }
    }

    /// Packages for the guest.
    pub(super) fn of_guest(run: &'a Run<'a>) -> Self {
        let architecture = run.setup.lane.architecture;
        let foreign = (architecture.rust_name() != std::env::consts::ARCH).then_some(architecture);
        Self { run, foreign, config: OnceCell::new() }
    }

    /// The package with all it depends on.
    pub(super) fn closure(&self, package: &str, suite: &str) -> Result<Vec<Download>, Failure> {
        let plan = self.print_uris(&["--no-install-recommends", "-y", "-t", suite, "install", package])?;
        // This plan has names without hashes; the one for `download` has both.
        let packages: Vec<String> = plan.iter().filter_map(|line| package_of(line)).collect();
        let mut arguments = vec!["download"];
        arguments.extend(packages.iter().map(String::as_str));
        self.announced(&arguments)
    }

    /// The package alone, in the version that the suite has.
    pub(super) fn single(&self, package: &str, suite: &str) -> Result<Vec<Download>, Failure> {
        self.announced(&["-t", suite, "download", package])
    }

    /// The package alone, in the newest Debian revision of an upstream version, out of any suite.
    pub(super) fn upstream_version(&self, package: &str, upstream: &str) -> Result<Vec<Download>, Failure> {
        let offered = process::output(self.command("apt-cache")?.args(["madison", package]))?;
        let version = revision_of(&offered, upstream).ok_or_else(|| {
            let known: Vec<&str> = offered.lines().filter_map(madison_version).collect();
            Failure::environment(format!(
                "the mirror has {package} only in {}, and {upstream} is needed: use rustup (rustup component add \
                 rust-src), or a toolchain of one of these versions",
                known.join(", ")
            ))
        })?;
        self.announced(&["download", &format!("{package}={version}")])
    }

    fn announced(&self, arguments: &[&str]) -> Result<Vec<Download>, Failure> {
        self.print_uris(arguments)?
            .iter()
            .map(|line| {
                parse_announcement(line)
                    .ok_or_else(|| Failure::environment(format!("apt-get --print-uris says unexpectedly: {line}")))
            })
            .collect()
    }

    fn print_uris(&self, arguments: &[&str]) -> Result<Vec<String>, Failure> {
        let answer =
            process::output(self.command("apt-get")?.arg("--print-uris").args(arguments)).or_environment(|| {
                "the distribution's mirror does not offer what images/inputs.toml asks for; a newer Softboard may ask for \
                 what it offers today".to_owned()
            })?;
        Ok(answer.lines().filter(|line| line.starts_with('\'')).map(str::to_owned).collect())
    }

    /// Fetches packages into `downloads/NAME` of the cache and returns their paths. What an earlier run left there
    /// is used if its hash is right.
    pub(super) fn fetch(&self, name: &str, downloads: &[Download]) -> Result<Vec<PathBuf>, Failure> {
        let folder = self.run.setup.cache.path(&format!("downloads/{name}"));
        files::create_folder(&folder)?;
        let wanted = unfinished(&folder, downloads)?;
        if !wanted.is_empty() {
            let total_bytes = downloads.iter().map(|download| download.size_bytes).sum();
            let step = self.run.progress.bytes(&format!("download {name}"), total_bytes);
            let mut command = self.command("apt-get")?;
            command.current_dir(&folder).args(["-q", "download"]);
            command.args(wanted.iter().map(|download| format!("{}={}", download.package, download.version)));
            let job = self.run.job(command, &format!("downloading {name}"), &format!("download-{name}"));
            watch(&folder, &step, || job.run(|_| ()))?;
            step.finish();
        }
        if let Some(download) = unfinished(&folder, downloads)?.first() {
            return Err(Failure::environment(format!(
                "{} did not arrive with the hash that the package list gives: run `cargo xtask setup` again",
                download.file
            )));
        }
        Ok(downloads.iter().map(|download| folder.join(&download.file)).collect())
    }

    /// Fetches a single package.
    pub(super) fn fetch_one(&self, name: &str, downloads: Vec<Download>) -> Result<(Download, PathBuf), Failure> {
        let paths = self.fetch(name, &downloads)?;
        downloads
            .into_iter()
            .zip(paths)
            .next()
            .ok_or_else(|| Failure::environment(format!("apt announced no file for {name}")))
    }

    /// Removes what [`Self::fetch`] brought.
    pub(super) fn forget(&self, name: &str) -> Result<(), Failure> {
        files::remove(&self.run.setup.cache.path(&format!("downloads/{name}")))
    }

    fn command(&self, program: &str) -> Result<Command, Failure> {
        if self.config.get().is_none() {
            let config = self.prepare()?;
            // Nobody else can have set it in between: the cell is not shared between threads.
            let _ = self.config.set(config);
        }
        let mut command = Command::new(program);
        command.env("LC_ALL", "C").envs(self.config.get().map(|path| ("APT_CONFIG", path)));
        Ok(command)
    }

    /// Writes the private root's configuration and fetches its package lists; returns the configuration's path.
    fn prepare(&self) -> Result<PathBuf, Failure> {
        let suites = self.run.setup.inputs.debian.suites.join(" ");
        let root = match self.foreign {
            None => self.run.setup.cache.path("apt"),
            Some(architecture) => self.run.setup.cache.path(&format!("apt-{architecture}")),
        };
        for folder in ["state/lists/partial", "cache/archives/partial", "sources"] {
            files::create_folder(&root.join(folder))?;
        }
        files::write(&root.join("state/status"), "")?;
        let mirror = Self::mirror()?;
        let component = &self.run.setup.inputs.debian.component;
        let mut source = format!("Types: deb\nURIs: {}\nSuites: {suites}\nComponents: {component}\n", mirror.uri);
        if let Some(keyring) = mirror.keyring.or_else(default_keyring) {
            source = source + "Signed-By: " + &keyring + "\n";
        }
        files::write(&root.join("sources/debian.sources"), source)?;
        let machine = process::output(Command::new("apt-config").arg("dump"))?;
        let config = root.join("apt.conf");
        files::write(&config, private_config(&root, &machine, self.foreign))?;

        let mut update = Command::new("apt-get");
        update.env("LC_ALL", "C").env("APT_CONFIG", &config).args(["-q", "update"]);
        let step = self.run.progress.step("fetch package lists");
        let job = self.run.job(update, "fetching the package lists", "apt-update");
        job.run(|line| step.detail(line)).or_environment(|| {
            format!(
                "cannot get the package lists of {suites} from {}, the mirror of this machine's apt; is the network \
                 there, and does the mirror carry them? Then run `cargo xtask setup` again",
                mirror.uri
            )
        })?;
        step.finish();
        Ok(config)
    }

    fn mirror() -> Result<Mirror, Failure> {
        let targets = process::output(Command::new("apt-get").args(["indextargets", "Created-By: Packages"]))?;
        let codename = os_release("VERSION_CODENAME").unwrap_or_default();
        find_mirror(&targets, &codename).ok_or_else(|| {
            Failure::environment(
                "apt on this machine has no source of Debian's main archive: add one below /etc/apt/sources.list.d",
            )
        })
    }
}

/// The downloads that are not there with the right hash. Files that are long enough and yet wrong are removed,
/// because apt would take them for finished; shorter ones stay for apt to continue.
fn unfinished<'d>(folder: &Path, downloads: &'d [Download]) -> Result<Vec<&'d Download>, Failure> {
    let mut unfinished = Vec::new();
    for download in downloads {
        let path = folder.join(&download.file);
        let length = fs::metadata(&path).map_or(0, |metadata| metadata.len());
        if length < download.size_bytes {
            unfinished.push(download);
            continue;
        }
        let sha256 = files::sha256(&path).or_environment(|| format!("cannot read {}", path.display()))?;
        if sha256 != download.sha256 {
            files::remove(&path)?;
            unfinished.push(download);
        }
    }
    Ok(unfinished)
}

/// Runs `work` while the growth of a folder is shown as progress.
fn watch<T>(folder: &Path, step: &Step, work: impl FnOnce() -> T) -> T {
    thread::scope(|scope| {
        let (done, ended) = mpsc::channel::<()>();
        scope.spawn(move || {
            while ended.recv_timeout(Duration::from_millis(200)) == Err(RecvTimeoutError::Timeout) {
                let entries = fs::read_dir(folder).into_iter().flatten().flatten();
                step.set_position(entries.filter_map(|entry| entry.metadata().ok()).map(|file| file.len()).sum());
            }
        });
        let result = work();
        drop(done);
        result
    })
}

/// Unpacks one file or folder of a package, named as in its archive: "./usr/bin/busybox".
pub(super) fn unpack_member(run: &Run, package: &Path, member: &str, into: &Path) -> Result<(), Failure> {
    let failure = || format!("cannot unpack {member} of {}", package.display());
    let mut reader = archive(run, package)?.spawn().or_environment(failure)?;
    let unpacked = Command::new("tar")
        .args(["-x", "-C"])
        .arg(into)
        .arg(member)
        .stdin(reader.stdout.take().map_or_else(Stdio::null, Stdio::from))
        // Where nothing is written; it holds the lock like the stdin of others.
        .stdout(run.lock_stdio()?)
        .status()
        .or_environment(failure)?;
    let read = reader.wait().or_environment(failure)?;
    if unpacked.success() && read.success() { Ok(()) } else { Err(Failure::environment(failure())) }
}

/// The command that writes a package's content to stdout as a tar archive.
pub(super) fn archive(run: &Run, package: &Path) -> Result<Command, Failure> {
    let mut command = Command::new("dpkg-deb");
    command.arg("--fsys-tarfile").arg(package).stdin(run.lock_stdio()?).stdout(Stdio::piped());
    Ok(command)
}

/// Unpacks a whole package.
pub(super) fn unpack(run: &Run, package: &Path, into: &Path) -> Result<(), Failure> {
    let mut command = Command::new("dpkg-deb");
    command.arg("-x").arg(package).arg(into);
    run.job(command, &format!("unpacking {}", package.display()), "unpack").run(|_| ())
}

#[derive(Debug, Eq, PartialEq)]
struct Mirror {
    uri: String,
    keyring: Option<String>,
}

/// Picks Debian's main archive (not the security archive) out of what `apt-get indextargets` prints. Before the
/// machine's first `apt-get update` there are no labels: then it is the one that carries the machine's own release.
fn find_mirror(targets: &str, codename: &str) -> Option<Mirror> {
    let stanzas: Vec<_> = targets.split("\n\n").collect();
    let field = |stanza: &str, name: &str| {
        let line = stanza.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
        line.map(str::to_owned)
    };
    let is_main = |stanza: &&&str| field(stanza, "Component").as_deref() == Some("main");
    let labelled = stanzas
        .iter()
        .filter(is_main)
        .find(|stanza| ["Origin", "Label"].iter().all(|name| field(stanza, name).as_deref() == Some("Debian")));
    let stanza = labelled.or_else(|| {
        stanzas
            .iter()
            .filter(is_main)
            .find(|stanza| field(stanza, "Label").is_none() && field(stanza, "Release").as_deref() == Some(codename))
    })?;
    Some(Mirror { uri: field(stanza, "Repo-URI")?, keyring: field(stanza, "Signed-By") })
}

/// Where Debian installs the keyring of its archive; without one apt falls back on all that the machine trusts.
fn default_keyring() -> Option<String> {
    ["gpg", "pgp"]
        .map(|extension| format!("/usr/share/keyrings/debian-archive-keyring.{extension}"))
        .into_iter()
        .find(|path| Path::new(path).is_file())
}

/// The configuration of the private root: the machine's way to the network (proxies, certificates), and nothing
/// else of the machine's, above all none of its hooks.
fn private_config(root: &Path, machine: &str, foreign: Option<Architecture>) -> String {
    let network = machine
        .lines()
        .filter(|line| line.starts_with("Acquire::") && !line.starts_with("Acquire::IndexTargets"))
        .map(|line| line.to_owned() + "\n");
    let inside = [
        ("State", "state"),
        ("State::lists", "state/lists"),
        ("State::status", "state/status"),
        ("Cache", "cache"),
        ("Etc::SourceParts", "sources"),
    ]
    .map(|(key, folder)| format!("Dir::{key} \"{}\";\n", root.join(folder).display()));
    let nowhere = ["Main", "Parts", "SourceList", "Preferences", "PreferencesParts"]
        .map(|key| format!("Dir::Etc::{key} \"/dev/null\";\n"));
    let settings = [
        // The cache is often below a home folder that apt's own user cannot enter.
        "APT::Sandbox::User \"root\";\n",
        "APT::Update::Error-Mode \"any\";\n",
        "Acquire::Languages \"none\";\n",
    ]
    .map(str::to_owned);
    let architecture =
        foreign.map(|name| format!("APT::Architecture \"{name}\";\nAPT::Architectures {{ \"{name}\"; }};\n"));
    network.chain(inside).chain(nowhere).chain(settings).chain(architecture).collect()
}

/// Reads `'URI' FILE SIZE SHA256:HASH`.
fn parse_announcement(line: &str) -> Option<Download> {
    let mut words = after_uri(line)?;
    let file = words.next()?;
    let size_bytes = words.next()?.parse().ok()?;
    let sha256 = words.find_map(|word| word.strip_prefix("SHA256:"))?;
    let (package, version) = name_and_version(file)?;
    (sha256.len() == 64 && !file.contains('/')).then(|| Download {
        package: package.to_owned(),
        version,
        file: file.to_owned(),
        size_bytes,
        sha256: sha256.to_owned(),
    })
}

/// Reads `'URI' FILE ...` as `PACKAGE=VERSION`.
fn package_of(line: &str) -> Option<String> {
    let (package, version) = name_and_version(after_uri(line)?.next()?)?;
    Some(format!("{package}={version}"))
}

fn after_uri(line: &str) -> Option<SplitWhitespace<'_>> {
    let (_, rest) = line.strip_prefix('\'')?.split_once("' ")?;
    Some(rest.split_whitespace())
}

/// A package file is named `NAME_VERSION_ARCHITECTURE.deb`, with the colon of the version's epoch escaped.
fn name_and_version(file: &str) -> Option<(&str, String)> {
    let mut parts = file.split('_');
    Some((parts.next()?, parts.next()?.replace("%3a", ":")))
}

fn madison_version(line: &str) -> Option<&str> {
    line.split('|').nth(1).map(str::trim)
}

/// The first (newest) version in `apt-cache madison`'s table whose upstream part is `upstream`.
fn revision_of<'t>(madison: &'t str, upstream: &str) -> Option<&'t str> {
    madison
        .lines()
        .filter_map(madison_version)
        .find(|version| version.strip_prefix(upstream).is_some_and(|rest| rest.starts_with(['+', '-', '~'])))
}

#[cfg(test)]
mod tests;
