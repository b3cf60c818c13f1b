//! A log-linear latency histogram: 64 steps in each power of two, so a value is off by 1.6 % at most.

const STEP_BITS: u32 = 6;
const STEPS: usize = 1 << STEP_BITS;

/// Counts of nanosecond values.
#[derive(Clone)]
pub struct Histogram {
    counts: Vec<u64>,
    total: u64,
    max: u64,
}

impl Histogram {
    pub fn new() -> Histogram {
        Histogram {
            counts: vec![0; STEPS * 60],
            total: 0,
            max: 0,
        }
    }

    /// Counts one value, nanoseconds.
    pub fn add(&mut self, value: u64) {
        self.counts[bucket(value)] += 1;
        self.total += 1;
        self.max = self.max.max(value);
    }

    pub fn total(&self) -> u64 {
        self.total
    }

    pub fn max(&self) -> u64 {
        self.max
    }

    /// The value below or at which the given share of all values lie, nanoseconds; 0 when there are none.
    pub fn percentile(&self, share: f64) -> u64 {
        let wanted = ((self.total as f64 * share).ceil() as u64).max(1);
        let mut seen = 0;
        for (index, count) in self.counts.iter().enumerate() {
            seen += count;
            if seen >= wanted {
                return upper(index).min(self.max);
            }
        }
        self.max
    }
}

fn bucket(value: u64) -> usize {
    if value < STEPS as u64 {
        return value as usize;
    }
    let shift = 63 - value.leading_zeros() - STEP_BITS;
    (shift as usize + 1) * STEPS + ((value >> shift) as usize - STEPS)
}

fn upper(index: usize) -> u64 {
    if index < STEPS {
        return index as u64;
    }
    let shift = (index / STEPS - 1) as u32;
    (((index % STEPS + STEPS) as u64 + 1) << shift) - 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_is_at_most_two_percent_above_the_value_it_stands_for() {
        let mut histogram = Histogram::new();
        (1..=100_000u64).for_each(|value| histogram.add(value * 37));
        for share in [0.01, 0.5, 0.95, 0.99, 1.0] {
            let exact = share * 100_000.0 * 37.0;
            let got = histogram.percentile(share) as f64;
            assert!(
                got >= exact && got <= exact * 1.02,
                "{share}: {got} is not close to {exact}"
            );
        }
        assert_eq!(histogram.max(), 3_700_000);
    }

    #[test]
    fn every_value_lies_in_its_bucket() {
        for value in (0..64).map(|bit| 1u64 << bit.min(58)).chain(0..5_000) {
            let index = bucket(value);
            assert!(
                value <= upper(index) && (index == 0 || value > upper(index - 1)),
                "{value}"
            );
        }
    }
}
