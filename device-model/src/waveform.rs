//! The edges of a device's signals as a VCD file, which waveform viewers open.

use std::fs::File;
use std::io::{self, BufWriter};
use std::path::{Path, PathBuf};

use device::{Output, OutputSink};
use vcd::{IdCode, SimulationCommand, TimescaleUnit, Value, Writer};

/// Writes one file from the start of the device on: its signals as wires of one bit, in ns of device time.
pub(crate) struct Waveform {
    path: PathBuf,
    /// None: writing has failed, or is over.
    writer: Option<Writer<BufWriter<File>>>,
    wires: Vec<IdCode>,
    time_ns: u64,
}

impl Waveform {
    /// Makes the file, for a device `scope` with the signals `names`, all of them at 0.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub(crate) fn create(path: &Path, scope: &str, names: &[String]) -> io::Result<Self> {
        let mut writer = Writer::new(BufWriter::new(File::create(path)?));
        writer.timescale(1, TimescaleUnit::NS)?;
        writer.add_module(scope)?;
        let wires = names.iter().map(|name| writer.add_wire(1, name)).collect::<io::Result<Vec<_>>>()?;
        writer.upscope()?;
        writer.enddefinitions()?;
        writer.timestamp(0)?;
        writer.begin(SimulationCommand::Dumpvars)?;
        wires.iter().try_for_each(|wire| writer.change_scalar(*wire, Value::V0))?;
        writer.end()?;
        Ok(Self { path: path.to_owned(), writer: Some(writer), wires, time_ns: 0 })
    }

    fn edge(&mut self, signal: u8, time_ns: u64, level: bool) -> io::Result<()> {
        let wire = self.wires.get(usize::from(signal)).copied();
        let Some((writer, wire)) = self.writer.as_mut().zip(wire) else { return Ok(()) };
        // Time goes back only where a device takes back an earlier state; in the file it never does.
        if time_ns > self.time_ns {
            writer.timestamp(time_ns)?;
            self.time_ns = time_ns;
        }
        writer.change_scalar(wire, level)
    }

    fn failure(&mut self, error: &io::Error) -> String {
        self.writer = None;
        format!("the waveform in {} ended: {error}", self.path.display())
    }
}

impl OutputSink for Waveform {
    fn take(&mut self, outputs: &[Output]) -> Result<(), String> {
        let written = outputs.iter().try_for_each(|output| match *output {
            Output::Edge { signal, time_ns, level } => self.edge(signal, time_ns, level),
            _ => Ok(()),
        });
        written.map_err(|error| self.failure(&error))
    }

    fn close(&mut self) -> Result<(), String> {
        self.writer.as_mut().map_or(Ok(()), Writer::flush).map_err(|error| self.failure(&error))
    }
}
