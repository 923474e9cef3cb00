/** Ethernet address of gvproxy's gateway: its own default, and `stack.gatewayMacAddress` of a configuration. */
export const GATEWAY_MAC = '5a:94:ef:e4:0c:dd';
