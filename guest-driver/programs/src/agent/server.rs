//! Serving the harness: one thread reads requests, one thread a request answers.

use std::collections::HashMap;
use std::fs::File;
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread;

use agent_protocol::{
    AgentError, FrameError, FromAgent, Hello, PROTOCOL_VERSION, Reply, Request, ToAgent, read_frame, write_frame,
};
use rustix::process::{Pid, Signal};

use crate::children::Children;
use crate::{files, kernel, programs};

/// Serves the port; returns only with an error.
pub(crate) fn serve(mut port: File, children: &Arc<Children>) -> Result<(), String> {
    let replies = port.try_clone().map_err(|error| format!("could not duplicate the port: {error}"))?;
    let server =
        Arc::new(Server { replies: Mutex::new(replies), children: Arc::clone(children), running: Mutex::default() });
    server.send(&FromAgent::Hello(Hello {
        protocol_version: PROTOCOL_VERSION,
        agent_version: env!("CARGO_PKG_VERSION").to_owned(),
        kernel_release: rustix::system::uname().release().to_string_lossy().into_owned(),
    }));
    loop {
        let ToAgent { id, request } = read_frame(&mut port).map_err(|error| format!("the host's requests: {error}"))?;
        let is_last = request == Request::PowerOff;
        let work = server.begin(id, request);
        let server = Arc::clone(&server);
        thread::spawn(move || {
            server.send(&FromAgent::Reply { id, outcome: work() });
            if is_last {
                // Answered before it is done: afterwards nobody is left to answer.
                eprintln!("agent: {}", kernel::power_off());
            }
        });
    }
}

/// What is left to do for a request, on a thread of its own.
type Work = Box<dyn FnOnce() -> Result<Reply, AgentError> + Send>;

struct Server {
    replies: Mutex<File>,
    children: Arc<Children>,
    /// The processes of the programs that are running, by the id of the request that started them.
    running: Mutex<HashMap<u64, Pid>>,
}

impl Server {
    /// Begins a request. Programs are started here, before the next request is read, so that a signal sent right
    /// after finds the program.
    fn begin(self: &Arc<Self>, id: u64, request: Request) -> Work {
        let server = Arc::clone(self);
        match request {
            Request::Run(program) => match programs::start(&program, &self.children) {
                Ok(started) => {
                    self.running().insert(id, started.process);
                    Box::new(move || {
                        let end = programs::finish(program, started);
                        server.running().remove(&id);
                        end.map(Reply::Ended)
                    })
                }
                Err(error) => Box::new(|| Err(error)),
            },
            Request::Signal { run, signal } => Box::new(move || done(server.signal(run, signal))),
            Request::ReadFile { path } => Box::new(move || files::read(&path).map(Reply::Content)),
            Request::WriteFile { path, content } => Box::new(move || done(files::write(&path, &content))),
            Request::ReadDirectory { path } => Box::new(move || files::read_directory(&path).map(Reply::Directory)),
            Request::LoadModule { path, parameters } => Box::new(move || done(kernel::load_module(&path, &parameters))),
            Request::UnloadModule { name } => Box::new(move || done(kernel::unload_module(&name))),
            Request::KernelLog => Box::new(|| kernel::log().map(Reply::KernelLog)),
            Request::PowerOff => Box::new(|| Ok(Reply::Done)),
        }
    }

    fn signal(&self, run: u64, signal: i32) -> Result<(), AgentError> {
        let doing = format!("send signal {signal} to the program of request {run}");
        let process = self.running().get(&run).copied();
        let process = process.ok_or_else(|| AgentError::new(format!("could not {doing}: it is not running")))?;
        let signal = Signal::from_named_raw(signal)
            .ok_or_else(|| AgentError::new(format!("could not {doing}: there is no such signal")))?;
        self.children.signal(process, signal).map_err(|error| AgentError::from_io(&doing, &error))
    }

    /// Sends one frame. A reply that does not fit one is replaced by an error that says so.
    fn send(&self, frame: &FromAgent) {
        let mut stream = self.replies.lock().expect("a panic ends the agent, so no lock is poisoned");
        let sent = match (write_frame(&mut *stream, frame), frame) {
            (Err(error @ (FrameError::TooLong { .. } | FrameError::Encode(_))), FromAgent::Reply { id, .. }) => {
                let outcome = Err(AgentError::new(format!("the answer could not be sent: {error}")));
                write_frame(&mut *stream, &FromAgent::Reply { id: *id, outcome })
            }
            (sent, _) => sent,
        };
        if let Err(error) = sent {
            // Half a frame may be out: nothing sent after it would be understood.
            panic!("could not send to the host: {error}");
        }
    }

    fn running(&self) -> MutexGuard<'_, HashMap<u64, Pid>> {
        self.running.lock().expect("a panic ends the agent, so no lock is poisoned")
    }
}

fn done(outcome: Result<(), AgentError>) -> Result<Reply, AgentError> {
    outcome.map(|()| Reply::Done)
}
