//! The small language of `verify`, in which a numeric question proves its own answer.
//!
//! ```text
//! verify  := { NAME "=" expr ";" } expr
//! expr    := BINDER NAME [ "in" expr ".." expr ] ":" expr      BINDER: min max count sum; both ends belong to the range
//!          | or
//! or      := and  { "or" and }
//! and     := cmp  { "and" cmp }
//! cmp     := sum  [ ("<" | "<=" | ">" | ">=" | "==" | "!=") sum ]
//! sum     := term { ("+" | "-") term }
//! term    := unary { ("*" | "/" | "%") unary }                 10 % 3 is 1
//! unary   := "-" unary | power
//! power   := atom [ "^" unary ]                                2 ^ 3 ^ 2 is 512
//! atom    := NUMBER | NAME | NAME "(" expr { "," expr } ")" | "(" expr ")", then { "%" }: 99.9% is 0.999
//! ```
//!
//! * `min r: r + 4 > 5` is the smallest whole number that fulfils the condition, `max` the largest, `count` how many there are,
//!   and `sum k in 1..3: k^2` is 14. Without `in` it looks at 0 to 100,000; `max` needs its range.
//! * A `%` is a percentage when nothing follows that could be its right side, else the remainder.
//! * Functions: `ceil floor round abs sqrt ln log2 log10 exp`, `min(…) max(…)`, `choose(n, k)`.
//! * `answer` is the key under proof, so `answer * 3 == 12` is a proof too.
//! * Numbers are floating point, and two that differ by less than a billionth (relative) are equal, also for `<` and `>`.
//!
//! No input panics or runs for ever: length, nesting and the number of steps are bounded. What is no finite number proves nothing.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

const MAX_DEPTH: usize = 48;
/// A chain of terms is a tree as deep as it is long, so its length is what bounds the stack.
const MAX_TOKENS: usize = 1_000;
const MAX_STEPS: u64 = 2_000_000;
const SEARCH_END: f64 = 100_000.0;

/// What an expression comes to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value {
    /// A number.
    Number(f64),
    /// A condition that holds or does not.
    Truth(bool),
}

/// Evaluates `source` with `answer` bound to the key.
///
/// # Errors
/// What is wrong with it.
pub fn evaluate(source: &str, answer: f64) -> Result<Value, String> {
    evaluate_with(source, &BTreeMap::from([("answer".to_owned(), answer)]))
}

/// Evaluates `source` with these names.
///
/// # Errors
/// What is wrong with it.
pub fn evaluate_with(source: &str, names: &BTreeMap<String, f64>) -> Result<Value, String> {
    let tokens = tokens(source)?;
    if tokens.len() > MAX_TOKENS {
        return Err(format!("longer than {MAX_TOKENS} numbers, names and signs; 'sum k in 1..100: k' adds up many terms"));
    }
    if names.values().any(|number| !number.is_finite()) {
        return Err("the answer is no finite number".to_owned());
    }
    let mut parser = Parser { tokens: &tokens, next: 0, depth: 0 };
    let mut machine = Machine { names: names.clone(), steps: 0 };
    while let (Some(Token::Name(name)), Some(Token::Sign("="))) = (parser.peek(0), parser.peek(1)) {
        let name = name.clone();
        parser.next += 2;
        let value = parser.expr()?;
        parser.expect(";")?;
        let value = machine.number(&value)?;
        machine.names.insert(name, value);
    }
    let expr = parser.expr()?;
    if let Some(extra) = parser.peek(0) {
        return Err(format!("nothing may follow here, but {} does", extra.show()));
    }
    match machine.value(&expr)? {
        Value::Number(number) => finite(number).map(Value::Number),
        truth => Ok(truth),
    }
}

/// Whether a number is the wanted one, as far as the question cares.
#[must_use]
pub fn within(said: f64, wanted: f64, tolerance: f64) -> bool {
    same(said, wanted) || (said - wanted).abs() <= tolerance * (1.0 + 1e-9)
}

/// Equal up to rounding. Infinity is near everything that is measured by it, so it equals nothing here.
#[must_use]
pub fn same(a: f64, b: f64) -> bool {
    a.is_finite() && b.is_finite() && (a - b).abs() <= 1e-9 * a.abs().max(b.abs()).max(1.0)
}

fn finite(number: f64) -> Result<f64, String> {
    if number.is_finite() { Ok(number) } else { Err("the result is not a finite number (a division by zero?)".to_owned()) }
}

