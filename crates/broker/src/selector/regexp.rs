//! The patterns of `REGEXP`.
//!
//! A pattern is compiled to a complete deterministic automaton, so the time for a text does not depend on the pattern:
//! about a nanosecond for each byte. The size of the automaton is bounded instead; a pattern that needs a larger one is
//! refused. `\w`, `\d`, `\s` and `\b` are those of ASCII, as in JavaScript: the automata of Unicode's classes have
//! hundreds of kilobytes.

use std::{convert::Infallible, fmt, sync::Arc};

use regex_automata::{
    Input,
    dfa::{Automaton, StartKind, dense},
    nfa::thompson::{self, WhichCaptures},
};
use regex_syntax::{
    ast::{self, Ast, parse::ParserBuilder},
    hir::translate::Translator,
};

use super::{Selector, SelectorFault, display::Quoted, error::shorten};

/// A regular expression that is searched for in a text.
#[derive(Clone)]
pub(super) struct Regexp {
    text: Box<str>,
    automaton: Arc<dense::DFA<Vec<u32>>>,
}

impl Regexp {
    /// Compiles a pattern, to at most `most_bytes`.
    ///
    /// # Errors
    /// The fault, and the number of the pattern's characters before it.
    pub(super) fn new(text: &str, most_bytes: usize) -> Result<Self, (SelectorFault, usize)> {
        let invalid = |(detail, offset): (String, usize)| {
            let before = text.get(..offset).unwrap_or(text);
            let fault = SelectorFault::InvalidRegexp(detail);
            (fault, before.chars().count())
        };
        let ast = parsed(text).map_err(invalid)?;
        if ClassWork::of(&ast) > MAX_CLASS_WORK {
            return Err((SelectorFault::RegexpTooLarge, 0));
        }
        let hir = Translator::new().translate(text, &ast);
        let hir =
            hir.map_err(|error| invalid((error.kind().to_string(), error.span().start.offset)))?;
        let automaton = compiled(&hir, most_bytes).map_err(|fault| (fault, 0))?;
        Ok(Self {
            text: text.into(),
            automaton: Arc::new(automaton),
        })
    }

    /// Returns the size of the compiled pattern.
    pub(super) fn bytes(&self) -> usize {
        self.automaton.memory_usage()
    }

    /// Returns true if the pattern matches a part of the text.
    pub(super) fn matches(&self, text: &str) -> bool {
        let input = Input::new(text).earliest(true);
        // Fails only in automata that give up at certain bytes, and in searches that start only at the beginning.
        matches!(self.automaton.try_search_fwd(&input), Ok(Some(_)))
    }
}

/// Parses a pattern, and replaces the classes of Unicode by those of ASCII. An error has a description, and the offset in
/// bytes.
fn parsed(text: &str) -> Result<Ast, (String, usize)> {
    // Within the levels that the parser of selectors allows.
    let mut parser = ParserBuilder::new()
        .nest_limit(Selector::MAX_DEPTH as u32)
        .build();
    let mut ast = parser
        .parse(text)
        .map_err(|error| (error.kind().to_string(), error.span().start.offset))?;
    use_ascii(&mut ast);
    Ok(ast)
}

fn compiled(
    hir: &regex_syntax::hir::Hir,
    most_bytes: usize,
) -> Result<dense::DFA<Vec<u32>>, SelectorFault> {
    let nfa = thompson::Config::new()
        .which_captures(WhichCaptures::None)
        .nfa_size_limit(Some(MAX_WORK_BYTES));
    let nfa = thompson::Compiler::new()
        .configure(nfa)
        .build_from_hir(hir)
        .map_err(|error| fault(error.size_limit().is_some(), &error))?;
    let dfa = dense::Config::new()
        .start_kind(StartKind::Unanchored)
        .dfa_size_limit(Some(most_bytes))
        .determinize_size_limit(Some(MAX_WORK_BYTES));
    let dfa = dense::Builder::new().configure(dfa).build_from_nfa(&nfa);
    dfa.map_err(|error| fault(error.is_size_limit_exceeded(), &error))
}

fn fault(is_too_large: bool, error: &impl ToString) -> SelectorFault {
    match is_too_large {
        true => SelectorFault::RegexpTooLarge,
        false => SelectorFault::InvalidRegexp(error.to_string()),
    }
}

/// Replaces the classes and word boundaries of Unicode by those of ASCII. The recursion is as deep as the pattern's nesting,
/// which the parser bounds.
fn use_ascii(pattern: &mut Ast) {
    match pattern {
        Ast::ClassPerl(class) => {
            let span = class.span;
            let item = ast::ClassSetItem::Ascii(ast::ClassAscii {
                negated: false,
                ..ascii(class)
            });
            let bracketed = Ast::class_bracketed(ast::ClassBracketed {
                span,
                negated: class.negated,
                kind: ast::ClassSet::Item(item),
            });
            // The class has both cases. To ignore case would add letters of Unicode, which `\W` would then match as `k`.
            *pattern = without(ast::Flag::CaseInsensitive, bracketed, span);
        }
        Ast::ClassBracketed(class) => use_ascii_in_set(&mut class.kind),
        Ast::Assertion(assertion) if is_word_boundary(&assertion.kind) => {
            let span = assertion.span;
            *pattern = without(ast::Flag::Unicode, pattern.clone(), span);
        }
        Ast::Repetition(repetition) => use_ascii(&mut repetition.ast),
        Ast::Group(group) => use_ascii(&mut group.ast),
        Ast::Alternation(alternation) => alternation.asts.iter_mut().for_each(use_ascii),
        Ast::Concat(concat) => concat.asts.iter_mut().for_each(use_ascii),
        _ => {}
    }
}

