import type Wabt from 'wabt';

let assembler: ReturnType<typeof Wabt> | undefined;

/** Makes a module of WebAssembly text. @throws Error that says where the text is wrong */
export async function assemble(text: string): Promise<Uint8Array<ArrayBuffer>> {
  // Loading it takes a tenth of a second, once.
  assembler ??= import('wabt').then(({ default: load }) => load());
  const parsed = (await assembler).parseWat('program.wat', text, { threads: true, bulk_memory: true, simd: true });
  try {
    return parsed.toBinary({}).buffer.slice();
  } finally {
    parsed.destroy();
  }
}
