//! The one line of JSON that a command prints, its keys in the order in which they were added.

use crate::histogram::Histogram;
use serde_json::{Map, Value, json};

/// A result in the making.
pub struct Report {
    fields: Map<String, Value>,
}

impl Report {
    pub fn new(scenario: &str) -> Report {
        let mut fields = Map::new();
        fields.insert("scenario".into(), json!(scenario));
        Report { fields }
    }

    /// Adds any value.
    pub fn with(mut self, key: &str, value: impl Into<Value>) -> Report {
        self.fields.insert(key.into(), value.into());
        self
    }

    /// Adds a measured number with as many digits as it deserves.
    pub fn rate(self, key: &str, value: f64) -> Report {
        let value = if !value.is_finite() {
            0.0
        } else if value.abs() >= 100.0 {
            value.round()
        } else {
            (value * 100.0).round() / 100.0
        };
        self.with(key, value)
    }

    /// Adds p50, p95, p99 and max of a histogram, milliseconds.
    pub fn latency(self, histogram: &Histogram) -> Report {
        self.latency_as("", histogram)
    }

    /// The same with a prefix before each key.
    pub fn latency_as(self, prefix: &str, histogram: &Histogram) -> Report {
        let ms = |nanoseconds: u64| (nanoseconds as f64 / 1_000.0).round() / 1_000.0;
        self.with(&format!("{prefix}p50_ms"), ms(histogram.percentile(0.50)))
            .with(&format!("{prefix}p95_ms"), ms(histogram.percentile(0.95)))
            .with(&format!("{prefix}p99_ms"), ms(histogram.percentile(0.99)))
            .with(&format!("{prefix}max_ms"), ms(histogram.max()))
    }

    pub fn line(&self) -> String {
        Value::Object(self.fields.clone()).to_string()
    }

    /// Whether a check of the answers failed: the caller exits with an error then.
    pub fn failed(&self) -> bool {
        self.fields.get("problems").and_then(Value::as_u64).unwrap_or(0) > 0
    }
}
