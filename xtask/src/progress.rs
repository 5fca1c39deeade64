//! Progress on stderr: bars on a terminal, plain lines elsewhere.

use std::io::{IsTerminal, stderr};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

/// How often a plain-text step says how far it is.
const PLAIN_INTERVAL: Duration = Duration::from_secs(15);

/// Where steps show their progress.
pub struct Progress {
    /// `None` when stderr is no terminal.
    bars: Option<MultiProgress>,
}

/// One step; it is shown until it is finished or dropped.
pub struct Step {
    title: String,
    started: Instant,
    bar: ProgressBar,
    bars: Option<MultiProgress>,
    last_line: Mutex<Instant>,
}

impl Default for Progress {
    fn default() -> Self {
        Self::new()
    }
}

impl Progress {
    /// Bars when stderr is a terminal, else plain lines.
    pub fn new() -> Self {
        Self { bars: stderr().is_terminal().then(MultiProgress::new) }
    }

    /// Prints a line for the user, above the bars.
    pub fn note(&self, line: &str) {
        print_line(self.bars.as_ref(), line);
    }

    /// Starts a step of unknown length.
    pub fn step(&self, title: &str) -> Step {
        let style = ProgressStyle::with_template("{spinner} {prefix} {elapsed} {wide_msg}");
        let bar = self.bar(ProgressBar::new_spinner(), style);
        self.start(title, bar)
    }

    /// Starts a step of so many bytes.
    pub fn bytes(&self, title: &str, total_bytes: u64) -> Step {
        let style = ProgressStyle::with_template(
            "{spinner} {prefix} {bar:24} {bytes} of {total_bytes}, {binary_bytes_per_sec}, {eta} left",
        );
        let bar = self.bar(ProgressBar::new(total_bytes), style);
        self.start(title, bar)
    }

    /// Starts a step of so many parts.
    pub fn count(&self, title: &str, total: u64) -> Step {
        let style = ProgressStyle::with_template("{spinner} {prefix} {bar:24} {pos}/{len} {elapsed} {wide_msg}");
        let bar = self.bar(ProgressBar::new(total), style);
        self.start(title, bar)
    }

    fn bar<E>(&self, bar: ProgressBar, style: Result<ProgressStyle, E>) -> ProgressBar {
        let bar = if let Some(bars) = &self.bars {
            bars.add(bar)
        } else {
            bar.set_draw_target(ProgressDrawTarget::hidden());
            bar
        };
        match style {
            Ok(style) => bar.with_style(style),
            Err(_) => bar,
        }
    }

    fn start(&self, title: &str, bar: ProgressBar) -> Step {
        bar.set_prefix(title.to_owned());
        if self.bars.is_some() {
            bar.enable_steady_tick(Duration::from_millis(100));
        } else {
            eprintln!("{title} ...");
        }
        Step {
            title: title.to_owned(),
            started: Instant::now(),
            bar,
            bars: self.bars.clone(),
            last_line: Mutex::new(Instant::now()),
        }
    }
}

impl Step {
    /// Says how far the step is, in the unit it was started with.
    pub fn set_position(&self, position: u64) {
        self.bar.set_position(position);
        self.plain_line();
    }

    /// The step is one part further.
    pub fn advance(&self) {
        self.bar.inc(1);
        self.plain_line();
    }

    /// Says what is being worked on, such as a file name.
    pub fn detail(&self, text: &str) {
        if self.bars.is_some() {
            self.bar.set_message(text.to_owned());
        }
    }

    /// Ends the step with a line that says how long it took.
    pub fn finish(self) {
        let seconds = self.started.elapsed().as_secs_f64();
        self.bar.finish_and_clear();
        print_line(self.bars.as_ref(), &format!("{}: done in {seconds:.1} s", self.title));
    }

    fn plain_line(&self) {
        if self.bars.is_some() {
            return;
        }
        let Ok(mut last_line) = self.last_line.lock() else {
            return;
        };
        if last_line.elapsed() < PLAIN_INTERVAL {
            return;
        }
        *last_line = Instant::now();
        let position = self.bar.position();
        let seconds = self.started.elapsed().as_secs();
        match self.bar.length() {
            Some(length) if length > 0 => {
                let percent = (position * 100 / length).min(100);
                eprintln!("{}: {percent} % after {seconds} s", self.title);
            }
            _ => eprintln!("{}: {seconds} s", self.title),
        }
    }
}

impl Drop for Step {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

fn print_line(bars: Option<&MultiProgress>, line: &str) {
    match bars {
        // What cannot be shown is no reason to stop.
        Some(bars) => drop(bars.println(line)),
        None => eprintln!("{line}"),
    }
}
