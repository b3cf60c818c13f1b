//! Command-line flags of the driver: `--name value` pairs and bare `--name` switches.

use std::collections::HashMap;
use std::str::FromStr;

/// The flags of one run. A flag that nothing asked for is an error, so that a typing slip does not go unseen.
pub struct Args {
    values: HashMap<String, String>,
    asked: std::cell::RefCell<Vec<String>>,
}

impl Args {
    /// Reads flags; a `--name` followed by another flag or by nothing counts as `--name true`.
    pub fn parse(words: impl Iterator<Item = String>) -> Result<Args, String> {
        let mut values = HashMap::new();
        let mut words = words.peekable();
        while let Some(word) = words.next() {
            let Some(name) = word.strip_prefix("--") else {
                return Err(format!("Cannot read argument \"{word}\": flags start with --"));
            };
            let value = match words.peek() {
                Some(next) if !next.starts_with("--") => words.next().unwrap_or_default(),
                _ => "true".to_string(),
            };
            values.insert(name.to_string(), value);
        }
        Ok(Args {
            values,
            asked: Default::default(),
        })
    }

    /// The value of a flag, or a default when it is absent.
    pub fn get<T: FromStr>(&self, name: &str, default: T) -> Result<T, String> {
        Ok(self.optional(name)?.unwrap_or(default))
    }

    /// The value of a flag that must be there.
    pub fn required<T: FromStr>(&self, name: &str) -> Result<T, String> {
        self.optional(name)?
            .ok_or_else(|| format!("Cannot run without --{name}: it has no default"))
    }

    /// The value of a flag that may be absent.
    pub fn optional<T: FromStr>(&self, name: &str) -> Result<Option<T>, String> {
        self.asked.borrow_mut().push(name.to_string());
        match self.values.get(name) {
            None => Ok(None),
            Some(text) => {
                let wrong = |_| format!("Cannot read --{name} \"{text}\": wrong form");
                text.parse().map(Some).map_err(wrong)
            }
        }
    }

    /// Whether a switch is on.
    pub fn switch(&self, name: &str) -> Result<bool, String> {
        self.get(name, false)
    }

    /// Fails when a flag was given that the command never asked for.
    pub fn finish(&self) -> Result<(), String> {
        let asked = self.asked.borrow();
        match self.values.keys().find(|name| !asked.contains(name)) {
            Some(name) => Err(format!("Cannot use --{name}: this command has no such flag")),
            None => Ok(()),
        }
    }
}
