import type { DeviceFeature, JsProgram, Program, WasmProgram, WgslProgram } from '@mirrorspace/core/driver';
import { CheckError } from './check.js';
import { wasmModule } from './wasm-text.js';

/** Languages that the suite has its programs in, the one it uses first where a device claims several. */
export const LANGUAGES = ['js', 'wgsl', 'wasm'] as const;

/** What the work units of a case's program do, in every language of {@link LANGUAGES}: a case that needs `program` runs in any of them. */
export interface Units {
  /** In JavaScript. */
  readonly js: JsProgram['run'];
  /** In WGSL: the statements of `fn run(unit: Unit)`, run by one lane. */
  readonly wgsl: string;
  /** In WebAssembly text: the body of `run`, with `$x`, `$y`, `$z`, what is imported by its name, and `$i` to count with. */
  readonly wasm: string;
}

/** The language in which a device runs the suite's programs; `undefined` where it claims none of them. */
export function languageOf(features: ReadonlySet<string>): (typeof LANGUAGES)[number] | undefined {
  return LANGUAGES.find((language) => features.has(`program:${language}` satisfies DeviceFeature));
}

/** A program in the language of a device. */
export function programOf(features: ReadonlySet<string>, units: Units): Program {
  const language = languageOf(features);
  if (language === undefined) throw new CheckError('a case with a program must need `program`');
  if (language === 'js') return { language, run: units.js } satisfies JsProgram as Program;
  if (language === 'wasm') return { language, code: wasmModule(units.wasm) } satisfies WasmProgram as Program;
  return { language, lanes: 1, code: `fn run(unit: Unit) { ${units.wgsl} }` } satisfies WgslProgram as Program;
}

/** WGSL for the address so many times the size in argument 1 behind the address in argument 0. */
export function wgslAt(index: string): string {
  return `advance(arg_address(0u), (${index}) * arg_words(1u))`;
}
