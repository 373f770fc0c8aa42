//! The bridge between a model and the searches: states and operations become small numbers, and every transition is
//! asked of the model once. So the searches are not generic (an exercise compiles them once, in the library), compare
//! states by a number, and cost the same for a register as for a map.

use super::model::Model;
use crate::hash::FastMap;
use std::hash::Hash;

/// A state or a class of operations, numbered from 0.
pub(super) type Id = u32;

/// No state: the operation cannot be applied.
const NONE: u32 = u32::MAX;
/// Not asked yet.
const UNASKED: u32 = u32::MAX - 1;
/// The table remembers at most so many transitions (4 MiB); beyond it asks again every time.
const CELLS: usize = 1 << 20;

/// The transitions that are known so far, as a table of states × classes.
pub(super) struct Table<'a> {
    cells: Vec<u32>,
    classes: usize,
    ask: &'a mut dyn FnMut(Id, Id) -> Option<Id>,
}

impl<'a> Table<'a> {
    #[inline]
    pub(super) fn new(classes: usize, ask: &'a mut dyn FnMut(Id, Id) -> Option<Id>) -> Self {
        Table { cells: Vec::new(), classes, ask }
    }

    /// The state after an operation of `class` in `state`, if it can be applied.
    #[inline]
    pub(super) fn step(&mut self, state: Id, class: Id) -> Option<Id> {
        let cell = state as usize * self.classes + class as usize;
        match self.cells.get(cell) {
            Some(&NONE) => None,
            Some(&UNASKED) | None => self.ask_and_keep(cell, state, class),
            Some(&next) => Some(next),
        }
    }

    #[cold]
    #[inline]
    fn ask_and_keep(&mut self, cell: usize, state: Id, class: Id) -> Option<Id> {
        let next = (self.ask)(state, class);
        let rows = (state as usize + 1) * self.classes;
        if rows <= CELLS {
            if self.cells.len() < rows {
                self.cells.resize(rows, UNASKED);
            }
            self.cells[cell] = next.unwrap_or(NONE);
        }
        next
    }
}

/// Numbers for equal things, in the order in which they were first seen.
pub(super) struct Numbering<T> {
    ids: FastMap<T, Id>,
    things: Vec<T>,
}

impl<T: Clone + Eq + Hash> Numbering<T> {
    pub(super) fn new() -> Self {
        Numbering { ids: FastMap::default(), things: Vec::new() }
    }

    pub(super) fn id(&mut self, thing: T) -> Id {
        let next = self.things.len() as Id;
        let id = *self.ids.entry(thing.clone()).or_insert(next);
        if id == next {
            assert!(next < UNASKED, "fewer than 2^32 states");
            self.things.push(thing);
        }
        id
    }

    pub(super) fn get(&self, id: Id) -> &T {
        &self.things[id as usize]
    }

    pub(super) fn len(&self) -> usize {
        self.things.len()
    }
}

/// Operations with the same question and the same answer: alike to the model, whoever asked and whenever.
pub(super) type Class<'a, M> = (&'a <M as Model>::Op, Option<&'a <M as Model>::Ret>);

/// Asks the model, and numbers the states it answers with.
pub(super) fn ask<M: Model>(
    model: &M,
    states: &mut Numbering<M::State>,
    classes: &Numbering<Class<'_, M>>,
    state: Id,
    class: Id,
) -> Option<Id> {
    let (op, ret) = *classes.get(class);
    let next = model.step(states.get(state), op, ret)?;
    Some(states.id(next))
}
