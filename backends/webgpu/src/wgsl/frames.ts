import type { LibraryOptions } from './options.js';

/** Words of frames, wherever they lie. */
export function frames({ pool, atomics }: LibraryOptions): string {
  const words = pool.bufferBytes / 4;
  const pick = (each: (name: string) => string, otherwise: string) => {
    if (pool.buffers === 1) return each('ms_pool0');
    const cases = Array.from({ length: pool.buffers }, (_, i) => `case ${i}u: { ${each(`ms_pool${i}`)} }`);
    return `switch (w / ${words}u) { ${cases.join(' ')} default: { ${otherwise} } }`;
  };
  const at = pool.buffers === 1 ? 'w' : `w % ${words}u`;
  const get = pick(
    (name) => (atomics ? `return atomicLoad(&${name}[${at}]);` : `return ${name}[${at}];`),
    'return 0u;',
  );
  const put = pick((name) => (atomics ? `atomicStore(&${name}[${at}], value);` : `${name}[${at}] = value;`), '');
  const operations = ['Add', 'Min', 'Max', 'And', 'Or', 'Xor', 'Exchange'].map(
    (name) =>
      `fn ms_atomic${name}(w: u32, value: u32) -> u32 { ${pick((buffer) => `return atomic${name}(&${buffer}[${at}], value);`, 'return 0u;')} }`,
  );
  const compare = pick(
    (buffer) => `return atomicCompareExchangeWeak(&${buffer}[${at}], expected, value).old_value;`,
    'return 0u;',
  );
  return `
fn ms_get(w: u32) -> u32 { ${get} }
fn ms_put(w: u32, value: u32) { ${put} }
${atomics ? `${operations.join('\n')}\nfn ms_compareExchange(w: u32, expected: u32, value: u32) -> u32 { ${compare} }` : ''}`;
}
