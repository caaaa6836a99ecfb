import { Command, Option } from 'commander';
import type { ClockName } from './harness/clock.js';
import type { Row } from './harness/row.js';
import { childTask, runAsChild, runIsolated } from './isolate.js';
import { benchmarks } from './registry.js';
import { conditions, table } from './report.js';

interface Options {
  readonly filter: string;
  readonly quick: boolean;
  readonly json: boolean;
  readonly clock: ClockName;
}

const task = childTask();
if (task !== undefined)
  await runAsChild(
    benchmarks.find(({ id }) => id === task.id)!,
    task.options,
  );

const program = new Command('bench')
  .description('Measures mirrorspace against known peers, each as a ratio within one run.')
  .argument('[filter]', 'only benchmarks whose id contains this', '')
  .option('--filter <text>', 'the same as an option', '')
  .option('--quick', 'fewer rounds over less memory: to see that it works, not to judge by', false)
  .addOption(
    new Option('--clock <name>', 'wall time, or processor time of the process: steadier on a loaded machine')
      .choices(['wall', 'cpu'])
      .default('wall'),
  )
  .option('--json', 'one JSON object on stdout, nothing else', false)
  .addHelpText(
    'after',
    `\nBenchmarks:\n${benchmarks.map(({ id, title }) => `  ${id.padEnd(18)} ${title}`).join('\n')}`,
  );
const { filter: option, quick, json, clock } = program.parse().opts<Options>();
const filter = program.args[0] ?? option;

const chosen = benchmarks.filter(({ id }) => id.includes(filter));
if (chosen.length === 0) program.error(`no benchmark's id contains '${filter}'; --help lists them`);
const where = conditions({ quick, clock });
if (!json)
  console.log(`${where.cpu}, ${where.cores} cores, load ${where.load.toFixed(1)}, ${clock} time, Node ${where.node}\n`);

const all: Row[] = [];
for (const benchmark of chosen) {
  if (!json) console.log(`${benchmark.id}: ${benchmark.title}`);
  const rows = await runIsolated(benchmark, { quick, clock });
  if (!json) console.log(`${table(rows)}\n`);
  all.push(...rows);
}
const met = all.filter((row) => row.met).length;
if (json) console.log(JSON.stringify({ ...where, met, of: all.length, rows: all }));
else console.log(`${met} of ${all.length} targets met; medians, quartiles in parentheses`);
