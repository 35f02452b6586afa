//! Which types go together, and what the parameters of a call stand for.

use std::sync::Arc;

use crate::types::Type;

/// What is known of parameters so far.
#[derive(Clone, Debug, Default)]
pub(super) struct Unifier {
    found: Vec<Option<Type>>,
}

impl Unifier {
    /// A new parameter.
    pub(super) fn fresh(&mut self) -> Type {
        self.found.push(None);
        Type::Param(self.found.len() - 1)
    }

    /// The declared type with new parameters in place of its own.
    pub(super) fn instance(&mut self, declared: &Type, params: &mut Vec<Option<Type>>) -> Type {
        match declared {
            Type::Param(index) => {
                if params.len() <= *index {
                    params.resize(*index + 1, None);
                }
                match params.get(*index).cloned().flatten() {
                    Some(known) => known,
                    None => {
                        let fresh = self.fresh();
                        if let Some(place) = params.get_mut(*index) {
                            *place = Some(fresh.clone());
                        }
                        fresh
                    }
                }
            }
            Type::List(of) => Type::list(self.instance(of, params)),
            Type::Map(key, value) => {
                Type::map(self.instance(key, params), self.instance(value, params))
            }
            Type::Optional(of) => Type::optional(self.instance(of, params)),
            Type::Type(of) => Type::Type(Arc::new(self.instance(of, params))),
            other => other.clone(),
        }
    }

    /// What the type is known to be, looked at from outside.
    pub(super) fn resolved(&self, ty: &Type) -> Type {
        let mut ty = ty;
        while let Type::Param(index) = ty {
            match self.found.get(*index).and_then(Option::as_ref) {
                Some(known) => ty = known,
                None => break,
            }
        }
        ty.clone()
    }

    /// What the type is known to be through and through; what is not known is left to run time.
    pub(super) fn settled(&self, ty: &Type) -> Type {
        match self.resolved(ty) {
            Type::Param(_) => Type::Dyn,
            Type::List(of) => Type::list(self.settled(&of)),
            Type::Map(key, value) => Type::map(self.settled(&key), self.settled(&value)),
            Type::Optional(of) => Type::optional(self.settled(&of)),
            Type::Type(of) => Type::Type(Arc::new(self.settled(&of))),
            other => other,
        }
    }

    /// Whether all of `found` go where all of `wanted` are expected. If not, nothing is learned.
    pub(super) fn assign_all(&mut self, wanted: &[Type], found: &[Type]) -> bool {
        let before = self.found.clone();
        let fits = wanted.len() == found.len()
            && wanted.iter().zip(found).all(|(wanted, found)| self.unify(wanted, found));
        if !fits {
            self.found = before;
        }
        fits
    }

    pub(super) fn assign(&mut self, wanted: &Type, found: &Type) -> bool {
        self.assign_all(std::slice::from_ref(wanted), std::slice::from_ref(found))
    }

    fn unify(&mut self, wanted: &Type, found: &Type) -> bool {
        let (wanted, found) = (self.resolved(wanted), self.resolved(found));
        match (&wanted, &found) {
            (Type::Param(a), Type::Param(b)) if a == b => true,
            (Type::Param(index), other) | (other, Type::Param(index)) => self.bind(*index, other),
            (Type::Dyn, _) | (_, Type::Dyn) | (Type::Type(_), Type::Type(_)) => true,
            (Type::List(a), Type::List(b)) | (Type::Optional(a), Type::Optional(b)) => {
                self.unify(a, b)
            }
            (Type::Map(a, b), Type::Map(c, d)) => self.unify(a, c) && self.unify(b, d),
            (Type::Struct(a), Type::Struct(b)) => a.name == b.name,
            (other, Type::Null) | (Type::Null, other) => takes_null(other),
            (a, b) => a == b,
        }
    }

    fn bind(&mut self, index: usize, ty: &Type) -> bool {
        if self.occurs(index, ty) {
            return false;
        }
        if let Some(place) = self.found.get_mut(index) {
            *place = Some(ty.clone());
        }
        true
    }

    fn occurs(&self, index: usize, ty: &Type) -> bool {
        match self.resolved(ty) {
            Type::Param(other) => other == index,
            Type::List(of) | Type::Optional(of) | Type::Type(of) => self.occurs(index, &of),
            Type::Map(key, value) => self.occurs(index, &key) || self.occurs(index, &value),
            _ => false,
        }
    }
}

fn takes_null(ty: &Type) -> bool {
    matches!(
        ty,
        Type::Null
            | Type::Struct(_)
            | Type::Opaque(_)
            | Type::Duration
            | Type::Timestamp
            | Type::Optional(_)
    )
}
