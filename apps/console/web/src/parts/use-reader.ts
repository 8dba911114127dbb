import { useState } from 'react';
import type { Session } from '../api/session.js';

const readerKey = 'isocenter.reader';

export interface Reader {
  /** In whose name studies are read here; empty: nobody's yet. */
  name: string;
  /** The name is that of the token, and cannot be another. */
  isFixed: boolean;
  /** May read studies at all. */
  mayRead: boolean;
  isAdmin: boolean;
  setName: (name: string) => void;
}

/** Who reads: the token's owner; where nobody has a token of their own, whoever types a name. */
export function useReader(session: Session | undefined): Reader {
  const [typed, setTyped] = useState(() => localStorage.getItem(readerKey) ?? '');
  const setName = (name: string) => {
    localStorage.setItem(readerKey, name.trim());
    setTyped(name);
  };
  const isFixed = session?.hasAccounts === true;
  const roles = session?.roles ?? [];
  const isAdmin = roles.includes('admin');
  return {
    name: isFixed ? (session.name ?? '') : typed.trim(),
    isFixed,
    mayRead: isFixed ? session.name !== null && (roles.includes('reader') || isAdmin) : true,
    isAdmin,
    setName,
  };
}
