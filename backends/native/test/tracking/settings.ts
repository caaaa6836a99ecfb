const { MIRRORSPACE_SEED, MIRRORSPACE_RUNS } = process.env;

/** Another seed in each run; a failure prints it, and MIRRORSPACE_SEED repeats it. */
export const seed = MIRRORSPACE_SEED === undefined ? Date.now() % 2 ** 31 : Number(MIRRORSPACE_SEED);

export const runs = Number(MIRRORSPACE_RUNS ?? 60);
