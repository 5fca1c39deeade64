//! The PWM/audio device on a board, served by this process.

use std::error::Error;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};

use device::{ClockMode, Counters, Device};
use device_model::{BlockKind, DeviceOptions, stream_file};
use vfio_user_server::{RunningServer, ServerEvent, ServerOptions};

use crate::attach::{AttachedDevice, Attachment};
use crate::wav::{Wav, WavError};

const NAME: &str = "pwm-audio";

/// The device, served by threads of this process.
///
/// Clones are handles of the same device: give one to the board and keep one to look at the device.
#[derive(Clone)]
pub struct PwmAudio {
    clock: ClockMode,
    server_options: ServerOptions,
    state: Arc<Mutex<State>>,
}

enum State {
    Detached,
    Serving { server: RunningServer, folder: PathBuf },
    Stopped(Box<Device>),
}

impl PwmAudio {
    /// A device that waits for its board.
    pub fn new(clock: ClockMode) -> Self {
        let server_options = ServerOptions::default();
        Self { clock, server_options, state: Arc::new(Mutex::new(State::Detached)) }
    }

    /// Serves it in another way than usual.
    #[must_use]
    pub fn server_options(mut self, options: ServerOptions) -> Self {
        self.server_options = options;
        self
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("a look at the device panicked")
    }

    /// Looks at the device between two of its steps, as long as its board lives and after.
    ///
    /// # Panics
    /// If the device has not been on a board yet.
    pub fn with_device<T>(&self, look: impl FnOnce(&mut Device) -> T) -> T {
        match &mut *self.state() {
            State::Serving { server, .. } => server.with_device(look),
            State::Stopped(device) => look(device),
            State::Detached => panic!("the device is on no board yet: boot one with it first"),
        }
    }

    /// How often things happened at the device.
    pub fn counters(&self) -> Counters {
        self.with_device(|device| device.timeline().counters())
    }

    /// The file of stream `number`, counted from 1, that the device has played. It goes with the board.
    ///
    /// # Panics
    /// If the device is on no board.
    pub fn stream_file(&self, number: u32) -> PathBuf {
        match &*self.state() {
            State::Serving { folder, .. } => stream_file(folder, number),
            State::Detached | State::Stopped(_) => {
                panic!("the device is on no board: its streams are read while one lives")
            }
        }
    }

    /// Stream `number`, counted from 1, that the device has played.
    pub fn stream(&self, number: u32) -> Result<Wav, WavError> {
        Wav::open(&self.stream_file(number))
    }
}

impl AttachedDevice for PwmAudio {
    fn name(&self) -> String {
        NAME.to_owned()
    }

    fn attach(&mut self, attachment: Attachment<'_>) -> Result<(), Box<dyn Error + Send + Sync>> {
        let Attachment { socket_paths, placement, end } = attachment;
        let socket_path = socket_paths.into_iter().next().ok_or("expected a socket")?;
        let folder = capture_folder(&socket_path)?;
        let options =
            DeviceOptions { block: BlockKind::PwmAudio, clock: self.clock, capture_folder: Some(folder.clone()) };
        let device = device_model::device(options)?;
        // The server's threads inherit the placement of the one that starts them.
        let server_options = self.server_options.clone();
        let starter = placement.spawn("device-start", move || {
            server_options.listen(&socket_path, device, move |event| match event {
                ServerEvent::ClientGone => end.disconnected(),
                ServerEvent::Failed(reason) => end.failed(reason),
            })
        })?;
        let server = starter.join().map_err(|_| "the device's start panicked")??;
        *self.state() = State::Serving { server, folder };
        Ok(())
    }

    fn timeline_tail(&self, lines: usize) -> Vec<String> {
        match &*self.state() {
            State::Serving { server, .. } => server.with_device(|device| device.timeline_tail(lines)),
            State::Stopped(device) => device.timeline_tail(lines),
            State::Detached => Vec::new(),
        }
    }

    fn stop(&mut self) {
        let mut state = self.state();
        if let State::Serving { server, .. } = std::mem::replace(&mut *state, State::Detached)
            && let Some(device) = server.stop()
        {
            *state = State::Stopped(Box::new(device));
        }
    }
}

/// The folder for captures, beside the device's socket: it is removed with the board.
fn capture_folder(socket_path: &Path) -> io::Result<PathBuf> {
    let folder = socket_path.with_extension("streams");
    fs::create_dir(&folder)?;
    Ok(folder)
}
