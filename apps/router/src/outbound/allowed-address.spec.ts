import { describe, expect, it } from '@jest/globals';
import { AllowedAddresses } from './allowed-address.js';

const none = new AllowedAddresses([]);

describe('AllowedAddresses', () => {
  it.each(['93.184.215.14', '8.8.8.8', '2606:4700:4700::1111', '2a00:1450:4001:800::200e'])('lets %s be', (address) => {
    expect(none.has(address, false)).toBe(true);
    // In clear text nothing leaves for a network that nobody named.
    expect(none.has(address, true)).toBe(false);
  });

  it.each([
    '127.0.0.1',
    '127.255.255.254',
    '0.0.0.0',
    '10.1.2.3',
    '172.16.0.1',
    '172.31.255.255',
    '192.168.1.1',
    '169.254.169.254',
    '100.64.0.1',
    '198.18.0.1',
    '224.0.0.1',
    '255.255.255.255',
    '::',
    '::1',
    'fe80::1',
    'fc00::1',
    'fd12:3456::1',
    'ff02::1',
    '::ffff:127.0.0.1',
    '::ffff:7f00:1',
    '::ffff:8.8.8.8',
    '64:ff9b::7f00:1',
    '2002:7f00:1::',
    '2001:db8::1',
    'localhost',
    '',
  ])('refuses %s', (address) => {
    expect(none.has(address, false)).toBe(false);
  });

  it('lets networks be that were named, also in clear text, and no other', () => {
    const some = new AllowedAddresses(['10.20.0.0/16', '127.0.0.1', 'fd00:1::/32']);
    for (const address of ['10.20.255.1', '127.0.0.1', 'fd00:1::5', '::ffff:10.20.0.9']) {
      expect([address, some.has(address, true)]).toEqual([address, true]);
    }
    for (const address of ['10.21.0.1', '127.0.0.2', 'fd00:2::5', '169.254.169.254']) {
      expect([address, some.has(address, false)]).toEqual([address, false]);
    }
  });
});
