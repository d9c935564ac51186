//! Tokens as a syntax tree.
//!
//! One function for each level of precedence. Only parentheses, `NOT` and signs recurse, each through
//! [`Parser::nested`], which counts them.

use super::{
    InvalidSelector, Selector, SelectorFault,
    expression::{Expression, Kind},
    lexer::{Keyword, Lexer, Token, TokenKind},
    like::Pattern,
    number::{Number, Operator, Sign},
    value::Comparison,
};

type Parsed<T = Expression> = Result<T, InvalidSelector>;

/// A text that is being read, one token ahead.
#[derive(Debug)]
pub(super) struct Parser<'t> {
    lexer: Lexer<'t>,
    token: Token<'t>,
    depth: usize,
    terms: usize,
    pattern_chars: usize,
}

impl<'t> Parser<'t> {
    pub(super) fn new(mut lexer: Lexer<'t>) -> Parsed<Self> {
        Ok(Self {
            token: lexer.token()?,
            lexer,
            depth: 0,
            terms: 0,
            pattern_chars: 0,
        })
    }

    /// The whole text: nothing, or one condition.
    pub(super) fn selector(mut self) -> Parsed {
        if self.token.kind == TokenKind::End {
            return Ok(Expression::Boolean(true));
        }
        let condition = self.condition(Self::disjunction)?;
        match self.token.kind {
            TokenKind::End => Ok(condition),
            _ => Err(self.expected("an operator or the end")),
        }
    }

    fn disjunction(&mut self) -> Parsed {
        self.joined(Keyword::Or, Self::conjunction, Expression::Any)
    }

    fn conjunction(&mut self) -> Parsed {
        self.joined(Keyword::And, Self::negation, Expression::All)
    }

    /// One `part`, or several with `word` between them.
    fn joined(
        &mut self,
        word: Keyword,
        part: fn(&mut Self) -> Parsed,
        join: fn(Box<[Expression]>) -> Expression,
    ) -> Parsed {
        let column = self.token.column;
        let first = part(self)?;
        if !self.is_next(word) {
            return Ok(first);
        }
        check(&first, Kind::Condition, column)?;
        let mut parts = vec![first];
        while self.skip(TokenKind::Keyword(word))? {
            parts.push(self.condition(part)?);
        }
        Ok(join(parts.into()))
    }

    fn negation(&mut self) -> Parsed {
        if !self.is_next(Keyword::Not) {
            return self.comparison();
        }
        self.nested(|parser| {
            let inner = parser.condition(Self::negation)?;
            Ok(Expression::Not(inner.into()))
        })
    }

    fn comparison(&mut self) -> Parsed {
        let column = self.token.column;
        let left = self.sum()?;
        match self.token.kind {
            TokenKind::Compare(comparison) => self.compare(comparison, left, column),
            TokenKind::Keyword(Keyword::Is) => self.is_null(left, column),
            TokenKind::Keyword(Keyword::Not | Keyword::Between | Keyword::In | Keyword::Like) => {
                self.test(left, column)
            }
            _ => Ok(left),
        }
    }

    fn compare(&mut self, comparison: Comparison, left: Expression, column: usize) -> Parsed {
        if comparison.is_order() {
            check(&left, Kind::Number, column)?;
        }
        self.advance()?;
        let right = match comparison.is_order() {
            true => self.number(Self::sum)?,
            false => self.sum()?,
        };
        Ok(Expression::Compare(comparison, [left, right].into()))
    }

    fn is_null(&mut self, left: Expression, column: usize) -> Parsed {
        let is_null = Expression::IsNull(name(left, column)?);
        self.advance()?;
        let is_negated = self.skip(TokenKind::Keyword(Keyword::Not))?;
        self.expect(TokenKind::Keyword(Keyword::Null), "NULL")?;
        Ok(negated(is_null, is_negated))
    }

    /// `[NOT] BETWEEN`, `[NOT] IN` or `[NOT] LIKE`
    fn test(&mut self, left: Expression, column: usize) -> Parsed {
        let is_negated = self.skip(TokenKind::Keyword(Keyword::Not))?;
        match self.token.kind {
            TokenKind::Keyword(Keyword::Between) => {
                check(&left, Kind::Number, column)?;
                let range = self.range(left)?;
                // Not the negation: both are false of what is no number.
                Ok(match is_negated {
                    true => Expression::NotBetween(range),
                    false => Expression::Between(range),
                })
            }
            TokenKind::Keyword(Keyword::In) => {
                let name = name(left, column)?;
                Ok(negated(Expression::In(name, self.list()?), is_negated))
            }
            TokenKind::Keyword(Keyword::Like) => {
                let name = name(left, column)?;
                Ok(negated(Expression::Like(name, self.pattern()?), is_negated))
            }
            _ => Err(self.expected("BETWEEN, IN or LIKE")),
        }
    }

