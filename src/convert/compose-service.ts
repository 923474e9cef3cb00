import type { Node, YAMLMap } from 'yaml';
import type { FileKind } from '../config/file-access.ts';
import type { Names } from './compose-names.ts';
import { keyOf, valueOf, type Entry } from './yaml-nodes.ts';

/** What converting one compose file gathers and needs. */
export interface ComposeFile {
  /** All services by compose's names, without those that are no containers. */
  readonly services: ReadonlyMap<string, YAMLMap>;
  readonly names: {
    readonly machines: Names;
    readonly networks: Names;
    readonly secrets: Names;
    readonly configs: Names;
  };
  /** Services that others wait for until they have ended well. */
  readonly tasks: ReadonlySet<string>;
  /** What a path is that is relative to the compose file. */
  readonly kindOf: (path: string) => FileKind;
  /** Configs that krun.yaml has beside those of the file: name to path. */
  readonly madeConfigs: Map<string, string>;
  /** What is true of the whole file and told at the first place that it is about. */
  readonly told: Set<string>;
  /** Directories that krun.yaml names and that do not exist. */
  readonly missingDirectories: Set<string>;
  /** Tells what does not carry over; the node says the line. */
  note(about: string, at: Node | null | undefined, text: string): void;
}

/** One service on its way to a machine. */
export interface Service {
  readonly file: ComposeFile;
  /** compose's name. */
  readonly name: string;
  /** krun's name. */
  readonly machine: string;
  readonly map: YAMLMap;
  /** Its key, for what is said about all of it. */
  readonly key: Node;
}

/** What becomes of one key of a service: no entries, one, or several. */
export type KeyConverter = (entry: Entry, service: Service) => readonly Entry[];

/** The value of a key of a service. */
export function serviceValue(service: Service, key: string): Node | null | undefined {
  return valueOf(service.map, key);
}

/** Tells something about a key of a service, or about a part of it. */
export function noteService(service: Service, at: Entry, text: string, part = ''): void {
  service.file.note(`services.${service.name}.${keyOf(at)}${part}`, at.key, text);
}

/** Tells something that is true of other services as well, at the first of them. */
export function noteOnce(service: Service, at: Entry, text: string): void {
  if (service.file.told.has(text)) return;
  service.file.told.add(text);
  noteService(service, at, text);
}
