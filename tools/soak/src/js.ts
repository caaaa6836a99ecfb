import type { JsProgram } from '@mirrorspace/core';
import { type Memory, runUnit } from './interpret.js';
import { ARGUMENTS, type RandomProgram } from './program.js';
import { argumentsOf } from './wgsl.js';

/** A random program for devices that run JavaScript, for areas of `size` words and grids of one dimension at most `[x, y]`. */
export function toJs(program: RandomProgram, size: number): JsProgram {
  const at = argumentsOf(program);
  return {
    language: 'js',
    run(context, { x, y }, args) {
      const output = args[at.output]!;
      const memory: Memory = {
        size,
        load: (input, index) => context.load32(args[input]! + 4 * index),
        loadOutput: (index) => context.load32(output + 4 * index),
        storeOutput: (index, value) => context.store32(output + 4 * index, value),
        count: (index, value) => void context.atomicAdd(args[at.counters]! + 4 * index, value),
      };
      const numbers = args.slice(at.numbers, at.numbers + ARGUMENTS);
      const width = args[at.places + 1]!;
      runUnit(program, memory, { numbers, places: args[at.places]! + 1 }, x + y * width);
    },
  };
}
