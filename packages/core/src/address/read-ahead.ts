/**
 * Where loops that only read leave what they read: the engine leaves out a read whose result goes nowhere.
 *
 * Such a loop goes over many places in memory before the loop that works on them. It has no branch that depends on what it
 * reads, so the processor has many of its reads under way at once; the other loop would wait for each of them in turn.
 */
export const readAhead = new Uint32Array(1);
