//! Panics without words. In the browser nobody reads what a panic says: the pages set no hook, and Rust
//! writes to no console. All that is left of it there is a trap, and so each becomes one at once.

use std::collections::HashSet;

use anyhow::{Context, Result};
use walrus::ir::{Call, Instr, InstrLocId, InstrSeq, Unreachable, VisitorMut, dfs_pre_order_mut};
use walrus::{FunctionId, LocalFunction, Module};

/// Puts a trap in place of each call to a function that only panics, and answers with such a function.
///
/// # Errors
///
/// There is none, so Rust's names for them must be others than they were.
pub fn cut(module: &mut Module) -> Result<FunctionId> {
    let mut traps = panicking(module);
    let trap = traps.iter().min().copied();
    let trap = trap.context("nothing in the module panics")?;
    loop {
        let known = traps.len();
        for (id, function) in module.funcs.iter_local_mut() {
            if traps.contains(&id) {
                become_trap(function);
            } else if cut_calls(function, &traps) {
                traps.insert(id);
            }
        }
        // Whoever calls what has just become a trap has one more.
        if traps.len() == known {
            return Ok(trap);
        }
    }
}

fn panicking(module: &Module) -> HashSet<FunctionId> {
    let only_panics = |id: &FunctionId| {
        let name = module.funcs.get(*id).name.as_deref().unwrap_or_default();
        PANICKING.iter().any(|part| name.contains(part))
    };
    let functions = module.funcs.iter_local().map(|(id, _)| id);
    functions.filter(only_panics).collect()
}

fn become_trap(function: &mut LocalFunction) {
    let entry = function.entry_block();
    let body = &mut function.block_mut(entry).instrs;
    body.clear();
    body.push(trap());
}

/// True when nothing else than a trap is left.
fn cut_calls(function: &mut LocalFunction, traps: &HashSet<FunctionId>) -> bool {
    let entry = function.entry_block();
    dfs_pre_order_mut(&mut Cutter { traps }, function, entry);
    matches!(&*function.block(entry).instrs, [(Instr::Unreachable(_), _)])
}

struct Cutter<'a> {
    traps: &'a HashSet<FunctionId>,
}

impl VisitorMut for Cutter<'_> {
    /// What is behind a trap is never reached, and what only prepares it is not missed.
    fn start_instr_seq_mut(&mut self, sequence: &mut InstrSeq) {
        let instructions = &mut sequence.instrs;
        let is_trap = |instruction: &Instr| match instruction {
            Instr::Call(Call { func }) => self.traps.contains(func),
            _ => false,
        };
        let Some(call) = instructions.iter().position(|(own, _)| is_trap(own)) else {
            return;
        };
        let before = &instructions[..call];
        let last = before.iter().rposition(|(own, _)| !is_preparation(own));
        instructions.truncate(last.map_or(0, |last| last + 1));
        instructions.push(trap());
    }
}

fn trap() -> (Instr, InstrLocId) {
    (Unreachable {}.into(), InstrLocId::default())
}

/// Whether it changes nothing but what a function forgets when it ends.
fn is_preparation(instruction: &Instr) -> bool {
    matches!(
        instruction,
        Instr::Const(_)
            | Instr::LocalGet(_)
            | Instr::LocalSet(_)
            | Instr::LocalTee(_)
            | Instr::GlobalGet(_)
            | Instr::Binop(_)
            | Instr::Unop(_)
            | Instr::Load(_)
            | Instr::Select(_)
            | Instr::Drop(_)
    )
}

/// Parts of the names of Rust's functions that only panic, as the compiler mangles them: a crate,
/// module or function after the length of its name.
const PANICKING: [&str; 14] = [
    "17rust_begin_unwind",
    "4core9panicking",
    "4core6option13expect_failed",
    "4core6option13unwrap_failed",
    "4core6result13unwrap_failed",
    "4core4cell22panic_already_borrowed",
    "4core4cell30panic_already_mutably_borrowed",
    "4core5slice5index16slice_index_fail",
    "4core3str16slice_error_fail",
    "19copy_from_slice_impl17len_mismatch_fail",
    "14panic_poisoned",
    "6remove13assert_failed",
    "3std5alloc8rust_oom",
    "3std6thread5local18panic_access_error",
];

#[cfg(test)]
mod tests {
    use walrus::{FunctionBuilder, ValType};

    use super::*;

    fn body(module: &Module, function: FunctionId) -> Vec<String> {
        let function = module.funcs.get(function).kind.unwrap_local();
        let entry = function.block(function.entry_block());
        let kind = |(own, _): &(Instr, _)| format!("{own:?}");
        let kind = |own| kind(own).split('(').next().unwrap_or_default().to_owned();
        entry.instrs.iter().map(kind).collect()
    }

    fn builder(module: &mut Module) -> FunctionBuilder {
        FunctionBuilder::new(&mut module.types, &[], &[])
    }

    /// A module in which `panic` is called by `fail` after a constant, and that by `work`, which has done
    /// something before.
    fn module(name: &str) -> (Module, [FunctionId; 3]) {
        let mut module = Module::default();
        let mut panic = FunctionBuilder::new(&mut module.types, &[ValType::I32], &[]);
        panic.name(name.into());
        let message = module.locals.add(ValType::I32);
        panic.func_body().i32_const(7).drop();
        let panic = panic.finish(vec![message], &mut module.funcs);
        let mut fail = builder(&mut module);
        fail.func_body().i32_const(1).call(panic).unreachable();
        let fail = fail.finish(vec![], &mut module.funcs);
        let other = builder(&mut module).finish(vec![], &mut module.funcs);
        let mut work = builder(&mut module);
        work.func_body().call(other).call(fail).call(other);
        let work = work.finish(vec![], &mut module.funcs);
        (module, [panic, fail, work])
    }

    #[test]
    fn a_panic_is_a_trap_and_so_is_what_only_panics() {
        let (mut module, [panic, fail, work]) = module("_RNvNtCs1_4core9panicking9panic_fmt");
        assert_eq!(cut(&mut module).ok(), Some(panic));
        assert_eq!(body(&module, panic), ["Unreachable"]);
        assert_eq!(body(&module, fail), ["Unreachable"]);
        assert_eq!(body(&module, work), ["Call", "Unreachable"]);
    }

    #[test]
    fn a_module_without_panics_is_not_understood() {
        let (mut module, _) = module("_RNvCs1_4main4work");
        assert!(cut(&mut module).is_err());
    }
}