/// Returns a pattern in which a flag is off.
fn without(flag: ast::Flag, pattern: Ast, span: ast::Span) -> Ast {
    let kinds = [ast::FlagsItemKind::Negation, ast::FlagsItemKind::Flag(flag)];
    let items = kinds.map(|kind| ast::FlagsItem { span, kind }).into();
    Ast::group(ast::Group {
        span,
        kind: ast::GroupKind::NonCapturing(ast::Flags { span, items }),
        ast: Box::new(pattern),
    })
}

fn use_ascii_in_set(set: &mut ast::ClassSet) {
    match set {
        ast::ClassSet::Item(item) => use_ascii_in_item(item),
        ast::ClassSet::BinaryOp(operation) => {
            use_ascii_in_set(&mut operation.lhs);
            use_ascii_in_set(&mut operation.rhs);
        }
    }
}

fn use_ascii_in_item(item: &mut ast::ClassSetItem) {
    match item {
        ast::ClassSetItem::Perl(class) => *item = ast::ClassSetItem::Ascii(ascii(class)),
        ast::ClassSetItem::Bracketed(class) => use_ascii_in_set(&mut class.kind),
        ast::ClassSetItem::Union(union) => union.items.iter_mut().for_each(use_ascii_in_item),
        _ => {}
    }
}

fn ascii(class: &ast::ClassPerl) -> ast::ClassAscii {
    ast::ClassAscii {
        span: class.span,
        kind: match class.kind {
            ast::ClassPerlKind::Digit => ast::ClassAsciiKind::Digit,
            ast::ClassPerlKind::Space => ast::ClassAsciiKind::Space,
            ast::ClassPerlKind::Word => ast::ClassAsciiKind::Word,
        },
        negated: class.negated,
    }
}

fn is_word_boundary(kind: &ast::AssertionKind) -> bool {
    !matches!(
        kind,
        ast::AssertionKind::StartLine
            | ast::AssertionKind::EndLine
            | ast::AssertionKind::StartText
            | ast::AssertionKind::EndText
    )
}

/// The work of translating the classes of a pattern, in characters that are looked up. To ignore case, each character of a
/// class is looked up: a million for `[\W]` or `[^a-z]` inside of a class. The other steps have bounds of their own.
#[derive(Default)]
struct ClassWork {
    ignores_case: bool,
    /// The number of classes around the current one: each looks up the characters of those inside again.
    depth: u32,
    chars: u32,
}

impl ClassWork {
    fn of(pattern: &Ast) -> u32 {
        let Ok(chars) = ast::visit(pattern, Self::default());
        chars
    }

    /// Notes flags. They are taken to hold for the rest of the pattern.
    fn note_flags(&mut self, flags: &ast::Flags) {
        self.ignores_case |= flags.flag_state(ast::Flag::CaseInsensitive) == Some(true);
    }

    fn add(&mut self, chars: u32) {
        let chars = chars.saturating_mul(1 + self.depth);
        self.chars = self.chars.saturating_add(chars);
    }

    /// Adds a part of a class that has nearly all characters.
    fn add_negated(&mut self) {
        if self.ignores_case {
            self.add(u32::from(char::MAX));
        }
    }
}

impl ast::Visitor for ClassWork {
    type Output = u32;
    type Err = Infallible;

    fn finish(self) -> Result<u32, Infallible> {
        Ok(self.chars)
    }

    fn visit_pre(&mut self, pattern: &Ast) -> Result<(), Infallible> {
        match pattern {
            Ast::Flags(set) => self.note_flags(&set.flags),
            Ast::Group(group) => {
                if let ast::GroupKind::NonCapturing(flags) = &group.kind {
                    self.note_flags(flags);
                }
            }
            Ast::ClassUnicode(_) => self.add(UNICODE_CLASS_WORK),
            _ => {}
        }
        Ok(())
    }

    fn visit_class_set_item_pre(&mut self, item: &ast::ClassSetItem) -> Result<(), Infallible> {
        match item {
            ast::ClassSetItem::Range(range) if self.ignores_case => {
                self.add(u32::from(range.end.c).saturating_sub(u32::from(range.start.c)));
            }
            ast::ClassSetItem::Unicode(class) => {
                self.add(UNICODE_CLASS_WORK);
                if class.is_negated() {
                    self.add_negated();
                }
            }
            ast::ClassSetItem::Ascii(class) if class.negated => self.add_negated(),
            ast::ClassSetItem::Bracketed(class) => {
                if class.negated {
                    self.add_negated();
                }
                self.depth += 1;
            }
            _ => {}
        }
        Ok(())
    }

    fn visit_class_set_item_post(&mut self, item: &ast::ClassSetItem) -> Result<(), Infallible> {
        if matches!(item, ast::ClassSetItem::Bracketed(_)) {
            self.depth -= 1;
        }
        Ok(())
    }
}

/// Two patterns with the same text are the same.
impl PartialEq for Regexp {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl fmt::Debug for Regexp {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Regexp({:?})", shorten(&self.text))
    }
}

/// Formats the pattern as a string literal.
impl fmt::Display for Regexp {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        Quoted('\'', &self.text).fmt(formatter)
    }
}

/// Maximum memory for compiling a pattern, in each of two steps. It also bounds the time, to about 5 ms.
const MAX_WORK_BYTES: usize = 256 << 10;
/// Maximum work of translating the classes of a pattern: about 1 ms.
const MAX_CLASS_WORK: u32 = 1 << 15;
/// The work for a class of Unicode such as `\pL`, in its ranges and not in its characters.
const UNICODE_CLASS_WORK: u32 = 1 << 13;
