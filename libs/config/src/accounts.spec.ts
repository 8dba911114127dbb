import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { loadConfig } from './config.js';

const apiToken = 'the-token-of-the-suite-itself-32-characters';
const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');
const ada = { name: 'Dr. Ada Lovelace', roles: ['reader'], sha256: sha256('ada') };

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'isocenter-tokens-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

function load(content: unknown, token: string | undefined = apiToken) {
  const file = path.join(folder, 'tokens.json');
  writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content));
  return loadConfig('suite', { ISOCENTER_TOKENS_FILE: file, ISOCENTER_API_TOKEN: token });
}

describe('the file of named tokens', () => {
  it('names who has which token, and what they may', () => {
    expect(load([ada]).accounts).toEqual([ada]);
    expect(load([{ ...ada, sha256: ada.sha256.toUpperCase() }]).accounts).toEqual([ada]);
    expect(loadConfig('suite', {}).accounts).toEqual([]);
  });

  it.each([
    ['that is no JSON', '{', 'JSON'],
    ['with a role nobody has', [{ ...ada, roles: ['king'] }], '0.roles.0'],
    ['without a role', [{ ...ada, roles: [] }], '0.roles'],
    ['with a token in place of its digest', [{ ...ada, sha256: 'my-secret' }], 'SHA-256'],
    ['with a name DICOM would take apart', [{ ...ada, name: 'Ada^Lovelace' }], '0.name'],
    ['with a field it does not know', [{ ...ada, token: 'x' }], 'token'],
    ['with two of one name', [ada, { ...ada, sha256: sha256('b') }], 'two accounts'],
    ['with one token for two', [ada, { ...ada, name: 'Bob' }], 'another one'],
    ["with the suite's own token", [{ ...ada, sha256: sha256(apiToken) }], 'another one'],
  ])('is refused %s', (_what, content, says) => {
    expect(() => load(content)).toThrow(says);
  });

  it('is refused where the suite has no token of its own, or where there is none', () => {
    expect(() => load([ada], '')).toThrow('ISOCENTER_API_TOKEN');
    expect(() =>
      loadConfig('suite', { ISOCENTER_TOKENS_FILE: path.join(folder, 'none'), ISOCENTER_API_TOKEN: apiToken }),
    ).toThrow('ENOENT');
  });
});

describe('ISOCENTER_WEBHOOK_NETWORKS', () => {
  it('is networks and addresses', () => {
    const networks = (text: string) => loadConfig('suite', { ISOCENTER_WEBHOOK_NETWORKS: text }).webhookNetworks;
    expect(networks('10.0.0.0/8, 192.168.1.7,fd00::/8')).toEqual(['10.0.0.0/8', '192.168.1.7', 'fd00::/8']);
    for (const wrong of ['10.0.0.0/33', 'example.org', '10.0.0/8', '10.0.0.0/8/8', '::/129']) {
      expect(() => networks(wrong)).toThrow('is no network');
    }
  });
});
