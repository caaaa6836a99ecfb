import type { Palette } from '../report/index.js';
import type { Verdict } from './hunt.js';

const NAME_COLUMN = 34;

/** One broken device: what is wrong with it, the case that caught it, and the rule which that case names. */
export function formatVerdict({ broken, caught, ran, timeMs }: Verdict, palette: Palette): string {
  const { name, breaks, rules } = broken;
  const head = `${name.padEnd(NAME_COLUMN)} ${breaks}`;
  const time = palette.dim(`(${Math.round(timeMs)} ms)`);
  if (caught === undefined) {
    const missing = `escaped ${ran} cases whose rule names ${rules.join(' or ')}: add one that fails on it`;
    return `${palette.red('✗')} ${head}\n    ${palette.red(missing)} ${time}`;
  }
  return `${palette.green('✓')} ${head}\n    ${caught.address} ${time}\n    ${palette.dim(caught.rule)}`;
}
