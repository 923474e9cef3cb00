/** The connected socket behind one of the guest's interfaces. */
export type LinkName = `eth${number}`;

/** How an interface's socket is named among the descriptors. */
export function linkName(index: number): LinkName {
  return `eth${index}`;
}