    fn range(&mut self, value: Expression) -> Parsed<Box<[Expression; 3]>> {
        self.advance()?;
        let least = self.number(Self::sum)?;
        self.expect(TokenKind::Keyword(Keyword::And), "AND")?;
        let greatest = self.number(Self::sum)?;
        Ok([value, least, greatest].into())
    }

    fn list(&mut self) -> Parsed<Box<[Box<str>]>> {
        self.advance()?;
        self.expect(TokenKind::Open, "\"(\"")?;
        let mut list = vec![self.string("a string")?];
        while self.skip(TokenKind::Comma)? {
            list.push(self.string("a string")?);
        }
        self.expect(TokenKind::Close, "\",\" or \")\"")?;
        Ok(list.into())
    }

    fn pattern(&mut self) -> Parsed<Pattern> {
        self.advance()?;
        let column = self.token.column;
        let text = self.string("a string")?;
        self.pattern_chars += text.chars().count();
        if self.pattern_chars > Selector::MAX_PATTERN_CHARS {
            let fault = SelectorFault::PatternsTooLong;
            return Err(InvalidSelector { column, fault });
        }
        let escape = match self.skip(TokenKind::Keyword(Keyword::Escape))? {
            true => Some(self.escape()?),
            false => None,
        };
        Ok(Pattern::new(&text, escape))
    }

    fn escape(&mut self) -> Parsed<char> {
        const EXPECTED: &str = "a string of one character";
        let other = self.expected(EXPECTED);
        let text = self.string(EXPECTED)?;
        let mut characters = text.chars();
        match (characters.next(), characters.next()) {
            (Some(escape), None) => Ok(escape),
            _ => Err(other),
        }
    }

    fn sum(&mut self) -> Parsed {
        self.chain(Self::product, Operator::is_sum)
    }

    fn product(&mut self) -> Parsed {
        self.chain(Self::factor, |operator| !operator.is_sum())
    }

    /// One `part`, or several with operators of one level between them.
    fn chain(&mut self, part: fn(&mut Self) -> Parsed, is_level: fn(Operator) -> bool) -> Parsed {
        let column = self.token.column;
        let first = part(self)?;
        let mut rest = Vec::new();
        while let TokenKind::Arithmetic(operator) = self.token.kind
            && is_level(operator)
        {
            if rest.is_empty() {
                check(&first, Kind::Number, column)?;
            }
            self.advance()?;
            rest.push((operator, self.number(part)?));
        }
        Ok(match rest.is_empty() {
            true => first,
            false => Expression::Arithmetic(first.into(), rest.into()),
        })
    }

    fn factor(&mut self) -> Parsed {
        let sign = match self.token.kind {
            TokenKind::Arithmetic(Operator::Add) => Sign::Plus,
            TokenKind::Arithmetic(Operator::Subtract) => Sign::Minus,
            _ => return self.primary(),
        };
        self.nested(|parser| match parser.token.kind {
            TokenKind::Exact(value) => {
                let number = Number::exact(sign, value);
                parser.numeral(number)
            }
            TokenKind::Approximate(value) => {
                parser.numeral(Some(Number::Approximate(value).with_sign(sign)))
            }
            _ => {
                let inner = parser.number(Self::factor)?;
                Ok(Expression::Signed(sign, inner.into()))
            }
        })
    }

    fn primary(&mut self) -> Parsed {
        match self.token.kind {
            TokenKind::Exact(value) => self.numeral(Number::exact(Sign::Plus, value)),
            TokenKind::Approximate(value) => self.numeral(Some(Number::Approximate(value))),
            TokenKind::Text(_) => self.string("a value").map(Expression::Text),
            TokenKind::Keyword(Keyword::True) => self.term(Expression::Boolean(true)),
            TokenKind::Keyword(Keyword::False) => self.term(Expression::Boolean(false)),
            TokenKind::Identifier(name) => self.term(Expression::Property(name.into())),
            TokenKind::QuotedIdentifier("") => Err(self.expected("a name")),
            TokenKind::QuotedIdentifier(name) => {
                let name = name.replace("\"\"", "\"");
                self.term(Expression::Property(name.into()))
            }
            TokenKind::Open => self.nested(|parser| {
                let inner = parser.disjunction()?;
                parser.expect(TokenKind::Close, "an operator or \")\"")?;
                Ok(inner)
            }),
            _ => Err(self.expected("a value")),
        }
    }

