import { spawnSync } from 'node:child_process';
import { chown } from 'node:fs/promises';

/** How to start PostgreSQL's programs: PostgreSQL refuses to run as root, so as root they run as somebody else. */
export interface Identity {
  /** For spawn(). Empty: as ourselves. */
  readonly spawnAs: { uid?: number; gid?: number };
  /** What the command line starts with, when a user namespace stands in for another user. */
  readonly prefix: readonly string[];
}

// Debian's and everybody's uid of nobody/nogroup: no user has to be created on the machine.
const nobody = 65534;

/**
 * @param program a PostgreSQL program that must be executable
 * @param directory the cluster's directory, which exists; given to the other user where there is one
 * @throws when we are root and neither way works, saying what to do
 */
export async function chooseIdentity(program: string, directory: string): Promise<Identity> {
  if (process.geteuid?.() !== 0) return { spawnAs: {}, prefix: [] };

  const spawnAs = { uid: nobody, gid: nobody };
  const canReach = (...test: string[]) => spawnSync('test', test, spawnAs).status === 0;
  await chown(directory, nobody, nobody);
  if (canReach('-x', program) && canReach('-w', directory)) return { spawnAs, prefix: [] };

  // A clone under /root (mode 700) is closed to every other user. In a user namespace we keep our rights on files
  // while PostgreSQL sees an ordinary user.
  await chown(directory, 0, 0);
  const prefix = ['unshare', '--user', '--map-user=1000', '--map-group=1000', '--'];
  if (spawnSync('unshare', [...prefix.slice(1), 'test', '-w', directory]).status === 0) return { spawnAs: {}, prefix };

  throw new Error(
    `PostgreSQL does not run as root, and no other user can reach ${directory}. ` +
      'Start as an ordinary user, move the folder out of /root, or set DATABASE_URL to a PostgreSQL of your own.',
  );
}
