//! QEMU: its command line and its process.

use std::fmt;
use std::fs::{File, read_to_string};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, Stdio};
use std::sync::Arc;
use std::sync::mpsc::sync_channel;
use std::thread::JoinHandle;

use agent_protocol::PORT_NAME;
use rustix::process::{Pid, PidfdFlags, pidfd_open};
use serde_json::{Map, Value};

use crate::lane::{Architecture, Lane};
use crate::manifest::Qemu;
use crate::monitor::{Event, Monitor, QemuEnd};
use crate::placement::Placement;

/// How QEMU executes the guest's instructions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Accelerator {
    /// By translation, everywhere.
    Tcg,
    /// By the processor itself, through /dev/kvm.
    Kvm,
}

impl Accelerator {
    /// The accelerator with this name: `tcg` or `kvm`.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Tcg, Self::Kvm].into_iter().find(|accelerator| accelerator.name() == name)
    }

    /// The one that works for such a guest on this machine. /dev/kvm may open where the processor cannot virtualise, and a
    /// guest hangs in it; hence the processor is asked too.
    pub fn detect(architecture: Architecture) -> Self {
        if architecture.rust_name() != std::env::consts::ARCH {
            return Self::Tcg;
        }
        let cpu_can = read_to_string("/proc/cpuinfo").is_ok_and(|text| {
            let flags = text.lines().find(|line| line.starts_with("flags"));
            flags.is_some_and(|flags| flags.split_whitespace().any(|flag| flag == "vmx" || flag == "svm"))
        });
        let may_use = || File::options().read(true).write(true).open("/dev/kvm").is_ok();
        if cpu_can && may_use() { Self::Kvm } else { Self::Tcg }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Tcg => "tcg",
            Self::Kvm => "kvm",
        }
    }
}

impl fmt::Display for Accelerator {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

/// The machine that QEMU shows to the guest.
#[derive(Debug, Clone)]
pub(crate) struct Machine {
    pub(crate) lane: Lane,
    pub(crate) accelerator: Accelerator,
    pub(crate) kernel: PathBuf,
    pub(crate) initramfs: PathBuf,
    pub(crate) kernel_arguments: Vec<String>,
    pub(crate) memory_mib: u32,
    /// Where QEMU listens for commands.
    pub(crate) monitor_socket: PathBuf,
    pub(crate) devices: Vec<VfioUserDevice>,
    pub(crate) more_arguments: Vec<String>,
}

/// A device that QEMU connects to.
#[derive(Debug, Clone)]
pub(crate) struct VfioUserDevice {
    /// Of function 0 and those after it.
    pub(crate) socket_paths: Vec<PathBuf>,
    /// Properties of QEMU's `vfio-user-pci` besides the socket and its place.
    pub(crate) properties: Map<String, Value>,
}

/// What QEMU and the kernel call the parts of a machine.
struct Profile {
    machine: &'static str,
    /// The CPU under translation.
    cpu: &'static str,
    console: &'static str,
    /// What its kernel is told besides.
    kernel_arguments: &'static [&'static str],
}

/// What no guest of ours uses is switched off: every piece of it costs boot time.
const X86_64: Profile = Profile {
    machine: "q35,memory-backend=ram,graphics=off,hpet=off,i8042=off,sata=off,smbus=off,usb=off,vmport=off",
    cpu: "qemu64",
    console: "ttyS0",
    // On a busy host the kernel's test of its timer sees no tick in time, and the kernel panics.
    kernel_arguments: &["no_timer_check"],
};

const ARM64: Profile = Profile {
    machine: "virt,memory-backend=ram,gic-version=3,its=on",
    cpu: "cortex-a57",
    console: "ttyAMA0",
    kernel_arguments: &[],
};

impl Profile {
    fn of(architecture: Architecture) -> Self {
        match architecture {
            Architecture::X86_64 => X86_64,
            Architecture::Arm64 => ARM64,
        }
    }
}

/// The slot of the first device, above those that QEMU gives out by itself: functions of one slot have to name it.
const FIRST_SLOT: usize = 0x10;

/// `quiet` keeps the boot off the slow serial port; the rest ends the guest at once when its kernel breaks.
const KERNEL_ARGUMENTS: &str = "quiet panic=-1 oops=panic";

