//! `cargo xtask setup`: brings what a board needs into the cache, and writes the manifest that boards boot from.

mod apt;
mod bindgen;
mod busybox;
mod guest_toolchain;
mod host_packages;
mod kernel;
mod kernel_config;
mod kernel_source;
mod need;
mod probe;
mod qemu;
mod rust_source;
mod sound_programs;

use std::collections::BTreeMap;
use std::fs::File;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::thread;

use cosim_tests::manifest::{Manifest, Programs, Qemu};
use cosim_tests::{Architecture, KernelVariant, Lane};

use crate::cache::Cache;
use crate::failure::{Context, Failure};
use crate::inputs::Inputs;
use crate::process::Job;
use crate::progress::Progress;
use crate::workspace::Workspace;

pub(crate) use need::{Need, State, refuse_if_missing};
use probe::Probes;

/// The kernel modules that `cargo xtask build` makes.
const MODULES: [&str; 1] = ["pwm_audio"];

/// What every command that needs set-up takes.
#[derive(Clone, Debug, Default, clap::Args)]
// Other commands take these options along with their own, and clap knows groups by the name of their type.
#[group(skip)]
pub struct Options {
    /// Build the guest's kernel from this tree instead of the distribution's source package.
    #[arg(long, value_name = "DIR", env = "SOFTBOARD_KERNEL_SRC")]
    pub kernel_src: Option<PathBuf>,
    /// The guest's kernel: `default`, or `debug`, which looks for a driver's mistakes and is slower.
    #[arg(long, default_value_t, value_name = "default|debug")]
    pub kernel: KernelVariant,
    /// The guest's architecture.
    #[arg(long, default_value_t, value_name = "x86_64|arm64")]
    pub arch: Architecture,
}

impl Options {
    /// The guest that is asked for.
    pub fn lane(&self) -> Lane {
        Lane { architecture: self.arch, kernel: self.kernel }
    }
}

/// Brings everything up to date, does nothing where it is, and returns the manifest.
///
/// # Errors
/// When the machine lacks something that set-up cannot install, or a step breaks off (exit code 3).
pub fn ensure(workspace: &Workspace, options: &Options, progress: &Progress) -> Result<Manifest, Failure> {
    let cache = Cache::find()?;
    let lock = cache.lock(progress)?;
    let setup = Setup::new(cache, options)?;
    refuse_if_missing(&setup.survey())?;
    let run = Run { setup: &setup, progress, lock: &lock };

    host_packages::ensure(&run)?;
    let (bindgen, fetched) = thread::scope(|scope| {
        // Compiling bindgen takes as long as all downloads and unpacking.
        let bindgen = scope.spawn(|| bindgen::ensure(&run));
        let fetched = fetch(&run);
        if fetched.is_err() && !bindgen.is_finished() {
            progress.note("set-up cannot go on; it ends when bindgen, which is kept, is compiled");
        }
        (bindgen.join(), fetched)
    });
    let Fetched { qemu, busybox, source, rust_source, programs, sound_programs } = fetched?;
    let bindgen = bindgen.unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
    let kernel = kernel::ensure(&run, &source, &rust_source, &bindgen)?;
    setup.probes.save(&setup.cache)?;

    let lane = setup.lane;
    let output = workspace.lane_output(lane);
    let modules = BTreeMap::from(MODULES.map(|name| (name.to_owned(), output.join(format!("module/{name}.ko")))));
    let initramfs = output.join("initramfs.cpio");
    let manifest = Manifest { lane, qemu, kernel, programs, busybox, initramfs, sound_programs, modules };
    manifest
        .save(workspace.root())
        .or_environment(|| "cannot leave the result of set-up in the workspace".to_owned())?;
    Ok(manifest)
}

struct Fetched {
    qemu: Qemu,
    busybox: Option<PathBuf>,
    source: kernel_source::Source,
    rust_source: PathBuf,
    programs: Programs,
    sound_programs: Option<PathBuf>,
}

fn fetch(run: &Run) -> Result<Fetched, Failure> {
    let apt = apt::PrivateApt::of_host(run);
    let guest_apt = apt::PrivateApt::of_guest(run);
    let rust_source = rust_source::ensure(run, &apt)?;
    Ok(Fetched {
        qemu: qemu::ensure(run, &apt)?,
        busybox: busybox::ensure(run, &guest_apt)?,
        source: kernel_source::ensure(run, &apt)?,
        programs: guest_toolchain::ensure(run, &guest_apt, &rust_source)?,
        sound_programs: sound_programs::ensure(run, &guest_apt)?,
        rust_source,
    })
}

/// What every need is found with.
pub(crate) struct Setup {
    lane: Lane,
    inputs: Inputs,
    cache: Cache,
    probes: Probes,
    /// The user's own kernel tree.
    kernel_tree: Option<PathBuf>,
}

impl Setup {
    pub(crate) fn new(cache: Cache, options: &Options) -> Result<Self, Failure> {
        Ok(Self {
            lane: options.lane(),
            inputs: Inputs::load()?,
            probes: Probes::load(&cache),
            kernel_tree: kernel_source::own_tree(options)?,
            cache,
        })
    }

    /// The name in the cache of something that depends on the guest's architecture.
    fn of_guest(&self, name: &str) -> String {
        let architecture = self.lane.architecture;
        if architecture == Architecture::default() { name.to_owned() } else { format!("{name}-{architecture}") }
    }

    /// Everything that a board needs, in the order that set-up brings it.
    pub(crate) fn survey(&self) -> Vec<Need> {
        let mut needs = host_packages::needs(self);
        needs.extend([
            qemu::need(self),
            kernel_source::need(self),
            rust_source::need(self),
            bindgen::need(self),
            busybox::need(self),
            sound_programs::need(self),
        ]);
        needs.extend(guest_toolchain::need(self));
        needs.push(kernel::need(self));
        needs
    }
}

/// A set-up at work, under the cache's lock.
struct Run<'a> {
    setup: &'a Setup,
    progress: &'a Progress,
    lock: &'a File,
}

impl Run<'_> {
    /// The lock as a stream of a program, so that it is held as long as the program lives, even when xtask is killed.
    fn lock_stdio(&self) -> Result<Stdio, Failure> {
        let lock = self.lock.try_clone().or_environment(|| "cannot duplicate the lock of the cache".to_owned())?;
        Ok(lock.into())
    }

    /// A program whose output goes to `log/NAME.log` in the cache.
    fn job(&self, command: Command, what: &str, log: &str) -> Job<'_> {
        Job { command, what: what.to_owned(), log: self.setup.cache.path(&format!("log/{log}.log")), lock: self.lock }
    }
}
