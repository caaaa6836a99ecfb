import { Command } from 'commander';
import { bareCommand } from './bare/command.js';
import { calibrateCommand } from './calibrate/command.js';
import { recordCommand } from './record/command.js';
import { reportCommand } from './report/command.js';
import { replayCommand } from './replay/command.js';
import { rfcCommand } from './rfc/command.js';
import { mergeCommand, sweepCommand } from './sweep/command.js';
import { tableCommand } from './table/command.js';
import { traceCommand } from './trace/command.js';

await new Command('lab')
  .description('Experiments on the reference device, in simulated time.')
  .addCommand(rfcCommand())
  .addCommand(traceCommand())
  .addCommand(bareCommand())
  .addCommand(recordCommand())
  .addCommand(replayCommand())
  .addCommand(reportCommand())
  .addCommand(sweepCommand())
  .addCommand(mergeCommand())
  .addCommand(tableCommand())
  .addCommand(calibrateCommand())
  .parseAsync();
