//! The PWM/audio device on a board, served by this process.

use std::error::Error;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};

use device::{ClockMode, Counters, Device, FaultPlan, OfferedInterrupts, SampleWindow};
use device_model::{AudioSource, BlockKind, DeviceOptions, Functions, stream_file};
use vfio_user_server::{RunningServer, ServerEvent, ServerOptions};

use crate::attach::{AttachedDevice, Attachment};
use crate::wav::{Wav, WavError};

const NAME: &str = "pwm-audio";

/// The device's two functions, served by threads of this process.
///
/// Clones are handles of the same device: give one to the board and keep one to look at the device.
#[derive(Clone)]
pub struct PwmAudio {
    clock: ClockMode,
    interrupts: OfferedInterrupts,
    server_options: ServerOptions,
    faults: Option<FaultPlan>,
    capture_folder: Option<PathBuf>,
    waveform: Option<PathBuf>,
    audio_input: AudioSource,
    state: Arc<Mutex<State>>,
}

enum State {
    Detached,
    Serving { server: RunningServer, window: RunningServer, folder: PathBuf },
    Stopped(Box<Device>),
}

impl PwmAudio {
    /// A device that waits for its board.
    pub fn new(clock: ClockMode) -> Self {
        Self {
            clock,
            interrupts: OfferedInterrupts::default(),
            server_options: ServerOptions::default(),
            faults: None,
            capture_folder: None,
            waveform: None,
            audio_input: AudioSource::default(),
            state: Arc::new(Mutex::new(State::Detached)),
        }
    }

    /// Offers other interrupts than all of them.
    #[must_use]
    pub fn interrupts(mut self, interrupts: OfferedInterrupts) -> Self {
        self.interrupts = interrupts;
        self
    }

    /// Serves it in another way than usual.
    #[must_use]
    pub fn server_options(mut self, options: ServerOptions) -> Self {
        self.server_options = options;
        self
    }

    /// Lets go wrong what the plan has. A board that ends in order fails if some of it has not.
    #[must_use]
    pub fn faults(mut self, plan: FaultPlan) -> Self {
        self.faults = Some(plan);
        self
    }

    /// Puts the files of what is played into this folder, which is there already and stays ([`device_model::stream_file`]).
    /// Otherwise they go with the board.
    #[must_use]
    pub fn capture_folder(mut self, folder: impl Into<PathBuf>) -> Self {
        self.capture_folder = Some(folder.into());
        self
    }

    /// Writes every edge of the PWM channels to a VCD file. It is complete once the device's outputs have been closed
    /// ([`Device::close_outputs`]).
    #[must_use]
    pub fn waveform(mut self, path: impl Into<PathBuf>) -> Self {
        self.waveform = Some(path.into());
        self
    }

    /// Lets the receiver hear something; silence otherwise.
    #[must_use]
    pub fn audio_input(mut self, source: AudioSource) -> Self {
        self.audio_input = source;
        self
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("a look at the device panicked")
    }

    /// Looks at function 0, which has the registers, between two of its steps, as long as its board lives and after.
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

    /// The sample window, which the guest may write to at any time.
    ///
    /// # Panics
    /// If the device is on no board.
    pub fn window(&self) -> SampleWindow {
        match &*self.state() {
            State::Serving { window, .. } => window.with_device(|device| device.window().cloned()),
            State::Detached | State::Stopped(_) => None,
        }
        .expect("the device is on no board: its window is there while one lives")
    }

    /// What is to be seen of the device: nothing while it is on no board yet.
    fn seen(&self, look: impl FnOnce(&Device) -> Vec<String>) -> Vec<String> {
        match &*self.state() {
            State::Serving { server, .. } => server.with_device(|device| look(device)),
            State::Stopped(device) => look(device),
            State::Detached => Vec::new(),
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
        Wav::read(&self.stream_file(number))
    }
}

impl AttachedDevice for PwmAudio {
    fn name(&self) -> String {
        NAME.to_owned()
    }

    fn functions(&self) -> u8 {
        2
    }

    fn attach(&mut self, attachment: Attachment<'_>) -> Result<(), Box<dyn Error + Send + Sync>> {
        let Attachment { socket_paths, placement, end } = attachment;
        let [socket_path, window_socket_path] = two_functions(socket_paths)?;
        let folder = self.capture_folder.clone().map_or_else(|| capture_folder(&socket_path), Ok)?;
        let options = DeviceOptions {
            capture_folder: Some(folder.clone()),
            faults: self.faults.clone(),
            interrupts: self.interrupts,
            waveform: self.waveform.clone(),
            audio_input: self.audio_input.clone(),
            ..DeviceOptions::new(BlockKind::PwmAudio, self.clock)
        };
        let Functions { registers, window } = device_model::functions(options)?;
        // The server's threads inherit the placement of the one that starts them.
        let server_options = self.server_options.clone();
        let starter = placement.spawn("device-start", move || {
            let on_event = move |event| match event {
                ServerEvent::ClientGone => end.disconnected(),
                ServerEvent::Failed(reason) => end.failed(reason),
            };
            let window = server_options.clone().listen(&window_socket_path, window, on_event.clone())?;
            server_options.listen(&socket_path, registers, on_event).map(|server| (server, window))
        })?;
        let (server, window) = starter.join().map_err(|_| "the device's start panicked")??;
        *self.state() = State::Serving { server, window, folder };
        Ok(())
    }

    fn timeline_tail(&self, lines: usize) -> Vec<String> {
        self.seen(|device| device.timeline_tail(lines))
    }

    fn changed_registers(&self) -> Vec<String> {
        self.seen(Device::changed_registers)
    }

    fn unfired_faults(&self) -> Vec<String> {
        self.seen(Device::unfired_faults)
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

/// The sockets of function 0, the registers, and function 1, the sample window.
pub(crate) fn two_functions(socket_paths: Vec<PathBuf>) -> Result<[PathBuf; 2], String> {
    socket_paths.try_into().map_err(|paths: Vec<_>| format!("expected two sockets, found {}", paths.len()))
}

/// The folder for captures, beside the device's socket: it is removed with the board.
fn capture_folder(socket_path: &Path) -> io::Result<PathBuf> {
    let folder = socket_path.with_extension("streams");
    fs::create_dir(&folder)?;
    Ok(folder)
}
