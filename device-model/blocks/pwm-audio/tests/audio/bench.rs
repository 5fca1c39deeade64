//! A block with the time, its outputs, a sample window and guest memory at hand.

use device::{Block, DmaFailure, DmaRequest, DmaTransfer, Effects, Frame, Output, SampleWindow, StreamFormat, Width};
use pwm_audio::{AudioInput, PwmAudio, Surroundings, WINDOW_BYTES};

pub(crate) const TX: u64 = 0x440;
pub(crate) const RX: u64 = 0x540;

// Offsets in either side's registers, from the datasheet.
pub(crate) const CONTROL: u64 = 0x00;
pub(crate) const FORMAT: u64 = 0x04;
pub(crate) const RATE: u64 = 0x08;
pub(crate) const STATUS: u64 = 0x0c;
/// `UNDERRUN_COUNT` or `OVERRUN_COUNT`.
pub(crate) const FAILURES: u64 = 0x10;
/// `FRAMES_PLAYED` or `FRAMES_RECEIVED`.
pub(crate) const FRAMES: u64 = 0x14;
/// `LOW_MARK` or `HIGH_MARK`.
pub(crate) const MARK: u64 = 0x18;
pub(crate) const VOLUME: u64 = 0x1c;
pub(crate) const SAMPLE: u64 = 0x20;
pub(crate) const RING_OFFSET: u64 = 0x40;
pub(crate) const RING_FRAMES: u64 = 0x44;
/// Software's index: `TX.PRODUCER` or `RX.CONSUMER`.
pub(crate) const SOFTWARE: u64 = 0x48;
/// The hardware's index: `TX.CONSUMER` or `RX.PRODUCER`.
pub(crate) const HARDWARE: u64 = 0x4c;
pub(crate) const PERIOD: u64 = 0x50;
pub(crate) const ENTRY: u64 = 0x54;
pub(crate) const LIST_LOW: u64 = 0x58;
pub(crate) const LIST_HIGH: u64 = 0x5c;
pub(crate) const LIST_ENTRIES: u64 = 0x60;
pub(crate) const POSITION: u64 = 0x64;
pub(crate) const END: u64 = 0x68;

pub(crate) const ENABLE: u32 = 1 << 0;
pub(crate) const DRAIN: u32 = 1 << 1;
pub(crate) const LOOPBACK: u32 = 1 << 1;
pub(crate) const FLUSH: u32 = 1 << 2;
pub(crate) const PAUSE: u32 = 1 << 3;
pub(crate) const MUTE: u32 = 1 << 4;
pub(crate) const WINDOW: u32 = 1 << 8;
pub(crate) const DMA: u32 = 2 << 8;
pub(crate) const CYCLIC: u32 = 1 << 10;

pub(crate) const MS: u64 = 1_000_000;
/// Where the lists of these tests are.
pub(crate) const LIST: u64 = 0x1_0000_0000;

/// Guest memory that a test has mapped.
pub(crate) struct Memory {
    pub(crate) address: u64,
    pub(crate) bytes: Vec<u8>,
    pub(crate) readable: bool,
    pub(crate) writable: bool,
}

/// An input whose frame `n` has sample `8 n + channel`, the low bits of it.
struct Counting;

impl AudioInput for Counting {
    fn frame(&mut self, number: u64, format: StreamFormat) -> Frame {
        let mut frame = [0; 8];
        for (channel, sample) in frame.iter_mut().enumerate().take(usize::from(format.channels)) {
            *sample = counted(number, channel, u32::from(format.sample_bits));
        }
        frame
    }
}

pub(crate) fn counted(number: u64, channel: usize, bits: u32) -> i32 {
    let count = 8 * i128::from(number) + channel as i128;
    let span = 1_i128 << bits;
    let low = count.rem_euclid(span);
    (if low >= span / 2 { low - span } else { low }) as i32
}

pub(crate) struct Bench {
    pub(crate) block: PwmAudio,
    pub(crate) window: SampleWindow,
    pub(crate) now_ns: u64,
    pub(crate) effects: Effects,
    pub(crate) memory: Vec<Memory>,
    /// Requests that have been answered, or that the test holds back.
    pub(crate) requests: Vec<DmaRequest>,
    /// Whether requests are left unanswered.
    pub(crate) holds_back: bool,
}

impl Default for Bench {
    fn default() -> Self {
        let window = SampleWindow::new(WINDOW_BYTES).expect("memory");
        let surroundings = Surroundings {
            window: Some(window.clone()),
            audio_input: Some(Box::new(Counting)),
            ..Surroundings::default()
        };
        Self {
            block: PwmAudio::new(surroundings),
            window,
            now_ns: 0,
            effects: Effects::default(),
            memory: Vec::new(),
            requests: Vec::new(),
            holds_back: false,
        }
    }
}

impl Bench {
    pub(crate) fn read(&mut self, offset: u64) -> u32 {
        self.block.read(offset, Width::WORD, self.now_ns, &mut self.effects) as u32
    }

