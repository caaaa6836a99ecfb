import type { JsProgram } from '@mirrorspace/core';
import { createRenderer } from './tracer.js';

const renderTile = createRenderer();

/** Arguments: header address, column and row of the grid's first tile. A work unit renders the tile at its place in the grid. */
export const jsProgram: JsProgram = {
  language: 'js',
  run(ctx, id, [header, column, row]) {
    return renderTile(ctx, header!, column! + id.x, row! + id.y) ? undefined : 'retry';
  },
};
