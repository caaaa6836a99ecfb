import type { Column } from '../text-table.js';

/** What is special in HTML. */
const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

const STYLE = `
body { font: 14px/1.4 sans-serif; color: #222; background: white; margin: 2rem auto; max-width: 1240px; padding: 0 1rem; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.2rem; border-top: 1px solid #ccc; padding-top: 1.2rem; margin-top: 2.5rem; } h3 { font-size: 1rem; }
.figures { display: flex; flex-wrap: wrap; gap: 1.5rem; align-items: flex-start; }
figure { margin: 0; } figcaption { font-size: 12px; color: #555; max-width: 480px; }
img { image-rendering: pixelated; width: 480px; height: 240px; border: 1px solid #ccc; display: block; }
.scroll { overflow-x: auto; } table { border-collapse: collapse; font-variant-numeric: tabular-nums; margin: .8rem 0; }
th, td { padding: .15rem .6rem; text-align: right; border-bottom: 1px solid #e5e5e5; white-space: nowrap; }
th:first-child, td:first-child { text-align: left; } th { font-weight: normal; color: #555; }
`;

/** Text as HTML. */
export function escaped(text: string): string {
  return text.replace(/[&<>"]/g, (character) => ENTITIES[character]!);
}

/** Rows as a table. */
export function htmlTable<T>(columns: readonly Column<T>[], rows: readonly T[]): string {
  const line = (cells: readonly string[], tag: string) =>
    `<tr>${cells.map((cell) => `<${tag}>${escaped(cell)}</${tag}>`).join('')}</tr>`;
  const head = line(
    columns.map(({ title }) => title),
    'th',
  );
  const body = rows.map((row) =>
    line(
      columns.map(({ text }) => text(row)),
      'td',
    ),
  );
  return `<div class="scroll"><table><thead>${head}</thead><tbody>${body.join('\n')}</tbody></table></div>`;
}

/** A picture with words below. */
export function figure(markup: string, caption: string): string {
  return `<figure>${markup}<figcaption>${escaped(caption)}</figcaption></figure>`;
}

/** Figures side by side. */
export function figures(all: readonly string[]): string {
  return `<div class="figures">${all.join('\n')}</div>`;
}

/** A whole page; nothing in it comes from elsewhere. */
export function page(title: string, body: readonly string[]): string {
  return `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${escaped(title)}</title><style>${STYLE}</style></head>
<body>
<h1>${escaped(title)}</h1>
${body.join('\n')}
</body>
</html>
`;
}
