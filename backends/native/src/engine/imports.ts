import { ACCESSORS } from './accessors.js';

/** What a program may import from `mirrorspace`: what it may do with memory, what a launch was given, and the frames themselves. */
export const IMPORTS: ReadonlySet<string> = new Set([...ACCESSORS, 'moved', 'arg_f64', 'arg_i64', 'arg_i32', 'memory']);