#[derive(Clone, Debug, PartialEq)]
enum Token {
    Number(f64),
    Name(String),
    Sign(&'static str),
}

impl Token {
    fn show(&self) -> String {
        match self {
            Token::Number(n) => n.to_string(),
            Token::Name(name) => format!("'{name}'"),
            Token::Sign(sign) => format!("'{sign}'"),
        }
    }
}

/// Longer signs first: `<=` is not `<` and `=`.
const SIGNS: [&str; 20] = ["<=", ">=", "==", "!=", "..", "<", ">", "=", "+", "-", "*", "/", "%", "^", "(", ")", ",", ":", ";", "·"];

fn tokens(source: &str) -> Result<Vec<Token>, String> {
    let mut tokens = Vec::new();
    let mut rest = source.trim_start();
    while let Some(first) = rest.chars().next() {
        let length = if first.is_ascii_digit() {
            let length = number_length(rest);
            let digits: String = rest[..length].chars().filter(|&c| c != '_').collect();
            let number = digits.parse().map_err(|_| format!("'{}' is not a number", &rest[..length]))?;
            tokens.push(Token::Number(number));
            length
        } else if first.is_ascii_alphabetic() {
            let length = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len());
            tokens.push(Token::Name(rest[..length].to_owned()));
            length
        } else if let Some(sign) = SIGNS.iter().find(|sign| rest.starts_with(**sign)) {
            tokens.push(Token::Sign(sign));
            sign.len()
        } else {
            return Err(format!("'{}' means nothing here", first.escape_default()));
        };
        rest = rest[length..].trim_start();
    }
    Ok(tokens)
}

/// The length of the number that starts `text`: digits with `_`, one `.` if a digit follows it (`1..3` is a range), `e6`.
fn number_length(text: &str) -> usize {
    let bytes = text.as_bytes();
    let digits = |mut at: usize| {
        while bytes.get(at).is_some_and(|b| b.is_ascii_digit() || *b == b'_') {
            at += 1;
        }
        at
    };
    let is_digit = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_digit);
    let mut end = digits(0);
    if bytes.get(end) == Some(&b'.') && is_digit(end + 1) {
        end = digits(end + 1);
    }
    if bytes.get(end) == Some(&b'e') {
        let sign = usize::from(bytes.get(end + 1) == Some(&b'-'));
        if is_digit(end + 1 + sign) {
            end = digits(end + 1 + sign);
        }
    }
    end
}

#[derive(Debug)]
enum Expr {
    Number(f64),
    Name(String),
    Negative(Box<Expr>),
    Operation(&'static str, Box<Expr>, Box<Expr>),
    Call(String, Vec<Expr>),
    Search { binder: Binder, name: String, range: Option<(Box<Expr>, Box<Expr>)>, body: Box<Expr> },
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Binder {
    Min,
    Max,
    Count,
    Sum,
}

struct Parser<'a> {
    tokens: &'a [Token],
    next: usize,
    depth: usize,
}

impl Parser<'_> {
    fn peek(&self, ahead: usize) -> Option<&Token> {
        self.tokens.get(self.next + ahead)
    }

    fn take(&mut self, signs: &[&'static str]) -> Option<&'static str> {
        let found = match self.peek(0) {
            Some(Token::Sign(sign)) => signs.iter().find(|s| *s == sign).copied(),
            Some(Token::Name(name)) => signs.iter().find(|s| *s == name).copied(),
            _ => None,
        };
        self.next += usize::from(found.is_some());
        found
    }

    fn expect(&mut self, sign: &'static str) -> Result<(), String> {
        match self.take(&[sign]) {
            Some(_) => Ok(()),
            None => Err(format!("'{sign}' is missing {}", self.before())),
        }
    }

    fn before(&self) -> String {
        self.peek(0).map_or("at the end".to_owned(), |token| format!("before {}", token.show()))
    }

    fn expr(&mut self) -> Result<Expr, String> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(format!("nested more than {MAX_DEPTH} deep"));
        }
        let result = match self.binder() {
            Some((binder, name)) => self.search(binder, name),
            None => self.chain(0),
        };
        self.depth -= 1;
        result
    }

