// The variants of libkrun, which of them are here, and what each cannot do.
import {
  availability,
  LibkrunNotAvailable,
  loadLibkrun,
  NotSupportedByVariant,
  stubLibkrun,
  VARIANTS,
} from 'krun/libkrun';

for (const variant of VARIANTS) {
  const lacks = Object.entries(availability).filter(([, { variants }]) => !variants.includes(variant));
  console.log(`${variant}: lacks ${lacks.map(([name]) => name).join(', ')}`);
  try {
    const library = loadLibkrun({ variant });
    console.log(`  ${library.path} ${library.version ?? ''}`);
  } catch (error) {
    if (!(error instanceof LibkrunNotAvailable)) throw error;
    console.log(`  ${error.hint}`);
  }
}

try {
  stubLibkrun({ variant: 'sev' }).createContext().setRoot({ path: '/path/to/rootfs' });
} catch (error) {
  if (!(error instanceof NotSupportedByVariant)) throw error;
  console.log(error.message);
}
