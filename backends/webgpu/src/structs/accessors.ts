import { columnBytes, type Layout, type Leaf, type Member, type StructLayout } from './layout.js';

/** A place: words behind a base that the code knows by name. */
interface Place {
  readonly words: number;
  /** Terms that are known when the program runs only. */
  readonly terms: readonly string[];
}

/** Functions of a struct: its address in an array, loading and storing it, and the same for its members. */
export function accessors(name: string, struct: StructLayout): string {
  return [
    `fn at_${name}(ms_a: address, ms_i: u32) -> address { return advance(ms_a, ms_i * ${struct.bytes / 4}u); }`,
    whole(name, struct),
    ...struct.members.map((member) => ofMember(`${name}_${member.name}`, member)),
  ].join('\n');
}

/**
 * Loads and stores a struct word by word, in a loop: an access is inlined wherever it stands, so that one for each member would make
 * programs large and slow to compile. Padding is neither read nor written.
 */
function whole(name: string, struct: StructLayout): string {
  const words = struct.bytes / 4;
  const used = usedWords(struct);
  const masks = Array.from({ length: Math.ceil(words / 32) }, (_, i) => `${mask(used, i * 32)}u`);
  const has = `((ms_used_${name}[ms_i / 32u] >> (ms_i % 32u)) & 1u) != 0u`;
  const loop = (body: string) =>
    `for (var ms_i = 0u; ms_i < ${words}u; ms_i++) { ${used.size === words ? body : `if (${has}) { ${body} }`} }`;
  return `const ms_used_${name} = array<u32, ${masks.length}>(${masks.join(', ')});
fn load_${name}(ms_a: address) -> ${name} {
  var ms_w: array<u32, ${words}>;
  ${loop('ms_w[ms_i] = load_u32(advance(ms_a, ms_i));')}
  var ms_v: ${name};
  ${each('ms_v', { words: 0, terms: [] }, struct, 0, unpack)}
  return ms_v;
}
fn store_${name}(ms_a: address, ms_s: ${name}) {
  var ms_v = ms_s;
  var ms_w: array<u32, ${words}>;
  ${each('ms_v', { words: 0, terms: [] }, struct, 0, pack)}
  ${loop('store_u32(advance(ms_a, ms_i), ms_w[ms_i]);')}
}`;
}

/** Functions of a member: of an array's elements where it is one. */
function ofMember(name: string, { offset, layout }: Member): string {
  const isArray = layout.kind === 'array';
  const index = isArray ? ', ms_i: u32' : '';
  const at = { words: offset / 4, terms: isArray ? [`ms_i * ${layout.stride / 4}u`] : [] };
  const address = `at_${name}(ms_a${isArray ? ', ms_i' : ''})`;
  const element = isArray ? layout.of : layout;
  const lines = [
    `fn at_${name}(ms_a: address${index}) -> address { return ${sum(at) === '0u' ? 'ms_a' : `advance(ms_a, ${sum(at)})`}; }`,
  ];
  if (element.kind === 'leaf')
    lines.push(
      `fn load_${name}(ms_a: address${index}) -> ${element.type} { ${loadLeaf(element, address)} }`,
      `fn store_${name}(ms_a: address${index}, ms_v: ${element.type}) { ${storeLeaf(element, address)} }`,
    );
  return lines.join('\n');
}

function loadLeaf(leaf: Leaf, address: string): string {
  if (leaf.columns === 1) return `return load_${leaf.type}(${address});`;
  return `let ms_m = ${address}; var ms_v: ${leaf.type}; ${columns(leaf, (at) => `ms_v[ms_c] = load_vec${leaf.rows}f(${at});`)} return ms_v;`;
}

function storeLeaf(leaf: Leaf, address: string): string {
  if (leaf.columns === 1) return `store_${leaf.type}(${address}, ms_v);`;
  return `let ms_m = ${address}; var ms_s = ms_v; ${columns(leaf, (at) => `store_vec${leaf.rows}f(${at}, ms_s[ms_c]);`)}`;
}

function columns(leaf: Leaf, statement: (at: string) => string): string {
  const at = `advance(ms_m, ms_c * ${columnBytes(leaf) / 4}u)`;
  return `for (var ms_c = 0u; ms_c < ${leaf.columns}u; ms_c++) { ${statement(at)} }`;
}

/** A statement for every number of a layout. */
function each(
  value: string,
  at: Place,
  layout: Layout,
  depth: number,
  statement: (value: string, at: Place, type: string) => string,
): string {
  switch (layout.kind) {
    case 'leaf':
      return numbers(layout)
        .map(({ path, words }) => statement(`${value}${path}`, behind(at, words), numberType(layout)))
        .join(' ');
    case 'struct':
      return layout.members
        .map((member) =>
          each(`${value}.${member.name}`, behind(at, member.offset / 4), member.layout, depth, statement),
        )
        .join(' ');
    case 'array': {
      const i = `ms_i${depth}`;
      const element = { ...at, terms: [...at.terms, `${i} * ${layout.stride / 4}u`] };
      const body = each(`${value}[${i}]`, element, layout.of, depth + 1, statement);
      return `for (var ${i} = 0u; ${i} < ${layout.count}u; ${i}++) { ${body} }`;
    }
  }
}

/** The numbers of a scalar, vector or matrix: how to name each, and how many words behind the first it lies. */
function numbers(leaf: Leaf): { path: string; words: number }[] {
  const { columns: across, rows } = leaf;
  return Array.from({ length: across * rows }, (_, i) => {
    const [column, row] = [Math.floor(i / rows), i % rows];
    const path = `${across > 1 ? `[${column}]` : ''}${rows > 1 ? `[${row}]` : ''}`;
    return { path, words: (column * columnBytes(leaf)) / 4 + row };
  });
}

function numberType({ type }: Leaf): string {
  return `${/^[uif]32$/.test(type) ? type[0] : type.at(-1)}32`;
}

function unpack(value: string, at: Place, type: string): string {
  return `${value} = bitcast<${type}>(ms_w[${sum(at)}]);`;
}

function pack(value: string, at: Place): string {
  return `ms_w[${sum(at)}] = bitcast<u32>(${value});`;
}

/** The words of a struct that are not padding. */
function usedWords(struct: StructLayout): Set<number> {
  const used = new Set<number>();
  const add = (layout: Layout, from: number): void => {
    switch (layout.kind) {
      case 'leaf':
        for (const { words } of numbers(layout)) used.add(from + words);
        return;
      case 'struct':
        for (const member of layout.members) add(member.layout, from + member.offset / 4);
        return;
      case 'array':
        for (let i = 0; i < layout.count; i++) add(layout.of, from + (i * layout.stride) / 4);
    }
  };
  add(struct, 0);
  return used;
}

function mask(used: ReadonlySet<number>, from: number): number {
  return Array.from({ length: 32 }, (_, i) => (used.has(from + i) ? 2 ** i : 0)).reduce((a, b) => a + b, 0);
}

function behind(at: Place, words: number): Place {
  return { ...at, words: at.words + words };
}

function sum({ words, terms }: Place): string {
  return (words === 0 && terms.length > 0 ? terms : [`${words}u`, ...terms]).join(' + ');
}
