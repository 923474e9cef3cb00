export interface NetworkChoice {
  readonly driver: NetworkDriver;
  /** Why `auto` became this driver; absent where the file names it. */
  readonly why?: string;
}

/** A machine on a network. */
export interface Attachment {
  /** The whole network, so that a machine's definition says all that its guest was told. */
  readonly network: Network;
  /** Lower-case colon form; stable for project, network and machine. Empty under TSI. */
  readonly mac: string;
  /** Fixed IPv4 address; chosen at the start and kept for the machine when absent. */
  readonly ip?: string;
  /** Further names of the machine on this network. */
  readonly aliases: readonly string[];
  /** Tap device of this machine, where it is not the network's. */
  readonly interface?: string;
}

export type Network =
  | GvproxyNetwork
  | PasstNetwork
  | VmnetNetwork
  | SocketVmnetNetwork
  | TapNetwork
  | UnixNetwork
  | TsiNetwork;

export type NetworkDriver = Network['driver'];

/** What every network with interfaces in the guest has. */
export interface InterfaceNetwork {
  readonly name: string;
  /** Largest IP packet in bytes. */
  readonly mtu: number;
  /** Leaves checksums and segmentation to the host: krunkit's virtio features 0x4C83. */
  readonly offloading: boolean;
  /** Name servers for the guests; empty: those that the network brings. */
  readonly dns: readonly string[];
  readonly dnsSearch: readonly string[];
}

/** krun's switch joins the machines, and gvproxy is its way out. */
export interface GvproxyNetwork extends InterfaceNetwork {
  readonly driver: 'gvproxy';
  /** IPv4 network such as `192.168.127.0/24`. */
  readonly subnet: string;
  /** Machines reach the host's loopback as `host.krun.internal`. */
  readonly hostAccess: boolean;
}

/** One passt for each machine; its machines do not see each other. */
export interface PasstNetwork extends InterfaceNetwork {
  readonly driver: 'passt';
  readonly subnet: string;
  readonly hostAccess: boolean;
}

/** macOS: one vmnet-helper for each machine, joined by the system where mode and addresses are equal. */
export interface VmnetNetwork extends InterfaceNetwork {
  readonly driver: 'vmnet';
  readonly mode: 'shared' | 'host' | 'bridged';
  /** Interface of the host to bridge to. */
  readonly interface?: string;
  /** Machines do not see each other. */
  readonly isolation: boolean;
  /** First address is the gateway. */
  readonly addresses?: { readonly start: string; readonly end: string; readonly mask: string };
}

/** macOS: a daemon that the administrator runs. */
export interface SocketVmnetNetwork extends InterfaceNetwork {
  readonly driver: 'socket_vmnet';
  readonly socket: string;
  /** Set where krun gives the guests their addresses; they ask the daemon's DHCP server otherwise. */
  readonly subnet?: string;
  readonly gateway?: string;
}

/** Linux: a tap device that the administrator makes. */
export interface TapNetwork extends InterfaceNetwork {
  readonly driver: 'tap';
  readonly interface?: string;
  /** Set where krun gives the guests their addresses; they ask a DHCP server otherwise. */
  readonly subnet?: string;
  readonly gateway?: string;
}

/** A backend that somebody else runs. */
export interface UnixNetwork extends InterfaceNetwork {
  readonly driver: 'unixstream' | 'unixgram';
  readonly socket: string;
  /** Sends vfkit's greeting after connecting (unixgram). */
  readonly vfkitMagic: boolean;
  readonly subnet?: string;
  readonly gateway?: string;
}

/** libkrun's transparent socket impersonation: guest sockets become host sockets. */
export interface TsiNetwork {
  readonly driver: 'tsi';
  readonly name: string;
  /** Address families whose sockets become the host's. */
  readonly hijack: readonly ('inet' | 'unix')[];
}

export type Port = HostPort | HostSocket;

/** A port of the host that leads to one of the guest. */
export interface HostPort {
  /** `auto`: a free one, chosen at the first start and kept for the project. */
  readonly host: number | 'auto';
  /** Address of the host; absent under TSI, where the guest's own choice counts. */
  readonly hostIp?: string;
  readonly guest: number;
  readonly protocol: 'tcp' | 'udp';
  readonly name?: string;
}

/** A unix socket of the host that leads to a TCP port of the guest. */
export interface HostSocket {
  /** Absolute. */
  readonly socket: string;
  readonly guest: number;
  readonly protocol: 'tcp';
  readonly name?: string;
}
