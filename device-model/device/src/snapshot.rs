//! The state of a block, to be kept, compared and put back.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The whole state of a block at one moment: see [`Block::save`](crate::Block::save).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Snapshot(Value);

/// Why a block cannot have the state of a snapshot. It has the one that it had.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    /// The registers are those of another map.
    #[error("the snapshot is of other registers: {0}; take a new one")]
    Registers(#[from] registers::SavedRegistersError),
    /// A part of it is missing, or has something that this part of the block cannot have.
    #[error("the snapshot's part `{part}` cannot be read: {reason}; take a new one")]
    Part {
        /// Which.
        part: &'static str,
        /// What was expected and what was found.
        reason: serde_json::Error,
    },
}

impl Snapshot {
    /// A snapshot of these values.
    pub fn new(value: Value) -> Self {
        Self(value)
    }

    /// Reads one part of it: null where it has none of that name.
    pub fn part<T: for<'value> Deserialize<'value>>(&self, part: &'static str) -> Result<T, SnapshotError> {
        let value = self.0.get(part).unwrap_or(&Value::Null);
        T::deserialize(value).map_err(|reason| SnapshotError::Part { part, reason })
    }

    /// What is different in `other`: a line a value, with its path, what it is here and what it is there. None if they
    /// are the same.
    pub fn differences(&self, other: &Self) -> Vec<String> {
        let mut differences = Vec::new();
        compare("", &self.0, &other.0, &mut differences);
        differences
    }
}

fn compare(path: &str, here: &Value, there: &Value, differences: &mut Vec<String>) {
    let inside = |key: &str| if path.is_empty() { key.to_owned() } else { format!("{path}/{key}") };
    match (here, there) {
        (Value::Object(here), Value::Object(there)) => {
            let added = there.keys().filter(|key| !here.contains_key(*key));
            for key in here.keys().chain(added) {
                let (here, there) = (here.get(key).unwrap_or(&Value::Null), there.get(key).unwrap_or(&Value::Null));
                compare(&inside(key), here, there, differences);
            }
        }
        (Value::Array(here), Value::Array(there)) if here.len() == there.len() => {
            for (index, (here, there)) in here.iter().zip(there).enumerate() {
                compare(&inside(&index.to_string()), here, there, differences);
            }
        }
        (here, there) if here == there => {}
        (here, there) => {
            let (here, there) = (shown(path, here), shown(path, there));
            differences.push(format!("{path}: {here} here, {there} there"));
        }
    }
}

/// A value in few words: registers as their drivers know them, lists by their length.
fn shown(path: &str, value: &Value) -> String {
    match value {
        Value::Null => "nothing".to_owned(),
        Value::Array(entries) => format!("{} entries", entries.len()),
        value => match value.as_u64().filter(|_| path.starts_with("registers/")) {
            Some(number) => format!("{number:#x}"),
            None => value.to_string(),
        },
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn differences_have_their_paths_and_both_values() {
        let here = Snapshot::new(json!({
            "registers": { "TX.RATE": { "value": 48_000 }, "TX.FORMAT": { "value": 1 } },
            "audio": { "fifo": [[1, 2], [3, 4]], "list": [1], "phase": "Stopped" },
        }));
        let there = Snapshot::new(json!({
            "registers": { "TX.RATE": { "value": 8_000 }, "TX.FORMAT": { "value": 1 }, "RX.RATE": 5 },
            "audio": { "fifo": [[1, 2], [3, 5]], "list": [1, 2], "phase": { "Running": 7 } },
        }));
        assert_eq!(here.differences(&here), Vec::<String>::new());
        let mut differences = here.differences(&there);
        differences.sort();
        assert_eq!(
            differences,
            [
                "audio/fifo/1/1: 4 here, 5 there",
                "audio/list: 1 entries here, 2 entries there",
                "audio/phase: \"Stopped\" here, {\"Running\":7} there",
                "registers/RX.RATE: nothing here, 0x5 there",
                "registers/TX.RATE/value: 0xbb80 here, 0x1f40 there",
            ]
        );
    }
}
