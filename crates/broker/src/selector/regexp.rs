//! The patterns of `REGEXP`.
//!
//! A pattern is compiled to a complete deterministic automaton, so the time for a text does not depend on the pattern:
//! about a nanosecond for each byte. The size of the automaton is bounded instead; a pattern that needs a larger one is
//! refused. `\w`, `\d`, `\s` and `\b` are those of ASCII, as in JavaScript: the automata of Unicode's classes have
//! hundreds of kilobytes.

use std::{fmt, sync::Arc};

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
        let hir = parsed(text).map_err(|(detail, offset)| {
            let before = text.get(..offset).unwrap_or(text);
            let fault = SelectorFault::InvalidRegexp(detail);
            (fault, before.chars().count())
        })?;
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

/// Parses a pattern. An error has a description, and the offset in bytes.
fn parsed(text: &str) -> Result<regex_syntax::hir::Hir, (String, usize)> {
    // Within the levels that the parser of selectors allows.
    let mut parser = ParserBuilder::new()
        .nest_limit(Selector::MAX_DEPTH as u32)
        .build();
    let mut ast = parser
        .parse(text)
        .map_err(|error| (error.kind().to_string(), error.span().start.offset))?;
    use_ascii(&mut ast);
    let hir = Translator::new().translate(text, &ast);
    hir.map_err(|error| (error.kind().to_string(), error.span().start.offset))
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
            let item = ast::ClassSetItem::Ascii(ascii(class));
            *pattern = Ast::class_bracketed(ast::ClassBracketed {
                span: class.span,
                negated: false,
                kind: ast::ClassSet::Item(item),
            });
        }
        Ast::ClassBracketed(class) => use_ascii_in_set(&mut class.kind),
        Ast::Assertion(assertion) if is_word_boundary(&assertion.kind) => {
            let span = assertion.span;
            let kinds = [
                ast::FlagsItemKind::Negation,
                ast::FlagsItemKind::Flag(ast::Flag::Unicode),
            ];
            let items = kinds.map(|kind| ast::FlagsItem { span, kind }).into();
            *pattern = Ast::group(ast::Group {
                span,
                kind: ast::GroupKind::NonCapturing(ast::Flags { span, items }),
                ast: Box::new(pattern.clone()),
            });
        }
        Ast::Repetition(repetition) => use_ascii(&mut repetition.ast),
        Ast::Group(group) => use_ascii(&mut group.ast),
        Ast::Alternation(alternation) => alternation.asts.iter_mut().for_each(use_ascii),
        Ast::Concat(concat) => concat.asts.iter_mut().for_each(use_ascii),
        _ => {}
    }
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

/// Maximum memory for compiling a pattern, in each of two steps. It also bounds the time.
const MAX_WORK_BYTES: usize = 256 << 10;
