// A kernel that is not there: what libkrun says of a file, and what is refused before libkrun is asked.
import { ArgumentError, KrunError, stubLibkrun } from 'krun/libkrun';

const context = stubLibkrun().createContext(); // The same with loadLibkrun().

const attempts = [
  { path: '/path/to/kernel', format: 'elf', cmdline: 'console=ttyS0' },
  { path: '/path/to/kernel', format: 'elf', initramfs: '/path/to/initrd' },
  { path: '/path/to/Image', format: 'raw' },
  { path: '/path/to/kernel', format: 'elf', cmdline: 'console=ttyS0 \u2026' },
] as const;

for (const options of attempts) {
  try {
    context.setKernel(options);
    console.log(`${options.path} is taken; an ELF file is looked at when the machine starts`);
  } catch (error) {
    if (!(error instanceof ArgumentError || error instanceof KrunError)) throw error;
    console.log(`${error.message}\n  ${error.hint}`);
  }
}
