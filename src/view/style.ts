const SGR = {
  bold: [1, 22],
  dim: [2, 22],
  red: [31, 39],
  green: [32, 39],
  yellow: [33, 39],
  blue: [34, 39],
  magenta: [35, 39],
  cyan: [36, 39],
  brightGreen: [92, 39],
  brightYellow: [93, 39],
  brightBlue: [94, 39],
  brightMagenta: [95, 39],
  brightCyan: [96, 39],
} as const;

export type StyleName = keyof typeof SGR;

/** Puts text into a style, or leaves it as it is where colours are off. */
export type Paint = (style: StyleName, text: string) => string;

export function createPaint(color: boolean): Paint {
  if (!color) return (_, text) => text;
  return (style, text) => `\u001b[${SGR[style][0]}m${text}\u001b[${SGR[style][1]}m`;
}

/** compose's order of colours for log prefixes. */
export const PREFIX_STYLES: readonly StyleName[] = [
  'cyan',
  'yellow',
  'green',
  'magenta',
  'blue',
  'brightCyan',
  'brightYellow',
  'brightGreen',
  'brightMagenta',
  'brightBlue',
];
