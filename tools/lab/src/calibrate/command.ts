import { readFile } from 'node:fs/promises';
import { Command } from 'commander';
import { short } from '../text-table.js';
import { fit, type Sample } from './fit.js';

/** What is looked at of a trace event of core, or of a sample. */
interface Entry {
  readonly type?: string;
  readonly bytes?: number;
  readonly duration?: number;
  readonly us?: number;
}

/** `lab calibrate`: a cost model from what a real device did. */
export function calibrateCommand(): Command {
  return new Command('calibrate')
    .argument('<events>', 'a JSON array: the events of recordTrace, or samples { bytes, us }')
    .description('Fit the cost model to the copies of a trace that a real device left.')
    .action(async (path: string) => {
      const samples = samplesOf(JSON.parse(await readFile(path, 'utf8')) as readonly Entry[]);
      const { model, error } = fit(samples);
      const options = [
        ['--batch-us', model.batchUs],
        ['--peak', model.peakGBs],
        ['--slope', model.slopePerKiB],
      ] as const;
      console.log(options.map(([option, value]) => `${option} ${Number(value.toPrecision(4))}`).join(' '));
      console.log(`${short(samples.length)} copies; off by ${(100 * error).toPrecision(2)} % in the mean`);
    });
}

/** Samples as they are, and what copies to the device took. */
function samplesOf(entries: readonly Entry[]): Sample[] {
  if (!Array.isArray(entries)) throw new RangeError('the file holds no array');
  return entries.flatMap(({ type, bytes, duration, us }: Entry) => {
    if (type === undefined && bytes !== undefined && us !== undefined) return [{ bytes, us }];
    if (type === 'copy' && bytes !== undefined && duration !== undefined && duration > 0)
      return [{ bytes, us: duration }];
    return [];
  });
}
