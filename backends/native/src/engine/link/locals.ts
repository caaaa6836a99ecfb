import type { TYPE } from './instructions.js';

type ValueType = keyof typeof TYPE;

/** Local variables that a function gets for what is put into it, each when it is first asked for. */
export class Locals {
  readonly #first: number;
  readonly #known = new Map<string, number>();
  readonly #added: ValueType[] = [];

  /** @param first how many it has */
  constructor(first: number) {
    this.#first = first;
  }

  get added(): readonly ValueType[] {
    return this.#added;
  }

  /** Where the unit's caches are. */
  get base(): number {
    return this.#local('i32', 'base');
  }

  get address(): number {
    return this.#local('i64', 'address');
  }

  get entry(): number {
    return this.#local('i32', 'entry');
  }

  /** The one for the value so far behind the address. */
  value(type: ValueType, which: number): number {
    return this.#local(type, `value ${which}`);
  }

  #local(type: ValueType, name: string): number {
    const key = `${type} ${name}`;
    const found = this.#known.get(key) ?? this.#first + this.#added.push(type) - 1;
    this.#known.set(key, found);
    return found;
  }
}
