import type { Place } from './place.ts';

/** What every system takes: sun_path holds 104 bytes on macOS and 108 on Linux, with the terminating NUL. */
export const LONGEST_SOCKET_PATH = 103;

/** Reports the path of a unix socket that the system could not take; `reserved` bytes are needed behind it. */
export function checkSocketPath(path: string, at: Place, reserved = 0): void {
  const bytes = new TextEncoder().encode(path).length;
  const most = LONGEST_SOCKET_PATH - reserved;
  if (bytes <= most) return;
  at.error('limit', `the absolute path of this socket has ${bytes} bytes; ${most} are possible`, {
    hint: 'choose a place with a shorter path',
  });
}
