import { BlockList, isIP } from 'node:net';

/** Not of the public internet (IANA's special-purpose registries). */
const specialIpv4 = [
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.0.0.0/24',
  '192.0.2.0/24',
  '192.88.99.0/24',
  '192.168.0.0/16',
  '198.18.0.0/15',
  '198.51.100.0/24',
  '203.0.113.0/24',
  '224.0.0.0/4',
  '240.0.0.0/4',
];
/** Public is only 2000::/3, and of that not what leads into other networks: Teredo, 6to4, and what documents use. */
const publicIpv6 = ['2000::/3'];
const specialIpv6 = ['2001::/23', '2001:db8::/32', '2002::/16', '3fff::/20'];

const special = listOf([...specialIpv4, ...specialIpv6]);
const global = listOf(publicIpv6);

/** Decides which addresses a webhook may be sent to. */
export class AllowedAddresses {
  private readonly allowed: BlockList;

  /** @param networks that are allowed whatever they are, e.g. `10.20.0.0/16` */
  constructor(networks: readonly string[]) {
    this.allowed = listOf(networks);
  }

  /** @param isClear over http: without encryption only into networks that were named */
  has(address: string, isClear: boolean): boolean {
    const family = isIP(address) === 6 ? 'ipv6' : 'ipv4';
    if (isIP(address) === 0) return false;
    if (this.allowed.check(address, family)) return true;
    if (isClear || special.check(address, family)) return false;
    // An IPv4 address in IPv6's clothes is outside of 2000::/3, and so is whatever else is not public.
    return family === 'ipv4' || global.check(address, family);
  }
}

function listOf(networks: readonly string[]): BlockList {
  const list = new BlockList();
  for (const network of networks) {
    const [address = '', bits] = network.split('/');
    const isIpv6 = isIP(address) === 6;
    list.addSubnet(address, bits === undefined ? (isIpv6 ? 128 : 32) : Number(bits), isIpv6 ? 'ipv6' : 'ipv4');
  }
  return list;
}
