import { Command } from 'commander';
import { PROGRAMS } from '../programs/index.js';
import { short } from '../text-table.js';
import { CPU_PROGRAMS } from './cpu-programs.js';
import { recordProgram, type Recorded } from './record.js';
import { recordCpuProgram } from './valgrind.js';

/** Where traces go; git ignores it. */
export const TRACES = 'tools/lab/out/traces';
/** Where traces are that the repository has. */
export const STORED = 'tools/lab/traces';

interface Options {
  readonly out: string;
  readonly valgrind: boolean;
}

/** Something that can be recorded. */
interface Candidate {
  readonly name: string;
  readonly about: string;
  readonly record: (folder: string) => Promise<Recorded>;
}

/** `lab record`: page traces of the programs in this repository, or of programs of the system. */
export function recordCommand(): Command {
  return new Command('record')
    .argument('[program...]', 'which; default: all')
    .description('Run programs on the reference device, verify their results, and write page traces.')
    .option('--valgrind', 'record programs of the system under valgrind instead', false)
    .option('--out <folder>', 'where the traces go', TRACES)
    .action(async (names: string[], { out, valgrind }: Options) => {
      const all = candidates(valgrind);
      for (const name of names)
        if (!all.some((one) => one.name === name))
          throw new Error(`no program ${name}; there are ${all.map((one) => one.name).join(', ')}`);
      for (const { name, about, record } of all) {
        if (names.length > 0 && !names.includes(name)) continue;
        const { path, records } = await record(out);
        console.log(`${path}: ${short(records)} accesses; ${about}`);
      }
    });
}

function candidates(valgrind: boolean): readonly Candidate[] {
  return valgrind
    ? CPU_PROGRAMS.map((program) => ({ ...program, record: (folder) => recordCpuProgram(program, folder) }))
    : PROGRAMS.map((program) => ({
        name: program.name,
        about: program.about,
        record: (folder) => recordProgram(program, folder),
      }));
}
