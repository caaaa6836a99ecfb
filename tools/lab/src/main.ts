import { Command } from 'commander';
import { rfcCommand } from './rfc/command.js';

await new Command('lab')
  .description('Experiments on the reference device, in simulated time.')
  .addCommand(rfcCommand())
  .parseAsync();