    fn binder(&mut self) -> Option<(Binder, String)> {
        let (Some(Token::Name(word)), Some(Token::Name(name))) = (self.peek(0), self.peek(1)) else { return None };
        let binder = match word.as_str() {
            "min" => Binder::Min,
            "max" => Binder::Max,
            "count" => Binder::Count,
            "sum" => Binder::Sum,
            _ => return None,
        };
        let name = name.clone();
        self.next += 2;
        Some((binder, name))
    }

    fn search(&mut self, binder: Binder, name: String) -> Result<Expr, String> {
        let range = if self.take(&["in"]).is_some() {
            let low = self.chain(3)?;
            self.expect("..")?;
            Some((Box::new(low), Box::new(self.chain(3)?)))
        } else {
            None
        };
        self.expect(":")?;
        if range.is_none() && binder != Binder::Min {
            return Err(format!("this search needs a range: {name} in 1..100:"));
        }
        Ok(Expr::Search { binder, name, range, body: Box::new(self.expr()?) })
    }

    /// The left-associative levels, loosest first; a comparison does not chain.
    fn chain(&mut self, level: usize) -> Result<Expr, String> {
        const LEVELS: [&[&str]; 5] = [&["or"], &["and"], &["<=", ">=", "==", "!=", "<", ">"], &["+", "-"], &["*", "/", "%", "·"]];
        let Some(signs) = LEVELS.get(level) else { return self.unary() };
        let mut left = self.chain(level + 1)?;
        while let Some(sign) = self.take(signs) {
            left = Expr::Operation(sign, Box::new(left), Box::new(self.chain(level + 1)?));
            if level == 2 {
                break;
            }
        }
        Ok(left)
    }

    fn unary(&mut self) -> Result<Expr, String> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(format!("nested more than {MAX_DEPTH} deep"));
        }
        let result = if self.take(&["-"]).is_some() {
            Expr::Negative(Box::new(self.unary()?))
        } else {
            let base = self.atom()?;
            if self.take(&["^"]).is_some() { Expr::Operation("^", Box::new(base), Box::new(self.unary()?)) } else { base }
        };
        self.depth -= 1;
        Ok(result)
    }

    fn atom(&mut self) -> Result<Expr, String> {
        let mut atom = match self.peek(0).cloned() {
            Some(Token::Number(number)) => {
                self.next += 1;
                Expr::Number(number)
            }
            Some(Token::Name(name)) => {
                self.next += 1;
                if self.take(&["("]).is_some() { Expr::Call(name, self.arguments()?) } else { Expr::Name(name) }
            }
            Some(Token::Sign("(")) => {
                self.next += 1;
                let inner = self.expr()?;
                self.expect(")")?;
                inner
            }
            _ => return Err(format!("a number is missing {}", self.before())),
        };
        while self.peek(0) == Some(&Token::Sign("%")) && !self.starts_operand(1) {
            self.next += 1;
            atom = Expr::Operation("/", Box::new(atom), Box::new(Expr::Number(100.0)));
        }
        Ok(atom)
    }

    /// Whether a right side of `%` stands there. Words that bind (`and`, `or`, `in`) are none.
    fn starts_operand(&self, ahead: usize) -> bool {
        match self.peek(ahead) {
            Some(Token::Number(_) | Token::Sign("(")) => true,
            Some(Token::Name(name)) => !matches!(name.as_str(), "and" | "or" | "in"),
            _ => false,
        }
    }

    fn arguments(&mut self) -> Result<Vec<Expr>, String> {
        let mut arguments = vec![self.expr()?];
        while self.take(&[","]).is_some() {
            arguments.push(self.expr()?);
        }
        self.expect(")")?;
        Ok(arguments)
    }
}

struct Machine {
    names: BTreeMap<String, f64>,
    steps: u64,
}

impl Machine {
    fn number(&mut self, expr: &Expr) -> Result<f64, String> {
        match self.value(expr)? {
            Value::Number(number) => finite(number),
            Value::Truth(_) => Err("a condition stands where a number must".to_owned()),
        }
    }

    fn truth(&mut self, expr: &Expr) -> Result<bool, String> {
        match self.value(expr)? {
            Value::Truth(truth) => Ok(truth),
            Value::Number(_) => Err("a number stands where a condition must".to_owned()),
        }
    }

