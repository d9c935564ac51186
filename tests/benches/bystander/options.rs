//! The options of the benchmark: `--name value`, in any order.

use crate::attack::Attack;

pub struct Options {
    /// Rounds of the bystander, with two samples each.
    pub rounds: usize,
    /// Runs only the attacks whose names contain this text, and the control run.
    only: String,
}

impl Options {
    pub fn read(mut arguments: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut options = Self {
            rounds: 400,
            only: String::new(),
        };
        while let Some(name) = arguments.next() {
            let value = arguments
                .next()
                .ok_or_else(|| format!("{name} has no value"))?;
            match name.as_str() {
                "--rounds" => {
                    let rounds = value.parse().ok().filter(|rounds| *rounds > 0);
                    options.rounds = rounds.ok_or_else(|| format!("{name}: not a number"))?;
                }
                "--only" => options.only = value.to_lowercase(),
                _ => return Err(format!("unknown option {name}: --rounds N, --only TEXT")),
            }
        }
        Ok(options)
    }

    pub fn wants(&self, attack: &Attack) -> bool {
        let name = attack.to_string().to_lowercase();
        matches!(attack, Attack::None) || name.contains(&self.only)
    }
}
