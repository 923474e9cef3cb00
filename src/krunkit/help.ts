/** The text of `krun krunkit --help`. */
export const HELP: string = `Usage: krun krunkit --cpus N --memory SIZE [options]

Run one virtual machine in the foreground, with the options and the REST service of krunkit.
This process becomes the machine and ends with it.

Options:
  -c, --cpus N               virtual CPUs
  -m, --memory SIZE          memory in MiB, or with a unit: 2048M, 2G; at most 60G
      --device DEVICE        a device, repeatable; see below
      --restful-uri URI      REST service at unix:///PATH, tcp://localhost:PORT or tcp://IPV4:PORT;
                             none:// by default
      --pidfile FILE         write the process id there when the machine starts
      --krun-log-level N     libkrun's log: 0 off, 1 error, 2 warn, 3 info (default), 4 debug, 5 trace
      --log-file FILE        append libkrun's log to the file instead of standard error
  -n, --nested               nested virtualization, where the host can do it
  -f, --firmware-path FILE   EFI firmware instead of the one that comes with krunkit
      --oem-string TEXT      SMBIOS OEM string, repeatable
      --timesync vsockPort=PORT
                             set the guest's clock after the host slept, through qemu-ga at that port
      --bootloader efi,variable-store=FILE,create
      --gui                  both accepted and without effect, as in krunkit
      --krun-print-calls     print what libkrun would be told, and start nothing
  -h, --help                 print this help
  -V, --version              print the version of krun

Devices:
  virtio-blk,path=IMAGE[,format=raw|qcow2]
                             a disk; the first one is booted
  virtio-net,type=unixgram,path=SOCKET|fd=N,mac=MAC[,offloading=on|off][,vfkitMagic=on|off]
                             an interface that gvproxy or vmnet-helper serves
  virtio-net,type=unixstream,path=SOCKET|fd=N,mac=MAC[,offloading=on|off]
                             an interface that passt or socket_vmnet serves
  virtio-net,unixSocketPath=SOCKET,mac=MAC
                             as type=unixgram with offloading=on,vfkitMagic=on
  virtio-vsock,port=PORT,socketURL=SOCKET[,listen|connect]
                             listen: guests connect to a host program at the socket (default);
                             connect: host programs connect to the guest
  virtio-serial,logFilePath=FILE
                             the console goes into the file, which is emptied; else to the terminal
  virtio-fs,sharedDir=DIRECTORY,mountTag=TAG[,permissionSemantics=complete|simplified]
  virtio-rng | virtio-gpu,width=W,height=H | virtio-input,keyboard|pointing
                             accepted and without effect, as in krunkit

Where libkrun has no EFI firmware for the host (x86-64), the root file system on the first disk is
found, and its own init runs under the kernel of libkrunfw.

REST service:
  GET  /vm/state             {"state":"VirtualMachineStateRunning","canStop":true,...}
  POST /vm/state             {"state":"Stop"} asks the guest to shut down; {"state":"HardStop"} ends it
  GET  /vm/inspect           the machine's configuration
`;
