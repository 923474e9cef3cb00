import type { ErrorCode, YAMLError } from 'yaml';
import { errorDiagnostic, warningDiagnostic, type Diagnostic } from '../base/diagnostic.ts';
import type { SourceFile } from './source-file.ts';

/** What the parser's error codes mean to somebody who wrote the file; `opener` is the enclosing quote or bracket. */
export function yamlErrorDiagnostic(
  file: SourceFile,
  error: YAMLError,
  opener: number | undefined,
): Diagnostic {
  const { message, hint, from, related } = explainError(file, error, opener);
  const start = Math.min(from ?? error.pos[0], file.text.length);
  // The parser's end may be one past that of the text.
  const end = from === undefined ? Math.min(error.pos[1], file.text.length) : endOfLine(file.text, from);
  return errorOrWarning(error)('yaml-syntax', message, {
    span: { file: file.path, start, end: Math.max(end, start) },
    ...(hint === undefined ? {} : { hint }),
    ...(related === undefined
      ? {}
      : {
          related: [
            { message: related, span: { file: file.path, start: opener ?? 0, end: (opener ?? 0) + 1 } },
          ],
        }),
  });
}

interface Explanation {
  readonly message: string;
  readonly hint?: string;
  /** Offset that says more than the parser's. */
  readonly from?: number;
  /** Names the enclosing bracket. */
  readonly related?: string;
}

type Explain = (error: YAMLError, file: SourceFile, opener: number | undefined) => Explanation;

function explainError(file: SourceFile, error: YAMLError, opener: number | undefined): Explanation {
  const explain = explanations[error.code];
  return (
    conflictMarker(file, error) ??
    tabIndentation(file, error) ??
    (explain ? explain(error, file, opener) : { message: lowerFirst(error.message) })
  );
}

/** What git leaves in a file when two changes meet. */
function conflictMarker(file: SourceFile, error: YAMLError): Explanation | undefined {
  const lineStart = file.text.lastIndexOf('\n', error.pos[0] - 1) + 1;
  if (!/^(<{7}|={7}|>{7})(?=\s|$)/.test(file.text.slice(lineStart, lineStart + 8))) return undefined;
  const hint = 'keep one of the two versions, and remove the marker lines';
  return { message: 'this line is a conflict marker of git', hint, from: lineStart };
}

/** Mistakes of indentation whose cause is a tab on this line or the next. */
function tabIndentation(file: SourceFile, error: YAMLError): Explanation | undefined {
  if (!/INDENT|IMPLICIT_KEY/.test(error.code) || error.code === 'TAB_AS_INDENT') return undefined;
  const lineStart = file.text.lastIndexOf('\n', error.pos[0] - 1) + 1;
  const lines = /^([^\n]*\n)?( *)\t/.exec(
    file.text.slice(lineStart, endOfLine(file.text, error.pos[1]) + 80),
  );
  if (!lines) return undefined;
  return { message: TAB, hint: SPACES, from: lineStart + lines[0].length - 1 };
}

function errorOrWarning(error: YAMLError): typeof errorDiagnostic {
  const onlyDoubtful = error.name === 'YAMLWarning' && error.code !== 'TAG_RESOLVE_FAILED';
  return onlyDoubtful ? warningDiagnostic : errorDiagnostic;
}

const TAB = 'a tab is used as indentation; YAML allows spaces only';
const SPACES = 'indent with spaces only';
const ONE_COLUMN = 'keys of one map start at the same column, and so do the items of one list';

