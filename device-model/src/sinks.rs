//! Several takers of one device's outputs.

use device::{Output, OutputSink};

/// Hands everything to each of its sinks.
pub(crate) struct Sinks(pub(crate) Vec<Box<dyn OutputSink>>);

impl Sinks {
    fn each(&mut self, mut act: impl FnMut(&mut dyn OutputSink) -> Result<(), String>) -> Result<(), String> {
        // One that fails does not keep anything from those after it.
        let problems: Vec<String> = self.0.iter_mut().filter_map(|sink| act(sink.as_mut()).err()).collect();
        if problems.is_empty() { Ok(()) } else { Err(problems.join("; ")) }
    }
}

impl OutputSink for Sinks {
    fn take(&mut self, outputs: &[Output]) -> Result<(), String> {
        self.each(|sink| sink.take(outputs))
    }

    fn close(&mut self) -> Result<(), String> {
        self.each(|sink| sink.close())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    struct Noting(&'static str, Arc<Mutex<Vec<&'static str>>>);

    impl OutputSink for Noting {
        fn take(&mut self, _: &[Output]) -> Result<(), String> {
            self.1.lock().expect("a test of one thread").push(self.0);
            if self.0 == "good" { Ok(()) } else { Err(format!("{} is full", self.0)) }
        }

        fn close(&mut self) -> Result<(), String> {
            self.take(&[])
        }
    }

    #[test]
    fn a_sink_that_fails_is_told_and_keeps_nothing_from_the_others() {
        let taken = Arc::new(Mutex::new(Vec::new()));
        let sink = |name| Box::new(Noting(name, Arc::clone(&taken))) as Box<dyn OutputSink>;
        let mut sinks = Sinks(vec![sink("first"), sink("good"), sink("last")]);
        assert_eq!(sinks.take(&[Output::StreamStopped]), Err("first is full; last is full".to_owned()));
        assert!(sinks.close().is_err());
        assert_eq!(*taken.lock().expect("a test of one thread"), ["first", "good", "last", "first", "good", "last"]);
    }
}