    pub(crate) fn write(&mut self, offset: u64, value: u32) {
        self.block.write(offset, Width::WORD, u64::from(value), self.now_ns, &mut self.effects);
        self.transfer();
    }

    /// Writes registers of one side.
    pub(crate) fn set(&mut self, side: u64, registers: &[(u64, u32)]) {
        for &(register, value) in registers {
            self.write(side + register, value);
        }
    }

    pub(crate) fn at(&mut self, now_ns: u64) -> &mut Self {
        self.now_ns = now_ns;
        self.block.advance(now_ns, &mut self.effects);
        self.transfer();
        self
    }

    /// Goes from deadline to deadline, as the device does, until `now_ns`.
    pub(crate) fn until(&mut self, now_ns: u64) -> &mut Self {
        while let Some(deadline_ns) = self.block.next_deadline_ns().filter(|&deadline_ns| deadline_ns <= now_ns) {
            self.at(deadline_ns);
        }
        self.at(now_ns)
    }

    /// Writes the list of these pieces of memory for one side.
    pub(crate) fn list(&mut self, side: u64, pieces: &[(u64, u32)]) {
        let address = LIST + side * 0x1000;
        let entry =
            |&(address, bytes): &(u64, u32)| [&address.to_le_bytes()[..], &bytes.to_le_bytes(), &[0xee; 4]].concat();
        let bytes = pieces.iter().flat_map(entry).collect();
        self.map(address, bytes);
        self.set(side, &[(LIST_LOW, address as u32), (LIST_HIGH, (address >> 32) as u32)]);
        self.set(side, &[(LIST_ENTRIES, pieces.len() as u32)]);
    }

    pub(crate) fn map(&mut self, address: u64, bytes: Vec<u8>) {
        self.memory.push(Memory { address, bytes, readable: true, writable: true });
    }

    pub(crate) fn bytes_at(&self, address: u64) -> &[u8] {
        &self.memory.iter().find(|memory| memory.address == address).expect("memory").bytes
    }

    /// Answers the requests of the block, and those that it makes then.
    pub(crate) fn transfer(&mut self) {
        loop {
            let new: Vec<_> = self.effects.dma_requests()[self.requests.len()..].to_vec();
            let Some(request) = new.first().cloned() else { return };
            self.requests.push(request.clone());
            if !self.holds_back {
                let result = self.perform(&request);
                self.end(request.channel, result);
            }
        }
    }

    pub(crate) fn end(&mut self, channel: u8, result: Result<Vec<u8>, DmaFailure>) {
        self.block.dma_ended(channel, result, self.now_ns, &mut self.effects);
    }

    pub(crate) fn perform(&mut self, request: &DmaRequest) -> Result<Vec<u8>, DmaFailure> {
        let end = request.address.checked_add(request.bytes() as u64 - 1).ok_or(DmaFailure::Wraps)?;
        let holds =
            |memory: &Memory| memory.address <= request.address && end < memory.address + memory.bytes.len() as u64;
        let memory = self.memory.iter_mut().find(|memory| holds(memory)).ok_or(DmaFailure::NotMapped)?;
        let range = (request.address - memory.address) as usize..=(end - memory.address) as usize;
        match &request.transfer {
            DmaTransfer::Read { .. } if memory.readable => Ok(memory.bytes[range].to_vec()),
            DmaTransfer::Write { data } if memory.writable => {
                memory.bytes[range].copy_from_slice(data);
                Ok(Vec::new())
            }
            _ => Err(DmaFailure::NotAllowed),
        }
    }

    pub(crate) fn push_frames(&mut self, count: u32) {
        for number in 0..count {
            let frame = u64::from(number) | u64::from(number) << 32;
            self.block.write(TX + SAMPLE, Width::DOUBLE, frame, self.now_ns, &mut self.effects);
        }
    }

    pub(crate) fn played(&self) -> Vec<Frame> {
        let frame = |output: &Output| if let Output::Frame(frame) = output { Some(*frame) } else { None };
        self.effects.outputs().iter().filter_map(frame).collect()
    }

    /// What was played, of stereo streams.
    pub(crate) fn frames(&self) -> Vec<[i32; 2]> {
        let stereo = |[left, right, rest @ ..]: Frame| {
            assert_eq!(rest, [0; 6]);
            [left, right]
        };
        self.played().into_iter().map(stereo).collect()
    }

    pub(crate) fn only_fault(&mut self) -> String {
        assert_eq!(self.effects.faults().len(), 1, "{:?}", self.effects.faults());
        let fault = self.effects.faults()[0].clone();
        self.clear();
        fault
    }

    pub(crate) fn clear(&mut self) {
        self.effects.clear();
        self.requests.clear();
    }

    /// The interrupt status, which is cleared.
    pub(crate) fn take_interrupts(&mut self) -> u32 {
        let interrupts = self.read(0x010);
        self.write(0x010, interrupts);
        interrupts
    }

    pub(crate) fn error(&mut self, side: u64) -> u32 {
        self.read(side + STATUS) >> 24 & 7
    }
}