const explanations: Partial<Record<ErrorCode, Explain>> = {
  TAB_AS_INDENT: () => ({ message: TAB, hint: SPACES }),
  BAD_INDENT: (error, file, opener) => {
    const bracket = /must .*end with (?:a )?([\]}])/.exec(error.message)?.[1];
    if (bracket === undefined) {
      const from = error.pos[0] + file.text.slice(error.pos[0]).search(/\S|$/);
      return { message: 'the indentation does not fit the lines above', hint: ONE_COLUMN, from };
    }
    return unclosedBracket(bracket, opener);
  },
  MISSING_CHAR: (error, file, opener) => {
    if (error.message.includes('closing')) {
      const quote = error.message.includes('"') ? '"' : "'";
      const message = `the closing ${quote} is missing`;
      return opener === undefined ? { message } : { message, from: opener };
    }
    if (error.message.includes('followed by map values')) {
      return {
        message: 'this line has no `:` after its key',
        hint: 'write `key: value`, with a space after the colon',
      };
    }
    if (/between flow/.test(error.message)) return missingComma(error, file);
    const bracket = /end with (?:a )?([\]}])/.exec(error.message)?.[1];
    if (bracket !== undefined) return unclosedBracket(bracket, opener);
    return { message: lowerFirst(error.message) };
  },
  MULTILINE_IMPLICIT_KEY: (error, file) => {
    const line = file.text.slice(error.pos[0], endOfLine(file.text, error.pos[0]));
    if (/^[^#]*:(\s|$)/.test(line)) {
      return { message: 'the indentation does not fit the lines above', hint: ONE_COLUMN };
    }
    return {
      message: 'this line has no `:` after its key',
      hint: 'write `key: value`, with a space after the colon',
      from: error.pos[0],
    };
  },
  BLOCK_AS_IMPLICIT_KEY: (error, file) => {
    const rest = file.text.slice(error.pos[0], endOfLine(file.text, error.pos[0]));
    if (/:(\s|$)/.test(rest)) {
      return {
        message: 'this line has a second `: `',
        hint: 'put quotes around a value that holds `: `, or start a nested map on the next line',
      };
    }
    return {
      message: 'this value is followed by a more indented `key: value`',
      hint: 'a key has either a value on its line or a map below it',
    };
  },
  BAD_SCALAR_START: (error, file) => {
    const character = file.text[error.pos[0]] ?? '';
    return { message: `a value cannot start with \`${character}\``, hint: 'put quotes around the value' };
  },
  UNEXPECTED_TOKEN: (error, file) => {
    const character = file.text[error.pos[0]] ?? '';
    if (error.message.includes('block-seq-ind on same line')) {
      return {
        message: 'a list cannot start on the line of its key',
        hint: 'put `- ` on the next line, or write `[a, b]`',
      };
    }
    if (/[\]}]/.test(character)) return { message: `there is no opening bracket for this \`${character}\`` };
    if (character === ',') return { message: 'an item is missing before this `,`' };
    if (error.message.includes('at node end')) {
      return {
        message: 'this cannot follow the value before it',
        hint: "check the indentation and the quotes; '' stands for one ' in single-quoted text",
      };
    }
    return {
      message: 'this cannot stand here',
      hint: 'check the indentation and the quotes of the lines above',
    };
  },
  BAD_DQ_ESCAPE: (error) => ({
    message: `"${error.message.replace(/^Invalid escape sequence /, '')}" is no escape of double-quoted text`,
    hint: 'write \\\\ for a backslash, or use single quotes',
  }),
  TAG_RESOLVE_FAILED: (error, file) => {
    const tag = file.text.slice(...error.pos).trim();
    return {
      message: `unknown tag \`${tag}\``,
      hint: 'krun knows `!reset` and `!override`; put quotes around text that starts with `!`',
    };
  },
  MULTIPLE_TAGS: () => ({ message: 'a value can have one tag only' }),
  MULTIPLE_ANCHORS: () => ({ message: 'a value can have one anchor only' }),
  ALIAS_PROPS: () => ({ message: 'an alias can have neither a tag nor an anchor' }),
  BLOCK_IN_FLOW: (error, file) => {
    const written = file.text.slice(...error.pos);
    if (!/\n|^-/.test(written)) return { message: 'a `,` is missing here, between two entries' };
    return {
      message: 'indented lists and maps cannot stand inside `[ ]` or `{ }`',
      hint: 'use brackets inside as well',
    };
  },
  KEY_OVER_1024_CHARS: () => ({ message: 'a key is longer than 1024 characters' }),
  BAD_DIRECTIVE: () => ({ message: 'unknown directive; a line that starts with `%` is not configuration' }),
};

function missingComma(error: YAMLError, file: SourceFile): Explanation {
  const isVariable = file.text[error.pos[0] - 1] === '$' && file.text[error.pos[0]] === '{';
  if (!isVariable) return { message: 'a `,` is missing here, between two entries' };
  return { message: 'inside `[ ]` and `{ }`, the brace of `${` is YAML', hint: 'put quotes around the text' };
}

function unclosedBracket(bracket: string, opener: number | undefined): Explanation {
  const message = `the closing \`${bracket}\` is missing`;
  return opener === undefined ? { message } : { message, related: 'opened here' };
}

function endOfLine(text: string, offset: number): number {
  const end = text.slice(offset).search(/\r?\n|$/);
  return offset + Math.max(0, end);
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}
