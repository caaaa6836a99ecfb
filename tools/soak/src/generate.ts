import { type Expression, ATOMICS, type Operator, type RandomProgram, type Statement } from './program.js';
import type { Random } from './random.js';

const OPERATORS: readonly Operator[] = ['+', '-', '*', '^', '&', '|', '<<', '>>'];
const LANES = [1, 2, 4, 8, 16, 32, 64];

/**
 * Makes programs of which every result is known whatever the order of lanes and units: a lane stores to words of its own, what is
 * counted commutes, and where a lane goes never depends on what anybody stores in the same launch.
 */
export class Generator {
  readonly #random: Random;
  readonly #statements: Statement[] = [];
  /** By variable: whether addresses may depend on it. */
  readonly #pure: boolean[] = [];
  #pages = 0;
  #readsOwn = false;
  readonly #inputs: number;
  readonly #words: number;

  private constructor(random: Random) {
    this.#random = random;
    this.#inputs = random.between(1, 3);
    this.#words = random.pick([1, 1, 2, 4, 16]);
  }

  /** @param mostPages pages that a unit may touch; @param atomics operations that the device has */
  static make(
    random: Random,
    mostPages: number,
    atomics: readonly (typeof ATOMICS)[number][] = ATOMICS,
  ): RandomProgram {
    return new Generator(random).#make(mostPages, atomics);
  }

  #make(mostPages: number, atomics: readonly (typeof ATOMICS)[number][]): RandomProgram {
    const random = this.#random;
    const count = random.between(1, 5);
    for (let i = 0; i < count; i++) this.#variable();
    const counts = random.chance(1, 3);
    for (let word = 0; word < this.#words; word++) {
      if (word > 0 && random.chance(1, 4)) continue;
      this.#statements.push({ kind: 'store', word, value: this.#expression(2, true) });
    }
    if (counts) {
      this.#pages += 1;
      const index = this.#expression(1, false);
      this.#statements.push({ kind: 'atomic', index, value: this.#expression(1, true) });
    }
    // A lane's own words may lie on two pages.
    const aLane = this.#pages + 2;
    const lanes = random.pick(LANES.filter((size) => size === 1 || size * aLane <= mostPages));
    return {
      statements: this.#statements,
      lanes,
      words: this.#words,
      inputs: this.#inputs,
      atomic: random.pick(atomics),
      usesAtomics: counts,
      idempotent: !counts && !this.#readsOwn && random.chance(1, 2),
      pages: lanes * aLane,
    };
  }

  /** A statement that sets the next variable. */
  #variable(): void {
    const random = this.#random;
    const input = random.below(this.#inputs);
    const kind = random.pick(['set', 'set', 'set', 'stride', 'chase', 'page', 'exchange'] as const);
    if (kind === 'exchange' && this.#pure.length > 0) {
      const variable = random.below(this.#pure.length);
      this.#add({ kind, variable }, this.#pure[variable]!);
    } else if (kind === 'stride') {
      const stride = random.pick([1, 3, 64, 1024, 1029]);
      const count = random.between(1, 8);
      this.#pages += Math.min(count, 2 + Math.floor((stride * count) / 1024));
      this.#add({ kind, input, start: this.#expression(1, false), count, stride }, true);
    } else if (kind === 'chase') {
      const count = random.between(1, 5);
      this.#pages += count;
      this.#add({ kind, input, start: this.#expression(1, false), count }, true);
    } else if (kind === 'page') {
      this.#pages += 1;
      this.#add({ kind, input, at: this.#expression(1, false), stride: random.pick([7, 64, 333]) }, true);
    } else {
      const own = random.chance(1, 4);
      this.#add({ kind: 'set', value: this.#expression(2, own) }, !own);
    }
  }

  #add(statement: Statement, pure: boolean): void {
    this.#statements.push(statement);
    this.#pure.push(pure);
  }

  /** @param any whether it may depend on what the unit itself stores */
  #expression(depth: number, any: boolean): Expression {
    const random = this.#random;
    const leaf = depth === 0 || random.chance(1, 4);
    const kind = random.pick(
      leaf
        ? (['word', 'variable', 'argument', 'lane', 'lane', any ? 'own' : 'lane'] as const)
        : (['binary', 'binary', 'binary', 'load', 'load4'] as const),
    );
    switch (kind) {
      case 'variable': {
        const choices = this.#pure.flatMap((pure, index) => (pure || any ? [index] : []));
        return choices.length === 0 ? { kind: 'lane' } : { kind, index: random.pick(choices) };
      }
      case 'argument':
        return { kind, index: random.between(2, 3) };
      case 'lane':
        return { kind };
      case 'own':
        this.#readsOwn = true;
        return { kind, word: random.below(this.#words) };
      case 'binary': {
        const op = random.pick(OPERATORS);
        return { kind, op, left: this.#expression(depth - 1, any), right: this.#expression(depth - 1, any) };
      }
      case 'load':
      case 'load4':
        this.#pages += kind === 'load' ? 1 : 2;
        // Whatever its value may be, where it is found is known beforehand.
        return { kind, input: random.below(this.#inputs), index: this.#expression(depth - 1, false) };
      default:
        return { kind: 'word', value: random.chance(1, 2) ? random.below(100) : random.word() };
    }
  }
}