    fn value(&mut self, expr: &Expr) -> Result<Value, String> {
        self.steps += 1;
        if self.steps > MAX_STEPS {
            return Err("gave up: the search takes too many steps; give it a range, 'min r in 1..100:'".to_owned());
        }
        Ok(match expr {
            Expr::Number(number) => Value::Number(*number),
            Expr::Name(name) => match self.names.get(name) {
                Some(number) => Value::Number(*number),
                None => return Err(format!("'{name}' has no value; set it first, '{name} = 3;'")),
            },
            Expr::Negative(inner) => Value::Number(-self.number(inner)?),
            Expr::Operation("and", a, b) => Value::Truth(self.truth(a)? && self.truth(b)?),
            Expr::Operation("or", a, b) => Value::Truth(self.truth(a)? || self.truth(b)?),
            Expr::Operation(sign, a, b) => {
                let (a, b) = (self.number(a)?, self.number(b)?);
                operate(sign, a, b)
            }
            Expr::Call(name, arguments) => {
                let values = arguments.iter().map(|a| self.number(a)).collect::<Result<Vec<f64>, String>>()?;
                Value::Number(call(name, &values)?)
            }
            Expr::Search { binder, name, range, body } => Value::Number(self.search(*binder, name, range.as_ref(), body)?),
        })
    }

    fn search(&mut self, binder: Binder, name: &str, range: Option<&(Box<Expr>, Box<Expr>)>, body: &Expr) -> Result<f64, String> {
        let (low, high) = match range {
            Some((low, high)) => (self.number(low)?.ceil(), self.number(high)?.floor()),
            None => (0.0, SEARCH_END),
        };
        let shadowed = self.names.get(name).copied();
        let (mut found, mut count, mut sum) = (None, 0.0, 0.0);
        let mut at = low;
        while at <= high {
            self.names.insert(name.to_owned(), at);
            if binder == Binder::Sum {
                sum += self.number(body)?;
            } else if self.truth(body)? {
                found = Some(at);
                count += 1.0;
                if binder == Binder::Min {
                    break;
                }
            }
            // Beyond 2^53 adding one changes nothing, and the loop would never end: the steps are counted inside the body too.
            at += 1.0;
        }
        match shadowed {
            Some(value) => self.names.insert(name.to_owned(), value),
            None => self.names.remove(name),
        };
        match binder {
            Binder::Count => Ok(count),
            Binder::Sum => Ok(sum),
            Binder::Min | Binder::Max => found.ok_or_else(|| format!("no {name} from {low} to {high} fulfils the condition")),
        }
    }
}

fn operate(sign: &str, a: f64, b: f64) -> Value {
    match sign {
        "+" => Value::Number(a + b),
        "-" => Value::Number(a - b),
        "*" | "·" => Value::Number(a * b),
        "/" => Value::Number(a / b),
        "%" => Value::Number(a.rem_euclid(b)),
        "^" => Value::Number(a.powf(b)),
        "<" => Value::Truth(a < b && !same(a, b)),
        "<=" => Value::Truth(a < b || same(a, b)),
        ">" => Value::Truth(a > b && !same(a, b)),
        ">=" => Value::Truth(a > b || same(a, b)),
        "==" => Value::Truth(same(a, b)),
        _ => Value::Truth(!same(a, b)),
    }
}

fn call(name: &str, values: &[f64]) -> Result<f64, String> {
    Ok(match (name, values) {
        // `ceil` and `floor` forgive the last bit: ceil(0.1 * 30) is 3.
        ("ceil", [x]) => {
            if same(*x, x.round()) {
                x.round()
            } else {
                x.ceil()
            }
        }
        ("floor", [x]) => {
            if same(*x, x.round()) {
                x.round()
            } else {
                x.floor()
            }
        }
        ("round", [x]) => x.round(),
        ("abs", [x]) => x.abs(),
        ("sqrt", [x]) => x.sqrt(),
        ("ln", [x]) => x.ln(),
        ("log2", [x]) => x.log2(),
        ("log10", [x]) => x.log10(),
        ("exp", [x]) => x.exp(),
        ("min", [_, ..]) => values.iter().copied().fold(f64::INFINITY, f64::min),
        ("max", [_, ..]) => values.iter().copied().fold(f64::NEG_INFINITY, f64::max),
        ("choose", [n, k]) if (0.0..=10_000.0).contains(k) => (0..*k as u64).fold(1.0, |c, i| c * (n - i as f64) / (i as f64 + 1.0)),
        _ => return Err(format!("no function {name} with {} arguments", values.len())),
    })
}
