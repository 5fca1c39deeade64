//! Finding the harness's virtio-serial port.
//!
//! The driver announces ports asynchronously, after process 1 has started: first the device node appears, then the host
//! is told that the port is ready, and only then come the port's name and the news that the host has it open. The name
//! comes with no event a program can wait for, but the driver handles the host's messages in order, and "the host has
//! it open" follows the name. So: inotify tells when a node appears, epoll tells when the host has it open, and then the
//! name is there to be compared.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

use agent_protocol::PORT_NAME;
use rustix::event::epoll::{self, EventData, EventFlags};
use rustix::fs::inotify;
use rustix::io::Errno;

/// The prefix of the node names of virtio-serial ports.
const NODE_PREFIX: &str = "vport";
/// Says that an event is inotify's; ports count from 0.
const NODES_CHANGED: u64 = u64::MAX;

/// Waits for the port named [`PORT_NAME`] and returns it, opened.
pub(crate) fn open() -> Result<File, String> {
    let failed = |doing: &'static str| move |error: Errno| format!("could not {doing}: {error}");
    let epoll = epoll::create(epoll::CreateFlags::CLOEXEC).map_err(failed("create an epoll"))?;
    let nodes = inotify::init(inotify::CreateFlags::CLOEXEC | inotify::CreateFlags::NONBLOCK)
        .map_err(failed("use inotify (CONFIG_INOTIFY_USER)"))?;
    // Watching starts before the first look: a node that appears in between is seen twice rather than never.
    inotify::add_watch(&nodes, "/dev", inotify::WatchFlags::CREATE).map_err(failed("watch /dev"))?;
    epoll::add(&epoll, &nodes, EventData::new_u64(NODES_CHANGED), EventFlags::IN).map_err(failed("wait for /dev"))?;

    let mut candidates = Candidates { epoll, ports: BTreeMap::new() };
    candidates.add_new_nodes()?;
    loop {
        let mut event = [MaybeUninit::uninit(); 1];
        let (events, _) = match epoll::wait(&candidates.epoll, &mut event, None) {
            Err(Errno::INTR) => continue,
            result => result.map_err(failed("wait for a virtio-serial port"))?,
        };
        for event in events {
            match event.data.u64() {
                NODES_CHANGED => {
                    discard_events(&nodes).map_err(failed("read inotify's events"))?;
                    candidates.add_new_nodes()?;
                }
                index => {
                    if let Some(port) = candidates.settle(index, event.flags) {
                        return Ok(port);
                    }
                }
            }
        }
    }
}

/// Nodes of virtio-serial ports that were seen, by an index of our own. Those that turn out to be somebody else's are
/// closed but stay listed, so that they are not opened again.
struct Candidates {
    epoll: OwnedFd,
    ports: BTreeMap<u64, (String, Option<File>)>,
}

impl Candidates {
    fn add_new_nodes(&mut self) -> Result<(), String> {
        let entries = fs::read_dir("/dev").map_err(|error| format!("could not list /dev: {error}"))?;
        for entry in entries {
            let entry = entry.map_err(|error| format!("could not list /dev: {error}"))?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let is_known = self.ports.values().any(|(known, _)| *known == name);
            if name.starts_with(NODE_PREFIX) && !is_known {
                self.add(name)?;
            }
        }
        Ok(())
    }

    fn add(&mut self, name: String) -> Result<(), String> {
        let path = Path::new("/dev").join(&name);
        let port = OpenOptions::new().read(true).write(true).open(&path);
        let port = port.map_err(|error| format!("could not open {}: {error}", path.display()))?;
        let index = self.ports.len() as u64;
        // Edge-triggered, because a port that the host does not have open reports a hang-up all the time.
        let flags = EventFlags::OUT | EventFlags::ET;
        epoll::add(&self.epoll, port.as_fd(), EventData::new_u64(index), flags)
            .map_err(|error| format!("could not wait for {}: {error}", path.display()))?;
        self.ports.insert(index, (name, Some(port)));
        Ok(())
    }

    /// Something happened to a port: returns it if the host has it open and it is ours.
    fn settle(&mut self, index: u64, flags: EventFlags) -> Option<File> {
        if flags.contains(EventFlags::HUP) {
            return None;
        }
        let (node, port) = self.ports.get_mut(&index)?;
        let name = fs::read_to_string(format!("/sys/class/virtio-ports/{node}/name"));
        // Dropping a port that is not ours closes it and takes it out of the epoll.
        port.take().filter(|_| name.is_ok_and(|name| name.trim_end() == PORT_NAME))
    }
}

fn discard_events(nodes: &OwnedFd) -> Result<(), Errno> {
    let mut buffer = [0; 4096];
    loop {
        match rustix::io::read(nodes, &mut buffer) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(Errno::AGAIN) => return Ok(()),
            Err(error) => return Err(error),
        }
    }
}
