const UNARY: Readonly<Record<string, string>> = { abs: 'f64.abs', sqrt: 'f64.sqrt', floor: 'f64.floor' };
const BINARY: Readonly<Record<string, string>> = {
  min: 'f64.min',
  max: 'f64.max',
  '+': 'f64.add',
  '-': 'f64.sub',
  '*': 'f64.mul',
  '/': 'f64.div',
};
const LEVELS = [
  ['+', '-'],
  ['*', '/'],
];

/**
 * Turns arithmetic on 64-bit floats into WebAssembly text, with the precedence and order that JavaScript has: `'(x0 - ox) * ix'`. Names are
 * locals, but for those in `globals`; `at(12)` is the 32-bit float so many bytes behind the local `$p` in memory.
 * @throws SyntaxError
 */
export function expression(text: string, globals: ReadonlySet<string>): string {
  const tokens = text.match(/[A-Za-z_]\w*|[\d.]+(?:e-?\d+)?|[-+*/(),]/g) ?? [];
  let next = 0;
  const take = (token?: string): string => {
    const found = tokens[next++];
    if (found === undefined || (token !== undefined && found !== token))
      throw new SyntaxError(`${token ?? 'a value'} is missing in ${text}`);
    return found;
  };

  function sum(level: number): string {
    if (level === LEVELS.length) return value();
    let left = sum(level + 1);
    while (LEVELS[level]!.includes(tokens[next] ?? '')) left = `(${BINARY[take()]} ${left} ${sum(level + 1)})`;
    return left;
  }

  function value(): string {
    const token = take();
    if (token === '-') return `(f64.neg ${value()})`;
    if (token === '(') return closed(sum(0));
    if (/^[\d.]/.test(token)) return `(f64.const ${token})`;
    if (token === 'Infinity') return '(f64.const inf)';
    if (tokens[next] !== '(') return globals.has(token) ? `(global.get $${token})` : `(local.get $${token})`;
    take('(');
    if (token === 'at') return `(f64.promote_f32 (f32.load offset=${closed(take())} (local.get $p)))`;
    const first = sum(0);
    if (UNARY[token] !== undefined) return `(${UNARY[token]} ${closed(first)})`;
    if (BINARY[token] === undefined) throw new SyntaxError(`there is no function ${token} in ${text}`);
    take(',');
    return `(${BINARY[token]} ${first} ${closed(sum(0))})`;
  }

  function closed(inner: string): string {
    take(')');
    return inner;
  }

  const result = sum(0);
  if (next !== tokens.length) throw new SyntaxError(`${tokens[next]} is out of place in ${text}`);
  return result;
}
