/** How two words make one. All arithmetic is modulo 2^32. */
export type Operator = '+' | '-' | '*' | '^' | '&' | '|' | '<<' | '>>';

/** What a lane computes. */
export type Expression =
  | { readonly kind: 'word'; readonly value: number }
  /** Variable `index`, set before. */
  | { readonly kind: 'variable'; readonly index: number }
  /** Argument `index` of the launch. */
  | { readonly kind: 'argument'; readonly index: number }
  /** Number of the lane in the whole grid. */
  | { readonly kind: 'lane' }
  | { readonly kind: 'binary'; readonly op: Operator; readonly left: Expression; readonly right: Expression }
  /** A word of an input, at an index that is taken modulo its size. */
  | { readonly kind: 'load'; readonly input: number; readonly index: Expression }
  /** Four words from there on, added up. */
  | { readonly kind: 'load4'; readonly input: number; readonly index: Expression }
  /** A word of the lane's own output, as it is by now. */
  | { readonly kind: 'own'; readonly word: number };

/** One step of every lane. Lanes of a unit take it together where they meet each other. */
export type Statement =
  | { readonly kind: 'set'; readonly value: Expression }
  /** The sum of `count` words, `stride` words apart. */
  | {
      readonly kind: 'stride';
      readonly input: number;
      readonly start: Expression;
      readonly count: number;
      readonly stride: number;
    }
  /** Follows `count` words, each of which says where the next one is; the variable is what the last one holds. */
  | { readonly kind: 'chase'; readonly input: number; readonly start: Expression; readonly count: number }
  /** The sum of words of the page that holds a word, `stride` words apart, translated once. */
  | { readonly kind: 'page'; readonly input: number; readonly at: Expression; readonly stride: number }
  /** A variable of the next lane of the unit. */
  | { readonly kind: 'exchange'; readonly variable: number }
  | { readonly kind: 'store'; readonly word: number; readonly value: Expression }
  | { readonly kind: 'atomic'; readonly index: Expression; readonly value: Expression };

/** Operations that commute with themselves: in which order lanes come does not matter. */
export const ATOMICS = ['Add', 'Max', 'Min', 'And', 'Or', 'Xor'] as const;
export type Atomic = (typeof ATOMICS)[number];

/** A program: what each lane does, and what it takes. Arguments 0 and 1 choose whose output a lane has. */
export interface RandomProgram {
  readonly statements: readonly Statement[];
  /** Lanes a unit. */
  readonly lanes: number;
  /** Words of a lane's own output. */
  readonly words: number;
  /** Inputs it reads. */
  readonly inputs: number;
  readonly atomic: Atomic;
  readonly usesAtomics: boolean;
  /** Whether a unit may run again: it reads nothing that it stores, and counts nothing. */
  readonly idempotent: boolean;
  /** Pages a unit touches at most. */
  readonly pages: number;
}

/** Arguments of a launch beside the addresses: two that place outputs, and two to compute with. */
export const ARGUMENTS = 4;
