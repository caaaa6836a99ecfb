// What a worker runs that serves faults: a file of its own once built.
import { serveFaults } from './memory/fault-entry.js';

serveFaults();
