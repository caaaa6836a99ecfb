import type { JsProgram } from '@mirrorspace/core';

/** Doubles the word at `args[0] + args[1] * x`. */
export const double: JsProgram = {
  language: 'js',
  run(ctx, id, args) {
    const at = args[0]! + id.x * args[1]!;
    ctx.store32(at, ctx.load32(at) * 2);
  },
};

/** Adds 1 to the first word of a page for each unit: base, bytes a unit. */
export const countUp: JsProgram = {
  language: 'js',
  run(ctx, id, args) {
    ctx.atomicAdd(args[0]! + (id.x % args[2]!) * args[1]!, 1);
  },
};

/** Reads one word and writes another: `args` are addresses. */
export const copyWord: JsProgram = {
  language: 'js',
  run: (ctx, _id, args) => ctx.store32(args[1]!, ctx.load32(args[0]!)),
};

/** Writes `x + 1` to the first word of `args[1]` pages, spread `args[2]` bytes apart, for each unit. */
export const touchPages: JsProgram = {
  language: 'js',
  run(ctx, id, args) {
    const [base, each, stride] = args as [number, number, number];
    for (let i = 0; i < each; i++) {
      const at = base + (id.x * each + i) * stride;
      ctx.store32(at, ctx.load32(at) + id.x + 1);
    }
  },
};
