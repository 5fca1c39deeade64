//! A waveform as a small picture of text.

/// Draws `samples` as `columns` x `rows` characters; `full_scale` is the largest magnitude that fits.
pub(super) fn waveform(samples: &[i32], full_scale: i32, columns: usize, rows: u32) -> String {
    // Every character is two cells, one above the other.
    let last_cell = 2 * i64::from(rows) - 1;
    let cell_of = |sample: i32| {
        let full_scale = i64::from(full_scale);
        ((full_scale - i64::from(sample)) * last_cell + full_scale) / (2 * full_scale)
    };
    let filled: Vec<_> = (0..columns)
        .map(|column| {
            let (low, high) = extent(samples, column, columns);
            cell_of(high)..=cell_of(low)
        })
        .collect();
    let row = |row: i64| -> String {
        let character = |filled: &std::ops::RangeInclusive<i64>| match (
            filled.contains(&(2 * row)),
            filled.contains(&(2 * row + 1)),
        ) {
            (true, true) => '█',
            (true, false) => '▀',
            (false, true) => '▄',
            (false, false) => ' ',
        };
        let line: String = filled.iter().map(character).collect();
        line.trim_end().to_owned()
    };
    (0..i64::from(rows)).map(row).collect::<Vec<_>>().join("\n")
}

/// The lowest and highest of the samples that fall into a column.
fn extent(samples: &[i32], column: usize, columns: usize) -> (i32, i32) {
    let first = column * samples.len() / columns;
    let end = ((column + 1) * samples.len() / columns).max(first + 1).min(samples.len());
    let part = samples.get(first..end).unwrap_or_default();
    let (low, high) = (part.iter().min(), part.iter().max());
    (low.copied().unwrap_or(0), high.copied().unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn silence_is_a_line_and_full_scale_fills_the_height() {
        assert_eq!(waveform(&[0; 8], 100, 4, 2), "\n▀▀▀▀");
        assert_eq!(waveform(&[-100, 100, -100, 100], 100, 2, 2), "██\n██");
        assert_eq!(waveform(&[100, 100, -100, -100], 100, 2, 2), "▀\n ▄");
    }

    #[test]
    fn fewer_samples_than_columns_are_drawn_too() {
        assert_eq!(waveform(&[0], 100, 3, 1).chars().count(), 3);
        assert_eq!(waveform(&[], 100, 3, 1).chars().count(), 3);
    }
}
