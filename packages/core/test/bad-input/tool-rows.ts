import {
  ActiveWindow,
  ClockEviction,
  FifoEviction,
  LruEviction,
  NextPrefetch,
  recordTrace,
  TreePrefetch,
  Tracer,
  validate,
} from '@mirrorspace/core';
import { Rows } from './rows.js';

const sizes = [NaN, -1, 0.5, Infinity, 2 ** 53];

const policies = [LruEviction, ClockEviction, FifoEviction].flatMap((Policy) => [
  new Rows(`new ${Policy.name}`, 'sync').count('capacity', sizes, (_, capacity) => new Policy(capacity)),
  new Rows(`${Policy.name}.insert`, 'sync').bad('an id beyond the capacity', 'RangeError', () =>
    new Policy(4).insert(Uint32Array.of(4), 1),
  ),
]);

const notifiers = [
  new Rows('NotifierList.insert', 'sync')
    .type('options', [undefined, null, 5], ({ space }, options) => space.notifiers.insert(options))
    .address('start', ({ space }, start) =>
      space.notifiers.insert({ start, end: 2 ** 47, invalidate: () => undefined }),
    )
    .bytes('end', ({ space }, end) => space.notifiers.insert({ start: 0, end, invalidate: () => undefined }))
    .bad('an empty range', 'RangeError', ({ space }) =>
      space.notifiers.insert({ start: 8, end: 8, invalidate: () => undefined }),
    )
    .type('invalidate', [undefined, null, 5], ({ space }, invalidate) =>
      space.notifiers.insert({ start: 0, end: 8, invalidate }),
    ),
  new Rows('NotifierList.begin', 'sync')
    .bad('start NaN', 'RangeError', ({ space }) => space.notifiers.begin('unmap', NaN, 8))
    .bad('end beyond the space', 'RangeError', ({ space }) => space.notifiers.begin('unmap', 0, 2 ** 47 + 1))
    .bad('an empty range', 'RangeError', ({ space }) => space.notifiers.begin('unmap', 8, 8)),
  new Rows('NotifierList.beginRegardless', 'sync')
    .bad('start NaN', 'RangeError', ({ space }) => space.notifiers.beginRegardless('unmap', NaN, 8, []))
    .bad('end beyond the space', 'RangeError', ({ space }) =>
      space.notifiers.beginRegardless('unmap', 0, 2 ** 47 + 1, []),
    )
    .bad('an empty range', 'RangeError', ({ space }) => space.notifiers.beginRegardless('unmap', 8, 8, [])),
  new Rows('NotifierList.end', 'sync').bad('more ends than begins', 'RangeError', ({ space }) => space.notifiers.end()),
];

const tracing = [
  new Rows('Tracer.on', 'sync').type('listener', [undefined, null, 5, {}], ({ space }, listener) =>
    space.trace.on(listener),
  ),
  new Rows('recordTrace', 'sync')
    .type('tracer', [undefined, null, {}], (_, tracer) => recordTrace(tracer))
    .bad('limit NaN', 'RangeError', () => recordTrace(new Tracer(), { limit: NaN }))
    .bad('limit 0', 'RangeError', () => recordTrace(new Tracer(), { limit: 0 })),
];

const others = [
  new Rows('new ActiveWindow', 'sync').count('max', sizes, (_, max) => new ActiveWindow(max)),
  new Rows('new NextPrefetch', 'sync').count('pages', sizes, (_, pages) => new NextPrefetch(pages)),
  new Rows('new TreePrefetch', 'sync').number('pageSize', sizes, (_, pageSize) => new TreePrefetch(pageSize)),
  new Rows('validate', 'sync').type('device', [undefined, null, 5, {}], (_, device) => validate(device)),
];

export const toolRows = [...policies, ...notifiers, ...tracing, ...others].flatMap((rows) => rows.rows);
