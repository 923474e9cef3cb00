import type { AttachRequest, SessionRequest } from '../session/api.ts';
import { isSize } from './client-frames.ts';

/** What a client asks for, or why that cannot be carried out. */
export function parseSessionRequest(
  text: string,
): SessionRequest | AttachRequest | { readonly problem: string } {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return { problem: 'the request is not JSON' };
  }
  const problem = problemOf((value ?? {}) as Readonly<Record<string, unknown>>);
  return problem === undefined ? (value as SessionRequest) : { problem };
}

function problemOf(value: Readonly<Record<string, unknown>>): string | undefined {
  const { terminal } = value;
  if (terminal !== undefined && !isSize(terminal)) return 'the size of the terminal is none';
  if (value['attach'] === true) return undefined;
  const { command, environment, workingDir, user } = value;
  if (!Array.isArray(command) || command.length === 0 || !command.every(isText)) {
    return 'the command must be words without NUL';
  }
  if (typeof environment !== 'object' || environment === null) return 'the environment must be an object';
  const bad = Object.entries(environment).find(([name, text]) => !isVariable(name) || !isText(text));
  if (bad) return `${JSON.stringify(bad[0])} cannot be a variable, or its value has a NUL`;
  if (workingDir !== undefined && !(isText(workingDir) && workingDir.startsWith('/'))) {
    return `the working directory ${JSON.stringify(workingDir)} is not an absolute path`;
  }
  if (user !== undefined && !(isText(user) && user !== '')) return 'the user must be a name or a number';
  if (terminal && !isText((terminal as { readonly term?: unknown }).term)) return 'the terminal has no type';
  return undefined;
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && !value.includes('\0');
}

function isVariable(name: string): boolean {
  return name !== '' && !/[=\0]/.test(name);
}