impl Machine {
    /// QEMU's arguments. The agent's port is the socket that QEMU gets as its standard input, the console the one that
    /// it gets as its standard output: they need no names in the file system and are there before QEMU is.
    fn arguments(&self) -> Vec<String> {
        let memory = format!("{}M", self.memory_mib);
        // Shared, so that a device's DMA mappings come with a file descriptor.
        let backend = format!("memory-backend-memfd,id=ram,size={memory},share=on");
        let profile = Profile::of(self.lane.architecture);
        let cpu = match self.accelerator {
            Accelerator::Tcg => profile.cpu,
            Accelerator::Kvm => "host",
        };
        let cpus = self.lane.kernel.cpus().to_string();
        let console = format!("console={}", profile.console);
        let mut line = vec![console.as_str(), KERNEL_ARGUMENTS];
        line.extend(profile.kernel_arguments);
        line.extend(self.kernel_arguments.iter().map(String::as_str));
        let line = line.join(" ");
        let port = format!("virtserialport,chardev=agent,name={PORT_NAME}");
        // QEMU's options take a comma doubled.
        let monitor = path_text(&self.monitor_socket).replace(',', ",,");
        let monitor = format!("unix:{monitor},server=on,wait=off");
        let (kernel, initramfs) = (path_text(&self.kernel), path_text(&self.initramfs));
        let fixed = [
            ("-machine", profile.machine),
            ("-object", &backend),
            ("-m", &memory),
            ("-smp", &cpus),
            ("-accel", self.accelerator.name()),
            ("-cpu", cpu),
            ("-display", "none"),
            ("-kernel", &kernel),
            ("-initrd", &initramfs),
            ("-append", &line),
            ("-chardev", "socket,id=console,fd=1"),
            ("-serial", "chardev:console"),
            // Two ports are the least: number 0 is reserved for a console.
            ("-device", "virtio-serial-pci,max_ports=2"),
            ("-qmp", &monitor),
            ("-chardev", "socket,id=agent,fd=0"),
            ("-device", &port),
        ];
        let mut arguments: Vec<String> = ["-nodefaults", "-no-user-config", "-no-reboot"].map(str::to_owned).into();
        arguments.extend(fixed.iter().flat_map(|(option, value)| [(*option).to_owned(), (*value).to_owned()]));
        for (slot, device) in (FIRST_SLOT..).zip(&self.devices) {
            arguments.extend(device.functions(slot).flat_map(|function| ["-device".to_owned(), function]));
        }
        arguments.extend(self.more_arguments.iter().cloned());
        arguments
    }
}

impl VfioUserDevice {
    /// Its functions as JSON, which has no trouble with commas in paths.
    fn functions(&self, slot: usize) -> impl Iterator<Item = String> {
        (0..).zip(&self.socket_paths).map(move |(function, socket_path)| {
            let mut device = self.properties.clone();
            device.insert("driver".to_owned(), "vfio-user-pci".into());
            device.insert("addr".to_owned(), format!("{slot:x}.{function}").into());
            device.insert("multifunction".to_owned(), (function == 0 && self.socket_paths.len() > 1).into());
            let socket = serde_json::json!({ "path": path_text(socket_path), "type": "unix" });
            device.insert("socket".to_owned(), socket);
            Value::Object(device).to_string()
        })
    }
}

/// What makes QEMU end when this process is killed: QEMU knows it since version 10.2. An older one has to be ended by hand
/// then.
fn exit_with_parent(version: &str) -> &'static [&'static str] {
    let mut numbers = version.split('.').map(|number| number.parse::<u32>().unwrap_or(0));
    let known = (numbers.next(), numbers.next()) >= (Some(10), Some(2));
    if known { &["-run-with", "exit-with-parent=on"] } else { &[] }
}

fn path_text(path: &Path) -> String {
    path.display().to_string()
}

/// A running QEMU. Dropping this does not end it.
#[derive(Debug)]
pub(crate) struct QemuProcess {
    pub(crate) id: u32,
    /// A pidfd: it never names another process.
    pub(crate) handle: OwnedFd,
    /// Started QEMU, and ends when QEMU has ended.
    pub(crate) thread: JoinHandle<()>,
}

/// What is said to and by a QEMU.
#[derive(Debug)]
pub(crate) struct QemuStreams {
    /// The agent's port.
    pub(crate) agent: UnixStream,
    /// The guest's serial console.
    pub(crate) console: UnixStream,
    /// QEMU's own messages.
    pub(crate) messages: ChildStderr,
}