    fn string(&mut self, expected: &'static str) -> Parsed<Box<str>> {
        let TokenKind::Text(text) = self.token.kind else {
            return Err(self.expected(expected));
        };
        self.term(text.replace("''", "'").into())
    }

    /// The number that the token is; none if it is out of range.
    fn numeral(&mut self, number: Option<Number>) -> Parsed {
        match number {
            Some(number) => self.term(Expression::Number(number)),
            None => Err(self.fault(SelectorFault::OutOfRange(self.token.shortened()))),
        }
    }

    /// Counts the token as a term and goes on behind it.
    fn term<T>(&mut self, term: T) -> Parsed<T> {
        if self.terms == Selector::MAX_TERMS {
            return Err(self.fault(SelectorFault::TooManyTerms));
        }
        self.terms += 1;
        self.advance()?;
        Ok(term)
    }

    /// What `part` reads behind the token, one level deeper.
    fn nested(&mut self, part: impl FnOnce(&mut Self) -> Parsed) -> Parsed {
        if self.depth == Selector::MAX_DEPTH {
            return Err(self.fault(SelectorFault::TooDeep));
        }
        self.advance()?;
        self.depth += 1;
        let inner = part(self)?;
        self.depth -= 1;
        Ok(inner)
    }

    fn condition(&mut self, part: fn(&mut Self) -> Parsed) -> Parsed {
        self.of_kind(Kind::Condition, part)
    }

    fn number(&mut self, part: fn(&mut Self) -> Parsed) -> Parsed {
        self.of_kind(Kind::Number, part)
    }

    fn of_kind(&mut self, kind: Kind, part: fn(&mut Self) -> Parsed) -> Parsed {
        let column = self.token.column;
        let expression = part(self)?;
        check(&expression, kind, column)?;
        Ok(expression)
    }

    fn is_next(&self, word: Keyword) -> bool {
        self.token.kind == TokenKind::Keyword(word)
    }

    fn expect(&mut self, kind: TokenKind<'_>, expected: &'static str) -> Parsed<()> {
        match self.skip(kind)? {
            true => Ok(()),
            false => Err(self.expected(expected)),
        }
    }

    /// Goes on behind the token if it is `kind`, and says whether.
    fn skip(&mut self, kind: TokenKind<'_>) -> Parsed<bool> {
        let is_next = self.token.kind == kind;
        if is_next {
            self.advance()?;
        }
        Ok(is_next)
    }

    fn advance(&mut self) -> Parsed<()> {
        self.token = self.lexer.token()?;
        Ok(())
    }

    fn expected(&self, expected: &'static str) -> InvalidSelector {
        self.fault(SelectorFault::Expected {
            expected,
            found: self.token.to_string(),
        })
    }

    fn fault(&self, fault: SelectorFault) -> InvalidSelector {
        InvalidSelector {
            column: self.token.column,
            fault,
        }
    }
}

/// Whether the expression that begins at `column` can be used as `wanted`.
fn check(expression: &Expression, wanted: Kind, column: usize) -> Parsed<()> {
    let kind = expression.kind();
    if kind == wanted || kind == Kind::Open {
        return Ok(());
    }
    Err(mismatch(wanted, kind, column))
}

/// The name, if the expression that begins at `column` is an identifier and nothing else.
fn name(expression: Expression, column: usize) -> Parsed<Box<str>> {
    match expression {
        Expression::Property(name) => Ok(name),
        other => Err(mismatch(Kind::Open, other.kind(), column)),
    }
}

fn mismatch(wanted: Kind, found: Kind, column: usize) -> InvalidSelector {
    InvalidSelector {
        column,
        fault: SelectorFault::Expected {
            expected: wanted.words(),
            found: found.words().to_owned(),
        },
    }
}

fn negated(test: Expression, is_negated: bool) -> Expression {
    match is_negated {
        true => Expression::Not(test.into()),
        false => test,
    }
}
