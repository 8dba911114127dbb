import { describe, expect, it } from '@jest/globals';
import { baseUrl } from './base-url.js';

const at = (headers: Record<string, string | string[]>, isEncrypted = false) =>
  baseUrl({ headers, isEncrypted, localAddress: '10.0.0.1', localPort: 8080 });

describe('baseUrl', () => {
  it.each([
    [{ host: 'pacs.example' }, 'http://pacs.example'],
    [{ host: 'pacs.example:8080' }, 'http://pacs.example:8080'],
    [{ host: '[::1]:8080' }, 'http://[::1]:8080'],
    [{}, 'http://10.0.0.1:8080'],
    [{ host: 'evil"><script>' }, 'http://10.0.0.1:8080'],
    [{ host: 'user@evil' }, 'http://10.0.0.1:8080'],
    [{ host: 'a', 'x-forwarded-proto': 'https' }, 'https://a'],
    [{ host: 'a', 'x-forwarded-proto': 'https, http' }, 'https://a'],
    [{ host: 'a', 'x-forwarded-proto': 'javascript' }, 'http://a'],
    [{ host: 'a', 'x-forwarded-host': 'pacs.example, inner' }, 'http://pacs.example'],
    [{ host: 'a', 'x-forwarded-host': ['pacs.example'], 'x-forwarded-port': '8443' }, 'http://pacs.example:8443'],
    [{ host: 'a', 'x-forwarded-host': 'b:81', 'x-forwarded-port': '8443' }, 'http://b:81'],
    [{ host: 'a', 'x-forwarded-host': 'b', 'x-forwarded-proto': 'https', 'x-forwarded-port': '443' }, 'https://b'],
    [{ host: 'a', 'x-forwarded-prefix': '/pacs/' }, 'http://a/pacs'],
    [{ host: 'a', 'x-forwarded-prefix': '/pacs/../..%2f"' }, 'http://a'],
    [{ host: 'a', forwarded: 'for=1.2.3.4;proto=https;host=pacs.example' }, 'https://pacs.example'],
    [
      { host: 'a', forwarded: 'For="[2001:db8::1]";Proto=https;Host="pacs.example:8443", for=5.6.7.8' },
      'https://pacs.example:8443',
    ],
    [{ host: 'a', forwarded: 'nonsense' }, 'http://a'],
    [{ host: 'a', forwarded: 'proto=https', 'x-forwarded-host': 'b' }, 'https://b'],
  ])('%j: %s', (headers, expected) => {
    expect(at(headers as Record<string, string>)).toBe(expected);
  });

  it('says https for an encrypted connection', () => {
    expect(at({ host: 'pacs.example' }, true)).toBe('https://pacs.example');
  });
});
