//! Token reader of the grammar: looks one token ahead, enforces the bounds, and reports errors with
//! positions.

use super::{
    InvalidSelector, Selector, SelectorFault,
    expression::{Expression, ExpressionKind},
    lexer::{Lexer, Token, TokenKind},
    like::Pattern,
};

pub(super) type Parsed<T = Expression> = Result<T, InvalidSelector>;

/// The state of parsing one text. The grammar itself is in `grammar.rs`.
#[derive(Debug)]
pub(super) struct Parser<'t> {
    lexer: Lexer<'t>,
    /// The next token.
    token: Token<'t>,
    depth: usize,
    terms: usize,
    pattern_chars: usize,
    searches: usize,
}

impl<'t> Parser<'t> {
    pub(super) fn new(mut lexer: Lexer<'t>) -> Parsed<Self> {
        Ok(Self {
            token: lexer.token()?,
            lexer,
            depth: 0,
            terms: 0,
            pattern_chars: 0,
            searches: 0,
        })
    }

    pub(super) fn kind(&self) -> TokenKind<'t> {
        self.token.kind
    }

    pub(super) fn column(&self) -> usize {
        self.token.column
    }

    pub(super) fn is_next(&self, kind: TokenKind<'_>) -> bool {
        self.token.kind == kind
    }

    pub(super) fn advance(&mut self) -> Parsed<()> {
        self.token = self.lexer.token()?;
        Ok(())
    }

    /// Consumes the next token if it is `kind`, and returns true if it did.
    pub(super) fn skip(&mut self, kind: TokenKind<'_>) -> Parsed<bool> {
        let is_next = self.is_next(kind);
        if is_next {
            self.advance()?;
        }
        Ok(is_next)
    }

    pub(super) fn expect(&mut self, kind: TokenKind<'_>, expected: &'static str) -> Parsed<()> {
        if !self.is_next(kind) {
            return Err(self.expected(expected));
        }
        self.advance()
    }

    /// Counts the next token as a term and consumes it.
    pub(super) fn term<T>(&mut self, term: T) -> Parsed<T> {
        if self.terms == Selector::MAX_TERMS {
            return Err(self.fault(SelectorFault::TooManyTerms));
        }
        self.terms += 1;
        self.advance()?;
        Ok(term)
    }

    pub(super) fn string(&mut self, expected: &'static str) -> Parsed<Box<str>> {
        let TokenKind::Text(text) = self.token.kind else {
            return Err(self.expected(expected));
        };
        self.term(text.replace("''", "'").into())
    }

    /// Counts a pattern that begins at `column` towards the bounds.
    pub(super) fn count(
        &mut self,
        pattern: Result<Pattern, SelectorFault>,
        column: usize,
    ) -> Parsed<Pattern> {
        pattern
            .and_then(|pattern| self.within_bounds(pattern))
            .map_err(|fault| InvalidSelector { column, fault })
    }

    fn within_bounds(&mut self, pattern: Pattern) -> Result<Pattern, SelectorFault> {
        self.pattern_chars += pattern.len();
        self.searches += pattern.searches();
        if self.pattern_chars > Selector::MAX_PATTERN_CHARS {
            return Err(SelectorFault::PatternsTooLong);
        }
        if self.searches > Selector::MAX_SEARCHES {
            return Err(SelectorFault::TooManySearches);
        }
        Ok(pattern)
    }

    /// Consumes the next token and runs `part` one nesting level deeper.
    pub(super) fn nested(&mut self, part: impl FnOnce(&mut Self) -> Parsed) -> Parsed {
        if self.depth == Selector::MAX_DEPTH {
            return Err(self.fault(SelectorFault::TooDeep));
        }
        self.advance()?;
        self.depth += 1;
        let inner = part(self)?;
        self.depth -= 1;
        Ok(inner)
    }

    pub(super) fn condition(&mut self, part: fn(&mut Self) -> Parsed) -> Parsed {
        self.of_kind(ExpressionKind::Condition, part)
    }

    pub(super) fn number(&mut self, part: fn(&mut Self) -> Parsed) -> Parsed {
        self.of_kind(ExpressionKind::Number, part)
    }

    fn of_kind(&mut self, kind: ExpressionKind, part: fn(&mut Self) -> Parsed) -> Parsed {
        let column = self.token.column;
        let expression = part(self)?;
        check(&expression, kind, column)?;
        Ok(expression)
    }

    pub(super) fn expected(&self, expected: &'static str) -> InvalidSelector {
        self.fault(SelectorFault::Expected {
            expected,
            found: self.token.to_string(),
        })
    }

    pub(super) fn out_of_range(&self) -> InvalidSelector {
        self.fault(SelectorFault::OutOfRange(self.token.shortened()))
    }

    fn fault(&self, fault: SelectorFault) -> InvalidSelector {
        InvalidSelector {
            column: self.token.column,
            fault,
        }
    }
}

/// Returns an error if the expression that begins at `column` cannot be used as `wanted`.
pub(super) fn check(expression: &Expression, wanted: ExpressionKind, column: usize) -> Parsed<()> {
    let kind = expression.kind();
    if kind == wanted || kind == ExpressionKind::Open {
        return Ok(());
    }
    Err(mismatch(wanted, kind, column))
}

/// Returns the name if the expression that begins at `column` is a single identifier.
pub(super) fn name(expression: Expression, column: usize) -> Parsed<Box<str>> {
    match expression {
        Expression::Property(name) => Ok(name),
        other => Err(mismatch(ExpressionKind::Open, other.kind(), column)),
    }
}

fn mismatch(wanted: ExpressionKind, found: ExpressionKind, column: usize) -> InvalidSelector {
    InvalidSelector {
        column,
        fault: SelectorFault::Expected {
            expected: wanted.description(),
            found: found.description().to_owned(),
        },
    }
}
