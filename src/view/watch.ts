import { unreachable } from '../base/unreachable.ts';
import type { RuleName, WatchReport } from '../watch/report.ts';
import type { Paint } from './style.ts';

/** Renders what watching reports, one line for each thing, with hints below it. */
export function watchLines(report: WatchReport, paint: Paint): readonly string[] {
  switch (report.type) {
    case 'watch-ready':
      return [`watching ${count(report.rules, 'rule')} and ${count(report.files, 'project file')}`];
    case 'watch-step':
      return [line(report.rule.machine, `${stepText(report)}, ${duration(report.ms)}`, paint)];
    case 'watch-failed':
      return [
        line(report.rule.machine, paint('red', `${workText(report)} failed: ${report.message}`), paint),
        ...(report.output ?? []).map((text) => line(report.rule.machine, paint('dim', `| ${text}`), paint)),
        ...hintLines(report.hint),
      ];
    case 'watch-paused':
      return [
        line(
          report.rule.machine,
          paint('yellow', `${ruleText(report.rule)} is paused: ${pauseText(report)}`),
          paint,
        ),
        `  hint: \`ignore: ${report.file}\` in the rule leaves the file out; an edit of the rule resumes it`,
      ];
    case 'watch-waiting':
      return [
        line(report.machine, paint('yellow', 'is not running: its rules wait for the next start'), paint),
      ];
    case 'watch-trouble':
      return [`krun: ${report.message}`, ...hintLines(report.hint)];
    case 'watch-project':
      return [projectText(report)];
    default:
      return unreachable(report);
  }
}

type Step = Extract<WatchReport, { type: 'watch-step' }>;
type Failed = Extract<WatchReport, { type: 'watch-failed' }>;

function stepText(step: Step): string {
  const { rule, causes, files, deleted, isWhole } = step;
  switch (step.step) {
    case 'sync': {
      const counts = [
        ...(files > 0 || deleted === 0 ? [count(files, 'file')] : []),
        ...(deleted > 0 ? [`${deleted} deleted`] : []),
      ].join(', ');
      const names =
        causes.length === 0 ? '' : ` (${nameList(causes, Math.max(files + deleted, causes.length))})`;
      const how = isWhole ? ' by comparison' : '';
      return `sync ${rule.path} -> ${rule.target ?? ''}: ${counts}${names}${how}`;
    }
    case 'exec':
      return `exec ${(step.command ?? []).join(' ')}: ${changed(step)}`;
    case 'restart':
    case 'rebuild':
      return `${step.step}: ${changed(step)}`;
  }
}

function workText({ step, rule }: Failed): string {
  return step === 'sync' ? `sync ${rule.path} -> ${rule.target ?? ''}` : step;
}

function changed({ causes, files, rule }: Step): string {
  const names = causes.length === 0 ? rule.path : nameList(causes, Math.max(files, causes.length));
  return `${names} changed`;
}

/** The first names, and that there are more. */
function nameList(names: readonly string[], total: number): string {
  return names.join(', ') + (total > names.length ? ', …' : '');
}

function ruleText({ action, path }: RuleName): string {
  return `${action} of ${path}`;
}

function pauseText({ file }: { readonly file: string }): string {
  return `${file} changes after each of its cycles, so it would go on for ever`;
}

function projectText({ result, files, ms }: Extract<WatchReport, { type: 'watch-project' }>): string {
  const subject = files.join(', ') || 'the project';
  switch (result) {
    case 'invalid':
      return `${subject}: not valid, so everything goes on as before`;
    case 'applied':
      return `${subject}: applied, ${duration(ms)}`;
    case 'same':
      return `${subject}: nothing to do`;
    case 'failed':
      return `${subject}: could not be applied; the next edit tries again`;
  }
}

function line(subject: string, text: string, paint: Paint): string {
  return `${paint('bold', subject)}  ${text}`;
}

function hintLines(hint: string | undefined): readonly string[] {
  return hint === undefined ? [] : [`  hint: ${hint}`];
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}

function duration(ms: number): string {
  return ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`;
}
