//! Token reader of the grammar: looks one token ahead, enforces the bounds, and reports errors with
//! positions.

use super::{
    InvalidSelector, Selector, SelectorFault,
    body::BodyUse,
    expression::{Expression, ExpressionKind},
    identifier::{FieldPath, Identifier},
    lexer::{BODY, Lexer, Token, TokenKind},
    like::Pattern,
    regexp::Regexp,
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
    /// The size of all compiled patterns of `REGEXP`.
    regexp_bytes: usize,
    body_use: BodyUse,
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
            regexp_bytes: 0,
            body_use: BodyUse::default(),
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

    /// Counts the pattern of a `LIKE` for `subject`, which begins at `column`, towards the bounds.
    pub(super) fn like(
        &mut self,
        subject: &Identifier,
        pattern: Result<Pattern, SelectorFault>,
        column: usize,
    ) -> Parsed<Pattern> {
        let at_column = |fault| InvalidSelector { column, fault };
        let pattern = pattern.map_err(at_column)?;
        self.count(pattern.len(), pattern.searches(), subject)
            .map_err(at_column)?;
        Ok(pattern)
    }

    /// Compiles the pattern of a `REGEXP` for `subject`, whose string begins at `column`, and counts it towards the bounds.
    pub(super) fn regexp(
        &mut self,
        subject: &Identifier,
        pattern: &str,
        column: usize,
    ) -> Parsed<Regexp> {
        let at_column = |fault| InvalidSelector { column, fault };
        self.count(pattern.chars().count(), 1, subject)
            .map_err(at_column)?;
        let most = Selector::MAX_REGEXP_BYTES.saturating_sub(self.regexp_bytes);
        let regexp = Regexp::new(pattern, most).map_err(|(fault, before)| InvalidSelector {
            // After the quote. A doubled quote in the pattern counts once.
            column: column + 1 + before,
            fault,
        })?;
        self.regexp_bytes += regexp.bytes();
        Ok(regexp)
    }

    fn count(
        &mut self,
        chars: usize,
        searches: usize,
        subject: &Identifier,
    ) -> Result<(), SelectorFault> {
        self.pattern_chars += chars;
        self.searches += searches;
        if !matches!(subject, Identifier::Property(_)) {
            self.body_use.searches += searches;
        }
        if self.pattern_chars > Selector::MAX_PATTERN_CHARS {
            return Err(SelectorFault::PatternsTooLong);
        }
        if self.searches > Selector::MAX_SEARCHES {
            return Err(SelectorFault::TooManySearches);
        }
        if self.body_use.searches > Selector::MAX_BODY_SEARCHES {
            return Err(SelectorFault::TooManyBodySearches);
        }
        Ok(())
    }

    /// Returns the identifier of the body, or of the field with this path.
    pub(super) fn body(&mut self, path: &str) -> Parsed<Identifier> {
        self.body_use.is_read = true;
        if path.is_empty() {
            return Ok(Identifier::Body);
        }
        let column = self.token.column;
        let path = FieldPath::parse(path).map_err(|(fault, before)| InvalidSelector {
            column: column + BODY.len() + before,
            fault,
        })?;
        let index = self.body_use.fields.add(&path);
        let index = index.map_err(|fault| InvalidSelector { column, fault })?;
        Ok(Identifier::Field(path, index))
    }

    /// Returns the work of an evaluation: see [`Selector::work`].
    pub(super) fn work(&self) -> u32 {
        /// A pass over a body of the maximum size takes about as long as 10 searches in a header.
        const PASS: usize = 10;
        const TERMS: usize = 32;
        let in_headers = self.searches - self.body_use.searches;
        let work = PASS * self.body_use.passes() + in_headers + self.terms / TERMS;
        u32::try_from(work).unwrap_or(u32::MAX)
    }

    /// Returns what the selector reads from bodies.
    pub(super) fn body_use(self) -> BodyUse {
        self.body_use
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

/// Returns the identifier if the expression that begins at `column` is a single one.
pub(super) fn identifier(expression: Expression, column: usize) -> Parsed<Identifier> {
    match expression {
        Expression::Identifier(identifier) => Ok(identifier),
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
