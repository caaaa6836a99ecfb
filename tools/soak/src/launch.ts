import { type Config, PAGE } from './config.js';
import { Generator } from './generate.js';
import { type Memory, runUnit } from './interpret.js';
import { toJs } from './js.js';
import { ARGUMENTS, type Atomic, type RandomProgram } from './program.js';
import type { Program } from '@mirrorspace/core';
import type { Random } from './random.js';
import { toWasm } from './wasm.js';
import { argumentsOf, toWgsl } from './wgsl.js';
import type { Area, BackendName, World } from './world.js';

/** Lanes of a launch at most: few of them are so large. */
const MOST_LANES = [32, 128, 512, 512, 2048];
/** Atomic operations that programs of a backend have; all, where it is not named. */
const ATOMICS: Readonly<Partial<Record<BackendName, readonly Atomic[]>>> = {
  memory: ['Add'],
  native: ['Add', 'And', 'Or', 'Xor'],
};
/** Programs kept to be launched again. */
const KEPT = 6;

interface Made {
  readonly random: RandomProgram;
  readonly program: Program;
}

/** Launches random programs, and does what they do to the model. */
export class Launcher {
  readonly #random: Random;
  readonly #world: World;
  readonly #kept: Made[] = [];

  constructor(random: Random, world: World) {
    this.#random = random;
    this.#world = world;
  }

  /** Starts one where areas are free; says what it did. */
  launch(): string {
    const random = this.#random;
    const { areas, config, mirror, device, running } = this.#world;
    const made = this.#choose();
    const { random: program } = made;
    const free = areas.filter(({ readers, writing }) => readers === 0 && !writing);
    const output = take(random, free);
    const counters = program.usesAtomics ? take(random, free) : output;
    const readable = areas.filter((area) => area !== output && area !== counters && !area.writing);
    if (output === undefined || counters === undefined || readable.length === 0) return 'nothing: no area is free';
    const inputs = Array.from({ length: program.inputs }, () => random.pick(readable));
    const { grid, places } = this.#shape(program, config);
    const numbers = Array.from({ length: ARGUMENTS }, () => random.word());
    const at = argumentsOf(program);
    const args: number[] = [];
    for (const [i, input] of inputs.entries()) args[i] = input.address;
    args[at.output] = output.address;
    args[at.counters] = counters.address;
    numbers.forEach((value, i) => (args[at.numbers + i] = value));
    args[at.places] = places - 1;
    args[at.places + 1] = grid[0];
    const users = device.queues.filter(({ paging }) => !paging);
    const { id: queue } = random.pick(users);
    const declared = random.chance(1, 4) ? { writes: [[output.address, 4 * places * program.words]] as const } : {};
    const fence = mirror.launch(made.program, { grid, args, queue, ...declared });
    const memory = new ModelMemory(program, inputs, output, counters);
    const units = grid[0] * grid[1] * grid[2];
    for (let unit = 0; unit < units; unit++) runUnit(program, memory, { numbers, places }, unit);
    for (const input of inputs) input.readers++;
    output.writing = counters.writing = true;
    const end = () => {
      for (const input of inputs) input.readers--;
      output.writing = counters.writing = false;
    };
    const what = `${units} units of ${program.lanes} lanes on queue ${queue}`;
    running.push({ fence, what, end });
    this.#world.before.launches++;
    return what;
  }

  #choose(): Made {
    const random = this.#random;
    const { backend, config } = this.#world;
    if (this.#kept.length === KEPT && random.chance(5, 6)) return random.pick(this.#kept);
    const made = Generator.make(random, Math.floor(config.frames / 2), ATOMICS[backend]);
    // Units in WebAssembly have one lane.
    const program = backend === 'native' ? { ...made, lanes: 1 } : made;
    const translate = { memory: toJs, native: toWasm, webgpu: toWgsl }[backend];
    const kept = { random: program, program: translate(program, config.size) };
    if (this.#kept.length === KEPT) this.#kept[random.below(KEPT)] = kept;
    else this.#kept.push(kept);
    return kept;
  }

  #shape({ lanes, words }: RandomProgram, { size }: Config): { grid: [number, number, number]; places: number } {
    const random = this.#random;
    const most = Math.max(1, Math.floor(Math.min(random.pick(MOST_LANES), size / words) / lanes));
    const x = random.between(1, random.pick([most, Math.min(most, 8)]));
    const y = random.between(1, Math.max(1, Math.floor(most / x)));
    const places = Math.max(2 ** Math.ceil(Math.log2(x * y * lanes)), random.chance(1, 2) ? size / words : 1);
    return { grid: [x, y, 1], places: Math.min(places, size / words) };
  }
}

/** What a launch does to the model. */
class ModelMemory implements Memory {
  readonly size: number;
  readonly #program: RandomProgram;
  readonly #inputs: readonly Area[];
  readonly #output: Area;
  readonly #counters: Area;

  constructor(program: RandomProgram, inputs: readonly Area[], output: Area, counters: Area) {
    this.size = output.words.length;
    this.#program = program;
    this.#inputs = inputs;
    this.#output = output;
    this.#counters = counters;
  }

  load(input: number, index: number): number {
    return this.#inputs[input]!.words[index]!;
  }

  loadOutput(index: number): number {
    return this.#output.words[index]!;
  }

  storeOutput(index: number, value: number): void {
    this.#output.words[index] = value;
  }

  count(index: number, value: number): void {
    const { words } = this.#counters;
    const old = words[index]!;
    switch (this.#program.atomic) {
      case 'Add':
        words[index] = old + value;
        return;
      case 'Max':
        words[index] = Math.max(old, value);
        return;
      case 'Min':
        words[index] = Math.min(old, value);
        return;
      case 'And':
        words[index] = old & value;
        return;
      case 'Or':
        words[index] = old | value;
        return;
      default:
        words[index] = old ^ value;
    }
  }
}

function take(random: Random, areas: Area[]): Area | undefined {
  return areas.length === 0 ? undefined : areas.splice(random.below(areas.length), 1)[0];
}

/** Pages of an area. */
export function pagesOf(area: Area): number {
  return (4 * area.words.length) / PAGE;
}
