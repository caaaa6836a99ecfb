const MiB = 2 ** 20;

/** Names and bytes as lines of a table. */
export function table(rows: readonly (readonly [name: string, bytes: number])[]): string {
  const width = Math.max(...rows.map(([name]) => name.length));
  return rows.map(([name, bytes]) => `${name.padEnd(width)}  ${show(bytes).padStart(9)}`).join('\n');
}

/** @throws Error when the example does not do what it says */
export function checkEqual(what: string, actual: number, expected: number): void {
  if (actual !== expected) throw new Error(`${what}: expected ${expected}, got ${actual}`);
}

function show(bytes: number): string {
  return bytes < MiB ? `${bytes / 1024} KiB` : `${(bytes / MiB).toFixed(2)} MiB`;
}
