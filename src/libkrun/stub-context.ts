import { constants } from 'node:os';
import type { Argument } from '../vm/calls.ts';
import { MOST_DISPLAYS, NET_FEATURES, ROOT_TAG } from '../vm/constants.ts';
import type { LibkrunFunction } from '../vm/functions.ts';

const { EALREADY, EEXIST, EINVAL, ENODEV, ENOENT, ENOMEM, ENOTDIR } = constants.errno;

/** What a stub's context remembers to answer as libkrun does. */
export class StubContext {
  #vsock: 'implicit' | 'none' | 'explicit' = 'implicit';
  #hasConsoleOutput = false;
  #disks = 0;
  #interfaces = 0;
  readonly #consoles: ('default' | 'multiport')[] = [];
  readonly #displays: { hasEdid: boolean }[] = [];
  /** Overlay directories and files of each share, by tag and path. */
  readonly #shares = new Map<string, Map<string, 'directory' | 'file'>>();
  readonly #isLinux: boolean;
  /** Whether it is libkrun 1.18 or newer. */
  readonly #is118: boolean;

  constructor(os: string, is118: boolean) {
    this.#isLinux = os === 'linux';
    this.#is118 = is118;
  }

  /** Result of a call whose first argument, the context, is left out. */
  answer(name: LibkrunFunction, args: readonly Argument[]): number {
    const [first, second] = args;
    switch (name) {
      case 'krun_set_nested_virt':
        return this.#isLinux && !this.#is118 ? -EINVAL : 0;
      case 'krun_split_irqchip':
        return first === true && (process.arch !== 'x64' || !this.#isLinux) ? -EINVAL : 0;
      case 'krun_get_shutdown_eventfd':
      case 'krun_set_mapped_volumes':
        return -EINVAL;
      case 'krun_set_console_output':
        if (this.#hasConsoleOutput) return -EINVAL;
        this.#hasConsoleOutput = true;
        return 0;
      default:
        return (
          this.#storage(name, args) ??
          this.#network(name, args) ??
          this.#console(name, first) ??
          this.#display(name, first, second) ??
          0
        );
    }
  }

  #storage(name: LibkrunFunction, args: readonly Argument[]): number | undefined {
    if (name === 'krun_set_root') return this.#addShare(ROOT_TAG);
    if (name.startsWith('krun_add_virtiofs')) return this.#addShare(String(args[0]));
    if (name === 'krun_add_disk' || name === 'krun_add_disk2' || name === 'krun_add_disk3') {
      this.#disks += 1;
      return 0;
    }
    if (name === 'krun_set_root_disk_remount')
      return this.#disks === 0 || this.#shares.has(ROOT_TAG) ? -EINVAL : this.#addShare(ROOT_TAG);
    if (name === 'krun_fs_add_overlay_file') return this.#overlay(String(args[0]), String(args[1]), 'file');
    if (name === 'krun_fs_add_overlay_dir')
      return this.#overlay(String(args[0]), String(args[1]), 'directory');
    return undefined;
  }

  #addShare(tag: string): number {
    this.#shares.set(tag, this.#shares.get(tag) ?? new Map<string, 'directory' | 'file'>());
    return 0;
  }

  #overlay(tag: string, path: string, kind: 'directory' | 'file'): number {
    const entries = this.#shares.get(tag);
    if (!entries) return -ENOENT;
    const words = path.replace(/^\//, '').split('/');
    if (words.at(-1) === '') return -EINVAL;
    for (let depth = 1; depth < words.length; depth++) {
      const parent = entries.get(words.slice(0, depth).join('/'));
      if (parent !== 'directory') return parent === undefined ? -ENOENT : -ENOTDIR;
    }
    entries.set(words.join('/'), kind);
    return 0;
  }

  #network(name: LibkrunFunction, args: readonly Argument[]): number | undefined {
    switch (name) {
      case 'krun_add_net_unixstream':
      case 'krun_add_net_unixgram':
        return this.#addInterface(name, args[3], args[4]);
      case 'krun_add_net_tap':
        return this.#isLinux ? this.#addInterface(name, args[2], args[3]) : -EINVAL;
      case 'krun_set_passt_fd':
      case 'krun_set_gvproxy_path':
        return this.#interfaces > 0 ? -EINVAL : 0;
      case 'krun_set_port_map':
        return this.#mapPorts(args[0] as readonly string[]);
      case 'krun_disable_implicit_vsock':
        this.#vsock = 'none';
        return 0;
      case 'krun_add_vsock':
        if (!this.#isLinux && Number(args[0]) > 1) return -EINVAL;
        if (this.#vsock !== 'none') return -EEXIST;
        this.#vsock = 'explicit';
        return 0;
      case 'krun_add_vsock_port':
      case 'krun_add_vsock_port2':
        return this.#vsock === 'none' ? -ENODEV : 0;
      default:
        return undefined;
    }
  }

  #addInterface(name: LibkrunFunction, features: unknown, flags: unknown): number {
    const [bits, known] = [Number(features), name === 'krun_add_net_unixgram' ? 1 : 0];
    if ((Number(flags) & ~(known | (this.#is118 ? 2 : 0))) !== 0) return -EINVAL;
    const { guest_csum, guest_tso4, guest_tso6, guest_ufo } = NET_FEATURES;
    const needsChecksums = (bits & (guest_tso4 | guest_tso6 | guest_ufo)) !== 0;
    if (name === 'krun_add_net_tap' && needsChecksums && (bits & guest_csum) === 0) return -EINVAL;
    this.#interfaces += 1;
    return 0;
  }

  #mapPorts(ports: readonly string[]): number {
    const sides = [0, 1].map((side) => ports.map((port) => port.split(':')[side]));
    if (sides.some((side) => new Set(side).size < side.length)) return -EINVAL;
    if (this.#vsock === 'none') return -ENODEV;
    return this.#interfaces > 0 ? -EINVAL : 0;
  }

  #console(name: LibkrunFunction, console: unknown): number | undefined {
    if (name === 'krun_add_virtio_console_default') {
      this.#consoles.push('default');
      return 0;
    }
    if (name === 'krun_add_virtio_console_multiport') return this.#consoles.push('multiport') - 1;
    if (name === 'krun_add_console_port_tty' || name === 'krun_add_console_port_inout')
      return this.#consoles[Number(console)] === 'multiport' ? 0 : -EINVAL;
    return undefined;
  }

  #display(name: LibkrunFunction, id: unknown, second: unknown): number | undefined {
    if (name === 'krun_add_display')
      return this.#displays.length === MOST_DISPLAYS ? -ENOMEM : this.#displays.push({ hasEdid: false }) - 1;
    if (!name.startsWith('krun_display_')) return undefined;
    const display = this.#displays[Number(id)];
    if (!display) return -EINVAL;
    if (second instanceof Uint8Array) {
      display.hasEdid = true;
      return 0;
    }
    if (!display.hasEdid) return 0;
    return name === 'krun_display_set_dpi' ? -EINVAL : -EALREADY;
  }
}
