//! Loops over lists and maps.

use super::{Error, Evaluated, Evaluator};
use crate::library::no_overload;
use crate::program::Comprehension;
use crate::value::Value;

impl Evaluator<'_> {
    pub(super) fn comprehension(&mut self, comprehension: &Comprehension) -> Evaluated {
        let over = self.eval(&comprehension.over)?;
        let init = self.eval(&comprehension.init)?;
        let outer = self.scope.len();
        self.scope.push(Ok(init));
        let looped = self.iterate(comprehension, &over, outer);
        self.scope.truncate(outer + 1);
        let result = looped.and_then(|()| self.eval(&comprehension.result));
        self.scope.truncate(outer);
        result
    }

    fn iterate(
        &mut self,
        comprehension: &Comprehension,
        over: &Value,
        accumulator: usize,
    ) -> Result<(), Error> {
        match over {
            Value::List(items) => {
                for (at, item) in items.iter().enumerate() {
                    let at = Value::Int(i64::try_from(at).map_err(|_| no_overload())?);
                    let (first, second) = if comprehension.has_second {
                        (at, item.clone())
                    } else {
                        (item.clone(), Value::Null)
                    };
                    if !self.turn(comprehension, accumulator, first, second)? {
                        break;
                    }
                }
                Ok(())
            }
            Value::Map(entries) => {
                for (key, value) in entries.iter() {
                    let second = if comprehension.has_second { value.clone() } else { Value::Null };
                    if !self.turn(comprehension, accumulator, key.value(), second)? {
                        break;
                    }
                }
                Ok(())
            }
            _ => Err(no_overload()),
        }
    }

    /// One turn of the loop; whether there may be another.
    fn turn(
        &mut self,
        comprehension: &Comprehension,
        accumulator: usize,
        first: Value,
        second: Value,
    ) -> Result<bool, Error> {
        self.charge(1)?;
        self.scope.truncate(accumulator + 1);
        self.scope.push(Ok(first));
        if comprehension.has_second {
            self.scope.push(Ok(second));
        }
        if self.eval(&comprehension.going)? != Value::Bool(true) {
            return Ok(false);
        }
        let step = self.eval(&comprehension.step);
        self.set(accumulator, step)?;
        Ok(true)
    }

    /// What went wrong in one turn is kept like a value: a later turn may decide whatever it was.
    fn set(&mut self, accumulator: usize, step: Evaluated) -> Result<(), Error> {
        if let Some(error) = step.as_ref().err().filter(|error| error.ends_all()) {
            return Err(error.clone());
        }
        if let Some(place) = self.scope.get_mut(accumulator) {
            *place = step;
        }
        Ok(())
    }
}
