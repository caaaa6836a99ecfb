// Core's folders, lowest first: an upper one may import any lower one, never the other way round.
const layers = ['address', 'driver', 'kit', 'trace', 'notifier', 'tracking', 'policy', 'space', 'mirror', 'validate'];

const core = '^packages/core/src/';
const folders = (names) => `${core}(${names.join('|')})/`;

const downwards = layers.slice(0, -1).map((layer, index) => ({
  name: `core-${layer}-imports-downwards`,
  comment: `core/src/${layer} may import only ${layers.slice(0, index).join(', ') || 'itself'}.`,
  severity: 'error',
  from: { path: folders([layer]) },
  to: { path: folders(layers.slice(index + 1)) },
}));

// Folders that know addresses and the contract only, though others lie below them.
const narrow = ['trace', 'policy'].map((layer) => ({
  name: `core-${layer}-is-narrow`,
  comment: `core/src/${layer} may import only address and driver.`,
  severity: 'error',
  from: { path: folders([layer]) },
  to: { path: core, pathNot: folders(['address', 'driver', layer]) },
}));

module.exports = {
  forbidden: [
    ...downwards,
    ...narrow,
    {
      name: 'core-folders-skip-the-index',
      comment: 'Importing core/src/index.ts from a folder would reach every layer at once.',
      severity: 'error',
      from: { path: `${core}[^/]+/` },
      to: { path: `${core}[^/]+$` },
    },
    {
      name: 'core-has-known-folders',
      comment: 'A new folder in core needs a place in the list of layers.',
      severity: 'error',
      from: { path: `${core}[^/]+/`, pathNot: folders(layers) },
      to: {},
    },
    {
      name: 'core-imports-nothing-external',
      comment: 'Core has no runtime dependency and no Node built-in: it runs in a browser.',
      severity: 'error',
      from: { path: core },
      to: { pathNot: core },
    },
    {
      name: 'backends-stand-alone',
      comment: 'No backend imports another. Tests of host memory may use the reference device.',
      severity: 'error',
      from: { path: '^backends/([^/]+)/src/' },
      to: { path: '(^|node_modules/)(backends|@mirrorspace)/', pathNot: ['^backends/$1/', '^packages/'] },
    },
    {
      name: 'backends-do-not-ship-the-suite',
      comment: 'A backend depends on core; the suite and the command depend on backends.',
      severity: 'error',
      from: { path: '^backends/[^/]+/src/' },
      to: { path: '^packages/(?!core/)' },
    },
    {
      name: 'the-ray-tracer-runs-in-a-browser',
      comment: "The demo's scene and renderers need core and the mesh, and nothing of Node.",
      severity: 'error',
      from: { path: '^packages/cli/src/raytracer/' },
      to: { pathNot: ['^packages/(cli/src/raytracer|core/src)/', '^node_modules/bunny/'] },
    },
    {
      name: 'suite-knows-no-runner-and-no-backend',
      comment: 'The conformance cases get runner and backend from their caller.',
      severity: 'error',
      from: { path: '^packages/conformance/src/' },
      to: { path: ['^backends/', 'node_modules/(vitest|jest|mocha)/'] },
    },
    {
      name: 'suite-runs-in-a-page',
      comment: 'Only the bins of the suite use Node: its cases run in browsers, too.',
      severity: 'error',
      from: { path: '^packages/conformance/src/', pathNot: '^packages/conformance/src/(cli/|broken|bin|child)' },
      to: { dependencyTypes: ['core', 'npm'], pathNot: '^packages/' },
    },
    { name: 'no-circular', severity: 'error', from: {}, to: { circular: true } },
    {
      name: 'not-unresolvable',
      comment: 'The bins import what a build makes.',
      severity: 'error',
      from: { pathNot: '/bin/' },
      to: { couldNotResolve: true },
    },
  ],
  options: {
    doNotFollow: { path: ['node_modules', '/dist/'] },
    exclude: { path: ['^[^/]+/[^/]+/(dist|node_modules)/'] },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['types', 'import', 'node', 'default'],
      extensions: ['.ts', '.mjs', '.js', '.cjs', '.json'],
    },
  },
};
