/** A program of the system that `lab record --valgrind` records. */
export interface CpuProgram {
  readonly name: string;
  readonly about: string;
  /** Command and arguments; the input file is `{input}`. */
  readonly command: readonly string[];
  /** What the input file holds. */
  readonly input?: () => string;
}

/** Numbers that look random and are the same every time, one a line. */
function numbers(count: number): string {
  let state = 1;
  const lines = Array.from({ length: count }, () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state;
  });
  return `${lines.join('\n')}\n`;
}

const SQL = `
CREATE TABLE t (a INTEGER PRIMARY KEY, b INTEGER, c TEXT);
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2500)
INSERT INTO t SELECT i, (i * 7919) % 2503, hex(zeroblob(400)) FROM n;
CREATE INDEX b ON t (b);
SELECT count(*), sum(x.a) FROM t AS x JOIN t AS y ON x.b = y.a;
`;

const C_SOURCE = Array.from(
  { length: 30 },
  (_, i) => `int f${i}(int *a, int n) { int s = ${i}; for (int k = 0; k < n; k++) s = s * 31 + a[k]; return s; }`,
).join('\n');

/** Programs that Debian has, with little to do: lackey prints a line an access. */
export const CPU_PROGRAMS: readonly CpuProgram[] = [
  {
    name: 'cpu-sort',
    about: 'GNU sort of 20,000 numbers',
    command: ['sort', '--parallel=1', '-S', '8M', '{input}'],
    input: () => numbers(20_000),
  },
  {
    name: 'cpu-sqlite',
    about: 'SQLite: a table, an index and a join in memory',
    command: ['sqlite3', ':memory:', '.read {input}'],
    input: () => SQL,
  },
  {
    name: 'cpu-awk',
    about: 'awk that counts words by a hash',
    command: ['awk', '{ n[$1 % 3001]++ } END { for (k in n) s += n[k] * k; print s }', '{input}'],
    input: () => numbers(10_000),
  },
  {
    name: 'cpu-perl',
    about: 'Perl that builds a hash and an array and walks the hash in order',
    command: [
      'perl',
      '-e',
      'while (<>) { chomp; $h{$_ % 4001} .= "$_ "; push @a, $_ } print length $h{$_}, "\\n" for sort keys %h;',
      '{input}',
    ],
    input: () => numbers(5_000),
  },
  {
    name: 'cpu-cc1',
    about: 'GCC that compiles 30 functions',
    command: ['gcc', '-O0', '-S', '-o', '/dev/null', '-x', 'c', '{input}'],
    input: () => C_SOURCE,
  },
];
