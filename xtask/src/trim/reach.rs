//! Takes away what nothing reaches any more. The linker has done the same before, but it knew neither
//! that panics say nothing nor which exports are not wanted.

use std::collections::HashSet;

use walrus::ir::{Instr, InstrLocId, Visitor, dfs_in_order};
use walrus::{ElementItems, ExportItem, FunctionId, FunctionKind, Module, passes};

use super::links::{Links, Span, Target};

/// Removes functions, and empties parts of the data, that are reached neither from an export nor by an
/// address that something reached holds. `trap` takes the places of functions in the table.
pub fn keep_reached(module: &mut Module, links: &Links, trap: FunctionId) {
    let held = Reached::from_exports(module, links);
    for element in module.elements.iter_mut() {
        if let ElementItems::Functions(functions) = &mut element.items {
            let unreached =
                |function: &&mut FunctionId| !held.contains(&Target::Function(**function));
            functions
                .iter_mut()
                .filter(unreached)
                .for_each(|function| *function = trap);
        }
    }
    let is_held = |span: &&Span| held.contains(&Target::Data(**span));
    let (kept, dropped): (Vec<Span>, Vec<Span>) = links.spans.iter().partition(is_held);
    for (segment, place) in &links.segments {
        let within = |span: &Span| {
            let is_within = place.start <= span.0 && span.1 <= place.end;
            is_within.then(|| span.0 - place.start..span.1 - place.start)
        };
        let data = &mut module.data.get_mut(*segment).value;
        let before = data.clone();
        for part in dropped.iter().filter_map(within) {
            data[part].fill(0);
        }
        // One symbol may be a part of another.
        for part in kept.iter().filter_map(within) {
            data[part.clone()].copy_from_slice(&before[part]);
        }
    }
    passes::gc::run(module);
}

/// What is reached, as far as it has been looked for.
struct Reached<'a> {
    module: &'a Module,
    links: &'a Links,
    functions: HashSet<FunctionId>,
    /// What something that is reached holds the address of.
    held: HashSet<Target>,
    /// Reached, but not looked into yet.
    ahead: Vec<Target>,
}

impl<'a> Reached<'a> {
    /// Answers with all whose address is held.
    fn from_exports(module: &'a Module, links: &'a Links) -> HashSet<Target> {
        let mut reached = Self {
            module,
            links,
            functions: HashSet::new(),
            held: HashSet::new(),
            ahead: Vec::new(),
        };
        for export in module.exports.iter() {
            if let ExportItem::Function(function) = export.item {
                reached.call(function);
            }
        }
        if let Some(start) = module.start {
            reached.call(start);
        }
        while let Some(next) = reached.ahead.pop() {
            match next {
                Target::Function(function) => reached.look_into(function),
                Target::Data(span) => {
                    for target in links.of_data(span) {
                        reached.hold(target);
                    }
                }
            }
        }
        reached.held
    }

    fn look_into(&mut self, function: FunctionId) {
        if let FunctionKind::Local(local) = &self.module.funcs.get(function).kind {
            dfs_in_order(self, local, local.entry_block());
        }
    }

    fn call(&mut self, function: FunctionId) {
        if self.functions.insert(function) {
            self.ahead.push(Target::Function(function));
        }
    }

    fn hold(&mut self, target: Target) {
        if self.held.insert(target) {
            match target {
                Target::Function(function) => self.call(function),
                Target::Data(_) => self.ahead.push(target),
            }
        }
    }
}

impl Visitor<'_> for Reached<'_> {
    fn visit_instr(&mut self, _: &Instr, at: &InstrLocId) {
        if *at != InstrLocId::default()
            && let Some(target) = self.links.of_instruction(at.data() as usize)
        {
            self.hold(target);
        }
    }

    fn visit_function_id(&mut self, function: &FunctionId) {
        self.call(*function);
    }
}

#[cfg(test)]
mod tests {
    use walrus::ir::Value;
    use walrus::{ConstExpr, DataKind, ElementKind, FunctionBuilder, RefType};

    use super::*;

    /// A file in which `main` at byte 10 holds the address of a part of the data, and that, at byte 104,
    /// the address of the function `held`. Nobody holds that of `lost` or of the data behind.
    fn linked() -> (Module, Links, [FunctionId; 3]) {
        let mut module = Module::default();
        let memory = module.memories.add_local(false, false, 1, None, None);
        let offset = ConstExpr::Value(Value::I32(1024));
        let kind = DataKind::Active { memory, offset };
        let data = module.data.add(kind, vec![1; 16]);
        let [held, lost, trap] = [7, 8, 9].map(|number| {
            let mut function = FunctionBuilder::new(&mut module.types, &[], &[]);
            function.func_body().i32_const(number).drop();
            function.finish(vec![], &mut module.funcs)
        });
        let mut main = FunctionBuilder::new(&mut module.types, &[], &[]);
        main.func_body().i32_const(1024).drop();
        let main = main.finish(vec![], &mut module.funcs);
        let body = module.funcs.get_mut(main).kind.unwrap_local_mut();
        let entry = body.entry_block();
        body.block_mut(entry).instrs[0].1 = InstrLocId::new(10);
        module.exports.add("main", main);
        let table = module.tables.add_local(false, 2, None, RefType::FUNCREF);
        module.exports.add("table", table);
        let offset = ConstExpr::Value(Value::I32(0));
        let kind = ElementKind::Active { table, offset };
        let items = ElementItems::Functions(vec![held, lost]);
        let element = module.elements.add(kind, items);
        module.tables.get_mut(table).elem_segments.insert(element);
        let spans = vec![(100, 108), (104, 108), (104, 112), (112, 116)];
        let targets = [(11, Target::Data(spans[0])), (104, Target::Function(held))];
        let links = Links::of_parts(targets, spans, (data, 100..116));
        (module, links, [held, lost, trap])
    }

    #[test]
    fn what_is_reached_over_addresses_stays_and_nothing_else() {
        let (mut module, links, [held, lost, trap]) = linked();
        keep_reached(&mut module, &links, trap);
        let data = module.data.iter().map(|data| &data.value);
        let kept = [1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0];
        assert_eq!(data.collect::<Vec<_>>(), [&kept]);
        let element = module
            .elements
            .iter()
            .next()
            .expect("the table's functions");
        assert!(matches!(&element.items, ElementItems::Functions(all) if *all == [held, trap]));
        assert!(module.funcs.iter().all(|function| function.id() != lost));
    }
}
