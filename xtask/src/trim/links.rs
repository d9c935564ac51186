//! What the linker knows of a module and writes beside it when it is asked to (`--emit-relocs`): where
//! each part of the data begins and ends, and what each instruction and each word of the data holds
//! the address of. The form is that of the tool conventions of WebAssembly, "Linking".
//!
//! What follows from it is `reach`'s.

use std::collections::{BTreeMap, HashSet};
use std::ops::Range;

use anyhow::{Context, Result, bail, ensure};
use walrus::{DataId, FunctionId, Module};
use wasmparser::{
    KnownCustom, Linking, LinkingSectionReader, Parser, Payload, RelocSectionReader,
    RelocationType, SymbolInfo,
};

/// Something whose address is held somewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Target {
    Function(FunctionId),
    Data(Span),
}

/// The bytes of a symbol of the data: from a byte of the file up to but not including another.
pub type Span = (usize, usize);

pub struct Links {
    /// By the byte of the file where the address begins.
    targets: BTreeMap<usize, Target>,
    /// All symbols of the data.
    pub spans: Vec<Span>,
    /// Where in the file the segments of the data are.
    pub segments: Vec<(DataId, Range<usize>)>,
}

impl Links {
    /// Reads them from the file that the module was read from. Nothing may have been taken out of the
    /// module since.
    ///
    /// # Errors
    ///
    /// The linker was not asked, or writes something else than this version understands.
    pub fn read(file: &[u8], module: &Module) -> Result<Self> {
        let sections = Sections::read(file)?;
        let ids = module.data.iter().map(|data| data.id());
        let segments: Vec<_> = ids.zip(sections.segments.iter().cloned()).collect();
        let linking = sections.linking.as_ref();
        let linking = linking.context("the linker left no symbols")?;
        let symbols = symbols(linking, module, &sections.segments)?;
        let spans = symbols.iter().filter_map(|symbol| match symbol {
            Some(Target::Data(span)) => Some(*span),
            _ => None,
        });
        let mut links = Self {
            targets: BTreeMap::new(),
            spans: spans.collect(),
            segments,
        };
        for (start, addresses) in &sections.addresses {
            links.add(*start, addresses, &symbols)?;
        }
        links.check(module)?;
        Ok(links)
    }

    fn add(
        &mut self,
        start: usize,
        addresses: &RelocSectionReader<'_>,
        symbols: &[Option<Target>],
    ) -> Result<()> {
        for entry in addresses.entries() {
            let entry = entry?;
            if !is_address(entry.ty)? {
                continue;
            }
            let symbol = symbols.get(entry.index as usize);
            if let Some(target) = symbol.context("the address of no symbol")? {
                self.targets.insert(start + entry.offset as usize, *target);
            }
        }
        Ok(())
    }

    /// Each address is in the data, or where [`of_instruction`](Self::of_instruction) looks for it.
    fn check(&self, module: &Module) -> Result<()> {
        let functions = module.funcs.iter_local();
        let instructions = functions.flat_map(|(_, function)| &function.instruction_mapping);
        let starts: HashSet<_> = instructions.map(|(_, at)| at.data() as usize).collect();
        let is_found = |at: usize| {
            let is_data = self.segments.iter().any(|(_, place)| place.contains(&at));
            is_data
                || BEFORE_ADDRESS
                    .iter()
                    .any(|before| starts.contains(&(at - before)))
        };
        let lost = self.targets.keys().find(|at| !is_found(**at));
        ensure!(
            lost.is_none(),
            "an address at byte {lost:?} of the file belongs to nothing"
        );
        Ok(())
    }

    /// What the instruction that begins at this byte of the file holds the address of.
    pub fn of_instruction(&self, at: usize) -> Option<Target> {
        let held = BEFORE_ADDRESS.map(|before| self.targets.get(&(at + before)));
        held.into_iter().flatten().next().copied()
    }

    pub fn of_data(&self, (start, end): Span) -> impl Iterator<Item = Target> {
        self.targets.range(start..end).map(|(_, target)| *target)
    }
}

