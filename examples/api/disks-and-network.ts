// A disk in each of the ways that libkrun has, a network through passt or gvproxy, and ports through TSI without either.
import { formatCall, NET_COMPAT_FEATURES, stubLibkrun } from 'krun/libkrun';

const library = stubLibkrun(); // The same with loadLibkrun().

const networked = library.createContext();
networked.addDisk2({ id: 'root', path: '/path/to/root.qcow2', format: 'qcow2' });
networked.addDisk3({ id: 'data', path: '/path/to/data.raw', format: 'raw', readOnly: true, sync: 'none' });
networked.setRootDiskRemount({ device: '/dev/vda', fstype: 'ext4' });
// passt: its socket's path, or `fd` of one that is connected to it.
networked.addNetUnixstream({
  path: '/run/passt.sock',
  mac: '52:54:00:12:34:56',
  features: NET_COMPAT_FEATURES,
});
networked.addNetUnixgram({ path: '/run/gvproxy.sock', mac: '52:54:00:12:34:57', flags: ['vfkit'] });

const tsi = library.createContext();
tsi.setRoot({ path: '/path/to/rootfs' });
tsi.setPortMap({ ports: [{ host: 8080, guest: 80 }] });

console.log(library.calls.map(formatCall).join('\n'));
