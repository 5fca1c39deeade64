//! `/proc/interrupts`.

use crate::error::BoardError;

/// How often every interrupt has been taken since the guest's boot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Interrupts {
    /// One entry a line of the file.
    pub vectors: Vec<InterruptVector>,
}

/// One interrupt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InterruptVector {
    /// Its number, or its short name where the architecture gives one: "24", "LOC".
    pub number: String,
    /// How often it has been taken, by CPU.
    pub counts: Vec<u64>,
    /// What delivers it, such as "PCI-MSI-0000:00:02.0 0-edge" or, on arm64, "ITS-PCI-MSI-0000:00:02.0 0 Edge"; a
    /// description for interrupts that have short names.
    pub source: String,
    /// The names that its handlers were registered with.
    pub handlers: Vec<String>,
}

impl Interrupts {
    /// How often the interrupts with a handler of this name were taken, on all CPUs; `None` if there is no such handler.
    pub fn count(&self, handler: &str) -> Option<u64> {
        let mut vectors = self.vectors.iter().filter(|vector| vector.handlers.iter().any(|name| name == handler));
        let first = vectors.next()?.count();
        Some(vectors.fold(first, |sum, vector| sum.saturating_add(vector.count())))
    }

    pub(crate) fn parse(text: &str) -> Result<Self, BoardError> {
        let unreadable = |expected: &'static str, found: &str| BoardError::Unreadable {
            expected,
            place: "/proc/interrupts".to_owned(),
            found: found.to_owned(),
        };
        let mut lines = text.lines();
        let header = lines.next().unwrap_or_default();
        let cpus = header.split_whitespace().filter(|word| word.starts_with("CPU")).count();
        if cpus == 0 {
            return Err(unreadable("a first line with the CPUs", header));
        }
        let vectors = lines
            .filter(|line| !line.trim().is_empty())
            .map(|line| vector(line, cpus).ok_or_else(|| unreadable("a number, a colon and counts", line)));
        Ok(Self { vectors: vectors.collect::<Result<_, _>>()? })
    }
}

impl InterruptVector {
    /// How often it has been taken, on all CPUs.
    pub fn count(&self) -> u64 {
        self.counts.iter().fold(0, |sum, count| sum.saturating_add(*count))
    }
}

fn vector(line: &str, cpus: usize) -> Option<InterruptVector> {
    let (number, rest) = line.split_once(':')?;
    let number = number.trim().to_owned();
    let words: Vec<&str> = rest.split_whitespace().collect();
    // "ERR" and "MIS" have one count however many CPUs there are.
    let counted = words.iter().take(cpus).take_while(|word| word.parse::<u64>().is_ok()).count();
    if counted == 0 {
        return None;
    }
    let counts = words[..counted].iter().filter_map(|word| word.parse().ok()).collect();
    let description = &words[counted..];
    let is_device = number.parse::<u32>().is_ok();
    // A device's line has the controller, the controller's number, the trigger (x86 joins it to the number with a hyphen,
    // others have a word for it), and the handlers.
    let trigger = usize::from(matches!(description.get(2), Some(&"Level" | &"Edge")));
    let source_words = if is_device { description.len().min(2 + trigger) } else { description.len() };
    let source = description[..source_words].join(" ");
    let handlers = description[source_words..].join(" ");
    let handlers = handlers.split(", ").filter(|name| !name.is_empty()).map(str::to_owned).collect();
    Some(InterruptVector { number, counts, source, handlers })
}

#[cfg(test)]
mod tests {
    use super::*;

    const TWO_CPUS: &str = "            CPU0       CPU1       \n\
        \x20  4:         12          3   IO-APIC   4-edge      ttyS0\n\
        \x20 16:          1          0   IO-APIC  16-fasteoi   pwm-audio, other one\n\
        \x20 24:          0          7   PCI-MSI-0000:00:02.0   0-edge      pwm-audio\n\
        \x20 25:          0          0   PCI-MSIX-0000:00:01.0   0-edge\n\
        \x20LOC:       1000       2000   Local timer interrupts\n\
        \x20ERR:          0\n";

    #[test]
    fn counts_are_added_up_by_handler() {
        let interrupts = Interrupts::parse(TWO_CPUS).unwrap();
        assert_eq!(interrupts.count("ttyS0"), Some(15));
        assert_eq!(interrupts.count("pwm-audio"), Some(8));
        assert_eq!(interrupts.count("other one"), Some(1));
        assert_eq!(interrupts.count("nobody"), None);
        assert_eq!(interrupts.vectors[2].source, "PCI-MSI-0000:00:02.0 0-edge");
        assert_eq!(interrupts.vectors[4].source, "Local timer interrupts");
        assert_eq!(interrupts.vectors[5].counts, [0]);
    }

    #[test]
    fn a_trigger_that_is_a_word_is_no_handler() {
        let text = "           CPU0\n 13:  12  GICv3  33 Level     uart-pl011\n\
                    \x20 15:   4  ITS-PCI-MSI-0000:00:02.0   0 Edge      pwm-audio\n";
        let interrupts = Interrupts::parse(text).unwrap();
        assert_eq!((interrupts.count("uart-pl011"), interrupts.count("pwm-audio")), (Some(12), Some(4)));
        assert_eq!(interrupts.vectors[1].source, "ITS-PCI-MSI-0000:00:02.0 0 Edge");
    }

    #[test]
    fn anything_else_is_refused() {
        for text in ["", "nothing\n", "  CPU0\n 4 12 IO-APIC\n", " CPU0\n 4: many\n"] {
            assert!(Interrupts::parse(text).is_err(), "{text:?}");
        }
    }
}
