import { Command, InvalidArgumentError } from 'commander';
import { countOf, listOf } from '../arguments.js';
import { refusing } from '../refusing.js';
import { roomOf } from '../room.js';
import { summarize } from '../trace/command.js';
import { openTrace } from '../trace/open.js';
import { short, table } from '../text-table.js';
import { BARE_NAMES, type BareName, type BareResult, replayStream, replayTrace } from './run.js';
import { zipf } from './streams.js';

interface Options {
  readonly memory: readonly string[];
  readonly policies: readonly BareName[];
  readonly json: boolean;
}

interface ZipfOptions {
  readonly requests: number;
  readonly pages: number;
  readonly room: number;
  readonly skew: number;
  readonly seed: number;
  readonly policies: readonly BareName[];
  readonly json: boolean;
}

/** `lab bare`: policies alone, on traces or on a stream by Zipf's law. */
export function bareCommand(): Command {
  const command = new Command('bare').description('Policies alone, without a mirror: how many accesses miss.');
  const names = ['--policies <names>', 'separated by commas', namesOf, BARE_NAMES] as const;
  command
    .command('trace')
    .argument('<trace...>')
    .description('Replay page traces.')
    .option('--memory <sizes>', 'pages, or percent of the trace’s pages; separated by commas', listOf, ['50%'])
    .option(...names)
    .option('--json', 'print JSON', false)
    .action((paths: string[], { memory, policies, json }: Options) =>
      refusing(async () => {
        for (const path of paths) {
          const trace = await openTrace(path);
          const { pages } = await summarize(trace);
          const rooms = memory.map((size) => roomOf(size, pages));
          print(await replayTrace(trace, policies, rooms), json);
        }
      }),
    );
  command
    .command('zipf')
    .description('Replay requests by Zipf’s law.')
    .option('--requests <count>', '', countOf, 20_000_000)
    .option('--pages <count>', '', countOf, 1_000_000)
    .option('--room <pages>', '', countOf, 100_000)
    .option('--skew <exponent>', '', Number, 1)
    .option('--seed <number>', '', Number, 6)
    .option(...names)
    .option('--json', 'print JSON', false)
    .action(({ requests, pages, room, skew, seed, policies, json }: ZipfOptions) => {
      const stream = zipf(requests, pages, skew, seed);
      print(
        policies.map((policy) => replayStream(stream, policy, room)),
        json,
      );
    });
  return command;
}

function print(results: readonly BareResult[], json: boolean): void {
  if (json) {
    console.log(JSON.stringify(results));
    return;
  }
  console.log(
    table<BareResult>(
      [
        { title: 'policy', text: ({ policy }) => policy, left: true },
        { title: 'pages that fit', text: ({ room }) => short(room) },
        { title: 'misses', text: ({ misses }) => short(misses) },
        { title: 'miss ratio', text: ({ missRatio }) => missRatio.toFixed(4) },
        { title: 'copied home', text: ({ writeBacks }) => short(writeBacks) },
      ],
      results,
    ),
  );
}

function namesOf(text: string): BareName[] {
  return listOf(text).map((name) => {
    const found = BARE_NAMES.find((known) => known === name);
    if (found === undefined) throw new InvalidArgumentError(`There are ${BARE_NAMES.join(', ')}.`);
    return found;
  });
}