/// Takes the linker's sections out of a module: they are wrong as soon as it is changed.
pub fn drop_sections(module: &mut Module) {
    for name in ["linking", "reloc.CODE", "reloc.DATA"] {
        module.customs.remove_raw(name);
    }
}

/// Bytes of an instruction before its address: the operation's and, where memory is read or written, that
/// of the alignment.
const BEFORE_ADDRESS: [usize; 2] = [1, 2];

/// What there is of interest in the file.
#[derive(Default)]
struct Sections<'a> {
    segments: Vec<Range<usize>>,
    linking: Option<LinkingSectionReader<'a>>,
    /// Each with the byte that it counts from.
    addresses: Vec<(usize, RelocSectionReader<'a>)>,
}

impl<'a> Sections<'a> {
    fn read(file: &'a [u8]) -> Result<Self> {
        let mut all = Self::default();
        // By their numbers.
        let mut starts = Vec::new();
        for payload in Parser::new(0).parse_all(file) {
            let payload = payload?;
            if let Some((_, range)) = payload.as_section() {
                starts.push(range.start);
            }
            match payload {
                Payload::DataSection(section) => {
                    for segment in section {
                        let segment = segment?;
                        let end = segment.range.end;
                        all.segments.push(end - segment.data.len()..end);
                    }
                }
                Payload::CustomSection(section) => match section.as_known() {
                    KnownCustom::Linking(linking) => all.linking = Some(linking),
                    KnownCustom::Reloc(addresses) => {
                        let start = starts.get(addresses.section_index() as usize);
                        let start = start.context("the addresses of no section")?;
                        all.addresses.push((*start, addresses));
                    }
                    _ => {}
                },
                _ => {}
            }
        }
        ensure!(all.addresses.len() > 1, "the linker left no addresses");
        Ok(all)
    }
}

/// By their numbers; nothing where it is neither a function nor part of the file.
fn symbols(
    linking: &LinkingSectionReader<'_>,
    module: &Module,
    segments: &[Range<usize>],
) -> Result<Vec<Option<Target>>> {
    let functions: Vec<_> = module.funcs.iter().map(|function| function.id()).collect();
    let mut symbols = Vec::new();
    for part in linking.subsections() {
        let Linking::SymbolTable(table) = part? else {
            continue;
        };
        for symbol in table {
            symbols.push(match symbol? {
                SymbolInfo::Func { index, .. } => {
                    functions.get(index as usize).copied().map(Target::Function)
                }
                SymbolInfo::Data {
                    symbol: Some(data), ..
                } => {
                    let segment = segments.get(data.index as usize);
                    segment.map(|segment| {
                        let start = segment.start + data.offset as usize;
                        Target::Data((start, start + data.size as usize))
                    })
                }
                _ => None,
            });
        }
    }
    Ok(symbols)
}

/// Whether it is one in memory or in the table of functions. Calls are found without.
///
/// # Errors
///
/// It is of a kind that modules of this target do not have: it may be an address in another form.
fn is_address(kind: RelocationType) -> Result<bool> {
    use RelocationType::{
        FunctionIndexLeb, GlobalIndexLeb, MemoryAddrI32, MemoryAddrLeb, MemoryAddrSleb,
        TableIndexI32, TableIndexSleb, TableNumberLeb, TypeIndexLeb,
    };
    match kind {
        MemoryAddrI32 | MemoryAddrLeb | MemoryAddrSleb | TableIndexI32 | TableIndexSleb => Ok(true),
        FunctionIndexLeb | GlobalIndexLeb | TableNumberLeb | TypeIndexLeb => Ok(false),
        _ => bail!("the linker left an address of the kind {kind:?}"),
    }
}

#[cfg(test)]
impl Links {
    /// Made up for a test.
    pub fn of_parts<const N: usize>(
        targets: [(usize, Target); N],
        spans: Vec<Span>,
        segment: (DataId, Range<usize>),
    ) -> Self {
        Self {
            targets: targets.into(),
            spans,
            segments: vec![segment],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_the_linker_left_nothing_in_is_refused() {
        let mut module = Module::default();
        let file = module.emit_wasm();
        assert!(Links::read(&file, &module).is_err());
    }
}
