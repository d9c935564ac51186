//! The grammar's productions: one function for each level of precedence, lowest first.
//!
//! Only parentheses, `NOT` and signs recurse, always through [`Parser::nested`], which counts the
//! depth.

use super::{
    InvalidSelector,
    expression::{Expression, ExpressionKind},
    identifier::Identifier,
    lexer::{Keyword, TokenKind},
    like::Pattern,
    number::{Number, Operator, Sign},
    parser::{Parsed, Parser, check, identifier},
    value::Comparison,
};

impl Parser<'_> {
    /// Parses the whole text: empty, or one condition.
    pub(super) fn selector(&mut self) -> Result<Expression, InvalidSelector> {
        if self.is_next(TokenKind::End) {
            return Ok(Expression::Boolean(true));
        }
        let condition = self.condition(Self::disjunction)?;
        let expected = match condition.kind() {
            ExpressionKind::Open => "an operator or the end",
            _ => "AND, OR or the end",
        };
        self.expect(TokenKind::End, expected)?;
        Ok(condition)
    }

    fn disjunction(&mut self) -> Parsed {
        self.joined(Keyword::Or, Self::conjunction, Expression::Any)
    }

    fn conjunction(&mut self) -> Parsed {
        self.joined(Keyword::And, Self::negation, Expression::All)
    }

    /// Parses one `part`, or several separated by `word`.
    fn joined(
        &mut self,
        word: Keyword,
        part: fn(&mut Self) -> Parsed,
        join: fn(Box<[Expression]>) -> Expression,
    ) -> Parsed {
        let column = self.column();
        let first = part(self)?;
        if !self.is_next(TokenKind::Keyword(word)) {
            return Ok(first);
        }
        check(&first, ExpressionKind::Condition, column)?;
        let mut parts = vec![first];
        while self.skip(TokenKind::Keyword(word))? {
            parts.push(self.condition(part)?);
        }
        Ok(join(parts.into()))
    }

    fn negation(&mut self) -> Parsed {
        if !self.is_next(TokenKind::Keyword(Keyword::Not)) {
            return self.comparison();
        }
        self.nested(|parser| {
            let inner = parser.condition(Self::negation)?;
            Ok(Expression::Not(inner.into()))
        })
    }

    fn comparison(&mut self) -> Parsed {
        let column = self.column();
        let left = self.sum()?;
        match self.kind() {
            TokenKind::Compare(comparison) => self.compare(comparison, left, column),
            TokenKind::Keyword(Keyword::Is) => self.is_null(left, column),
            TokenKind::Keyword(
                Keyword::Not | Keyword::Between | Keyword::In | Keyword::Like | Keyword::Regexp,
            ) => self.test(left, column),
            _ => Ok(left),
        }
    }

    fn compare(&mut self, comparison: Comparison, left: Expression, column: usize) -> Parsed {
        let right = if comparison.is_order() {
            check(&left, ExpressionKind::Number, column)?;
            self.advance()?;
            self.number(Self::sum)?
        } else {
            self.advance()?;
            self.sum()?
        };
        Ok(Expression::Compare(comparison, [left, right].into()))
    }

    fn is_null(&mut self, left: Expression, column: usize) -> Parsed {
        let is_null = Expression::IsNull(identifier(left, column)?);
        self.advance()?;
        let is_negated = self.skip(TokenKind::Keyword(Keyword::Not))?;
        self.expect(TokenKind::Keyword(Keyword::Null), "NULL")?;
        Ok(negated_if(is_negated, is_null))
    }

    /// Parses `[NOT] BETWEEN`, `[NOT] IN`, `[NOT] LIKE` or `[NOT] REGEXP`.
    fn test(&mut self, left: Expression, column: usize) -> Parsed {
        let is_negated = self.skip(TokenKind::Keyword(Keyword::Not))?;
        match self.kind() {
            TokenKind::Keyword(Keyword::Between) => {
                check(&left, ExpressionKind::Number, column)?;
                let range = self.range(left)?;
                // `NotBetween` is not the negation of `Between`: both are false for a value that is
                // not a number.
                Ok(if is_negated {
                    Expression::NotBetween(range)
                } else {
                    Expression::Between(range)
                })
            }
            TokenKind::Keyword(Keyword::In) => {
                let test = Expression::In(identifier(left, column)?, self.list()?);
                Ok(negated_if(is_negated, test))
            }
            TokenKind::Keyword(Keyword::Like) => {
                let subject = identifier(left, column)?;
                let pattern = self.pattern(&subject)?;
                let test = Expression::Like(subject, pattern.into());
                Ok(negated_if(is_negated, test))
            }
            TokenKind::Keyword(Keyword::Regexp) => {
                let subject = identifier(left, column)?;
                self.advance()?;
                let column = self.column();
                let text = self.string("a string")?;
                let regexp = self.regexp(&subject, &text, column)?;
                Ok(negated_if(is_negated, Expression::Regexp(subject, regexp)))
            }
            _ => Err(self.expected("BETWEEN, IN, LIKE or REGEXP")),
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

    fn pattern(&mut self, subject: &Identifier) -> Parsed<Pattern> {
        self.advance()?;
        let column = self.column();
        let text = self.string("a string")?;
        let escape = if self.skip(TokenKind::Keyword(Keyword::Escape))? {
            Some(self.escape()?)
        } else {
            None
        };
        self.like(subject, Pattern::new(&text, escape), column)
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
        self.chain(Self::factor, Operator::is_product)
    }

    /// Parses one `part`, or several separated by operators of one level.
    fn chain(
        &mut self,
        part: fn(&mut Self) -> Parsed,
        is_of_level: fn(Operator) -> bool,
    ) -> Parsed {
        let column = self.column();
        let first = part(self)?;
        let mut rest = Vec::new();
        while let TokenKind::Arithmetic(operator) = self.kind()
            && is_of_level(operator)
        {
            check(&first, ExpressionKind::Number, column)?;
            self.advance()?;
            rest.push((operator, self.number(part)?));
        }
        Ok(if rest.is_empty() {
            first
        } else {
            Expression::Arithmetic(first.into(), rest.into())
        })
    }

    fn factor(&mut self) -> Parsed {
        let sign = match self.kind() {
            TokenKind::Arithmetic(Operator::Add) => Sign::Plus,
            TokenKind::Arithmetic(Operator::Subtract) => Sign::Minus,
            _ => return self.primary(),
        };
        self.nested(|parser| {
            // The sign is part of the numeral, so that the least 64-bit number can be written.
            if let Some(numeral) = parser.numeral(sign) {
                return numeral;
            }
            let inner = parser.number(Self::factor)?;
            Ok(Expression::Signed(sign, inner.into()))
        })
    }

    fn primary(&mut self) -> Parsed {
        if let Some(numeral) = self.numeral(Sign::Plus) {
            return numeral;
        }
        match self.kind() {
            TokenKind::Text(_) => self.string("a value").map(Expression::Text),
            TokenKind::Keyword(Keyword::True) => self.term(Expression::Boolean(true)),
            TokenKind::Keyword(Keyword::False) => self.term(Expression::Boolean(false)),
            TokenKind::Identifier(name) => self.term(property(name)),
            TokenKind::Body(path) => {
                let identifier = self.body(path)?;
                self.term(Expression::Identifier(identifier))
            }
            TokenKind::QuotedIdentifier("") => Err(self.expected("a name")),
            TokenKind::QuotedIdentifier(name) => {
                let name = name.replace("\"\"", "\"");
                self.term(property(&name))
            }
            TokenKind::Open => self.nested(|parser| {
                let inner = parser.disjunction()?;
                let expected = match inner.kind() {
                    ExpressionKind::Condition => "AND, OR or \")\"",
                    _ => "an operator or \")\"",
                };
                parser.expect(TokenKind::Close, expected)?;
                Ok(inner)
            }),
            _ => Err(self.expected("a value")),
        }
    }

    /// Parses the number after `sign`, if the next token is one.
    fn numeral(&mut self, sign: Sign) -> Option<Parsed> {
        let number = match self.kind() {
            TokenKind::Exact(value) => Number::exact(sign, value),
            TokenKind::Approximate(value) => {
                Number::approximate(value).map(|number| number.with_sign(sign))
            }
            _ => return None,
        };
        Some(match number {
            Some(number) => self.term(Expression::Number(number)),
            None => Err(self.out_of_range()),
        })
    }
}

fn property(name: &str) -> Expression {
    Expression::Identifier(Identifier::Property(name.into()))
}

fn negated_if(is_negated: bool, test: Expression) -> Expression {
    if is_negated {
        Expression::Not(test.into())
    } else {
        test
    }
}
