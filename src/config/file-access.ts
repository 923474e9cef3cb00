/** What loading a configuration needs of the outside world, as a value. */
export interface FileAccess {
  readFile(path: string): Promise<FileContent>;
  kindOf(path: string): Promise<FileKind>;
  /** Whether this user may run a file. */
  isExecutable(path: string): Promise<boolean>;
  /** Absolute path without symbolic links; the path itself where it does not exist. */
  realPath(path: string): Promise<string>;
}

export type FileContent =
  | { readonly kind: 'file'; readonly bytes: Uint8Array }
  | { readonly kind: 'missing' }
  | { readonly kind: 'directory' }
  /** Unreadable; `message` is the system's, such as `EACCES: permission denied`. */
  | { readonly kind: 'error'; readonly message: string };

export type FileKind = 'file' | 'directory' | 'other' | 'missing';
