import { accessors } from './accessors.js';
import { assemble } from './assemble.js';
import type { Shape } from './layout.js';
import { translation } from './translation.js';

/** What every compute unit has beside programs. */
export interface Modules {
  readonly core: WebAssembly.Module;
  readonly accessors: WebAssembly.Module;
}

const compiled = new Map<string, Promise<WebAssembly.Module>>();

/** Compiles them, or finds them compiled: devices of one kind share them. */
export async function modulesFor(shape: Shape, framePages: number): Promise<Modules> {
  const [core, words] = await Promise.all([compile(translation(shape)), compile(accessors(framePages))]);
  return { core, accessors: words };
}

function compile(text: string): Promise<WebAssembly.Module> {
  let module = compiled.get(text);
  if (module === undefined) {
    compiled.set(text, (module = assemble(text).then((code) => WebAssembly.compile(code))));
    // What failed for want of memory may work later.
    module.catch(() => compiled.delete(text));
  }
  return module;
}
