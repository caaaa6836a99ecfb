import { MirrorError, type WasmProgram } from '@mirrorspace/core/driver';
import { assemble } from './assemble.js';
import { IMPORTS } from './imports.js';
import { link } from './link/link.js';

/** A program that was compiled, and the number that launches name it by. */
export interface Compiled {
  readonly number: number;
  readonly module: WebAssembly.Module;
}

/** Compiles programs, each once. */
export class Programs {
  readonly #device: string;
  readonly #pages: number;
  readonly #compiled = new WeakMap<WasmProgram, Promise<Compiled>>();
  #last = 0;

  /**
   * @param device its name, for messages
   * @param pages of WebAssembly: the memory with the frames
   */
  constructor(device: string, pages: number) {
    this.#device = device;
    this.#pages = pages;
  }

  /** @throws MirrorError `PROGRAM` where it does not compile, or imports or lacks something */
  get(program: WasmProgram): Promise<Compiled> {
    let compiled = this.#compiled.get(program);
    if (compiled === undefined) this.#compiled.set(program, (compiled = this.#compile(program)));
    return compiled;
  }

  async #compile({ code }: WasmProgram): Promise<Compiled> {
    const number = ++this.#last;
    try {
      const binary = typeof code === 'string' ? await assemble(code) : code.slice();
      // As it is first: what only linking would make valid could reach what was added.
      const module = await WebAssembly.compile(WebAssembly.validate(binary) ? link(binary, this.#pages) : binary);
      check(module);
      return { number, module };
    } catch (cause) {
      const message = cause instanceof Error ? cause.message : String(cause);
      throw new MirrorError('PROGRAM', `A program cannot run on ${this.#device}: ${message}`, {
        device: this.#device,
        cause,
      });
    }
  }
}

function check(module: WebAssembly.Module): void {
  for (const { module: from, name, kind } of WebAssembly.Module.imports(module)) {
    if (from !== 'mirrorspace' || !IMPORTS.has(name) || kind !== (name === 'memory' ? 'memory' : 'function'))
      throw new TypeError(
        `it imports the ${kind} ${from}.${name}; there are ${[...IMPORTS].join(', ')} of mirrorspace`,
      );
  }
  if (!WebAssembly.Module.exports(module).some(({ name, kind }) => name === 'run' && kind === 'function'))
    throw new TypeError('it exports no function run');
}
