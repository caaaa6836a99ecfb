import {
  DenseBlocks,
  encodePageRecords,
  encodePageTraceHeader,
  pageTraceMeta,
  ActiveWindow,
  ArcEviction,
  byAccessCounters,
  ChunkPrefetch,
  CleanFirstClockEviction,
  CleanFirstLruEviction,
  ClockEviction,
  FifoEviction,
  HistoryPrefetch,
  LfuEviction,
  LocalPrefetch,
  LruEviction,
  NeighbourhoodEviction,
  NextPrefetch,
  NextUseEviction,
  RandomEviction,
  recordTrace,
  S3FifoEviction,
  SieveEviction,
  StridePrefetch,
  TreePrefetch,
  TwoQueueEviction,
  Tracer,
  UnitEviction,
  UnitsPrefetch,
  UvmThrashing,
  validate,
} from '@mirrorspace/core';
import { Rows } from './rows.js';

const sizes = [NaN, -1, 0.5, Infinity, 2 ** 53];

const chunks = { name: 'chunks', sizes: [65_536], clips: true, evicts: 0 };

const policies = [
  LruEviction,
  ClockEviction,
  FifoEviction,
  RandomEviction,
  SieveEviction,
  S3FifoEviction,
  TwoQueueEviction,
  ArcEviction,
  LfuEviction,
  CleanFirstLruEviction,
  CleanFirstClockEviction,
].flatMap((Policy) => [
  new Rows(`new ${Policy.name}`, 'sync').count('capacity', sizes, (_, capacity) => new Policy(capacity)),
  new Rows(`${Policy.name}.insert`, 'sync').bad('an id beyond the capacity', 'RangeError', () =>
    new Policy(4).insert(Uint32Array.of(4), 1),
  ),
]);

const chunk = { name: 'chunk', unitBytes: 2 ** 21, order: 'access' } as const;

const unitPolicies = [
  new Rows('new UnitEviction', 'sync')
    .count('capacity', sizes, (_, capacity) => new UnitEviction(capacity, 4096, chunk))
    .number('pageSize', sizes, (_, pageSize) => new UnitEviction(4, pageSize, chunk))
    .number('unitBytes', sizes, (_, unitBytes) => new UnitEviction(4, 4096, { ...chunk, unitBytes })),
  new Rows('UnitEviction.insert', 'sync').bad('an id beyond the capacity', 'RangeError', () =>
    new UnitEviction(4, 4096, chunk).insert(Uint32Array.of(4), 1),
  ),
  new Rows('new NeighbourhoodEviction', 'sync')
    .count('capacity', sizes, (_, capacity) => new NeighbourhoodEviction(capacity, 4096, 'tree'))
    .number('pageSize', sizes, (_, pageSize) => new NeighbourhoodEviction(4, pageSize, 'tree')),
  new Rows('NeighbourhoodEviction.insert', 'sync').bad('an id beyond the capacity', 'RangeError', () =>
    new NeighbourhoodEviction(4, 4096, 'tree').insert(Uint32Array.of(4), 1),
  ),
  new Rows('new NextUseEviction', 'sync')
    .count('capacity', sizes, (_, capacity) => new NextUseEviction(capacity, 4096))
    .number('pageSize', sizes, (_, pageSize) => new NextUseEviction(4, pageSize)),
  new Rows('NextUseEviction.insert', 'sync').bad('an id beyond the capacity', 'RangeError', () =>
    new NextUseEviction(4, 4096).insert(Uint32Array.of(4), 1),
  ),
];

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
  new Rows('encodePageTraceHeader', 'sync')
    .count('pageSize', [0, 511, 1000, 2 ** 31], (_, pageSize) => encodePageTraceHeader({ pageSize, records: 0 }))
    .count('records', [-1, 0.5, 2 ** 32], (_, records) => encodePageTraceHeader({ pageSize: 4096, records })),
  new Rows('encodePageRecords', 'sync').bad('no room', 'RangeError', () =>
    encodePageRecords({ pages: new Uint32Array(1), metas: new Uint32Array(1) }, 0, 1, new DataView(new ArrayBuffer(7))),
  ),
  new Rows('pageTraceMeta', 'sync')
    .count('actor', [-1, 0.5, 128], (_, actor) => pageTraceMeta(true, actor))
    .count('launch', [-1, 0.5, 2 ** 24], (_, launch) => pageTraceMeta(true, 1, launch)),
  new Rows('new DenseBlocks', 'sync').count('pageSize', [0, -1], (_, pageSize) => new DenseBlocks(pageSize)),
];

const others = [
  new Rows('new ActiveWindow', 'sync').count('max', sizes, (_, max) => new ActiveWindow(max)),
  new Rows('new NextPrefetch', 'sync').count('pages', sizes, (_, pages) => new NextPrefetch(pages)),
  new Rows('new StridePrefetch', 'sync').count('steps', sizes, (_, steps) => new StridePrefetch(steps)),
  new Rows('new HistoryPrefetch', 'sync').count('places', sizes, (_, places) => new HistoryPrefetch(places)),
  new Rows('new LocalPrefetch', 'sync').number('pageSize', sizes, (_, pageSize) => new LocalPrefetch(pageSize)),
  new Rows('new TreePrefetch', 'sync')
    .number('pageSize', sizes, (_, pageSize) => new TreePrefetch(pageSize))
    .bad('a threshold of 0', 'RangeError', () => new TreePrefetch(4096, { thresholdPercent: 0 }))
    .bad('evicting more than all', 'RangeError', () => new TreePrefetch(4096, { evicts: 1.5 })),
  new Rows('new UnitsPrefetch', 'sync').number('pageSize', sizes, (_, pageSize) => new UnitsPrefetch(pageSize)),
  new Rows('new ChunkPrefetch', 'sync')
    .number('pageSize', sizes, (_, pageSize) => new ChunkPrefetch(pageSize, chunks))
    .number('sizes', sizes, (_, size) => new ChunkPrefetch(4096, { ...chunks, sizes: [size] }))
    .count('evicts', [NaN, -1, 1.5], (_, evicts) => new ChunkPrefetch(4096, { ...chunks, evicts })),
  new Rows('new UvmThrashing', 'sync')
    .bad('a lapse of 0', 'RangeError', () => new UvmThrashing({ lapseUs: 0 }))
    .bad('a threshold of 0', 'RangeError', () => new UvmThrashing({ threshold: 0 }))
    .bad('half a nap', 'RangeError', () => new UvmThrashing({ nap: 0.5 }))
    .bad('no pages', 'RangeError', () => new UvmThrashing({ pages: 0 })),
  new Rows('byAccessCounters', 'sync').count('threshold', sizes, (_, threshold) => byAccessCounters(threshold)),
  new Rows('validate', 'sync').type('device', [undefined, null, 5, {}], (_, device) => validate(device)),
];

export const toolRows = [...policies, ...unitPolicies, ...notifiers, ...tracing, ...others].flatMap(
  (rows) => rows.rows,
);
