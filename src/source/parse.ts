import { isMap, isScalar, LineCounter, parseAllDocuments, visit, type Document, type YAMLError } from 'yaml';
import { errorDiagnostic, type Diagnostic } from '../base/diagnostic.ts';
import { composeTree } from './compose-tree.ts';
import type { SourceFile } from './source-file.ts';
import type { Tree } from './tree.ts';
import { yamlErrorDiagnostic } from './yaml-errors.ts';

/** A broken file repeats itself; more than this many syntax errors help nobody. */
const MOST_SYNTAX_ERRORS = 20;

/**
 * YAML text as a tree with positions, aliases and merge keys resolved. Never throws on account of the text; every
 * mistake that can be told apart from the consequences of another is reported. No tree where there is an error.
 */
export function parseYaml(file: SourceFile): { tree?: Tree; diagnostics: Diagnostic[] } {
  const lines = new LineCounter();
  const parsed = parseAllDocuments(file.text, {
    prettyErrors: false,
    uniqueKeys: false,
    intAsBigInt: true,
    merge: false,
    resolveKnownTags: false,
    logLevel: 'silent',
    lineCounter: lines,
  });
  const documents: Document.Parsed[] = Array.isArray(parsed) ? parsed : [];
  const first = documents[0];
  if (!first) return { diagnostics: [emptyFile(file)] };

  const syntax = syntaxDiagnostics(file, documents, lines);
  const second = documents[1];
  if (second) syntax.push(secondDocument(file, second));
  if (syntax.length === 0 && isEmpty(first)) return { diagnostics: [emptyFile(file)] };
  // A tree too deep for the parser is too deep for the walk below.
  if (syntax.some((diagnostic) => diagnostic.code === 'limit')) return { diagnostics: syntax };
  const composed = composeTree(file, first);
  // Broken syntax may have swallowed an anchor: what is said about aliases then is no more than a guess.
  const further =
    syntax.length === 0
      ? composed.diagnostics
      : composed.diagnostics.filter((diagnostic) => diagnostic.code === 'duplicate-key');
  const diagnostics = [...syntax, ...further];
  if (diagnostics.some((diagnostic) => diagnostic.severity === 'error')) return { diagnostics };
  return { tree: composed.tree, diagnostics };
}

function emptyFile(file: SourceFile): Diagnostic {
  const message = file.text.trim() === '' ? 'the file is empty' : 'the file holds nothing but comments';
  return errorDiagnostic('file-empty', message, { span: { file: file.path, start: 0, end: 0 } });
}

function isEmpty(document: Document.Parsed): boolean {
  const { contents } = document;
  return contents === null || (isScalar(contents) && contents.value === null && contents.source === '');
}

/** The parser's errors as diagnostics, the first of each line: the rest are its consequences. */
function syntaxDiagnostics(file: SourceFile, documents: Document.Parsed[], lines: LineCounter): Diagnostic[] {
  const errors = documents.flatMap((document) => [...document.errors, ...document.warnings]);
  const tooDeep = errors.find((error) => error.code === 'RESOURCE_EXHAUSTION');
  if (tooDeep) return [tooDeepDiagnostic(file, tooDeep)];
  const document = documents[0];
  const diagnostics: Diagnostic[] = [];
  const seenLines = new Set<number>();
  const inOrder = errors.toSorted((a, b) => a.pos[0] - b.pos[0]);
  for (const error of inOrder) {
    const line = lines.linePos(error.pos[0]).line;
    if (isMergeTag(error) || seenLines.has(line)) continue;
    seenLines.add(line);
    const diagnostic = yamlErrorDiagnostic(file, error, document && openerOf(document, error.pos[0]));
    seenLines.add(lines.linePos(diagnostic.span?.start ?? 0).line);
    diagnostics.push(diagnostic);
    if (diagnostics.length === MOST_SYNTAX_ERRORS) break;
  }
  if (document?.directives.yaml.version === '1.1') diagnostics.push(oldVersion(file));
  return diagnostics;
}

function isMergeTag(error: YAMLError): boolean {
  return error.code === 'TAG_RESOLVE_FAILED' && /: !(reset|override)$/.test(error.message);
}

/** Where the innermost quoted text, list or map around an offset starts. */
function openerOf(document: Document.Parsed, offset: number): number | undefined {
  let opener: number | undefined;
  visit(document, {
    Node(_key, node) {
      const { range } = node;
      if (!range || range[0] > offset || range[2] < offset) return undefined;
      const quoted = isScalar(node) && (node.type === 'QUOTE_DOUBLE' || node.type === 'QUOTE_SINGLE');
      const flow = !isScalar(node) && 'flow' in node && node.flow;
      if (quoted || flow) opener = range[0];
      return undefined;
    },
  });
  return opener;
}

function tooDeepDiagnostic(file: SourceFile, error: YAMLError): Diagnostic {
  const span = { file: file.path, start: error.pos[0], end: error.pos[1] };
  return errorDiagnostic('limit', 'values are nested too deeply', { span });
}

function secondDocument(file: SourceFile, document: Document.Parsed): Diagnostic {
  const start = document.range[0];
  const marker = file.text.lastIndexOf('---', start);
  const from = marker >= 0 ? marker : start;
  return errorDiagnostic('yaml-syntax', 'a second document starts here; a file holds exactly one', {
    span: { file: file.path, start: from, end: Math.min(from + 3, file.text.length) },
    hint: isMap(document.contents)
      ? 'put it into a file of its own and name both with -f, or list it under `include`'
      : 'remove the `---` line',
  });
}

function oldVersion(file: SourceFile): Diagnostic {
  const start = Math.max(0, file.text.indexOf('%YAML'));
  return errorDiagnostic('yaml-syntax', 'the file asks for YAML 1.1; krun reads YAML 1.2', {
    span: { file: file.path, start, end: Math.min(start + '%YAML 1.1'.length, file.text.length) },
    hint: 'remove the `%YAML` line',
  });
}
