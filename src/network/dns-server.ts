import packet, { type Answer, type OptAnswer, type Packet, type Question } from 'dns-packet';
import { formatIpv4 } from '../base/ipv4.ts';
import { u16At, u32At } from './ethernet.ts';
import { NETWORK_DOMAIN, type NameTable } from './names.ts';

/** Short, because a machine may be made anew with another address. */
const TTL_SECONDS = 10;
const HEADER_BYTES = 12;
const NAME_ERROR = 3;
/** What every client takes over UDP. An alias of more machines than fit has the addresses of some. */
const LEAST_UDP_BYTES = 512;
/** EDNS (RFC 6891): whoever sends it gets it back. */
const OPT: OptAnswer = {
  type: 'OPT',
  name: '.',
  udpPayloadSize: 1232,
  extendedRcode: 0,
  ednsVersion: 0,
  flags: 0,
  flag_do: false,
  options: [],
};

/**
 * Answers a query for a name of the network, over UDP. Undefined: the query is for a real name server, as is one that
 * cannot be read.
 *
 * Queries over TCP are not looked at: that would take a TCP of the switch's own, and a client has no reason to come
 * over TCP, because no answer of ours is ever truncated.
 */
export function answerDns(table: NameTable, message: Buffer): Buffer | undefined {
  const query = decodeQuery(message);
  const question = query?.questions?.[0];
  const found = question && lookUp(table, question);
  if (query === undefined || question === undefined || found === undefined) return undefined;
  const encode = (answers: readonly Answer[]): Buffer =>
    packet.encode({
      type: 'response',
      id: query.id ?? 0,
      flags: flagsOf(query, found),
      questions: [question],
      answers: [...answers],
      additionals: query.additionals?.some(({ type }) => type === 'OPT') ? [OPT] : [],
    });
  const whole = encode(found.answers);
  if (whole.length <= LEAST_UDP_BYTES) return whole;
  // All records of an answer are of one length: the same name, and an address.
  const empty = encode([]).length;
  const each = (whole.length - empty) / found.answers.length;
  return encode(found.answers.slice(0, Math.max(1, Math.floor((LEAST_UDP_BYTES - empty) / each))));
}

interface Found {
  readonly exists: boolean;
  readonly answers: readonly Answer[];
}

function lookUp(table: NameTable, { name, type }: Question): Found | undefined {
  const reverse = table.reverse(name);
  if (reverse !== undefined) {
    const answer: Answer = { name, type: 'PTR', ttl: TTL_SECONDS, data: reverse };
    return { exists: true, answers: asksFor(type, 'PTR') ? [answer] : [] };
  }
  const addresses = table.addresses(name);
  if (addresses === undefined) return undefined;
  const answers = addresses.map((ip): Answer => ({
    name,
    type: 'A',
    ttl: TTL_SECONDS,
    data: formatIpv4(ip),
  }));
  const exists = answers.length > 0 || name.toLowerCase() === NETWORK_DOMAIN;
  // Other kinds of records, AAAA among them, do not exist; the name does, and saying otherwise would hide its address.
  return { exists, answers: asksFor(type, 'A') ? answers : [] };
}

function asksFor(asked: string, type: string): boolean {
  return asked === type || asked === 'ANY';
}

function flagsOf(query: Packet, { exists }: Found): number {
  const kept = (query.flags ?? 0) & packet.RECURSION_DESIRED;
  return packet.AUTHORITATIVE_ANSWER | packet.RECURSION_AVAILABLE | kept | (exists ? 0 : NAME_ERROR);
}

/** An ordinary query with one question of class IN that is understood to the last byte. */
function decodeQuery(message: Buffer): Packet | undefined {
  if (message.length < HEADER_BYTES || (u16At(message, 2) & 0xf800) !== 0) return undefined;
  // Looked at before the rest, because decoding takes time that a guest should not decide about.
  if (u32At(message, 4) !== 0x0001_0000 || u16At(message, 8) !== 0 || u16At(message, 10) > 1)
    return undefined;
  const query = decode(message);
  const question = query?.questions?.[0];
  if (question?.class !== 'IN') return undefined;
  // The answer repeats the question, and what dns-packet reads as text may be other bytes: a dot inside of a label.
  const repeated = packet.encode({ type: 'query', questions: [question] }).subarray(HEADER_BYTES);
  const asked = message.subarray(HEADER_BYTES, HEADER_BYTES + repeated.length);
  return asked.equals(repeated) ? query : undefined;
}

function decode(message: Buffer): Packet | undefined {
  try {
    return packet.decode(message);
  } catch (error) {
    // Bytes that are no DNS: the real server is to say what is wrong with them.
    if (error instanceof Error) return undefined;
    throw error;
  }
}
