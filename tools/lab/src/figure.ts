import { parse, View } from 'vega';
import { compile, type TopLevelSpec } from 'vega-lite';

/** What all figures look like. */
const LOOK = {
  $schema: 'https://vega.github.io/schema/vega-lite/v6.json',
  background: 'white',
  padding: 0,
  config: {
    font: 'sans-serif',
    view: { stroke: '#cccccc' },
    axis: { labelFontSize: 11, titleFontSize: 12, titlePadding: 8, gridColor: '#ececec', titleFontWeight: 'normal' },
    legend: { labelFontSize: 11, titleFontSize: 12, symbolSize: 120, titleFontWeight: 'normal', offset: 14 },
    title: { fontSize: 14, anchor: 'start', frame: 'group', offset: 12 },
  },
};

/** Draws a figure by Vega-Lite as SVG, without a browser. */
export async function svgOf(spec: object): Promise<string> {
  const view = new View(parse(compile({ ...LOOK, ...spec } as TopLevelSpec).spec), { renderer: 'none' });
  try {
    return await view.toSVG();
  } finally {
    view.finalize();
  }
}
