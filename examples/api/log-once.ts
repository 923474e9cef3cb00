// libkrun's log is initialised once in a process; the second time is an error of JavaScript instead of an abort.
import { OncePerProcess, stubLibkrun } from 'krun/libkrun';

const library = stubLibkrun(); // The same with loadLibkrun().
library.setLogLevel({ level: 'debug' });
try {
  library.initLog({ level: 'info', style: 'never' });
} catch (error) {
  if (!(error instanceof OncePerProcess)) throw error;
  console.log(`${error.message}\n${error.hint}`);
}
