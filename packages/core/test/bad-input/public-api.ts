import { fileURLToPath } from 'node:url';
import ts from 'typescript';

/** Something that can be called: `createSpace`, `AddressSpace.map`, `new LruEviction`. */
export interface Callable {
  readonly name: string;
  /** Folder and file that declares it, e.g. `space/space`. */
  readonly file: string;
}

const root = fileURLToPath(new URL('../../../..', import.meta.url));

/**
 * Everything with parameters that the packages export: functions, constructors, and public methods of classes, interfaces
 * and objects. Read from the sources by the TypeScript compiler, so that nothing new is forgotten.
 */
export function publicApi(entries: readonly string[]): Callable[] {
  const program = ts.createProgram({
    rootNames: entries.map((entry) => root + entry),
    options: {
      target: ts.ScriptTarget.ES2022,
      module: ts.ModuleKind.NodeNext,
      moduleResolution: ts.ModuleResolutionKind.NodeNext,
      skipLibCheck: true,
      noEmit: true,
      paths: {
        '@mirrorspace/core': [`${root}packages/core/src/index.ts`],
        '@mirrorspace/core/driver': [`${root}packages/core/src/vendor.ts`],
      },
    },
  });
  const checker = program.getTypeChecker();
  const found = new Map<string, Callable>();
  for (const entry of entries) {
    const module = checker.getSymbolAtLocation(program.getSourceFile(root + entry)!)!;
    for (const exported of checker.getExportsOfModule(module)) {
      const symbol = exported.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(exported) : exported;
      for (const callable of callables(checker, symbol)) found.set(callable.name, callable);
    }
  }
  return [...found.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
}

function callables(checker: ts.TypeChecker, symbol: ts.Symbol): Callable[] {
  const declaration = symbol.declarations![0]!;
  const file = declaration.getSourceFile().fileName.replace(/^.*\/src\/(.*)\.ts$/, '$1');
  const result: Callable[] = [];
  const add = (name: string, signatures: readonly ts.Signature[]) => {
    if (signatures.some((signature) => signature.parameters.length > 0)) result.push({ name, file });
  };
  const isType = (symbol.flags & (ts.SymbolFlags.Class | ts.SymbolFlags.Interface)) !== 0;
  const type = isType ? checker.getDeclaredTypeOfSymbol(symbol) : checker.getTypeOfSymbol(symbol);
  if (symbol.flags & ts.SymbolFlags.Class)
    add(`new ${symbol.name}`, checker.getTypeOfSymbol(symbol).getConstructSignatures());
  if (!isType) add(symbol.name, type.getCallSignatures());
  if (!isType && !ts.isVariableDeclaration(declaration)) return result;
  for (const property of type.getProperties()) {
    const declared = property.declarations?.[0];
    if (declared === undefined || isHidden(declared) || declared.getSourceFile().fileName.includes('/node_modules/'))
      continue;
    if (property.name.startsWith('__') || isHashPrivate(declared)) continue;
    const member = checker.getNonNullableType(checker.getTypeOfSymbol(property));
    if (ts.isMethodDeclaration(declared) || ts.isMethodSignature(declared) || !isType)
      add(`${symbol.name}.${property.name}`, member.getCallSignatures());
  }
  return result;
}

function isHashPrivate(declaration: ts.Declaration): boolean {
  return 'name' in declaration && ts.isPrivateIdentifier(declaration.name as ts.Node);
}

function isHidden(declaration: ts.Declaration): boolean {
  return (ts.getCombinedModifierFlags(declaration) & (ts.ModifierFlags.Private | ts.ModifierFlags.Protected)) !== 0;
}