/// Starts QEMU on the core of the placement, and tells the monitor when it ends.
pub(crate) fn start(
    qemu: &Qemu,
    machine: &Machine,
    placement: &Placement,
    monitor: Arc<Monitor>,
) -> io::Result<(QemuProcess, QemuStreams)> {
    let (agent, agent_of_qemu) = UnixStream::pair()?;
    let (console, console_of_qemu) = UnixStream::pair()?;
    let mut command = Command::new(&qemu.program);
    command
        .args(&qemu.args)
        .args(machine.arguments())
        .args(exit_with_parent(&qemu.version))
        .envs(&qemu.env)
        .stdin(OwnedFd::from(agent_of_qemu))
        .stdout(OwnedFd::from(console_of_qemu))
        .stderr(Stdio::piped());
    // Ctrl-C in a terminal goes to the whole process group: QEMU must not end before the supervisor knows why.
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    let (sender, receiver) = sync_channel(1);
    // QEMU inherits this thread's core. And it ends with its parent, which to the kernel is the thread that started it:
    // so this one stays until QEMU has ended.
    let thread = placement.spawn("qemu", move || {
        let started = spawn(&mut command);
        // This process's copies of QEMU's ends of the sockets: while they are open, no stream ever ends.
        drop(command);
        let (mut child, started) = match started {
            Ok((child, handle, messages)) => (Some(child), Ok((handle, messages))),
            Err(error) => (None, Err(error)),
        };
        let id = child.as_ref().map_or(0, Child::id);
        // The receiver is there: it waits for this.
        let _ = sender.send(started.map(|(handle, messages)| (id, handle, messages)));
        if let Some(child) = &mut child {
            let end = match child.wait() {
                Ok(status) => QemuEnd { status: status.to_string(), is_orderly: status.success() },
                Err(error) => QemuEnd { status: error.to_string(), is_orderly: false },
            };
            monitor.post(Event::QemuExited(end));
        }
    })?;
    let (id, handle, messages) = receiver.recv().map_err(io::Error::other)??;
    Ok((QemuProcess { id, handle, thread }, QemuStreams { agent, console, messages }))
}

fn spawn(command: &mut Command) -> io::Result<(Child, OwnedFd, ChildStderr)> {
    let mut child = command.spawn()?;
    let handle = pidfd_open(Pid::from_child(&child), PidfdFlags::empty());
    match (handle, child.stderr.take()) {
        (Ok(handle), Some(messages)) => Ok((child, handle, messages)),
        (handle, _) => {
            child.kill()?;
            child.wait()?;
            Err(handle.map_or_else(io::Error::from, |_| io::Error::other("QEMU's messages are not piped")))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_reach_qemu_however_they_are_spelled() {
        let mut properties = Map::new();
        properties.insert("x-no-posted-writes".to_owned(), true.into());
        let socket_paths = ["/tmp/a,b\"c/socket", "/tmp/another"].map(PathBuf::from).into();
        let device = VfioUserDevice { socket_paths, properties };
        let parsed: Vec<Value> =
            device.functions(0x1a).map(|argument| serde_json::from_str(&argument).unwrap()).collect();
        assert_eq!(parsed[0]["socket"]["path"], "/tmp/a,b\"c/socket");
        assert_eq!(parsed[0]["driver"], "vfio-user-pci");
        assert_eq!(parsed[0]["x-no-posted-writes"], true);
        assert_eq!((&parsed[0]["addr"], &parsed[0]["multifunction"]), (&"1a.0".into(), &true.into()));
        assert_eq!((&parsed[1]["addr"], &parsed[1]["multifunction"]), (&"1a.1".into(), &false.into()));
        assert_eq!(parsed.len(), 2);
    }

    #[test]
    fn only_a_qemu_that_knows_it_is_told_to_end_with_its_parent() {
        for (version, known) in [("10.1.3", false), ("10.2", true), ("11.1.3", true), ("9.2", false), ("", false)] {
            assert_eq!(exit_with_parent(version).is_empty(), !known, "{version}");
        }
    }

    #[test]
    fn accelerators_have_names() {
        for accelerator in [Accelerator::Tcg, Accelerator::Kvm] {
            assert_eq!(Accelerator::from_name(&accelerator.to_string()), Some(accelerator));
        }
        assert_eq!(Accelerator::from_name("xen"), None);
    }
}
